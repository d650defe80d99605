//! The adapter against what the documents say, and its pictures against a
//! second, much simpler way to work them out.

mod memory;
mod modes;
mod pictures;
mod registers;
mod security;

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ops::Range;

use super::{Blink, DISPI_PORTS, MMIO, PORTS, Vga, WINDOW};
use crate::bus::{Registers, Width};
use crate::display::{Rect, Screenshot, Source};
use crate::surroundings::{Clock, NoRange, VideoMemory};

/// Display memory that knows which of its pages the guest wrote.
pub struct Memory {
    bytes: RefCell<Vec<u8>>,
    dirty: RefCell<Vec<bool>>,
}

impl Memory {
    fn new(len: usize) -> Rc<Self> {
        Rc::new(Memory {
            bytes: RefCell::new(vec![0; len]),
            dirty: RefCell::new(vec![false; len.div_ceil(4096)]),
        })
    }

    /// The guest writes to its linear frame buffer.
    fn guest_writes(&self, at: usize, data: &[u8]) {
        self.write(at, data);
        let last = at + data.len() - 1;
        self.dirty.borrow_mut()[at / 4096..=last / 4096].fill(true);
    }
}

impl VideoMemory for Memory {
    fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    fn read(&self, offset: usize, data: &mut [u8]) {
        let bytes = self.bytes.borrow();
        for (i, byte) in data.iter_mut().enumerate() {
            *byte = bytes.get(offset + i).copied().unwrap_or(0);
        }
    }

    fn write(&self, offset: usize, data: &[u8]) {
        let mut bytes = self.bytes.borrow_mut();
        for (i, byte) in data.iter().enumerate() {
            if let Some(place) = bytes.get_mut(offset + i) {
                *place = *byte;
            }
        }
    }

    fn place(&self, _: Option<u64>) -> Result<(), NoRange> {
        Ok(())
    }

    fn take_dirty(&self, pages: Range<usize>, dirty: &mut [u8]) {
        assert!(dirty.len() * 8 >= pages.len());
        let mut all = self.dirty.borrow_mut();
        for (i, page) in all[pages].iter_mut().enumerate() {
            dirty[i / 8] |= u8::from(core::mem::take(page)) << (i % 8);
        }
    }
}

/// A clock that a test sets.
pub struct Time(pub Cell<u64>);

impl Clock for Time {
    fn now_ns(&self) -> u64 {
        self.0.get()
    }
}

/// An adapter as a program sees it.
pub struct Card {
    vga: Vga,
    memory: Rc<Memory>,
    time: Rc<Time>,
}

impl Card {
    fn new() -> Self {
        Self::with_memory(16 << 20)
    }

    fn with_memory(len: usize) -> Self {
        let memory = Memory::new(len);
        let time = Rc::new(Time(Cell::new(0)));
        let rom: Rc<[u8]> = Rc::from([0x55, 0xaa, 0x01]);
        Card {
            vga: Vga::new(memory.clone(), time.clone(), rom),
            memory,
            time,
        }
    }

    fn outb(&mut self, port: u64, value: u8) {
        self.vga
            .write(PORTS, port - 0x3b0, Width::Byte, value.into());
    }

    /// An index and its data in one word, as programs do.
    fn outw(&mut self, port: u64, index: u8, value: u8) {
        let word = u64::from(value) << 8 | u64::from(index);
        self.vga.write(PORTS, port - 0x3b0, Width::Word, word);
    }

    fn inb(&mut self, port: u64) -> u8 {
        self.vga.read(PORTS, port - 0x3b0, Width::Byte) as u8
    }

    fn indexed(&mut self, port: u64, index: u8) -> u8 {
        self.outb(port, index);
        self.inb(port + 1)
    }

    fn attribute(&mut self, index: u8, value: u8) {
        self.inb(0x3da);
        self.outb(0x3c0, index);
        self.outb(0x3c0, value);
        self.outb(0x3c0, 0x20);
    }

    fn dispi(&mut self, index: u16, value: u16) {
        self.vga.write(DISPI_PORTS, 0, Width::Word, index.into());
        self.vga.write(DISPI_PORTS, 1, Width::Word, value.into());
    }

