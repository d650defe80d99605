//! The configuration space of one PCI function: header type 0 of the PCI Local
//! Bus Specification 2.1, chapter 6.
//!
//! A space is 256 bytes with, for each bit, whether the guest can write it and
//! whether writing one clears it. Everything else (what a base address can be
//! set to, what sizing it reads back) follows from the masks.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::{Bar, BarKind, IntxPin};
use crate::bus::{Fields, Shared, Width};

/// Offsets of the registers of header type 0.
pub mod register {
    /// Who made it.
    pub const VENDOR_ID: u8 = 0x00;
    /// What it is.
    pub const DEVICE_ID: u8 = 0x02;
    /// What it may do.
    pub const COMMAND: u8 = 0x04;
    /// What happened, and what it can.
    pub const STATUS: u8 = 0x06;
    /// Revision, then three bytes of class code.
    pub const REVISION_ID: u8 = 0x08;
    /// Register-level programming interface.
    pub const PROGRAMMING_INTERFACE: u8 = 0x09;
    /// Of memory write and invalidate.
    pub const CACHE_LINE_SIZE: u8 = 0x0c;
    /// In bus clocks.
    pub const LATENCY_TIMER: u8 = 0x0d;
    /// Layout from 10h on; bit 7: more than one function.
    pub const HEADER_TYPE: u8 = 0x0e;
    /// The first of six base address registers.
    pub const BASE_ADDRESS: u8 = 0x10;
    /// Who made the board.
    pub const SUBSYSTEM_VENDOR_ID: u8 = 0x2c;
    /// Which board.
    pub const SUBSYSTEM_ID: u8 = 0x2e;
    /// Where the expansion ROM shows; bit 0 enables.
    pub const ROM_BASE_ADDRESS: u8 = 0x30;
    /// Written by firmware for the driver.
    pub const INTERRUPT_LINE: u8 = 0x3c;
    /// 1 for INTA; 0 for none.
    pub const INTERRUPT_PIN: u8 = 0x3d;
}

/// Bits of the COMMAND register.
pub mod command {
    /// Answer accesses to ports.
    pub const IO: u16 = 1 << 0;
    /// Answer accesses to memory.
    pub const MEMORY: u16 = 1 << 1;
    /// May do DMA.
    pub const BUS_MASTER: u16 = 1 << 2;
    /// Don't drive the interrupt pin (PCI 2.3).
    pub const INTX_DISABLE: u16 = 1 << 10;
}

/// STATUS: the function asks for its interrupt (PCI 2.3).
const STATUS_INTERRUPT: u16 = 1 << 3;
/// STATUS: the bits that writing one clears: errors seen.
const STATUS_ERRORS: u16 = 0xf900;
/// The ROM register's enable bit.
const ROM_ENABLE: u32 = 1;
/// The index of the ROM among a function's base addresses.
pub const ROM: u8 = 6;

/// What a function says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity {
    /// Its vendor.
    pub vendor: u16,
    /// Its device number at that vendor.
    pub device: u16,
    /// Its revision.
    pub revision: u8,
    /// Base class, sub-class and programming interface: 0x030000 is a VGA.
    pub class: u32,
    /// The board's vendor and number; zero where the chip has no such
    /// register.
    pub subsystem: (u16, u16),
}

/// One function's configuration space.
pub struct Configuration {
    fields: Fields<256>,
    bars: Vec<Bar>,
    pin: Option<Rc<IntxPin>>,
}

impl Configuration {
    /// A function that has an identity and a COMMAND register, and nothing
    /// else.
    pub fn new(identity: Identity) -> Self {
        use register::*;
        let mut new = Configuration {
            fields: Fields::new().with_clearable(STATUS, &STATUS_ERRORS.to_le_bytes()),
            bars: Vec::new(),
            pin: None,
        };
        new.set_word(VENDOR_ID, identity.vendor);
        new.set_word(DEVICE_ID, identity.device);
        new.set_byte(REVISION_ID, identity.revision);
        let [interface, sub, base, _] = identity.class.to_le_bytes();
        new.set_byte(PROGRAMMING_INTERFACE, interface);
        new.set_byte(PROGRAMMING_INTERFACE + 1, sub);
        new.set_byte(PROGRAMMING_INTERFACE + 2, base);
        new.set_word(SUBSYSTEM_VENDOR_ID, identity.subsystem.0);
        new.set_word(SUBSYSTEM_ID, identity.subsystem.1);
        // Decoding, bus mastering, parity, SERR and the interrupt disable.
        new.fields
            .define(COMMAND, &[0, 0], &0x0547u16.to_le_bytes());
        new.fields.define(CACHE_LINE_SIZE, &[0, 0], &[0xff, 0xff]);
        new.fields.define(INTERRUPT_LINE, &[0], &[0xff]);
        new
    }

    /// Says that the device has more functions than this one.
    pub fn multifunction(mut self) -> Self {
        self.set_byte(register::HEADER_TYPE, 0x80);
        self
    }

