//! Requests from Xen with anything in them, also what Xen never makes: widths,
//! counts, directions and addresses, and the buffered page's slots.

use crate::traffic::Bench;
use ioemu_stub::xen::dispatch::dispatch;
use ioemu_stub::xen::{Request, buffered};
use xen_sys::hvm::ioreq::{BufIoreq, Ioreq};

/// Places where something is: ports, then device memory, then functions.
const PLACES: [u64; 8] = [
    0x1f0,
    0x170,
    0x3f8,
    0x3c0,
    0xa_0000,
    0xb_8000,
    0xf000_0000,
    0x10_0000_0010,
];

pub fn fuzz(data: &[u8]) {
    let bench = Bench::new();
    let memory = bench.world.surroundings().memory;
    for step in data.as_chunks::<16>().0.iter().take(64) {
        let word =
            |at: usize| u32::from_le_bytes([step[at], step[at + 1], step[at + 2], step[at + 3]]);
        let slot = |bits| BufIoreq {
            bits,
            data: word(8),
        };
        let request = if step[0] & 0x80 != 0 {
            buffered(&slot(word(4)), &slot(word(12)))
        } else {
            let place = PLACES[usize::from(step[1] & 7)];
            let wide = u64::from(word(4)) << (step[0] & 0x1f);
            Request::from(&Ioreq {
                addr: place
                    .wrapping_add(u64::from(step[2]))
                    .wrapping_add(wide & !0xffff),
                data: wide ^ u64::from(word(8)),
                count: word(12),
                size: u32::from(step[3] & 15),
                bits: step[1] & 0x70,
                type_: [0, 0, 1, 1, 1, 2, 7, step[3]][usize::from(step[0] >> 4)],
                ..Ioreq::default()
            })
        };
        let _ = dispatch(&request, &bench.machine, &*memory);
        for disk in &bench.disks {
            disk.go_on();
        }
    }
    // Whatever it was, RAM is where it was.
    assert!(memory.read(0, &mut [0; 16]).is_ok());
}
