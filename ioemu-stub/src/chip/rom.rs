//! A PCI card's expansion ROM.
//!
//! Firmware sizes it, shows it somewhere and copies it out, so it is served
//! access by access and takes no memory of the guest's.

use alloc::rc::Rc;

use crate::bus::{Registers, Width};

/// The smallest that a base address register can describe.
const SMALLEST: usize = 2048;

/// The ROM.
pub struct Rom(Rc<[u8]>);

impl Rom {
    /// A ROM with this content.
    pub fn new(content: Rc<[u8]>) -> Self {
        Rom(content)
    }

    /// How much room it takes on the bus: a power of two.
    pub fn size(&self) -> u64 {
        self.0.len().max(SMALLEST).next_power_of_two() as u64
    }
}

impl Registers for Rom {
    fn read(&mut self, _: u8, offset: u64, width: Width) -> u64 {
        let from = usize::try_from(offset).ok();
        let bytes = from.and_then(|from| self.0.get(from..));
        // The rest of the chip is blank.
        let mut value = width.ones().to_le_bytes();
        for (to, byte) in value.iter_mut().zip(bytes.unwrap_or(&[])) {
            *to = *byte;
        }
        u64::from_le_bytes(value) & width.ones()
    }

    fn write(&mut self, _: u8, _: u64, _: Width, _: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rom_reads_as_it_is_and_blank_behind() {
        let mut rom = Rom::new([0x55, 0xaa, 0x4d].into());
        assert_eq!(rom.size(), 2048);
        rom.write(0, 0, Width::Dword, 0);
        assert_eq!(rom.read(0, 0, Width::Word), 0xaa55);
        assert_eq!(rom.read(0, 0, Width::Dword), 0xff4d_aa55);
        assert_eq!(rom.read(0, 2, Width::Qword), u64::MAX << 8 | 0x4d);
        assert_eq!(rom.read(0, u64::MAX, Width::Byte), 0xff);
    }

    #[test]
    fn a_rom_takes_a_power_of_two() {
        for (bytes, size) in [(1, 2048), (39_936, 65_536), (65_536, 65_536)] {
            assert_eq!(Rom::new(alloc::vec![0; bytes].into()).size(), size);
        }
    }
}
