//! What the journal holds, seen in the place it belongs to.

use super::MAGIC;
use super::log::Log;
use super::scan::Copy;
use super::superblock::{JournalSuperblock, Sums};
use crate::disk::BlockDevice;
use crate::disk::checksum::crc32c;
use crate::fs::FsError;
use crate::fs::ext::error::{bad_checksum, corrupt};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Blocks of the file system whose newest content is in the journal.
#[derive(Default)]
pub struct Overlay {
    /// By block; their place is a block of the device here.
    copies: Vec<Copy>,
    /// The checksums of the copies, and what they start from.
    sums: Option<(Sums, u32)>,
    block_size: usize,
}

impl Overlay {
    /// The overlay of `copies`, which are in order, out of `log`.
    pub fn new(log: &Log<'_>, sb: &JournalSuperblock, mut copies: Vec<Copy>) -> Self {
        for copy in &mut copies {
            // The scan took it from the ring, so it has a place.
            copy.place = log.place(copy.place).unwrap_or(u64::MAX);
        }
        let sums = matches!(sb.sums, Sums::V2 | Sums::V3).then_some((sb.sums, sb.seed));
        Overlay {
            copies,
            sums,
            block_size: log.buffer().len(),
        }
    }

    /// Whether nothing is replaced.
    pub fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }

    fn index_from(&self, block: u64) -> usize {
        self.copies.partition_point(|copy| copy.block < block)
    }

    /// The first block from `block` on that is replaced.
    pub fn first_from(&self, block: u64) -> Option<u64> {
        self.copies
            .get(self.index_from(block))
            .map(|copy| copy.block)
    }

    /// Fills `buf` with what lies `skip` bytes into the newest content of
    /// `block`, which is one of those replaced.
    pub fn read(
        &self,
        device: &dyn BlockDevice,
        block: u64,
        skip: u64,
        buf: &mut [u8],
    ) -> Result<(), FsError> {
        let copy = self
            .copies
            .get(self.index_from(block))
            .filter(|copy| copy.block == block);
        let copy = copy.ok_or_else(|| corrupt(format!("block {block} is not in the journal")))?;
        let mut bytes = vec![0; self.block_size];
        let offset = copy.place.checked_mul(self.block_size as u64);
        device.read_at(offset.unwrap_or(u64::MAX), &mut bytes)?;
        if let Some((kind, seed)) = self.sums {
            let sum = crc32c(crc32c(seed, &copy.sequence.to_be_bytes()), &bytes);
            let matches = match kind {
                Sums::V3 => sum == copy.sum,
                _ => sum & 0xffff == copy.sum,
            };
            if !matches {
                return Err(bad_checksum(format!("the journal's copy of block {block}")));
            }
        }
        if copy.escaped {
            for (to, from) in bytes.iter_mut().zip(MAGIC.to_be_bytes()) {
                *to = from;
            }
        }
        let part = usize::try_from(skip)
            .ok()
            .and_then(|skip| bytes.get(skip..));
        let part = part.and_then(|part| part.get(..buf.len()));
        let part = part.ok_or_else(|| corrupt(format!("a read across block {block}")))?;
        buf.copy_from_slice(part);
        Ok(())
    }
}
