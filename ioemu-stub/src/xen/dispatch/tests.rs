//! The instructions of a guest, as Xen reports them.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::*;
use crate::bus::{Registers, Space};
use crate::surroundings::NoMemory;

/// A chip whose reads count up, and which remembers its writes.
#[derive(Default)]
struct Counter {
    next: u64,
    written: Vec<(u64, Width, u64)>,
}

impl Registers for Counter {
    fn read(&mut self, _: u8, offset: u64, width: Width) -> u64 {
        self.next += 1;
        (offset << 4 | self.next) & width.ones()
    }

    fn write(&mut self, _: u8, offset: u64, width: Width, value: u64) {
        self.written.push((offset, width, value));
    }
}

/// 64 KiB of RAM from address 0 on.
struct Ram(RefCell<Vec<u8>>);

impl GuestMemory for Ram {
    fn read(&self, address: u64, data: &mut [u8]) -> Result<(), NoMemory> {
        let ram = self.0.borrow();
        let at = usize::try_from(address).map_err(|_| NoMemory(address))?;
        let end = at.checked_add(data.len()).ok_or(NoMemory(address))?;
        data.copy_from_slice(ram.get(at..end).ok_or(NoMemory(address))?);
        Ok(())
    }

    fn write(&self, address: u64, data: &[u8]) -> Result<(), NoMemory> {
        let mut ram = self.0.borrow_mut();
        let at = usize::try_from(address).map_err(|_| NoMemory(address))?;
        let end = at.checked_add(data.len()).ok_or(NoMemory(address))?;
        ram.get_mut(at..end)
            .ok_or(NoMemory(address))?
            .copy_from_slice(data);
        Ok(())
    }
}

/// A chip at ports 0x1f0 to 0x1f7 and at memory 0xa0000 to 0xbffff.
struct Bench {
    chip: Rc<RefCell<Counter>>,
    ports: Space,
    memory: Space,
    ram: Ram,
    configured: RefCell<Vec<(u8, u64, Width, u64)>>,
}

impl Bench {
    fn new() -> Self {
        let chip = Rc::new(RefCell::new(Counter::default()));
        let (mut ports, mut memory) = (Space::new(), Space::new());
        ports.map(0x1f0..0x1f8, chip.clone(), 0);
        memory.map(0xa0000..0xc0000, chip.clone(), 1);
        Bench {
            chip,
            ports,
            memory,
            ram: Ram(RefCell::new(vec![0; 0x10000])),
            configured: RefCell::default(),
        }
    }

    fn run(&self, request: Request) -> u64 {
        dispatch(&request, self, &self.ram)
    }

    fn written(&self) -> Vec<(u64, Width, u64)> {
        core::mem::take(&mut self.chip.borrow_mut().written)
    }
}

impl Target for Bench {
    fn port(&self, address: u64, bytes: usize) -> Option<(Shared, u8, u64)> {
        self.ports.find(address, bytes)
    }

    fn memory(&self, address: u64, bytes: usize) -> Option<(Shared, u8, u64)> {
        self.memory.find(address, bytes)
    }

    fn config_read(&self, devfn: u8, register: u64, _: Width) -> u64 {
        u64::from(devfn) << 8 | register
    }

    fn config_write(&self, devfn: u8, register: u64, width: Width, value: u64) {
        let write = (devfn, register, width, value);
        self.configured.borrow_mut().push(write);
    }
}

/// `in %dx, %al`.
const IN: Request = Request {
    kind: Kind::Port,
    address: 0x1f7,
    data: 0,
    count: 1,
    width: Some(Width::Byte),
    read: true,
    indirect: false,
    descending: false,
};

/// `out %al, %dx`.
const OUT: Request = Request {
    read: false,
    data: 0x1_02,
    ..IN
};

#[test]
fn in_and_out_reach_the_register() {
    let bench = Bench::new();
    assert_eq!(bench.run(IN), 0x71);
    bench.run(OUT);
    assert_eq!(bench.written(), [(7, Width::Byte, 2)]);
}

#[test]
fn nothing_answers_with_ones_and_a_width_that_is_none_does_nothing() {
    let bench = Bench::new();
    let nowhere = Request {
        address: 0x80,
        width: Some(Width::Word),
        ..IN
    };
    assert_eq!(bench.run(nowhere), 0xffff);
    assert_eq!(bench.run(Request { width: None, ..IN }), u64::MAX);
    bench.run(Request { width: None, ..OUT });
    assert!(bench.written().is_empty());
}