    fn read_dispi(&mut self, index: u16) -> u16 {
        self.vga.write(DISPI_PORTS, 0, Width::Word, index.into());
        self.vga.read(DISPI_PORTS, 1, Width::Word) as u16
    }

    /// As drivers do: size, then on, with the given bits beside.
    fn set_dispi(&mut self, width: u16, height: u16, bpp: u16, bits: u16) {
        self.dispi(4, 0);
        self.dispi(1, width);
        self.dispi(2, height);
        self.dispi(3, bpp);
        self.outb(0x3c2, 0x67);
        self.dispi(4, 0x41 | bits);
        self.attribute(0x10, 1);
    }

    /// Writes memory at a physical address of the window.
    fn poke(&mut self, address: u64, value: u8) {
        self.vga
            .write(WINDOW, address - 0xa_0000, Width::Byte, value.into());
    }

    fn peek(&mut self, address: u64) -> u8 {
        self.vga.read(WINDOW, address - 0xa_0000, Width::Byte) as u8
    }

    fn look(&mut self) -> Vec<Rect> {
        self.vga.collect(Blink::REST)
    }

    fn shot(&mut self) -> Screenshot {
        self.look();
        Screenshot::of(&self.vga)
    }

    fn mmio(&mut self, offset: u64, width: Width) -> u64 {
        self.vga.read(MMIO, offset, width)
    }
}

/// As firmware finds it: BARs sized and set, the ROM read, the frame buffer
/// moved.
#[test]
fn the_card_is_on_the_bus() {
    use crate::machine::{Backends, Config, Machine, Vga as Which};
    use crate::testing::World;

    let world = crate::testing::World::new(1 << 20);
    let config = Config {
        vga: Some(Which::Std),
        ..Config::default()
    };
    let memory = Placed::default();
    let at = memory.at.clone();
    let backends = Backends {
        video: Some(Rc::new(memory)),
        vga_rom: Some(Rc::from([0x55, 0xaa, 0x4e, 0xe9])),
        ..Backends::default()
    };
    let machine = Machine::new(&config, World::surroundings(&world), backends);
    let slot = (0..32)
        .map(|device| device << 3)
        .find(|devfn| machine.config_read(*devfn, 0, Width::Dword) == 0x1111_1234)
        .expect("a display adapter");
    assert_eq!(machine.config_read(slot, 0x0a, Width::Word), 0x0300);
    for (register, size) in [(0x10, 16 << 20), (0x18, 4096), (0x30, 2048)] {
        machine.config_write(slot, register, Width::Dword, 0xffff_ffff);
        let mask = machine.config_read(slot, register, Width::Dword) & 0xffff_f800;
        assert_eq!((!mask & 0xffff_ffff) + 1, size.max(2048), "{register:#x}");
    }
    machine.config_write(slot, 0x10, Width::Dword, 0xe000_0000);
    machine.config_write(slot, 0x18, Width::Dword, 0xe100_0000);
    machine.config_write(slot, 0x30, Width::Dword, 0xe101_0001);
    assert_eq!(at.get(), None);
    machine.config_write(slot, 0x04, Width::Word, 3);
    assert_eq!(at.get(), Some(0xe000_0000));
    assert_eq!(machine.memory_read(0xe101_0000, Width::Dword), 0xe94e_aa55);
    assert_eq!(machine.memory_read(0xe100_0500, Width::Word), 0xb0c5);
    machine.port_write(0x1ce, Width::Word, 10);
    assert_eq!(machine.port_read(0x1cf, Width::Word), 256);
    assert_eq!(machine.port_read(0x1d0, Width::Word), 256);
    machine.config_write(slot, 0x04, Width::Word, 0);
    assert_eq!(at.get(), None);
    assert!(machine.handles().vga.is_some());
}

/// 16 MiB of which nothing but the place matters.
#[derive(Default)]
struct Placed {
    at: Rc<Cell<Option<u64>>>,
}

impl VideoMemory for Placed {
    fn len(&self) -> usize {
        16 << 20
    }

    fn read(&self, _: usize, data: &mut [u8]) {
        data.fill(0);
    }

    fn write(&self, _: usize, _: &[u8]) {}

    fn place(&self, address: Option<u64>) -> Result<(), NoRange> {
        self.at.set(address);
        Ok(())
    }

    fn take_dirty(&self, _: Range<usize>, _: &mut [u8]) {}
}
