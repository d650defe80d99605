//! The keyboard controller, with a user who types and moves all the time.

use crate::traffic::{Focus, run};
use ioemu_stub::bus::Width;
use ioemu_stub::chip::i8042::Buttons;

static FOCUS: Focus = Focus {
    ports: &[0x60..0x61, 0x64..0x65],
    memory: &[],
    functions: &[],
    setup: &[],
};

pub fn fuzz(data: &[u8]) {
    run(data, &FOCUS, |bench, step| {
        let input = &bench.machine.handles().input;
        let far = step.number as i32;
        match step.place % 4 {
            0 => input.borrow_mut().key(step.offset, step.number & 1 != 0),
            1 => input.borrow_mut().mouse_moved(far, far.rotate_left(7), far >> 9),
            2 => {
                let buttons = Buttons::from_bits(step.offset as u8);
                input.borrow_mut().mouse_buttons(buttons);
            }
            _ => drain(bench),
        }
    });
}

/// However much was typed and asked, what there is to read has an end.
fn drain(bench: &crate::traffic::Bench) {
    let machine = &bench.machine;
    for _ in 0..64 {
        if machine.port_read(0x64, Width::Byte) & 1 == 0 {
            return;
        }
        machine.port_read(0x60, Width::Byte);
    }
    panic!("the keyboard controller never runs dry");
}
