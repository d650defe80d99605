//! Configuration mechanism #1: an address port and a data port (PCI Local Bus
//! Specification 2.1, 3.2.2.3.2; 82441FX data sheet, CONFADD and CONFDATA).
//!
//! The reset control register of the PIIX3 (82371SB data sheet, RC) sits in
//! the middle of the address port, at byte 1: the address answers to double
//! words only, so both can be there.

use alloc::rc::{Rc, Weak};
use core::cell::RefCell;

use super::PciBus;
use crate::bus::{Registers, Width};
use crate::surroundings::{Power, PowerState};

/// The ports 0xcf8 to 0xcff, as one region.
pub struct Mechanism1 {
    bus: Weak<RefCell<PciBus>>,
    power: Rc<dyn Power>,
    /// CONFADD.
    address: u32,
    /// RC: the reset control register.
    reset_control: u8,
}

/// CONFADD: a data access is a configuration cycle.
const ENABLE: u32 = 1 << 31;
/// CONFADD: the bits that hold anything.
const ADDRESS_BITS: u32 = 0x80ff_fffc;
/// RC: whether the reset is a hard one.
const SYSTEM_RESET: u8 = 1 << 1;
/// RC: a change from 0 to 1 resets.
const RESET_CPU: u8 = 1 << 2;

impl Mechanism1 {
    /// The first port.
    pub const PORT: u64 = 0xcf8;

    /// The ports to `bus`.
    pub fn new(bus: &Rc<RefCell<PciBus>>, power: Rc<dyn Power>) -> Self {
        Mechanism1 {
            bus: Rc::downgrade(bus),
            power,
            address: 0,
            reset_control: 0,
        }
    }

    /// What a data access at byte `lane` of the data port means: a function of
    /// bus 0 and the register.
    fn target(&self, lane: u64) -> Option<(Rc<RefCell<PciBus>>, u8, u64)> {
        if self.address & ENABLE == 0 || self.address >> 16 & 0xff != 0 {
            return None;
        }
        let devfn = (self.address >> 8) as u8;
        let register = u64::from(self.address & 0xfc) + lane;
        Some((self.bus.upgrade()?, devfn, register))
    }

    fn set_reset_control(&mut self, value: u8) {
        let rises = value & !self.reset_control & RESET_CPU != 0;
        self.reset_control = value & (SYSTEM_RESET | RESET_CPU);
        if rises {
            self.power.set(PowerState::Reset);
        }
    }
}

impl Registers for Mechanism1 {
    fn read(&mut self, _: u8, offset: u64, width: Width) -> u64 {
        match (offset, width) {
            (0, Width::Dword) => self.address.into(),
            (1, Width::Byte) => self.reset_control.into(),
            (4..8, _) => match self.target(offset - 4) {
                Some((bus, devfn, register)) => bus.borrow().read(devfn, register, width),
                None => width.ones(),
            },
            _ => width.ones(),
        }
    }

    fn write(&mut self, _: u8, offset: u64, width: Width, value: u64) {
        match (offset, width) {
            (0, Width::Dword) => self.address = value as u32 & ADDRESS_BITS,
            (1, Width::Byte) => self.set_reset_control(value as u8),
            (4..8, _) => {
                if let Some((bus, devfn, register)) = self.target(offset - 4) {
                    bus.borrow_mut().write(devfn, register, width, value);
                }
            }
            _ => {}
        }
    }
}
