//! The SMBus host of the PIIX4, with nothing on its bus.
//!
//! Drivers probe it for memory modules' EEPROMs: each transaction ends at once
//! with "no device answered", as on a board whose sockets are empty. Register
//! values are the data sheet's (order number 290562), chapter 7.3.

use crate::bus::{Fields, Registers, Width};

/// Host status.
const SMBHSTSTS: u8 = 0;
/// Host control.
const SMBHSTCNT: u8 = 2;
/// SMBHSTSTS: no device answered.
const DEV_ERR: u8 = 1 << 2;
/// SMBHSTSTS: the bits that writing one clears.
const STATUS_BITS: u8 = 0x1e;
/// SMBHSTCNT: go; reads as zero.
const START: u8 = 1 << 6;

/// Sixteen ports.
pub struct SmBus(Fields<16>);

impl SmBus {
    /// After reset.
    pub fn new() -> Self {
        SmBus(
            Fields::new()
                .with_clearable(SMBHSTSTS, &[STATUS_BITS])
                .with_clearable(1, &[0x3c])
                .with(SMBHSTCNT, &[0], &[0x1f])
                // SMBHSTCMD, SMBHSTADD, SMBHSTDAT0 and 1, SMBBLKDAT, SMBSLVCNT
                .with(3, &[0; 6], &[0xff; 6])
                // SMBSHDWCMD and SMBSLVDAT are read only; SMBSLVEVT is not.
                .with(0x0a, &[0, 0], &[0xff, 0xff]),
        )
    }
}

impl Default for SmBus {
    fn default() -> Self {
        Self::new()
    }
}

impl Registers for SmBus {
    fn read(&mut self, _: u8, offset: u64, width: Width) -> u64 {
        self.0.read(offset, width)
    }

    fn write(&mut self, _: u8, offset: u64, width: Width, value: u64) {
        self.0.write(offset, width, value);
        let control = u64::from(SMBHSTCNT);
        let touches = offset <= control && control < offset + width.bytes() as u64;
        if touches && (value >> (8 * (control - offset))) as u8 & START != 0 {
            let status = self.0.byte(SMBHSTSTS);
            self.0.set_byte(SMBHSTSTS, status | DEV_ERR);
        }
    }
}
