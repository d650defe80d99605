//! Port 92h, system control port A: the A20 gate and the fast reset (IBM PS/2
//! technical reference).

use alloc::rc::Rc;

use crate::bus::{Registers, Width};
use crate::surroundings::{Power, PowerState};

/// A change from 0 to 1 resets.
const FAST_RESET: u8 = 1 << 0;
/// Address line 20 is let through. Xen always does; the bit is only kept.
const A20: u8 = 1 << 1;

/// The one register.
pub struct Port92 {
    power: Rc<dyn Power>,
    value: u8,
}

impl Port92 {
    /// Its port.
    pub const PORT: u64 = 0x92;

    /// As firmware leaves it: A20 open.
    pub fn new(power: Rc<dyn Power>) -> Self {
        Port92 { power, value: A20 }
    }
}

impl Registers for Port92 {
    fn read(&mut self, _: u8, _: u64, _: Width) -> u64 {
        self.value.into()
    }

    fn write(&mut self, _: u8, _: u64, _: Width, value: u64) {
        let value = value as u8;
        let rises = value & !self.value & FAST_RESET != 0;
        self.value = value & (A20 | FAST_RESET);
        if rises {
            self.power.set(PowerState::Reset);
        }
    }
}
