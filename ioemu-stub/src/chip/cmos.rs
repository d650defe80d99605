//! The CMOS memory behind the real-time clock: where a PC's firmware finds
//! how much memory there is and what to boot from.
//!
//! The clock itself (indices below 14) is in Xen, and accesses to those never
//! arrive. Meanings of the bytes: Ralf Brown's CMOS list, and SeaBIOS, which
//! reads them.

use crate::bus::{Registers, Width};

/// What to boot from, as CMOS counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BootDevice {
    /// The first floppy drive.
    Floppy = 1,
    /// The first hard disk.
    Disk = 2,
    /// The first CD-ROM.
    Cd = 3,
    /// A network card's ROM.
    Network = 4,
}

impl BootDevice {
    /// The device that a letter of `boot=` means, in xl and QEMU alike.
    pub fn from_letter(letter: char) -> Option<Self> {
        match letter {
            'a' => Some(BootDevice::Floppy),
            'c' => Some(BootDevice::Disk),
            'd' => Some(BootDevice::Cd),
            'n' => Some(BootDevice::Network),
            _ => None,
        }
    }
}

/// How a disk is laid out, for firmware that asks CMOS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// Cylinders.
    pub cylinders: u16,
    /// Heads.
    pub heads: u8,
    /// Sectors per track.
    pub sectors: u8,
    /// How firmware translates: 0 not at all, 1 LBA, 2 large, 3 revised ECHS.
    pub translation: u8,
}

/// Indices of CMOS memory.
pub mod index {
    /// Types of the two floppy drives.
    pub const FLOPPIES: u8 = 0x10;
    /// Types of the first two hard disks.
    pub const DISKS: u8 = 0x12;
    /// What else is built in.
    pub const EQUIPMENT: u8 = 0x14;
    /// KiB below 640 KiB, a word.
    pub const BASE_MEMORY: u8 = 0x15;
    /// KiB above 1 MiB, a word.
    pub const EXTENDED_MEMORY: u8 = 0x17;
    /// The same again, as found by the firmware.
    pub const EXTENDED_MEMORY_FOUND: u8 = 0x30;
    /// The first two digits of the year.
    pub const CENTURY: u8 = 0x32;
    /// 64 KiB above 16 MiB, a word.
    pub const MEMORY_ABOVE_16M: u8 = 0x34;
    /// Bits 7:4 the third boot device; bit 0: don't check floppies' signature.
    pub const BOOT_3: u8 = 0x38;
    /// How each IDE disk's geometry is translated, two bits each.
    pub const TRANSLATION: u8 = 0x39;
    /// Bits 3:0 the first boot device, 7:4 the second.
    pub const BOOT_1_2: u8 = 0x3d;
    /// 64 KiB above 4 GiB, three bytes.
    pub const MEMORY_ABOVE_4G: u8 = 0x5b;
    /// Processors but one.
    pub const PROCESSORS: u8 = 0x5f;
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Ports 70h (index) and 71h (data).
pub struct Cmos {
    index: u8,
    bytes: [u8; 128],
}

impl Cmos {
    /// The index port; data is the next.
    pub const PORT: u64 = 0x70;

    /// A PC with a coprocessor, a PS/2 mouse, no floppy drives, and nothing
    /// else yet.
    pub fn new() -> Self {
        let mut new = Cmos {
            index: 0,
            bytes: [0; 128],
        };
        new.set(index::EQUIPMENT, 0x06);
        new.set(index::CENTURY, 0x20);
        new
    }

    /// A byte of it.
    pub fn get(&self, index: u8) -> u8 {
        self.bytes[usize::from(index & 0x7f)]
    }

    /// Sets a byte of it.
    pub fn set(&mut self, index: u8, value: u8) {
        self.bytes[usize::from(index & 0x7f)] = value;
    }

    fn set_bytes(&mut self, index: u8, values: &[u8]) {
        for (i, value) in (index..).zip(values) {
            self.set(i, *value);
        }
    }

    /// How much RAM there is, in bytes: below 4 GiB, and from there on.
    pub fn set_memory(&mut self, low: u64, high: u64) {
        let word = |value: u64| (value.min(0xffff) as u16).to_le_bytes();
        self.set_bytes(index::BASE_MEMORY, &word((low / KIB).min(640)));
        let extended = word(low.saturating_sub(MIB) / KIB);
        self.set_bytes(index::EXTENDED_MEMORY, &extended);
        self.set_bytes(index::EXTENDED_MEMORY_FOUND, &extended);
        let above_16m = low.saturating_sub(16 * MIB) / (64 * KIB);
        self.set_bytes(index::MEMORY_ABOVE_16M, &word(above_16m));
        let above_4g = (high / (64 * KIB)).min(0xff_ffff);
        self.set_bytes(index::MEMORY_ABOVE_4G, &above_4g.to_le_bytes()[..3]);
    }

    /// What to boot from, in order; only the first three count.
    pub fn set_boot(&mut self, order: &[BootDevice], check_floppy: bool) {
        let nth = |n: usize| order.get(n).map_or(0, |device| *device as u8);
        self.set(index::BOOT_1_2, nth(1) << 4 | nth(0));
        self.set(index::BOOT_3, nth(2) << 4 | u8::from(!check_floppy));
    }

    /// How many processors there are; there is room for 256.
    pub fn set_processors(&mut self, count: u32) {
        let others = count.saturating_sub(1).min(0xff);
        self.set(index::PROCESSORS, others as u8);
    }

    /// The geometry of IDE disk `unit` (0 to 3). Only the first two have a
    /// place for more than the translation.
    pub fn set_disk(&mut self, unit: u8, geometry: Geometry) {
        let unit = unit & 3;
        let shift = 2 * unit;
        let others = self.get(index::TRANSLATION) & !(3 << shift);
        self.set(
            index::TRANSLATION,
            others | (geometry.translation & 3) << shift,
        );
        if unit > 1 {
            return;
        }
        // Type 15: see the extended type; that is 47: see the table here.
        let disks = self.get(index::DISKS) | if unit == 0 { 0xf0 } else { 0x0f };
        self.set(index::DISKS, disks);
        self.set(0x19 + unit, 47);
        let [low, high] = geometry.cylinders.to_le_bytes();
        let control = 0xc0 | if geometry.heads > 8 { 8 } else { 0 };
        let table = [
            low,
            high,
            geometry.heads,
            0xff,
            0xff,
            control,
            low,
            high,
            geometry.sectors,
        ];
        self.set_bytes(0x1b + 9 * unit, &table);
    }
}

impl Default for Cmos {
    fn default() -> Self {
        Self::new()
    }
}

impl Registers for Cmos {
    fn read(&mut self, _: u8, offset: u64, width: Width) -> u64 {
        match (offset, width) {
            (1, Width::Byte) => self.get(self.index).into(),
            _ => width.ones(),
        }
    }

    fn write(&mut self, _: u8, offset: u64, width: Width, value: u64) {
        match (offset, width) {
            // Bit 7 masks NMI on a real board.
            (0, Width::Byte) => self.index = value as u8 & 0x7f,
            (1, Width::Byte) => self.set(self.index, value as u8),
            _ => {}
        }
    }
}
