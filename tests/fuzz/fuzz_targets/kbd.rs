//! Keyboard and pointer from a backend that writes anything into the page, down
//! to the i8042 of a guest that reads now and then.
//!
//! An input is a list of steps of six bytes: what to do, where, and a number.

use std::cell::RefCell;
use std::rc::Rc;

use ioemu_stub::bus::{Registers, Width};
use ioemu_stub::chip::i8042::I8042;
use ioemu_stub::input::Input;
use ioemu_stub::surroundings::{Pins, Power, PowerState};
use xen_proto::kbd::{self, Event};
use xen_proto::mock::Page;
use xen_proto::ring::{EventReader, EventWriter, Memory};

struct Nothing;

impl Pins for Nothing {
    fn set_isa(&self, _: u8, _: bool) {}
    fn set_intx(&self, _: u8, _: u8, _: bool) {}
    fn route_link(&self, _: u8, _: u8) {}
}

impl Power for Nothing {
    fn set(&self, _: PowerState) {}
}

pub fn fuzz(data: &[u8]) {
    let pins: Rc<dyn Pins> = Rc::new(Nothing);
    let chip = Rc::new(RefCell::new(I8042::new(&pins, Rc::new(Nothing))));
    let mut input = Input::new(chip.clone());
    let page = Page::new(4096);
    let mut reader = EventReader::attach(kbd::IN, &page);
    let mut writer = EventWriter::attach(kbd::IN, &page);
    for record in data.chunks_exact(6) {
        let number = u32::from_le_bytes([record[2], record[3], record[4], record[5]]);
        match record[0] % 6 {
            // What a backend may say: kinds 1, 3 and 4, and others.
            0 | 1 => {
                let mut event = [0; 40];
                (event[0], event[1]) = (record[1] % 8, record[1] >> 7);
                event[4..8].copy_from_slice(&number.to_le_bytes());
                event[8..12].copy_from_slice(&number.rotate_left(11).to_le_bytes());
                event[12] = record[1];
                let _ = writer.write(&page, &event);
            }
            2 => page.store(usize::from(record[1]) * 16 % 4096, number),
            3 => {
                let mut event = [0; 40];
                if let Ok(true) = reader.read(&page, &mut event) {
                    heed(&mut input, Event::parse(&event), number);
                }
            }
            4 => {
                let mut chip = chip.borrow_mut();
                chip.write(record[1] & 1, 0, Width::Byte, u64::from(record[2]));
            }
            _ => {
                let mut chip = chip.borrow_mut();
                let value = chip.read(record[1] & 1, 0, Width::Byte);
                assert!(value <= 0xff);
            }
        }
    }
    input.release();
}

fn heed(input: &mut Input, event: Event, number: u32) {
    match event {
        Event::Key { code, pressed } => input.key(code & 0x1ff, pressed),
        Event::Motion { dx, dy, dz } => input.moved(dx, dy, dz),
        Event::Position { x, y, dz } => {
            let range = (number.cast_signed(), 0x7fff);
            input.placed((x, y), range, (number >> 16, number & 0xffff), dz);
        }
        Event::Unknown(_) => {}
    }
}
