//! What Xen itself answers of the power-management chip's ports (ACPI 2.0,
//! 4.7.3): the event block at 0xb000 and the timer at 0xb008.

use super::{read_bytes, write_bytes};
use crate::qtest::clock::VirtualClock;
use ioemu_stub::bus::{Registers, Width};
use ioemu_stub::surroundings::Clock as _;
use std::rc::Rc;

/// Ticks of the power-management timer per second.
const FREQUENCY: u128 = 3_579_545;

/// Region 0 is the event block, region 1 the timer, which has 32 bits here.
pub struct AcpiTimer {
    clock: Rc<VirtualClock>,
    /// PM1_STS and PM1_EN.
    events: [u8; 4],
}

impl AcpiTimer {
    /// A timer that counts from the clock's start.
    pub fn new(clock: Rc<VirtualClock>) -> Self {
        AcpiTimer {
            clock,
            events: [0; 4],
        }
    }
}

impl Registers for AcpiTimer {
    fn read(&mut self, region: u8, offset: u64, width: Width) -> u64 {
        let ticks = u128::from(self.clock.now_ns()) * FREQUENCY / 1_000_000_000;
        let timer = (ticks as u32).to_le_bytes();
        let bytes = if region == 0 { self.events } else { timer };
        read_bytes(offset, width, |offset| {
            bytes.get(offset as usize).copied().unwrap_or(0xff)
        })
    }

    fn write(&mut self, region: u8, offset: u64, width: Width, value: u64) {
        if region != 0 {
            return;
        }
        write_bytes(offset, width, value, |offset, byte| {
            match self.events.get_mut(offset as usize) {
                // Status bits are cleared by writing ones.
                Some(status) if offset < 2 => *status &= !byte,
                Some(enable) => *enable = byte,
                None => {}
            }
        });
    }
}
