//! Fast commits: small changes on top of the last transaction (Linux:
//! Documentation/filesystems/ext4/journal.rst, fs/ext4/fast_commit.h; all
//! numbers little-endian).
//!
//! They lie behind the ring, one block from its end on, as a row of tags
//! (kind u16, length u16, value). Tags up to a tail whose checksum is right
//! count. What they say is kept by inode and looked up when that inode, its
//! blocks or its names are read.

use super::log::Log;
use super::superblock::JournalSuperblock;
use crate::disk::bytes::{le16, le32};
use crate::disk::checksum::crc32c;
use crate::fs::FsError;
use crate::fs::ext::error::unsupported;
use crate::fs::ext::map::Run;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;

/// Kinds of tags.
mod tag {
    pub const ADD_RANGE: u16 = 1;
    pub const DEL_RANGE: u16 = 2;
    pub const CREATE: u16 = 3;
    pub const LINK: u16 = 4;
    pub const UNLINK: u16 = 5;
    pub const INODE: u16 = 6;
    pub const PAD: u16 = 7;
    pub const TAIL: u16 = 8;
    pub const HEAD: u16 = 9;
}

/// Kind and length.
const HEADER: usize = 4;
/// Blocks that are looked at; Linux reserves 256.
const MAX_BLOCKS: u64 = 4096;

/// Offsets in an inode: of the block map, and of what follows it.
const BLOCK_MAP: usize = 0x28;
const GENERATION: usize = 0x64;

/// Changes by inode.
#[derive(Default)]
pub struct FastCommits {
    inodes: BTreeMap<u32, Vec<u8>>,
    /// Blocks that were mapped or unmapped, in order and apart.
    ranges: BTreeMap<u32, Vec<Range>>,
    /// Names that were made or removed, by folder.
    names: BTreeMap<u32, BTreeMap<Vec<u8>, Option<u32>>>,
    /// Folders made since; their blocks were never written.
    new_folders: BTreeSet<u32>,
}

/// Blocks of a file from `first` up to `end`, which are at `start` (or a
/// hole).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: u64,
    end: u64,
    start: Option<u64>,
}

impl FastCommits {
    /// Reads the fast commits on top of the transactions before number
    /// `sequence`.
    pub fn read(log: &Log<'_>, sb: &JournalSuperblock, sequence: u32) -> Result<Self, FsError> {
        let mut all = FastCommits::default();
        let first = sb.end.saturating_add(1);
        if !sb.fast_commits || first >= sb.length {
            return Ok(all);
        }
        let mut bytes = log.buffer();
        let mut pending: Vec<(u16, Vec<u8>)> = Vec::new();
        let mut sum = 0;
        for block in first..sb.length.min(first.saturating_add(MAX_BLOCKS)) {
            log.read(block, &mut bytes)?;
            let mut rest = bytes.as_slice();
            if block == first && le16(rest, 0) != tag::HEAD {
                break;
            }
            while let Some((kind, value, next)) = split_tag(rest) {
                match kind {
                    tag::TAIL => {
                        let covered = rest.get(..HEADER + 4).unwrap_or_default();
                        if le32(value, 0) != sequence || le32(value, 4) != crc32c(sum, covered) {
                            return Ok(all);
                        }
                        pending
                            .drain(..)
                            .for_each(|(kind, value)| all.apply(kind, &value));
                        sum = 0;
                    }
                    tag::HEAD if le32(value, 4) != sequence => return Ok(all),
                    tag::HEAD if le32(value, 0) != 0 => {
                        let features = le32(value, 0);
                        return Err(unsupported(format!("fast commit feature {features:#x}")));
                    }
                    tag::ADD_RANGE..=tag::HEAD => {
                        let whole = rest.len().saturating_sub(next.len());
                        sum = crc32c(sum, rest.get(..whole).unwrap_or_default());
                        if !matches!(kind, tag::HEAD | tag::PAD) {
                            pending.push((kind, value.to_vec()));
                        }
                    }
                    _ => return Ok(all),
                }
                rest = next;
            }
        }
        Ok(all)
    }

    /// Notes what a tag says.
    fn apply(&mut self, kind: u16, value: &[u8]) {
        let number = le32(value, 0);
        match kind {
            tag::INODE => {
                self.inodes
                    .insert(number, value.get(4..).unwrap_or_default().to_vec());
            }
            tag::ADD_RANGE => {
                // An extent, as in a leaf of a tree.
                let first = u64::from(le32(value, 4));
                let raw = u64::from(le16(value, 8));
                let length = if raw > 0x8000 { raw - 0x8000 } else { raw };
                let start = u64::from(le16(value, 10)) << 32 | u64::from(le32(value, 12));
                let start = (raw <= 0x8000).then_some(start);
                let range = Range {
                    first,
                    end: first.saturating_add(length),
                    start,
                };
                set(self.ranges.entry(number).or_default(), range);
            }
            tag::DEL_RANGE => {
                let first = u64::from(le32(value, 4));
                let end = first.saturating_add(le32(value, 8).into());
                set(
                    self.ranges.entry(number).or_default(),
                    Range {
                        first,
                        end,
                        start: None,
                    },
                );
            }
            tag::CREATE | tag::LINK | tag::UNLINK => self.name(kind, value),
            _ => {}
        }
    }

