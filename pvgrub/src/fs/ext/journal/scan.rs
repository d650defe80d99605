//! Finds the newest committed copy of every block in the journal.

use super::MAGIC;
use super::log::Log;
use super::superblock::{JournalSuperblock, Sums};
use crate::disk::bytes::{be16, be32, u8_at};
use crate::disk::checksum::{crc32_be, crc32c};
use crate::fs::FsError;
use crate::fs::ext::error::corrupt;
use alloc::format;
use alloc::vec::Vec;

/// Copies that are kept track of: 2 GiB of journal in blocks of 4 KiB.
pub const MAX_COPIES: usize = 512 * 1024;

/// A block's header: magic, type, sequence.
const HEADER: usize = 12;
const DESCRIPTOR: u32 = 1;
const COMMIT: u32 = 2;
const REVOKE: u32 = 5;

/// Flags of a tag.
const ESCAPED: u32 = 1;
const SAME_UUID: u32 = 2;
const LAST: u32 = 8;

/// A copy of a block of the file system.
#[derive(Debug, Clone, Copy)]
pub struct Copy {
    /// The block it is of.
    pub block: u64,
    /// Where it is: a block of the journal.
    pub place: u64,
    /// The transaction.
    pub sequence: u32,
    /// Its checksum as far as the tag has it.
    pub sum: u32,
    /// Whether its first four bytes were those of the magic number, and are
    /// zeros in the copy.
    pub escaped: bool,
}

/// What a scan found.
pub struct Found {
    /// The newest copy of each block, by block.
    pub copies: Vec<Copy>,
    /// The number that the next transaction would have had.
    pub next_sequence: u32,
}

struct Scan<'a> {
    log: &'a Log<'a>,
    sb: &'a JournalSuperblock,
    copies: Vec<Copy>,
    /// Revoked blocks and the transaction that did so.
    revokes: Vec<(u64, u32)>,
    /// How much of both belongs to committed transactions.
    committed: (usize, usize),
    sequence: u32,
    next: u64,
    /// CRC-32 of the transaction so far, for [`Sums::Commit`].
    sum: u32,
}

/// Goes through the journal up to the first transaction without a sound
/// commit block.
pub fn scan(log: &Log<'_>, sb: &JournalSuperblock) -> Result<Found, FsError> {
    let mut scan = Scan {
        log,
        sb,
        copies: Vec::new(),
        revokes: Vec::new(),
        committed: (0, 0),
        sequence: sb.sequence,
        next: sb.start,
        sum: !0,
    };
    let mut bytes = log.buffer();
    // Every step takes at least one block, and the ring has no more.
    let mut left = sb.end.saturating_sub(sb.first);
    while left > 0 {
        let before = scan.next;
        log.read(before, &mut bytes)?;
        scan.advance(1);
        if be32(&bytes, 0) != MAGIC || be32(&bytes, 8) != scan.sequence {
            break;
        }
        let taken = match be32(&bytes, 4) {
            DESCRIPTOR if scan.tail_matches(&bytes) => scan.descriptor(&bytes)?,
            REVOKE if scan.tail_matches(&bytes) => scan.revoke(&bytes)?,
            COMMIT if scan.commit_matches(&bytes) => scan.commit(),
            _ => break,
        };
        left = left.saturating_sub(taken);
    }
    Ok(scan.finish())
}

