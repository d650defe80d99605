//! Extent trees (Linux: Documentation/filesystems/ext4/ifork.rst).
//!
//! A node is a header (magic 0xf30a, entries, capacity, depth: u16 LE each,
//! generation u32) and entries of 12 bytes. The root is in the inode, other
//! nodes fill a block and end, with `metadata_csum`, in a checksum. Entries
//! of a leaf are extents: first file block u32, length u16 (more than 32768:
//! that many less, not written yet, reads as zeros), start u16 (high) and
//! u32 (low); those of an inner node: first file block u32, child u32 (low)
//! and u16 (high).

use super::error::{bad_checksum, corrupt};
use super::inode::Inode;
use super::map::Run;
use super::volume::Volume;
use crate::disk::bytes::{le16, le32};
use crate::disk::checksum::crc32c;
use crate::fs::FsError;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const MAGIC: u16 = 0xf30a;
const ENTRY: usize = 12;
/// Enough for 2^32 blocks; what the kernel allows too.
const MAX_DEPTH: u16 = 5;
/// Files have at most this many blocks.
const END: u64 = 1 << 32;

/// A node whose entries are known to be in order.
struct Node {
    /// Where it was read from; 0 for the root.
    block: u64,
    bytes: Vec<u8>,
    entries: usize,
    depth: u16,
}

/// The extents of one inode.
pub struct ExtentTree {
    inode: u32,
    seed: u32,
    root: Node,
    /// The nodes passed last, from the one below the root down.
    path: Vec<Node>,
}

impl ExtentTree {
    /// The tree of `inode`.
    pub fn new(inode: &Inode) -> Result<Self, FsError> {
        let bytes = inode.block().to_vec();
        let depth = le16(&bytes, 6);
        let root = Node::check(inode.number, 0, bytes, depth)?;
        Ok(ExtentTree {
            inode: inode.number,
            seed: inode.seed,
            root,
            path: Vec::new(),
        })
    }

    /// The part of an extent, or of the hole between two, that starts at the
    /// file's block `block`.
    pub fn find(&mut self, volume: &Volume, block: u64) -> Result<Run, FsError> {
        let mut end = END;
        if block >= end {
            return Ok(Run {
                start: None,
                length: 1,
            });
        }
        let hole = |end: u64| Run {
            start: None,
            length: end.saturating_sub(block),
        };
        for level in 0.. {
            let node = match level {
                0 => &self.root,
                level => match self.path.get(level - 1) {
                    Some(node) => node,
                    None => break,
                },
            };
            // The last entry that starts at or before the block.
            let after = node.first_after(block);
            if after < node.entries {
                end = end.min(node.first_block(after));
            }
            let Some(entry) = after.checked_sub(1) else {
                return Ok(hole(end));
            };
            if node.depth == 0 {
                return Ok(node.run(entry, block).unwrap_or(hole(end)));
            }
            let child = node.child(entry);
            let depth = node.depth - 1;
            self.descend(volume, level, child, depth)?;
        }
        Err(corrupt(format!("extents of inode {}", self.inode)))
    }

    /// Makes the node in `block` the one at `level` of the path.
    fn descend(
        &mut self,
        volume: &Volume,
        level: usize,
        block: u64,
        depth: u16,
    ) -> Result<(), FsError> {
        if self
            .path
            .get(level)
            .is_some_and(|node| node.block == block && node.depth == depth)
        {
            return Ok(());
        }
        self.path.truncate(level);
        let bytes = volume.read_block(block)?;
        if volume.sb.has_checksums() {
            verify(self.inode, self.seed, block, &bytes)?;
        }
        self.path
            .push(Node::check(self.inode, block, bytes, depth)?);
        Ok(())
    }
}

impl Node {
    /// Checks the header and the order of the entries.
    fn check(inode: u32, block: u64, bytes: Vec<u8>, depth: u16) -> Result<Self, FsError> {
        let wrong = |what: String| {
            let place = if block == 0 {
                String::new()
            } else {
                format!(", block {block}")
            };
            Err(corrupt(format!("extents of inode {inode}{place}: {what}")))
        };
        let entries = usize::from(le16(&bytes, 2));
        let capacity = usize::from(le16(&bytes, 4));
        if le16(&bytes, 0) != MAGIC {
            return wrong(format!("magic number {:#x}", le16(&bytes, 0)));
        }
        if depth > MAX_DEPTH || le16(&bytes, 6) != depth {
            return wrong(format!("depth {}", le16(&bytes, 6)));
        }
        if entries > capacity || capacity.saturating_add(1).saturating_mul(ENTRY) > bytes.len() {
            return wrong(format!("{entries} entries of at most {capacity}"));
        }
        if entries == 0 && block != 0 {
            return wrong("no entries".into());
        }
        let mut next = 0;
        let used = bytes
            .get(ENTRY..)
            .unwrap_or_default()
            .chunks_exact(ENTRY)
            .take(entries);
        for entry in used {
            let first = u64::from(le32(entry, 0));
            if first < next {
                return wrong(format!("entries out of order at file block {first}"));
            }
            let length = if depth == 0 {
                length(le16(entry, 4)).0
            } else {
                1
            };
            next = first.saturating_add(length);
        }
        Ok(Node {
            block,
            bytes,
            entries,
            depth,
        })
    }

    fn entry(&self, index: usize) -> &[u8] {
        let at = index.saturating_add(1).saturating_mul(ENTRY);
        self.bytes.get(at..).unwrap_or_default()
    }

    fn first_block(&self, index: usize) -> u64 {
        le32(self.entry(index), 0).into()
    }

    /// The index of the first entry that starts behind `block`.
    fn first_after(&self, block: u64) -> usize {
        let (mut low, mut high) = (0, self.entries);
        while low < high {
            let middle = low.midpoint(high);
            if self.first_block(middle) <= block {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// What entry `index` of a leaf has from `block` on, if it reaches there.
    fn run(&self, index: usize, block: u64) -> Option<Run> {
        let entry = self.entry(index);
        let (length, written) = length(le16(entry, 4));
        let skip = block.checked_sub(u64::from(le32(entry, 0)))?;
        let left = length.checked_sub(skip).filter(|left| *left > 0)?;
        let start = u64::from(le16(entry, 6)) << 32 | u64::from(le32(entry, 8));
        let start = written.then(|| start.saturating_add(skip));
        Some(Run {
            start,
            length: left,
        })
    }

    /// The block of the node that entry `index` of an inner node leads to.
    fn child(&self, index: usize) -> u64 {
        let entry = self.entry(index);
        u64::from(le16(entry, 8)) << 32 | u64::from(le32(entry, 4))
    }
}

/// Checks the checksum of the node in `block`, behind the last place for an
/// entry.
fn verify(inode: u32, seed: u32, block: u64, bytes: &[u8]) -> Result<(), FsError> {
    let capacity = usize::from(le16(bytes, 4));
    let end = capacity.saturating_add(1).saturating_mul(ENTRY);
    let matches = bytes
        .get(..end)
        .is_some_and(|covered| bytes.len() >= end + 4 && crc32c(seed, covered) == le32(bytes, end));
    if matches {
        return Ok(());
    }
    Err(bad_checksum(format!(
        "extents of inode {inode}, block {block}"
    )))
}

/// An extent's length in blocks, and whether it has been written.
fn length(raw: u16) -> (u64, bool) {
    match raw {
        0..=0x8000 => (raw.into(), true),
        _ => (u64::from(raw) - 0x8000, false),
    }
}
