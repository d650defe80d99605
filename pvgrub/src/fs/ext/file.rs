//! Open files.

use super::inline;
use super::inode::{Inode, flag};
use super::map::Map;
use super::volume::Volume;
use crate::fs::{File, FsError};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Where a file's content is.
enum Content {
    /// In blocks of the device.
    Blocks(Map),
    /// In the inode, up to its last byte there.
    Inline(Vec<u8>),
}

/// A file (or a folder, or a long link) opened by its inode.
pub struct ExtFile {
    volume: Rc<Volume>,
    size: u64,
    content: Content,
}

impl ExtFile {
    /// Opens `inode`.
    pub fn new(volume: Rc<Volume>, inode: &Inode) -> Result<Self, FsError> {
        let content = if inode.has(flag::INLINE_DATA) {
            Content::Inline(inline::data(inode)?)
        } else {
            Content::Blocks(Map::new(inode)?)
        };
        Ok(ExtFile {
            volume,
            size: inode.size,
            content,
        })
    }
}

impl File for ExtFile {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let buf = buf.get_mut(..wanted).unwrap_or_default();
        match &mut self.content {
            Content::Inline(bytes) => {
                let at = usize::try_from(offset).unwrap_or(usize::MAX);
                let there = bytes.get(at..).unwrap_or_default();
                let (now, beyond) = buf.split_at_mut(there.len().min(wanted));
                now.copy_from_slice(there.get(..now.len()).unwrap_or_default());
                beyond.fill(0);
            }
            Content::Blocks(map) => read_blocks(&self.volume, map, offset, buf)?,
        }
        Ok(wanted)
    }
}

/// Fills `buf` from byte `offset` of a mapped file on, one read for each run
/// of blocks.
fn read_blocks(
    volume: &Volume,
    map: &mut Map,
    mut offset: u64,
    mut buf: &mut [u8],
) -> Result<(), FsError> {
    let shift = volume.sb.block_shift;
    while !buf.is_empty() {
        let skip = offset & (volume.sb.block_size() - 1);
        let wanted = skip
            .saturating_add(buf.len() as u64)
            .div_ceil(volume.sb.block_size());
        let run = map.run(volume, offset >> shift, wanted)?;
        let here = (run.length << shift)
            .saturating_sub(skip)
            .min(buf.len() as u64);
        let (now, rest) = buf.split_at_mut(usize::try_from(here).unwrap_or(0));
        match run.start {
            Some(block) => volume.read(block, skip, now)?,
            None => now.fill(0),
        }
        offset = offset.saturating_add(here);
        buf = rest;
    }
    Ok(())
}
