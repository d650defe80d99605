//! IDENTIFY PACKET DEVICE (ATA/ATAPI-6, 8.16).

use alloc::vec::Vec;

use super::super::words::Words;
use super::Atapi;

impl Atapi {
    /// The 512 bytes.
    pub(super) fn identify_data(&self) -> Vec<u8> {
        let mut words = Words::new();
        // A CD drive, removable, DRQ within 50 µs, packets of 12 bytes.
        words.set(0, 0x85c0);
        words.set_text(10, 10, &self.identity.serial);
        words.set_text(23, 4, &self.identity.firmware);
        words.set_text(27, 20, &self.identity.model);
        // IORDY, LBA, DMA.
        words.set(49, 0x0b00);
        words.set(53, 0x0006);
        words.set(63, self.mode.word_63());
        words.set(64, 0x0003);
        for word in 65..=68 {
            words.set(word, 120);
        }
        // ATA/ATAPI-4 to 6.
        words.set(80, 0x0070);
        // DEVICE RESET, PACKET, power management: supported and enabled.
        words.set(82, 0x0218);
        words.set(83, 0x4000);
        words.set(84, 0x4000);
        words.set(85, 0x0218);
        words.set(87, 0x4000);
        words.set(88, self.mode.word_88());
        words.set(93, 0x6001);
        words.into_bytes(true)
    }
}