    /// A name: folder u32, inode u32, the name.
    fn name(&mut self, kind: u16, value: &[u8]) {
        let (folder, inode) = (le32(value, 0), le32(value, 4));
        let name = value.get(8..).unwrap_or_default().to_vec();
        let made = (kind != tag::UNLINK).then_some(inode);
        self.names.entry(folder).or_default().insert(name, made);
        let is_folder = self
            .inodes
            .get(&inode)
            .is_some_and(|raw| le16(raw, 0) & 0xf000 == 0x4000);
        if kind == tag::CREATE && is_folder && self.new_folders.insert(inode) {
            let own = self.names.entry(inode).or_default();
            own.insert(b".".to_vec(), Some(inode));
            own.insert(b"..".to_vec(), Some(folder));
        }
    }

    /// Whether there is anything in them.
    pub fn is_empty(&self) -> bool {
        self.inodes.is_empty() && self.ranges.is_empty() && self.names.is_empty()
    }

    /// Brings the bytes of inode `number` up to date; whether there was
    /// something to do (their checksum is not right then).
    pub fn update_inode(&self, number: u32, raw: &mut [u8]) -> bool {
        const EXTENTS: u32 = 0x8_0000;
        let Some(new) = self.inodes.get(&number) else {
            return false;
        };
        let mut copy = |from: usize, to: usize| {
            let part = new.get(from..to.min(new.len())).unwrap_or_default();
            for (to, from) in raw.iter_mut().skip(from).zip(part) {
                *to = *from;
            }
        };
        copy(0, BLOCK_MAP);
        copy(GENERATION, new.len());
        // The root of the extents stays as the ranges say; all else that is
        // kept there is new.
        if le32(new, 0x20) & EXTENTS == 0 {
            copy(BLOCK_MAP, GENERATION);
        } else if le16(raw, BLOCK_MAP) != 0xf30a {
            // Of a new file it was never written: no entries, room for four.
            let empty = [0x0a, 0xf3, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0];
            for (to, from) in raw.iter_mut().skip(BLOCK_MAP).zip(empty) {
                *to = from;
            }
        }
        true
    }

    /// Where the blocks of inode `number` from `block` on are, as far as that
    /// changed; otherwise, how many blocks from there have not changed.
    pub fn find(&self, number: u32, block: u64) -> Result<Run, u64> {
        let ranges = self
            .ranges
            .get(&number)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let after = ranges.partition_point(|range| range.end <= block);
        match ranges.get(after) {
            Some(range) if range.first <= block => Ok(Run {
                start: range
                    .start
                    .map(|start| start.saturating_add(block - range.first)),
                length: range.end.saturating_sub(block),
            }),
            Some(range) => Err(range.first.saturating_sub(block)),
            None => Err(u64::MAX),
        }
    }

    /// The names in folder `number` that were made or, without an inode,
    /// removed.
    pub fn names(&self, number: u32) -> Option<&BTreeMap<Vec<u8>, Option<u32>>> {
        self.names.get(&number)
    }

    /// Whether folder `number` is new, and has nothing on disk.
    pub fn is_new_folder(&self, number: u32) -> bool {
        self.new_folders.contains(&number)
    }
}

/// The first tag of `bytes` and what follows it.
fn split_tag(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = usize::from(le16(bytes, 2));
    let value = bytes.get(HEADER..)?;
    let (value, next) = value.split_at_checked(length)?;
    Some((le16(bytes, 0), value, next))
}

/// Puts `new` in the place of whatever of `ranges` it overlaps.
fn set(ranges: &mut Vec<Range>, new: Range) {
    if new.first >= new.end {
        return;
    }
    let from = ranges.partition_point(|range| range.end <= new.first);
    let to = ranges
        .partition_point(|range| range.first < new.end)
        .max(from);
    let mut middle = Vec::new();
    if let Some(range) = ranges.get(from).filter(|range| range.first < new.first) {
        middle.push(Range {
            end: new.first,
            ..*range
        });
    }
    middle.push(new);
    let last = to.checked_sub(1).filter(|last| *last >= from);
    if let Some(range) = last
        .and_then(|at| ranges.get(at))
        .filter(|range| range.end > new.end)
    {
        let skip = new.end.saturating_sub(range.first);
        let start = range.start.map(|start| start.saturating_add(skip));
        middle.push(Range {
            first: new.end,
            end: range.end,
            start,
        });
    }
    ranges.splice(from..to, middle);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Later ranges win, against a map of single blocks.
    #[test]
    fn ranges_override_each_other() {
        let mut state = 12345u64;
        let mut below = |limit: u64| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) % limit
        };
        for _ in 0..200 {
            let mut fast = FastCommits::default();
            let mut expected = [None; 40];
            for _ in 0..12 {
                let (first, length) = (below(35), below(6));
                let end = (first + length).min(40);
                let start = (below(3) > 0).then(|| 100 * below(9));
                set(
                    fast.ranges.entry(7).or_default(),
                    Range { first, end, start },
                );
                for block in first..end {
                    expected[block as usize] = Some(start.map(|start| start + block - first));
                }
            }
            let mut block = 0;
            while block < 40 {
                match fast.find(7, block) {
                    Ok(run) => {
                        for offset in 0..run.length {
                            let place = run.start.map(|start| start + offset);
                            assert_eq!(expected[(block + offset) as usize], Some(place));
                        }
                        block += run.length;
                    }
                    Err(unchanged) => {
                        let end = block.saturating_add(unchanged).min(40);
                        assert!(
                            expected[block as usize..end as usize]
                                .iter()
                                .all(Option::is_none)
                        );
                        block = end;
                    }
                }
            }
        }
    }

    #[test]
    fn tags_that_do_not_fit() {
        assert_eq!(split_tag(&[6, 0, 4]), None);
        assert_eq!(split_tag(&[6, 0, 4, 0, 1, 2, 3]), None);
        assert_eq!(
            split_tag(&[6, 0, 2, 0, 1, 2, 3]),
            Some((6, &[1, 2][..], &[3][..]))
        );
    }
}