    /// Registers from `at` on that reset to `reset` and of which the guest can
    /// write the bits of `mask`.
    pub fn with(mut self, at: u8, reset: &[u8], mask: &[u8]) -> Self {
        self.fields.define(at, reset, mask);
        self
    }

    /// An interrupt pin, driven through `pin`.
    pub fn with_pin(mut self, pin: &Rc<IntxPin>) -> Self {
        self.set_byte(register::INTERRUPT_PIN, pin.number() + 1);
        self.pin = Some(pin.clone());
        self
    }

    /// Base address register `index`, which places region `region` of `chip`.
    ///
    /// The size in `kind` must be a power of two; the register after a 64-bit
    /// one is its upper half.
    pub fn with_bar(self, index: u8, kind: BarKind, chip: &Shared, region: u8) -> Self {
        self.add_bar(Bar::of_registers(index, kind, chip.clone(), region))
    }

    /// Base address register `index` of memory that isn't registers: the
    /// function is told where it is to show
    /// ([`PciFunction::place`](super::PciFunction::place)).
    pub fn with_memory_bar(self, index: u8, kind: BarKind) -> Self {
        self.add_bar(Bar::of_memory(index, kind))
    }

    /// The expansion ROM register, placing region `region` of `chip`.
    pub fn with_rom(self, size: u64, chip: &Shared, region: u8) -> Self {
        let kind = BarKind::Memory32 {
            size,
            prefetchable: false,
        };
        self.add_bar(Bar::of_registers(ROM, kind, chip.clone(), region))
    }

    fn add_bar(mut self, bar: Bar) -> Self {
        let at = bar.register();
        let (low, mask) = bar.layout();
        let bytes = if bar.is_64_bit() { 8 } else { 4 };
        let enable = if bar.index() == ROM { ROM_ENABLE } else { 0 };
        let mask = mask | u64::from(enable);
        let (low, mask) = (low.to_le_bytes(), mask.to_le_bytes());
        self.fields.define(at, &low[..bytes], &mask[..bytes]);
        self.bars.push(bar);
        self
    }

    /// The guest reads. Bytes beyond the space read as ones.
    pub fn read(&self, offset: u64, width: Width) -> u64 {
        self.fields.read(offset, width) | self.interrupt_status(offset, width)
    }

    /// The interrupt bit of STATUS, as it shows in a read.
    fn interrupt_status(&self, offset: u64, width: Width) -> u64 {
        let status = u64::from(register::STATUS);
        let asked = self.pin.as_ref().is_some_and(|pin| pin.level());
        if !asked || offset > status || offset + width.bytes() as u64 <= status {
            return 0;
        }
        u64::from(STATUS_INTERRUPT) << (8 * (status - offset))
    }

    /// The guest writes. What lies beyond the space is lost.
    pub fn write(&mut self, offset: u64, width: Width, value: u64) {
        self.fields.write(offset, width, value);
        if let Some(pin) = &self.pin {
            pin.disable(self.command() & command::INTX_DISABLE != 0);
        }
    }

    /// A byte as it is now.
    pub fn byte(&self, at: u8) -> u8 {
        self.fields.byte(at)
    }

    /// A word as it is now.
    pub fn word(&self, at: u8) -> u16 {
        self.fields.word(at)
    }

    /// A double word as it is now.
    pub fn dword(&self, at: u8) -> u32 {
        self.fields.dword(at)
    }

    /// The chip itself sets a byte, whatever the guest may write there.
    pub fn set_byte(&mut self, at: u8, value: u8) {
        self.fields.set_byte(at, value);
    }

    /// The chip itself sets a word.
    pub fn set_word(&mut self, at: u8, value: u16) {
        self.fields.set_word(at, value);
    }

    /// What the function may do now.
    pub fn command(&self) -> u16 {
        self.word(register::COMMAND)
    }

    /// Its base address registers.
    pub fn bars(&self) -> &[Bar] {
        &self.bars
    }

    pub(super) fn bars_mut(&mut self) -> &mut [Bar] {
        &mut self.bars
    }

    /// The function leaves: its pin goes low for good.
    pub(super) fn silence(&mut self) {
        if let Some(pin) = &self.pin {
            pin.disable(true);
        }
    }

    /// Where a base address register shows now; `None` while it doesn't
    /// decode.
    pub fn address(&self, bar: &Bar) -> Option<u64> {
        let wanted = match bar.kind() {
            BarKind::Io { .. } => command::IO,
            _ => command::MEMORY,
        };
        if self.command() & wanted == 0 {
            return None;
        }
        let low = self.dword(bar.register());
        if bar.index() == ROM && low & ROM_ENABLE == 0 {
            return None;
        }
        let high = match bar.is_64_bit() {
            true => self.dword(bar.register() + 4),
            false => 0,
        };
        bar.shows_at(u64::from(high) << 32 | u64::from(low))
    }
}
