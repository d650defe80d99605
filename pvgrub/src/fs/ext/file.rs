//! Open files.

use super::error::unsupported;
use super::inline;
use super::inode::{Inode, flag};
use super::map::Map;
use super::volume::Volume;
use crate::fs::{File, FsError, Place};
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Runs of a file that are told of at most.
const MOST_RUNS: usize = 65536;

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
    /// Why its content may not be overwritten.
    sealed: Option<&'static str>,
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
            sealed: sealed(inode),
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

    fn places(&mut self, offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        self.runs(offset, length)
    }

    fn places_to_write(&mut self, offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        let refuse = |why: &str| Err(unsupported(format!("writing in place: {why}")));
        if let Some(why) = self.sealed {
            return refuse(why);
        }
        let places = self.runs(offset, length)?;
        let shift = self.volume.sb.block_shift;
        for place in &places {
            let Some(start) = place.start else {
                return refuse("no block was ever written there");
            };
            let first = start >> shift;
            let last = start.saturating_add(place.length.saturating_sub(1)) >> shift;
            let count = last.saturating_sub(first).saturating_add(1);
            if let Some(why) = self.volume.sealed(first, count) {
                return refuse(why);
            }
        }
        Ok(places)
    }
}

/// What keeps `inode` from being changed.
fn sealed(inode: &Inode) -> Option<&'static str> {
    if inode.has(flag::IMMUTABLE | flag::APPEND) {
        return Some("the file is marked as not to be changed (chattr)");
    }
    if inode.has(flag::COMPRESSED | flag::ENCRYPT | flag::VERITY) {
        return Some("the file is compressed, encrypted or sealed by hashes");
    }
    (!inode.is_file()).then_some("it is not a regular file")
}

impl ExtFile {
    /// Where `length` bytes from `offset` on are.
    fn runs(&mut self, mut offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        let Content::Blocks(map) = &mut self.content else {
            return Err(unsupported("the file lies inside its inode".into()));
        };
        let shift = self.volume.sb.block_shift;
        let end = offset.saturating_add(length).min(self.size);
        let mut places = Vec::new();
        while offset < end {
            let skip = offset & (self.volume.sb.block_size() - 1);
            let wanted = skip.saturating_add(end - offset) >> shift;
            let run = map.run(&self.volume, offset >> shift, wanted.saturating_add(1))?;
            let bytes = run.length.checked_shl(shift).unwrap_or(0);
            let here = bytes.saturating_sub(skip).min(end - offset).max(1);
            places.push(Place {
                start: run.start.map(|block| (block << shift).saturating_add(skip)),
                length: here,
            });
            if places.len() > MOST_RUNS {
                return Err(unsupported(format!(
                    "a file in more than {MOST_RUNS} pieces"
                )));
            }
            offset = offset.saturating_add(here);
        }
        Ok(places)
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
