//! IDENTIFY DEVICE (ATA/ATAPI-6, 8.15; the words of TRIM: ACS-2).

use alloc::vec::Vec;

use super::super::words::Words;
use super::{Ata, MOST_MULTIPLE, trim};

impl Ata {
    /// The 512 bytes.
    pub(super) fn identify_data(&self) -> Vec<u8> {
        let mut words = Words::new();
        self.identify_geometry(&mut words);
        words.set_text(10, 10, &self.identity.serial);
        words.set_text(23, 4, &self.identity.firmware);
        words.set_text(27, 20, &self.identity.model);
        words.set(47, 0x8000 | u16::from(MOST_MULTIPLE));
        // Standby timer as the standard says, IORDY, LBA, DMA.
        words.set(49, 0x2f00);
        words.set(50, 0x4000);
        // Words 54 to 58, 64 to 70 and 88 are valid.
        words.set(53, 0x0007);
        if self.multiple != 0 {
            words.set(59, 0x0100 | u16::from(self.multiple));
        }
        self.identify_sizes(&mut words);
        words.set(63, self.mode.word_63());
        // PIO 3 and 4; the shortest cycles of multiword DMA and PIO in ns.
        words.set(64, 0x0003);
        for word in 65..=68 {
            words.set(word, 120);
        }
        // ATA/ATAPI-4 to 7 and ATA8-ACS, no minor version.
        words.set(80, 0x01f0);
        self.identify_features(&mut words);
        words.set(88, self.mode.word_88());
        // An 80-conductor cable, device 0 passed, how it knows its number.
        words.set(93, 0x6001);
        if self.can_discard {
            words.set(105, trim::MOST_BLOCKS);
            words.set(169, 0x0001);
        }
        // Nothing rotates: guests need not sort their requests by cylinder.
        words.set(217, 0x0001);
        words.into_bytes(true)
    }

    fn identify_geometry(&self, words: &mut Words) {
        let shipped = self.default_geometry;
        // A fixed disk.
        words.set(0, 0x0040);
        words.set(1, shipped.cylinders);
        words.set(3, u16::from(shipped.heads));
        words.set(6, u16::from(shipped.sectors));
        let now = self.geometry;
        words.set(54, now.cylinders);
        words.set(55, u16::from(now.heads));
        words.set(56, u16::from(now.sectors));
        words.set_wide(57, now.capacity());
    }

    fn identify_sizes(&self, words: &mut Words) {
        words.set_wide(60, self.total.min(0x0fff_ffff) as u32);
        words.set_wide(100, self.total as u32);
        words.set_wide(102, (self.total >> 32) as u32);
    }

    /// What is supported (82-84) and what is enabled (85-87).
    fn identify_features(&self, words: &mut Words) {
        const SMART: u16 = 1 << 0;
        const POWER: u16 = 1 << 3;
        const WRITE_CACHE: u16 = 1 << 5;
        const LOOK_AHEAD: u16 = 1 << 6;
        const LBA48: u16 = 1 << 10;
        const FLUSH: u16 = 1 << 12;
        const FLUSH_EXT: u16 = 1 << 13;
        const FUA: u16 = 1 << 6;
        const VALID: u16 = 1 << 14;
        words.set(82, SMART | POWER | WRITE_CACHE | LOOK_AHEAD);
        words.set(83, VALID | LBA48 | FLUSH | FLUSH_EXT);
        words.set(84, VALID | FUA);
        let enabled = |bit, is: bool| if is { bit } else { 0 };
        let now = POWER
            | enabled(SMART, self.smart.is_enabled())
            | enabled(WRITE_CACHE, self.write_cache)
            | enabled(LOOK_AHEAD, self.look_ahead);
        words.set(85, now);
        words.set(86, LBA48 | FLUSH | FLUSH_EXT);
        words.set(87, VALID | FUA);
    }
}
