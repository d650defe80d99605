//! The checksums that partition tables and file systems use, on one kept
//! crate's tables.

use crc::{Algorithm, CRC_32_ISO_HDLC, Crc, Table};

/// CRC-32C without the final inversion, so that sums can be continued (as
/// ext4, btrfs and XFS use it).
static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&Algorithm {
    width: 32,
    poly: 0x1edc_6f41,
    init: 0xffff_ffff,
    refin: true,
    refout: true,
    xorout: 0,
    check: 0,
    residue: 0,
});

/// Most significant bit first, without the final inversion (jbd2's first
/// kind of checksum).
static CRC32_BE: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&Algorithm {
    width: 32,
    poly: 0x04c1_1db7,
    init: 0xffff_ffff,
    refin: false,
    refout: false,
    xorout: 0,
    check: 0,
    residue: 0,
});

/// CRC-16 of ext4's older group descriptors (polynomial 0x8005, reflected).
static CRC16: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&Algorithm {
    width: 16,
    poly: 0x8005,
    init: 0xffff,
    refin: true,
    refout: true,
    xorout: 0,
    check: 0,
    residue: 0,
});

static CRC32: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// Continues the CRC-32C `state` over `bytes`; start with `!0`.
#[must_use]
pub fn crc32c(state: u32, bytes: &[u8]) -> u32 {
    let mut digest = CRC32C.digest_with_initial(state.reverse_bits());
    digest.update(bytes);
    digest.finalize()
}

/// Continues the big-endian CRC-32 `state` over `bytes`; start with `!0`.
#[must_use]
pub fn crc32_be(state: u32, bytes: &[u8]) -> u32 {
    let mut digest = CRC32_BE.digest_with_initial(state);
    digest.update(bytes);
    digest.finalize()
}

/// Continues the CRC-16 `state` over `bytes`; start with `!0`.
#[must_use]
pub fn crc16(state: u16, bytes: &[u8]) -> u16 {
    let mut digest = CRC16.digest_with_initial(state.reverse_bits());
    digest.update(bytes);
    digest.finalize()
}

/// A running CRC-32 as GPT (and gzip) use it.
pub struct Crc32(crc::Digest<'static, u32, Table<1>>);

impl Crc32 {
    /// Starts a sum.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a sum is started on purpose")]
    pub fn new() -> Self {
        Crc32(CRC32.digest())
    }

    /// Adds `bytes` to the sum.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The sum.
    #[must_use]
    pub fn finish(self) -> u32 {
        self.0.finalize()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: &[u8] = b"123456789";

    /// The well-known check values of the catalogue of CRCs (with the final
    /// inversion undone where the catalogue's variant has one).
    #[test]
    fn catalogue() {
        assert_eq!(!crc32c(!0, CHECK), 0xe306_9283);
        assert_eq!(crc32_be(!0, CHECK), 0x0376_e6e7);
        assert_eq!(crc16(!0, CHECK), 0x4b37);
        let mut sum = Crc32::new();
        sum.update(CHECK);
        assert_eq!(sum.finish(), 0xcbf4_3926);
    }

    #[test]
    fn continued() {
        let (a, b) = CHECK.split_at(4);
        assert_eq!(crc32c(crc32c(!0, a), b), crc32c(!0, CHECK));
        assert_eq!(crc32_be(crc32_be(!0, a), b), crc32_be(!0, CHECK));
        assert_eq!(crc16(crc16(!0, a), b), crc16(!0, CHECK));
    }
}
