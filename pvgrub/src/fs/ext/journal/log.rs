//! The journal as a row of blocks.

use crate::disk::BlockDevice;
use crate::fs::FsError;
use crate::fs::ext::error::{corrupt, unsupported};
use crate::fs::ext::inode::Inode;
use crate::fs::ext::map::Map;
use crate::fs::ext::volume::Volume;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Where the blocks of the journal are.
pub struct Log<'a> {
    device: &'a dyn BlockDevice,
    block_shift: u32,
    /// First journal block and first device block of each run, in order.
    runs: Vec<(u64, u64)>,
    /// Blocks of the journal.
    length: u64,
}

impl<'a> Log<'a> {
    /// Finds the journal of `plain`.
    pub fn open(plain: &Volume, device: &'a dyn BlockDevice) -> Result<Self, FsError> {
        if plain.sb.journal_inode == 0 {
            return Err(unsupported("a journal on another device".into()));
        }
        let inode = Inode::read(plain, plain.sb.journal_inode)?;
        let length = inode.size >> plain.sb.block_shift;
        if !inode.is_file() || length > plain.sb.blocks {
            return Err(corrupt(format!("inode {} is not a journal", inode.number)));
        }
        let mut map = Map::new(&inode)?;
        let mut runs = Vec::new();
        let mut block = 0;
        while block < length {
            let run = map.run(plain, block, length.saturating_sub(block))?;
            let hole = || corrupt(format!("hole in the journal at its block {block}"));
            let start = run.start.ok_or_else(hole)?;
            if start
                .checked_add(run.length)
                .is_none_or(|end| end > plain.sb.blocks)
            {
                return Err(corrupt(format!(
                    "journal block {block} is outside of the file system"
                )));
            }
            runs.push((block, start));
            block = block.saturating_add(run.length);
        }
        Ok(Log {
            device,
            block_shift: plain.sb.block_shift,
            runs,
            length,
        })
    }

    /// Cuts the journal to the length its superblock gives.
    pub fn limit(&mut self, length: u64) -> Result<(), FsError> {
        if length > self.length {
            let own = self.length;
            return Err(corrupt(format!(
                "journal of {length} blocks in an inode of {own}"
            )));
        }
        self.length = length;
        Ok(())
    }

    /// The device's block that block `block` of the journal is.
    pub fn place(&self, block: u64) -> Result<u64, FsError> {
        let after = self.runs.partition_point(|(first, _)| *first <= block);
        let run = after.checked_sub(1).and_then(|at| self.runs.get(at));
        match run {
            Some((first, start)) if block < self.length => {
                Ok(start.saturating_add(block.saturating_sub(*first)))
            }
            _ => Err(corrupt(format!("there is no journal block {block}"))),
        }
    }

    /// Reads block `block` of the journal into `bytes`.
    pub fn read(&self, block: u64, bytes: &mut [u8]) -> Result<(), FsError> {
        Ok(self
            .device
            .read_at(self.place(block)? << self.block_shift, bytes)?)
    }

    /// A buffer for one block.
    pub fn buffer(&self) -> Vec<u8> {
        vec![0; 1 << self.block_shift]
    }
}
