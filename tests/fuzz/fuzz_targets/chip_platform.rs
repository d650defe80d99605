//! The Xen platform device: unplugging in the middle of everything that the
//! disks do.

use crate::traffic::{Focus, run};
use ioemu_stub::bus::Width;

static FOCUS: Focus = Focus {
    ports: &[0x10..0x20, 0xc000..0xc100, 0x1f0..0x1f8, 0x170..0x178],
    memory: &[0xf100_0000..0xf100_1000],
    functions: &[0x10],
    setup: &[
        (0x10, 0x10, 0xc000),
        (0x10, 0x14, 0xf100_0000),
        (0x10, 4, 3),
        (0x09, 0x40, 0x8000_8000),
        (0x09, 4, 5),
    ],
};

pub fn fuzz(data: &[u8]) {
    run(data, &FOCUS, |bench, step| {
        // A read of the disk, so that there is something to be unplugged from.
        let machine = &bench.machine;
        for (port, value) in [(0x1f2, 1), (0x1f3, step.place), (0x1f6, 0xe0), (0x1f7, 0x20)] {
            machine.port_write(port, Width::Byte, value.into());
        }
    });
}
