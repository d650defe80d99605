//! The registers of one drive on the cable, named as in ATA/ATAPI-6 (T13/1410D,
//! clause 7): the task file.
//!
//! The host fills them, writes a command, and finds the answer in them.

use super::geometry::Place;

/// Offsets in the command block (1f0h or 170h).
pub mod offset {
    /// Data, 16 or 32 bits wide.
    pub const DATA: u64 = 0;
    /// Read: Error. Written: Features.
    pub const FEATURES: u64 = 1;
    /// Sector Count; for packets the Interrupt Reason.
    pub const COUNT: u64 = 2;
    /// LBA Low.
    pub const LBA_LOW: u64 = 3;
    /// LBA Mid; for packets the Byte Count's low half.
    pub const LBA_MID: u64 = 4;
    /// LBA High; for packets the Byte Count's high half.
    pub const LBA_HIGH: u64 = 5;
    /// Device.
    pub const DEVICE: u64 = 6;
    /// Read: Status. Written: Command.
    pub const COMMAND: u64 = 7;
}

/// Bits of Status.
pub mod status {
    /// Busy: nothing else here is valid.
    pub const BSY: u8 = 0x80;
    /// Device ready.
    pub const DRDY: u8 = 0x40;
    /// Device fault.
    pub const DF: u8 = 0x20;
    /// Seek complete (ATA-3; packet devices: SERV).
    pub const DSC: u8 = 0x10;
    /// Data request.
    pub const DRQ: u8 = 0x08;
    /// Error (packet devices: CHK).
    pub const ERR: u8 = 0x01;
}

/// Bits of Error.
pub mod error {
    /// Uncorrectable data.
    pub const UNC: u8 = 0x40;
    /// ID not found: no such address.
    pub const IDNF: u8 = 0x10;
    /// Command aborted.
    pub const ABRT: u8 = 0x04;
}

/// Bits of Device.
pub mod device {
    /// The address is an LBA, not cylinder, head and sector.
    pub const LBA: u8 = 0x40;
    /// Device 1 is selected.
    pub const DEV: u8 = 0x10;
    /// Bits 5 and 7 were fixed to one until ATA-3.
    pub const OBSOLETE: u8 = 0xa0;
}

/// Bits of Device Control (3f6h or 376h).
pub mod control {
    /// High order byte: reads show what was written before the last write.
    pub const HOB: u8 = 0x80;
    /// Software reset.
    pub const SRST: u8 = 0x04;
    /// No interrupts.
    pub const N_IEN: u8 = 0x02;
}

/// Bits of the Interrupt Reason of packet commands.
pub mod reason {
    /// A command (or its status), not data.
    pub const CD: u8 = 0x01;
    /// To the host.
    pub const IO: u8 = 0x02;
}

/// A register of the 48-bit feature set: it remembers the value before the last.
#[derive(Clone, Copy, Default, Debug)]
pub struct Deep {
    /// "Most recently written".
    pub now: u8,
    /// "Previous content".
    pub before: u8,
}

impl Deep {
    /// The host writes.
    pub fn push(&mut self, value: u8) {
        *self = Deep {
            now: value,
            before: self.now,
        };
    }

    /// The host reads, with the HOB bit so.
    pub fn show(self, high_order: bool) -> u8 {
        if high_order { self.before } else { self.now }
    }

    /// The drive puts an answer in.
    pub fn set(&mut self, value: u8) {
        *self = Deep {
            now: value,
            before: 0,
        };
    }

    fn wide(self) -> u64 {
        u64::from(self.before) << 8 | u64::from(self.now)
    }
}

/// The task file.
#[derive(Clone, Default, Debug)]
pub struct TaskFile {
    /// Features.
    pub features: Deep,
    /// Sector Count.
    pub count: Deep,
    /// LBA Low.
    pub lba_low: Deep,
    /// LBA Mid.
    pub lba_mid: Deep,
    /// LBA High.
    pub lba_high: Deep,
    /// Device.
    pub device: u8,
    /// Status.
    pub status: u8,
    /// Error.
    pub error: u8,
}