impl Scan<'_> {
    /// Moves on by `count` blocks, round the ring.
    fn advance(&mut self, count: u64) {
        let ring = self.sb.end.saturating_sub(self.sb.first).max(1);
        let at = self
            .next
            .saturating_sub(self.sb.first)
            .saturating_add(count);
        self.next = self.sb.first.saturating_add(at % ring);
    }

    fn has_tails(&self) -> bool {
        matches!(self.sb.sums, Sums::V2 | Sums::V3)
    }

    /// Checks the checksum in the last four bytes of a descriptor or revoke
    /// block. A stale block from an earlier round may fail: that is the end
    /// of the log.
    fn tail_matches(&self, bytes: &[u8]) -> bool {
        if !self.has_tails() {
            return true;
        }
        let end = bytes.len().saturating_sub(4);
        let sum = crc32c(self.sb.seed, bytes.get(..end).unwrap_or_default());
        crc32c(sum, &[0; 4]) == be32(bytes, end)
    }

    /// Checks a commit block: checksum type u8, size u8, two reserved bytes,
    /// the checksum u32.
    fn commit_matches(&self, bytes: &[u8]) -> bool {
        let stored = be32(bytes, 16);
        match self.sb.sums {
            Sums::None => true,
            Sums::Commit => {
                let kind = (u8_at(bytes, 12), u8_at(bytes, 13));
                (kind == (1, 4) && stored == self.sum) || (kind == (0, 0) && stored == 0)
            }
            Sums::V2 | Sums::V3 => {
                let sum = crc32c(self.sb.seed, bytes.get(..16).unwrap_or_default());
                let sum = crc32c(sum, &[0; 4]);
                crc32c(sum, bytes.get(20..).unwrap_or_default()) == stored
            }
        }
    }

    /// Takes the copies that a descriptor block lists; gives how many blocks
    /// that makes.
    fn descriptor(&mut self, bytes: &[u8]) -> Result<u64, FsError> {
        let end = bytes
            .len()
            .saturating_sub(if self.has_tails() { 4 } else { 0 });
        let mut tags = bytes.get(HEADER..end).unwrap_or_default();
        let size = self.tag_size();
        let mut taken = 1;
        if self.sb.sums == Sums::Commit {
            self.sum = crc32_be(self.sum, bytes);
        }
        while let Some((tag, rest)) = tags.split_at_checked(size) {
            let flags = self.take(tag)?;
            taken += 1;
            tags = rest;
            if flags & SAME_UUID == 0 {
                tags = tags.get(16..).unwrap_or_default();
            }
            if flags & LAST != 0 {
                break;
            }
        }
        Ok(taken)
    }

    fn tag_size(&self) -> usize {
        match (self.sb.sums, self.sb.wide) {
            (Sums::V3, _) => 16,
            // The kernel reserves two bytes more here than it uses.
            (Sums::V2, true) => 14,
            (Sums::V2, false) => 10,
            (_, true) => 12,
            (_, false) => 8,
        }
    }

    /// Notes the copy that `tag` is about, which is the next block of the
    /// log; gives the tag's flags.
    fn take(&mut self, tag: &[u8]) -> Result<u32, FsError> {
        let (flags, sum) = match self.sb.sums {
            Sums::V3 => (be32(tag, 4), be32(tag, 12)),
            _ => (u32::from(be16(tag, 6)), u32::from(be16(tag, 4))),
        };
        let high = if self.sb.wide {
            u64::from(be32(tag, 8)) << 32
        } else {
            0
        };
        if self.copies.len() >= MAX_COPIES {
            return Err(corrupt(format!(
                "more than {MAX_COPIES} blocks in the journal"
            )));
        }
        self.copies.push(Copy {
            block: u64::from(be32(tag, 0)) | high,
            place: self.next,
            sequence: self.sequence,
            sum,
            escaped: flags & ESCAPED != 0,
        });
        if self.sb.sums == Sums::Commit {
            let mut copy = self.log.buffer();
            self.log.read(self.next, &mut copy)?;
            self.sum = crc32_be(self.sum, &copy);
        }
        self.advance(1);
        Ok(flags)
    }

    /// Takes the block numbers of a revoke block: length in bytes u32, with
    /// what is before it, then the numbers.
    fn revoke(&mut self, bytes: &[u8]) -> Result<u64, FsError> {
        let end = usize::try_from(be32(bytes, HEADER)).unwrap_or(usize::MAX);
        let limit = bytes
            .len()
            .saturating_sub(if self.has_tails() { 4 } else { 0 });
        let list = bytes.get(HEADER + 4..end.min(limit)).unwrap_or_default();
        let size = if self.sb.wide { 8 } else { 4 };
        for number in list.chunks_exact(size) {
            let block = number
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            self.revokes.push((block, self.sequence));
        }
        if self.revokes.len() > MAX_COPIES {
            return Err(corrupt(format!(
                "more than {MAX_COPIES} revoked blocks in the journal"
            )));
        }
        Ok(1)
    }

    fn commit(&mut self) -> u64 {
        self.committed = (self.copies.len(), self.revokes.len());
        self.sequence = self.sequence.wrapping_add(1);
        self.sum = !0;
        1
    }

    /// Keeps the newest copy of each block, unless it was revoked in its own
    /// or a later transaction.
    fn finish(mut self) -> Found {
        self.copies.truncate(self.committed.0);
        self.revokes.truncate(self.committed.1);
        // Both sorts are stable: of the same block, the newest stays last.
        self.copies.sort_by_key(|copy| copy.block);
        self.revokes.sort_by_key(|(block, _)| *block);
        let revokes = &self.revokes;
        let revoked = |copy: &Copy| {
            let after = revokes.partition_point(|(block, _)| *block <= copy.block);
            let last = after.checked_sub(1).and_then(|at| revokes.get(at));
            last.is_some_and(|(block, sequence)| {
                // Sequence numbers wrap: half the range ahead counts as older.
                *block == copy.block && sequence.wrapping_sub(copy.sequence) < 1 << 31
            })
        };
        self.copies.dedup_by(|later, kept| {
            let same = later.block == kept.block;
            if same {
                *kept = *later;
            }
            same
        });
        self.copies.retain(|copy| !revoked(copy));
        Found {
            copies: self.copies,
            next_sequence: self.sequence,
        }
    }
}
