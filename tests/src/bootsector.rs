//! Programs of one boot sector, for what needs a PC and no Linux: assembled
//! here, started by SeaBIOS in real mode at 7C00h.

use anyhow::{Result, ensure};
use std::fs;
use std::path::Path;

/// A boot sector in the making: 16-bit code of the 8086 and a little beyond.
#[derive(Clone, Debug, Default)]
pub struct BootSector {
    code: Vec<u8>,
}

/// The registers of the first serial port (16550 data sheet).
const COM1: u16 = 0x3f8;
/// Its line status register.
pub const COM1_STATUS: u16 = COM1 + 5;

impl BootSector {
    /// An empty one.
    pub fn new() -> BootSector {
        // cli; cld
        let code = vec![0xfa, 0xfc];
        // Eight bits: a UART that nobody has told of its line has five.
        BootSector { code }.out8(COM1 + 3, 3)
    }

    fn then(mut self, code: &[u8]) -> BootSector {
        self.code.extend_from_slice(code);
        self
    }

    /// Writes a byte to a port.
    pub fn out8(self, port: u16, value: u8) -> BootSector {
        let [low, high] = port.to_le_bytes();
        // mov dx, port; mov al, value; out dx, al
        self.then(&[0xba, low, high, 0xb0, value, 0xee])
    }

    /// Writes a word to a port.
    pub fn out16(self, port: u16, value: u16) -> BootSector {
        let ([low, high], [a, b]) = (port.to_le_bytes(), value.to_le_bytes());
        // mov dx, port; mov ax, value; out dx, ax
        self.then(&[0xba, low, high, 0xb8, a, b, 0xef])
    }

    /// Reads a byte from a port, over and over.
    pub fn in8(self, port: u16, times: u32) -> BootSector {
        let [low, high] = port.to_le_bytes();
        let [a, b, c, d] = times.to_le_bytes();
        // mov ecx, times; mov dx, port; again: in al, dx; loop again (by ecx)
        self.then(&[0x66, 0xb9, a, b, c, d, 0xba, low, high])
            .then(&[0xec, 0x67, 0xe2, 0xfc])
    }

    /// Prints on the first serial port, each character when there is room.
    pub fn print(mut self, text: &str) -> BootSector {
        let [low, high] = COM1_STATUS.to_le_bytes();
        for byte in text.bytes() {
            // mov dx, status; wait: in al, dx; test al, 20h; jz wait
            self = self
                .then(&[0xba, low, high, 0xec, 0xa8, 0x20, 0x74, 0xfb])
                .out8(COM1, byte);
        }
        self
    }

    /// Makes the processor shut down: an interrupt without a table for it.
    pub fn triple_fault(self) -> BootSector {
        let end = 0x7c00 + 510 - 8;
        let [low, high] = u16::to_le_bytes(end);
        // lidt [end of the sector, all zero]; int3
        self.then(&[0x0f, 0x01, 0x1e, low, high, 0xcc])
    }

    /// The sector; its program waits at its end for ever.
    pub fn sector(self) -> Result<[u8; 512]> {
        // sti; sleep: hlt; jmp sleep. A processor that halts with interrupts
        // off would end its domain.
        let code = self.then(&[0xfb, 0xf4, 0xeb, 0xfd]).code;
        ensure!(
            code.len() <= 440,
            "{} bytes do not fit a boot sector",
            code.len()
        );
        let mut sector = [0; 512];
        for (to, from) in sector.iter_mut().zip(code) {
            *to = from;
        }
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        Ok(sector)
    }

    /// Writes a disk of 1 MiB that starts with it.
    pub fn write(self, to: &Path) -> Result<()> {
        let mut disk = self.sector()?.to_vec();
        disk.resize(1 << 20, 0);
        Ok(fs::write(to, disk)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_is_code_and_a_signature() {
        let sector = BootSector::new().out8(0xcf9, 6).sector().unwrap();
        let code = [
            0xfa, 0xfc, // cli; cld
            0xba, 0xfb, 0x03, 0xb0, 3, 0xee, // out 3fbh, 3
            0xba, 0xf9, 0x0c, 0xb0, 6, 0xee, // out cf9h, 6
            0xfb, 0xf4, 0xeb, 0xfd, 0, // sti; hlt; and again
        ];
        assert_eq!(sector[..code.len()], code);
        assert_eq!(sector[510..], [0x55, 0xaa]);
        let long = "x".repeat(40);
        assert!(BootSector::new().print(&long).sector().is_err());
    }
}
