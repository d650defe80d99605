//! Sense data: why a packet command failed (SPC-3, 4.5; MMC-4, annex F).

use alloc::vec;
use alloc::vec::Vec;

/// A sense key with its additional codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sense {
    /// Sense key.
    pub key: u8,
    asc: u8,
    ascq: u8,
    /// The block that could not be read.
    block: Option<u32>,
}

const NOT_READY: u8 = 2;
const MEDIUM_ERROR: u8 = 3;
const ILLEGAL_REQUEST: u8 = 5;
const UNIT_ATTENTION: u8 = 6;

impl Sense {
    pub const NONE: Sense = Sense::new(0, 0, 0);
    pub const NO_MEDIUM: Sense = Sense::new(NOT_READY, 0x3a, 0x00);
    pub const NO_MEDIUM_TRAY_CLOSED: Sense = Sense::new(NOT_READY, 0x3a, 0x01);
    pub const NO_MEDIUM_TRAY_OPEN: Sense = Sense::new(NOT_READY, 0x3a, 0x02);
    pub const INVALID_COMMAND: Sense = Sense::new(ILLEGAL_REQUEST, 0x20, 0x00);
    pub const BLOCK_OUT_OF_RANGE: Sense = Sense::new(ILLEGAL_REQUEST, 0x21, 0x00);
    pub const INVALID_FIELD: Sense = Sense::new(ILLEGAL_REQUEST, 0x24, 0x00);
    pub const CANNOT_READ_INCOMPATIBLE: Sense = Sense::new(ILLEGAL_REQUEST, 0x30, 0x02);
    pub const SAVING_NOT_SUPPORTED: Sense = Sense::new(ILLEGAL_REQUEST, 0x39, 0x00);
    pub const REMOVAL_PREVENTED: Sense = Sense::new(ILLEGAL_REQUEST, 0x53, 0x02);
    pub const ILLEGAL_MODE_FOR_TRACK: Sense = Sense::new(ILLEGAL_REQUEST, 0x64, 0x00);
    pub const MEDIUM_MAY_HAVE_CHANGED: Sense = Sense::new(UNIT_ATTENTION, 0x28, 0x00);

    const fn new(key: u8, asc: u8, ascq: u8) -> Self {
        Sense {
            key,
            asc,
            ascq,
            block: None,
        }
    }

    /// A block can't be read.
    pub fn unreadable(block: u32) -> Self {
        Sense {
            block: Some(block),
            ..Sense::new(MEDIUM_ERROR, 0x11, 0x00)
        }
    }

    /// As REQUEST SENSE returns it: fixed format, 18 bytes.
    pub fn to_bytes(self) -> Vec<u8> {
        const CURRENT: u8 = 0x70;
        const VALID: u8 = 0x80;
        let mut data = vec![0; 18];
        data[0] = CURRENT;
        data[2] = self.key;
        if let Some(block) = self.block {
            data[0] |= VALID;
            data[3..7].copy_from_slice(&block.to_be_bytes());
        }
        data[7] = 10;
        data[12] = self.asc;
        data[13] = self.ascq;
        data
    }
}
