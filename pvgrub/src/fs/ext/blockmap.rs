//! Block maps of ext2 and ext3: twelve direct blocks, then one indirect, one
//! doubly and one triply indirect (Linux: Documentation/filesystems/ext4/
//! blockmap.rst). A pointer of zero, at any level, is a hole.

use super::error::corrupt;
use super::inode::Inode;
use super::map::Run;
use super::volume::Volume;
use crate::disk::bytes::le32;
use crate::fs::FsError;
use alloc::format;
use alloc::vec::Vec;

const DIRECT: u64 = 12;

/// The block map of one inode.
pub struct BlockMap {
    inode: u32,
    /// The fifteen pointers of the inode.
    top: Vec<u8>,
    /// The tables passed last, outermost first, with their blocks.
    path: Vec<(u64, Vec<u8>)>,
}

impl BlockMap {
    /// The map of `inode`.
    pub fn new(inode: &Inode) -> Self {
        BlockMap {
            inode: inode.number,
            top: inode.block().to_vec(),
            path: Vec::new(),
        }
    }

    /// The run that starts at the file's block `block` and ends, at the
    /// latest, with the table it is in.
    pub fn find(&mut self, volume: &Volume, block: u64) -> Result<Run, FsError> {
        if block < DIRECT {
            return Ok(run_in(&self.top, block, DIRECT));
        }
        // Pointers of a table, as a power of two.
        let shift = volume.sb.block_shift - 2;
        let pointers = 1u64 << shift;
        let mut rest = block - DIRECT;
        let mut covered = pointers;
        let mut levels = 1u32;
        while rest >= covered {
            rest -= covered;
            covered = covered.saturating_mul(pointers);
            levels += 1;
            if levels > 3 {
                return Err(corrupt(format!(
                    "inode {}: block {block} is more than its map can hold",
                    self.inode
                )));
            }
        }
        let mut pointer = le32(&self.top, 44 + 4 * usize::try_from(levels).unwrap_or(0));
        for level in 0..levels {
            // Blocks that one pointer of this level's table covers.
            let under = (levels - 1 - level) * shift;
            if pointer == 0 {
                let table_end = 1u64 << (under + shift);
                let inside = rest & (table_end - 1);
                return Ok(Run {
                    start: None,
                    length: table_end - inside,
                });
            }
            let index = (rest >> under) & (pointers - 1);
            let table = self.table(volume, level, pointer)?;
            if under == 0 {
                return Ok(run_in(table, index, pointers));
            }
            pointer = le32(table, usize::try_from(index * 4).unwrap_or(usize::MAX));
        }
        Err(corrupt(format!("map of inode {}", self.inode)))
    }

    /// The table in `block`, which is at `level` of the way down.
    fn table(&mut self, volume: &Volume, level: u32, block: u32) -> Result<&[u8], FsError> {
        let level = usize::try_from(level).unwrap_or(0);
        let block = u64::from(block);
        if self.path.get(level).is_none_or(|(at, _)| *at != block) {
            self.path.truncate(level);
            self.path.push((block, volume.read_block(block)?));
        }
        Ok(self
            .path
            .get(level)
            .map(|(_, bytes)| bytes.as_slice())
            .unwrap_or_default())
    }
}

/// The run that starts with pointer `index` of a table of `end` pointers.
fn run_in(table: &[u8], index: u64, end: u64) -> Run {
    let part = |index: u64| usize::try_from(index.saturating_mul(4)).unwrap_or(usize::MAX);
    let pointers = table.get(part(index)..part(end)).unwrap_or_default();
    let mut pointers = pointers
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes));
    let first = pointers.next().unwrap_or(0);
    let step = u32::from(first != 0);
    let mut expected = first;
    let more = pointers.take_while(|pointer| {
        expected = expected.wrapping_add(step);
        *pointer == expected
    });
    let length = 1 + more.count() as u64;
    Run {
        start: (first != 0).then_some(first.into()),
        length,
    }
}
