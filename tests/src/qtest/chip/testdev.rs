//! `pc-testdev`: what client tests of byte order poke at. A latch at port 0xe0,
//! the same again at port 0xe8, and device memory at 0xff000000.

use super::{read_bytes, write_bytes};
use ioemu_stub::bus::{Registers, Width};

/// Regions 0 and 2 are the latch of 32 bits, region 1 is the memory.
pub struct TestDevice {
    latch: [u8; 4],
    memory: Vec<u8>,
}

impl TestDevice {
    /// Bytes of its memory.
    pub const MEMORY: u64 = 0x10000;
}

impl Default for TestDevice {
    fn default() -> Self {
        TestDevice {
            latch: [0; 4],
            memory: vec![0; TestDevice::MEMORY as usize],
        }
    }
}

impl Registers for TestDevice {
    fn read(&mut self, region: u8, offset: u64, width: Width) -> u64 {
        let bytes = match region {
            1 => &self.memory[..],
            _ => &self.latch[..],
        };
        read_bytes(offset, width, |offset| {
            bytes.get(offset as usize).copied().unwrap_or(0xff)
        })
    }

    fn write(&mut self, region: u8, offset: u64, width: Width, value: u64) {
        let bytes = match region {
            1 => &mut self.memory[..],
            _ => &mut self.latch[..],
        };
        write_bytes(offset, width, value, |offset, byte| {
            if let Some(place) = bytes.get_mut(offset as usize) {
                *place = byte;
            }
        });
    }
}
