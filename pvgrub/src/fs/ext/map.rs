//! From a file's blocks to the device's, by whichever of the two ways the
//! inode uses.

use super::blockmap::BlockMap;
use super::extent::ExtentTree;
use super::inode::{Inode, flag};
use super::volume::Volume;
use crate::fs::FsError;

/// A run of a file's blocks that lie side by side on the device, or that
/// are all holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The device's block that the first of them is; `None` for holes.
    pub start: Option<u64>,
    /// How many there are, at least one.
    pub length: u64,
}

impl Run {
    /// Whether `next` goes on where this run ends.
    fn continues(&self, next: &Run) -> bool {
        match (self.start, next.start) {
            (Some(start), Some(next)) => start.checked_add(self.length) == Some(next),
            (None, None) => true,
            _ => false,
        }
    }
}

/// The map of one inode, which keeps the blocks of the map it passed last.
pub struct Map {
    inode: u32,
    on_disk: OnDisk,
}

enum OnDisk {
    /// By extents.
    Extents(ExtentTree),
    /// By direct and indirect blocks.
    Blocks(BlockMap),
}

impl Map {
    /// The map of `inode`.
    pub fn new(inode: &Inode) -> Result<Self, FsError> {
        let on_disk = if inode.has(flag::EXTENTS) {
            OnDisk::Extents(ExtentTree::new(inode)?)
        } else {
            OnDisk::Blocks(BlockMap::new(inode))
        };
        Ok(Map {
            inode: inode.number,
            on_disk,
        })
    }

    /// The run that starts with the file's block `block`, as long as it
    /// gets, up to `wanted` blocks.
    pub fn run(&mut self, volume: &Volume, block: u64, wanted: u64) -> Result<Run, FsError> {
        let mut run = self.find(volume, block)?;
        while run.length < wanted {
            let Some(next) = block.checked_add(run.length) else {
                break;
            };
            let next = self.find(volume, next)?;
            if !run.continues(&next) {
                break;
            }
            run.length = run.length.saturating_add(next.length);
        }
        run.length = run.length.min(wanted);
        Ok(run)
    }

    fn find(&mut self, volume: &Volume, block: u64) -> Result<Run, FsError> {
        let unchanged = match volume.fast_commits().find(self.inode, block) {
            Ok(run) => return Ok(run),
            Err(unchanged) => unchanged,
        };
        let run = match &mut self.on_disk {
            OnDisk::Extents(tree) => tree.find(volume, block),
            OnDisk::Blocks(map) => map.find(volume, block),
        }?;
        Ok(Run {
            length: run.length.min(unchanged),
            ..run
        })
    }
}
