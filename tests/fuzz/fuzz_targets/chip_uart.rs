//! Two serial ports: one whose far end takes everything, one whose far end is
//! full most of the time.

use crate::traffic::{Focus, run};

static FOCUS: Focus = Focus {
    ports: &[0x3f8..0x400, 0x2f8..0x300],
    memory: &[],
    functions: &[],
    setup: &[],
};

pub fn fuzz(data: &[u8]) {
    run(data, &FOCUS, |bench, step| {
        let port = &bench.machine.handles().serials[usize::from(step.place & 1)];
        match step.offset % 5 {
            0 => port.borrow_mut().receive(step.number as u8),
            1 => port.borrow_mut().receive_break(),
            2 => port.borrow_mut().set_modem(step.number as u8),
            3 => {
                bench.lines[1].set_room(step.number as usize % 20);
                port.borrow_mut().send_more();
            }
            _ => {
                let room = port.borrow_mut().room();
                assert!(room <= 16);
                bench.lines.iter().for_each(|line| _ = line.take());
            }
        }
    });
}
