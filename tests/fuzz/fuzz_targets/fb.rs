//! The frame buffer's rings against a backend that writes anything into the
//! page: no event is written over one that it has not taken, and layouts that
//! are called good lie in their memory.
//!
//! An input is a list of steps of six bytes: what to do, where, and a number.

use xen_proto::fb::{self, Event, Layout, Told};
use xen_proto::mock::Page;
use xen_proto::ring::{EventReader, EventWriter, Memory};

pub fn fuzz(data: &[u8]) {
    let page = Page::new(4096);
    let mut out = EventWriter::attach(fb::OUT, &page);
    let mut told = EventReader::attach(fb::IN, &page);
    let mut backend = EventReader::attach(fb::OUT, &page);
    let (mut written, mut taken) = (0u64, 0u64);
    let mut lied = false;
    for record in data.chunks_exact(6) {
        let number = u32::from_le_bytes([record[2], record[3], record[4], record[5]]);
        let at = usize::from(record[1]);
        match record[0] % 5 {
            0 => {
                let event = Event::Update {
                    x: number,
                    y: number.rotate_left(8),
                    width: number.rotate_left(16),
                    height: number.rotate_left(24),
                };
                if let Ok(true) = out.write(&page, &event.bytes()) {
                    written += 1;
                }
            }
            1 => {
                let mut event = [0; 40];
                // One at a time: a backend may always claim more.
                if let Ok(true) = told.read(&page, &mut event) {
                    let _ = Told::parse(&event);
                }
            }
            2 => {
                let mut event = [0; 40];
                if let Ok(true) = backend.read(&page, &mut event) {
                    taken += 1;
                    assert!(lied || event[0] == 2, "an event as it was written");
                }
            }
            3 => {
                lied = true;
                page.store(at % 1000 * 4, number);
            }
            _ => layout(number, at as u8),
        }
        if !lied {
            assert!(taken <= written && written - taken <= 51);
        }
        assert!(out.room(&page).is_err() || out.room(&page).is_ok_and(|room| room <= 51));
    }
}

fn layout(number: u32, other: u8) {
    let layout = Layout {
        width: number & 0xffff,
        height: number >> 16,
        stride: number.rotate_left(other.into()),
        depth: other,
        offset: number.wrapping_mul(u32::from(other)),
    };
    for bytes in [0, 1 << 20, 1 << 24, u64::MAX] {
        if layout.fits(bytes) && layout.height > 0 {
            let lines = u128::from(layout.height - 1) * u128::from(layout.stride);
            let line = u128::from(layout.width) * u128::from(layout.depth.div_ceil(8));
            assert!(u128::from(layout.offset) + lines + line <= u128::from(bytes));
        }
    }
}
