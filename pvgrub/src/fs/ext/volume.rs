//! Blocks of the file system: the device, seen through the journal.

use super::error::corrupt;
use super::journal::{FastCommits, Replayed};
use super::superblock::Superblock;
use crate::disk::BlockDevice;
use crate::fs::FsError;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

/// The blocks of an ext file system.
pub struct Volume {
    device: Rc<dyn BlockDevice>,
    /// Its superblock.
    pub sb: Superblock,
    journal: Replayed,
    /// There is a journal that was not replayed.
    stale: bool,
}

impl Volume {
    /// The file system of `sb` on `device`, without its journal.
    pub fn new(device: Rc<dyn BlockDevice>, sb: Superblock) -> Self {
        Self::with_journal(device, sb, Replayed::default())
    }

    /// The same, with blocks that the journal replaces.
    pub fn with_journal(device: Rc<dyn BlockDevice>, sb: Superblock, journal: Replayed) -> Self {
        Volume {
            device,
            sb,
            journal,
            stale: false,
        }
    }

    /// The same, where what the journal holds is not known.
    pub fn stale(self) -> Self {
        Volume {
            stale: true,
            ..self
        }
    }

    /// Why `count` blocks from `block` on, which belong to a file, may not be
    /// overwritten.
    pub fn sealed(&self, block: u64, count: u64) -> Option<&'static str> {
        let end = block.saturating_add(count);
        let journal = &self.journal;
        if self.stale {
            return Some("its journal could not be read");
        }
        if !journal.fast.is_empty() || journal.overlay.first_from(block).is_some_and(|at| at < end)
        {
            return Some("its journal will write there when it is mounted next");
        }
        if block <= self.sb.first_data_block || end > self.sb.blocks {
            return Some("the place is not one of a file");
        }
        self.sb.sealed()
    }

    /// What the journal changes in other ways than block by block.
    pub fn fast_commits(&self) -> &FastCommits {
        &self.journal.fast
    }

    /// Fills `buf` with what lies `skip` bytes behind the start of block
    /// `block`, across as many blocks as it takes.
    pub fn read(&self, block: u64, skip: u64, buf: &mut [u8]) -> Result<(), FsError> {
        let outside = || corrupt(format!("block {block} lies outside of the file system"));
        if block >= self.sb.blocks {
            return Err(outside());
        }
        let start = (block << self.sb.block_shift)
            .checked_add(skip)
            .ok_or_else(outside)?;
        let end = start.checked_add(buf.len() as u64).ok_or_else(outside)?;
        // The geometry check keeps this from overflowing.
        if end > self.sb.blocks << self.sb.block_shift {
            return Err(outside());
        }
        if self.journal.overlay.is_empty() {
            return Ok(self.device.read_at(start, buf)?);
        }
        self.read_overlaid(start, buf)
    }

    /// Block `block`, whole.
    pub fn read_block(&self, block: u64) -> Result<Vec<u8>, FsError> {
        let mut bytes = vec![0; usize::try_from(self.sb.block_size()).unwrap_or(0)];
        self.read(block, 0, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads from byte `start` on, part by part: what the journal holds from
    /// there, the rest from the device.
    fn read_overlaid(&self, mut start: u64, mut buf: &mut [u8]) -> Result<(), FsError> {
        let shift = self.sb.block_shift;
        while !buf.is_empty() {
            let block = start >> shift;
            let skip = start & (self.sb.block_size() - 1);
            let next = self.journal.overlay.first_from(block);
            let replaced = next == Some(block);
            // To the end of this block, or up to the next one replaced.
            let end = match next {
                Some(_) if replaced => block.saturating_add(1) << shift,
                Some(next) => next << shift,
                None => u64::MAX,
            };
            let here = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
            let (now, rest) = buf.split_at_mut(here.min(buf.len()));
            if replaced {
                self.journal.overlay.read(&*self.device, block, skip, now)?;
            } else {
                self.device.read_at(start, now)?;
            }
            start = start.saturating_add(now.len() as u64);
            buf = rest;
        }
        Ok(())
    }
}
