//! The journal's own superblock, in its first block.

use super::MAGIC;
use super::log::Log;
use crate::disk::bytes::{be32, u8_at};
use crate::disk::checksum::crc32c;
use crate::fs::FsError;
use crate::fs::ext::error::{bad_checksum, corrupt, unsupported};
use alloc::format;

/// Incompatible features of a journal.
mod incompat {
    pub const REVOKE: u32 = 0x1;
    pub const BIT64: u32 = 0x2;
    pub const ASYNC_COMMIT: u32 = 0x4;
    pub const CSUM_V2: u32 = 0x8;
    pub const CSUM_V3: u32 = 0x10;
    pub const FAST_COMMIT: u32 = 0x20;
    pub const KNOWN: u32 = REVOKE | BIT64 | ASYNC_COMMIT | CSUM_V2 | CSUM_V3 | FAST_COMMIT;
}

/// How a journal guards what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sums {
    /// Not at all.
    None,
    /// One CRC-32 for each transaction, in its commit block.
    Commit,
    /// CRC-32C in every block; of the copies' only 16 bits are kept.
    V2,
    /// CRC-32C in every block and for every copy.
    V3,
}

/// What replaying needs to know of it, checked.
pub struct JournalSuperblock {
    /// Blocks of the journal, fast commits included.
    pub length: u64,
    /// The first block of the ring.
    pub first: u64,
    /// The block behind the ring.
    pub end: u64,
    /// The number of the first transaction to replay.
    pub sequence: u32,
    /// The block it starts in; 0 when there is nothing to replay.
    pub start: u64,
    /// Whether block numbers are of 64 bits.
    pub wide: bool,
    /// The checksums in use.
    pub sums: Sums,
    /// What they start from.
    pub seed: u32,
    /// Whether there may be fast commits.
    pub fast_commits: bool,
}

impl JournalSuperblock {
    /// Reads and checks block 0 of the journal.
    pub fn read(log: &Log<'_>, block_size: u64) -> Result<Self, FsError> {
        let mut bytes = log.buffer();
        log.read(0, &mut bytes)?;
        let version = match (be32(&bytes, 0), be32(&bytes, 4)) {
            (MAGIC, 3) => 1,
            (MAGIC, 4) => 2,
            _ => return Err(corrupt("no journal superblock".into())),
        };
        let feature = |at| if version == 2 { be32(&bytes, at) } else { 0 };
        let (compat, incompat) = (feature(0x24), feature(0x28));
        let unknown = incompat & !incompat::KNOWN;
        if unknown != 0 {
            return Err(unsupported(format!("journal feature {unknown:#x}")));
        }
        if u64::from(be32(&bytes, 0xc)) != block_size {
            return Err(corrupt(format!(
                "journal with blocks of {} bytes",
                be32(&bytes, 0xc)
            )));
        }
        let sums = match incompat & (incompat::CSUM_V2 | incompat::CSUM_V3) {
            0 if compat & 1 != 0 => Sums::Commit,
            0 => Sums::None,
            incompat::CSUM_V2 => Sums::V2,
            incompat::CSUM_V3 => Sums::V3,
            _ => return Err(corrupt("journal with two kinds of checksums".into())),
        };
        if matches!(sums, Sums::V2 | Sums::V3) {
            verify(&bytes)?;
        }
        let fast_commits = incompat & incompat::FAST_COMMIT != 0;
        let length = u64::from(be32(&bytes, 0x10));
        // Their blocks are at the end of the journal; 256 where not said.
        let reserved = match be32(&bytes, 0x54) {
            _ if !fast_commits => 0,
            0 => 256,
            count => u64::from(count),
        };
        let sb = JournalSuperblock {
            length,
            first: be32(&bytes, 0x14).into(),
            end: length.saturating_sub(reserved),
            sequence: be32(&bytes, 0x18),
            start: be32(&bytes, 0x1c).into(),
            wide: incompat & incompat::BIT64 != 0,
            sums,
            seed: crc32c(!0, bytes.get(0x30..0x40).unwrap_or_default()),
            fast_commits,
        };
        if sb.first == 0 || sb.first >= sb.end || sb.start >= sb.end {
            return Err(corrupt(format!(
                "journal of blocks {} to {}, starting at {}",
                sb.first, sb.end, sb.start
            )));
        }
        Ok(sb)
    }
}

/// Checks the checksum at 0xfc, which counts as zero.
fn verify(bytes: &[u8]) -> Result<(), FsError> {
    if u8_at(bytes, 0x50) != 4 {
        return Err(unsupported(format!(
            "journal checksum type {}",
            u8_at(bytes, 0x50)
        )));
    }
    let sum = crc32c(!0, bytes.get(..0xfc).unwrap_or_default());
    let sum = crc32c(
        crc32c(sum, &[0; 4]),
        bytes.get(0x100..0x400).unwrap_or_default(),
    );
    if sum != be32(bytes, 0xfc) {
        return Err(bad_checksum("the journal superblock".into()));
    }
    Ok(())
}
