//! The Xen platform device, 5853:0001: through it, a guest with drivers of its
//! own for Xen finds Xen, gets an interrupt, and has the emulated disks and
//! network cards unplugged.
//!
//! The protocol is docs/misc/hvm-emulated-unplug.pandoc in Xen, in version 1:
//! the guest says which product it is before it unplugs, and looks whether the
//! magic number is still there. Taking that away is how we refuse: the guest
//! then stays on the emulated devices.

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::bus::pci::{BarKind, Configuration, Identity, IntxPin, PciFunction};
use crate::bus::{Registers, Shared, Width};

/// Its regions.
pub mod region {
    /// Ports 10h to 1Fh.
    pub const FIXED: u8 = 0;
    /// 256 ports at BAR 0.
    pub const PORTS: u8 = 1;
    /// 16 MiB at BAR 1: room for the guest to put shared pages.
    pub const MEMORY: u8 = 2;
}

/// What can be unplugged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unplug {
    /// All emulated disks; CD-ROM drives stay.
    Disks,
    /// All emulated disks but the first.
    AuxiliaryDisks,
    /// All emulated network cards.
    NetworkCards,
}

/// Who is to hear of it: each chip that can be unplugged adds itself.
pub type Unpluggable = Rc<RefCell<Vec<Box<dyn Fn(Unplug)>>>>;

/// Who answers at 10h.
const MAGIC: u16 = 0x49d2;
/// What answers there when drivers are not welcome.
const REFUSAL: u16 = !MAGIC;
const VERSION: u8 = 1;
/// The lock of the ROMs at C0000h; it is only kept, since to the guest alone
/// it matters whether its ROMs stay.
const ROM_LOCK: u8 = 1;
/// How much a guest may write into our log, in bytes.
const LOG_BUDGET: usize = 64 << 10;
/// The longest line of it.
const LOG_LINE: usize = 256;

/// The chip.
pub struct Platform {
    unpluggable: Unpluggable,
    refuses: bool,
    refused: bool,
    flags: u8,
    product: u16,
    line: String,
    log_left: usize,
}

impl Platform {
    /// `refuses`: the guest is to stay on its emulated devices.
    pub fn new(unpluggable: Unpluggable, refuses: bool) -> Self {
        Platform {
            unpluggable,
            refuses,
            refused: false,
            flags: 0,
            product: 0,
            line: String::new(),
            log_left: LOG_BUDGET,
        }
    }

    /// The configuration space of `chip` after reset.
    pub fn configuration(chip: &Shared, pin: &Rc<IntxPin>) -> Configuration {
        let identity = Identity {
            vendor: 0x5853,
            device: 0x0001,
            revision: 1,
            class: 0xff_8000,
            subsystem: (0x5853, 0x0001),
        };
        let memory = BarKind::Memory32 {
            size: 16 << 20,
            prefetchable: true,
        };
        Configuration::new(identity)
            .with_pin(pin)
            .with_bar(0, BarKind::Io { size: 256 }, chip, region::PORTS)
            .with_bar(1, memory, chip, region::MEMORY)
    }

    fn read_fixed(&self, offset: u64, width: Width) -> u64 {
        match (offset, width) {
            (0, Width::Byte) => self.flags.into(),
            (0, Width::Word) if self.refused => REFUSAL.into(),
            (0, Width::Word) => MAGIC.into(),
            (2, Width::Byte) => VERSION.into(),
            _ => width.ones(),
        }
    }

    fn write_fixed(&mut self, offset: u64, width: Width, value: u64) {
        match (offset, width) {
            (0, Width::Byte) => self.flags = value as u8 & ROM_LOCK,
            (0, Width::Word) => self.unplug_mask(value as u16),
            (0, Width::Dword) => self.introduce(value as u32),
            (2, Width::Byte) => self.log(value as u8),
            (2, Width::Word) => self.product = value as u16,
            _ => {}
        }
    }

    /// The guest's drivers have said which build they are.
    fn introduce(&mut self, build: u32) {
        if self.may_log(LOG_LINE) {
            log::info!(
                "the guest's Xen drivers are product {}, build {build}",
                self.product
            );
        }
        self.refused = self.refuses;
    }

    fn unplug_mask(&mut self, mask: u16) {
        if mask & 1 != 0 {
            self.unplug(Unplug::Disks);
        }
        if mask & 2 != 0 {
            self.unplug(Unplug::NetworkCards);
        }
        if mask & 4 != 0 {
            self.unplug(Unplug::AuxiliaryDisks);
        }
    }

    fn unplug(&mut self, what: Unplug) {
        if self.refuses {
            return;
        }
        if self.may_log(LOG_LINE) {
            log::info!("the guest unplugs {what:?}");
        }
        self.unpluggable.borrow().iter().for_each(|tell| tell(what));
    }

    /// Whether so many bytes more may go to our log; they count.
    fn may_log(&mut self, bytes: usize) -> bool {
        match self.log_left.checked_sub(bytes) {
            Some(left) => {
                self.log_left = left;
                true
            }
            None => false,
        }
    }

    /// A character of the guest's log.
    fn log(&mut self, byte: u8) {
        if !self.may_log(1) {
            return;
        }
        match byte {
            b'\n' => self.log_line(),
            b' '..=b'~' => self.line.push(byte.into()),
            _ => {}
        }
        if self.line.len() >= LOG_LINE {
            self.log_line();
        }
    }

    fn log_line(&mut self) {
        log::info!("guest: {}", self.line);
        self.line.clear();
    }

    /// What drivers before the protocol did.
    fn write_ports(&mut self, offset: u64, value: u64) {
        match (offset, value) {
            (0, _) => self.flags = value as u8 & ROM_LOCK,
            (4, 1) => {
                self.unplug(Unplug::Disks);
                self.unplug(Unplug::NetworkCards);
            }
            (8, 1) => self.unplug(Unplug::Disks),
            (8, 2) => self.unplug(Unplug::NetworkCards),
            _ => {}
        }
    }
}

impl Registers for Platform {
    fn read(&mut self, region: u8, offset: u64, width: Width) -> u64 {
        match region {
            region::FIXED => self.read_fixed(offset, width),
            region::PORTS if offset == 0 => self.flags.into(),
            region::MEMORY => 0,
            _ => width.ones(),
        }
    }

    fn write(&mut self, region: u8, offset: u64, width: Width, value: u64) {
        match region {
            region::FIXED => self.write_fixed(offset, width, value),
            region::PORTS => self.write_ports(offset, value),
            _ => {}
        }
    }
}

/// The function on the bus; its registers are the chip's.
pub struct PlatformFunction;

impl PciFunction for PlatformFunction {}
