//! PCI configuration: base addresses of every function that moves about, the
//! configuration ports, and what is behind the addresses just then.

use crate::traffic::{Focus, run};
use ioemu_stub::bus::Width;

static FOCUS: Focus = Focus {
    ports: &[0xcf8..0xd00, 0xc000..0xc100, 0..0x10000],
    memory: &[0xf000_0000..0xf001_0000, 0xfeb0_0000..0xfeb1_0000],
    functions: &[0x00, 0x08, 0x09, 0x0b, 0x10, 0x18],
    setup: &[(0x10, 4, 3), (0x18, 4, 3)],
};

pub fn fuzz(data: &[u8]) {
    run(data, &FOCUS, |bench, step| {
        // A whole configuration access by the ports.
        let address = 1 << 31 | u64::from(step.place) << 8 | u64::from(step.offset);
        let machine = &bench.machine;
        machine.port_write(0xcf8, Width::Dword, address);
        assert_eq!(
            machine.port_read(0xcf8, Width::Dword),
            address & 0x80ff_fffc
        );
        machine.port_write(0xcfc, Width::Dword, step.number.into());
        machine.port_read(0xcfc, Width::Dword);
    });
}