impl TaskFile {
    /// The host writes a register other than Data and Command.
    pub fn write(&mut self, at: u64, value: u8) {
        match at {
            offset::FEATURES => self.features.push(value),
            offset::COUNT => self.count.push(value),
            offset::LBA_LOW => self.lba_low.push(value),
            offset::LBA_MID => self.lba_mid.push(value),
            offset::LBA_HIGH => self.lba_high.push(value),
            offset::DEVICE => self.device = value,
            _ => {}
        }
    }

    /// The host reads a register other than Data.
    pub fn read(&self, at: u64, high_order: bool) -> u8 {
        match at {
            offset::FEATURES => self.error,
            offset::COUNT => self.count.show(high_order),
            offset::LBA_LOW => self.lba_low.show(high_order),
            offset::LBA_MID => self.lba_mid.show(high_order),
            offset::LBA_HIGH => self.lba_high.show(high_order),
            offset::DEVICE => self.device | device::OBSOLETE,
            offset::COMMAND => self.status,
            _ => 0xff,
        }
    }

    /// Whether the address is an LBA.
    pub fn is_lba(&self) -> bool {
        self.device & device::LBA != 0
    }

    /// The cylinder, when the address is none.
    pub fn cylinder(&self) -> u16 {
        u16::from_le_bytes([self.lba_mid.now, self.lba_high.now])
    }

    /// The 28-bit address.
    pub fn lba28(&self) -> u64 {
        let bytes = [self.lba_low.now, self.lba_mid.now, self.lba_high.now];
        let low = bytes
            .iter()
            .rev()
            .fold(0, |lba, byte| lba << 8 | u64::from(*byte));
        u64::from(self.device & 0xf) << 24 | low
    }

    /// The 48-bit address.
    pub fn lba48(&self) -> u64 {
        let parts = [self.lba_low, self.lba_mid, self.lba_high];
        let byte = |lba, byte: &u8| lba << 8 | u64::from(*byte);
        let now = parts.map(|part| part.now);
        let before = parts.map(|part| part.before);
        before.iter().rev().fold(0, byte) << 24 | now.iter().rev().fold(0, byte)
    }

    /// The number of sectors, 0 being the most.
    pub fn sectors(&self, wide: bool) -> u32 {
        match (wide, self.count.wide()) {
            (true, 0) => 0x1_0000,
            (true, count) => count as u32,
            (false, _) if self.count.now == 0 => 0x100,
            (false, _) => u32::from(self.count.now),
        }
    }

    /// Shows a 28-bit address (or the low bits of a larger one).
    pub fn set_lba28(&mut self, lba: u64) {
        let [low, mid, high, top, ..] = lba.to_le_bytes();
        self.lba_low.set(low);
        self.lba_mid.set(mid);
        self.lba_high.set(high);
        self.device = self.device & 0xf0 | top & 0x0f;
    }

    /// Shows a place by cylinder, head and sector.
    pub fn set_chs(&mut self, place: Place) {
        let [low, high] = place.cylinder.to_le_bytes();
        self.lba_low.set(place.sector);
        self.lba_mid.set(low);
        self.lba_high.set(high);
        self.device = self.device & 0xf0 | place.head & 0x0f;
    }

    /// Shows a 48-bit address.
    pub fn set_lba48(&mut self, lba: u64) {
        let [low, mid, high, low_before, mid_before, high_before, ..] = lba.to_le_bytes();
        let deep = |now, before| Deep { now, before };
        self.lba_low = deep(low, low_before);
        self.lba_mid = deep(mid, mid_before);
        self.lba_high = deep(high, high_before);
    }

    /// Puts the signature of a kind of drive in, with the state after a reset
    /// (clause 9.12).
    pub fn sign(&mut self, mid: u8, high: u8) {
        self.count.set(1);
        self.lba_low.set(1);
        self.lba_mid.set(mid);
        self.lba_high.set(high);
        self.device &= device::DEV;
    }
}