#[test]
fn rep_insw_fills_ram() {
    let bench = Bench::new();
    bench.run(Request {
        address: 0x1f0,
        data: 0x1ffe,
        count: 3,
        width: Some(Width::Word),
        indirect: true,
        ..IN
    });
    let ram = bench.ram.0.borrow();
    assert_eq!(&ram[0x1ffe..0x2004], [1, 0, 2, 0, 3, 0]);
}

#[test]
fn insb_with_the_direction_flag_goes_down() {
    let bench = Bench::new();
    bench.run(Request {
        address: 0x1f0,
        data: 0x1000,
        count: 3,
        indirect: true,
        descending: true,
        ..IN
    });
    assert_eq!(&bench.ram.0.borrow()[0xffe..0x1001], [3, 2, 1]);
}

#[test]
fn rep_outsl_sends_ram_and_ones_for_what_is_no_ram() {
    let bench = Bench::new();
    bench.ram.write(0xfffc, &[1, 2, 3, 4]).unwrap();
    let outs = Request {
        address: 0x1f0,
        data: 0xfffc,
        count: 1,
        width: Some(Width::Dword),
        indirect: true,
        ..OUT
    };
    bench.run(outs);
    bench.run(Request {
        data: 0x1_0000,
        ..outs
    });
    let expected = [
        (0, Width::Dword, 0x0403_0201),
        (0, Width::Dword, 0xffff_ffff),
    ];
    assert_eq!(bench.written(), expected);
}

#[test]
fn an_ins_that_wraps_around_memory_ends_there() {
    let bench = Bench::new();
    for descending in [false, true] {
        bench.run(Request {
            address: 0x1f0,
            data: if descending { 1 } else { u64::MAX - 1 },
            count: u32::MAX,
            indirect: true,
            descending,
            ..IN
        });
    }
}

const STORE: Request = Request {
    kind: Kind::Memory,
    address: 0xb8000,
    data: 0x0741,
    width: Some(Width::Word),
    ..OUT
};

#[test]
fn a_store_and_a_load_reach_device_memory() {
    let bench = Bench::new();
    bench.run(STORE);
    assert_eq!(bench.written(), [(0x18000, Width::Word, 0x0741)]);
    let load = Request {
        read: true,
        ..STORE
    };
    assert_eq!(bench.run(load), 0x0001);
}

#[test]
fn rep_stosw_writes_one_value_to_each_place() {
    let bench = Bench::new();
    bench.run(Request { count: 3, ..STORE });
    let places: Vec<_> = bench.written().iter().map(|w| (w.0, w.2)).collect();
    assert_eq!(
        places,
        [(0x18000, 0x741), (0x18002, 0x741), (0x18004, 0x741)]
    );
    bench.run(Request {
        count: 2,
        descending: true,
        ..STORE
    });
    let places: Vec<_> = bench.written().iter().map(|w| w.0).collect();
    assert_eq!(places, [0x18000, 0x17ffe]);
}

#[test]
fn rep_movs_copies_between_ram_and_device_memory() {
    let bench = Bench::new();
    bench.ram.write(0x100, &[1, 0, 2, 0]).unwrap();
    let to_device = Request {
        data: 0x100,
        count: 2,
        indirect: true,
        ..STORE
    };
    bench.run(to_device);
    let written = bench.written();
    let expected = [(0x18000, Width::Word, 1), (0x18002, Width::Word, 2)];
    assert_eq!(written, expected);
    bench.run(Request {
        read: true,
        data: 0x200,
        ..to_device
    });
    assert_eq!(bench.ram.0.borrow()[0x200..0x204], [1, 0, 0x22, 0]);
}

#[test]
fn movs_from_device_memory_to_device_memory_scrolls() {
    let bench = Bench::new();
    bench.run(Request {
        data: 0xb80a0,
        count: 1,
        indirect: true,
        ..STORE
    });
    // Read at the source (the first read: 1), written at the destination.
    let value = 0x180a0 << 4 & 0xffff | 1;
    assert_eq!(bench.written(), [(0x18000, Width::Word, value)]);
}

#[test]
fn configuration_space_is_that_of_bus_0() {
    let bench = Bench::new();
    let read = Request {
        kind: Kind::Config,
        address: 0x09 << 32 | 0x20,
        width: Some(Width::Dword),
        ..IN
    };
    assert_eq!(bench.run(read), 0x920);
    let other_bus = Request {
        address: 0x109 << 32 | 0x20,
        ..read
    };
    assert_eq!(bench.run(other_bus), 0xffff_ffff);
    bench.run(Request {
        read: false,
        data: 0x1_0000_0005,
        ..read
    });
    let write = (9, 0x20, Width::Dword, 5);
    assert_eq!(*bench.configured.borrow(), [write]);
}
