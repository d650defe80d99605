//! Metadata: blocks of up to 8 KiB, packed one by one, each with its length
//! before it, read as one stream of bytes.

use super::{Squash, corrupt};
use crate::disk::bytes::le16;
use crate::fs::FsError;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec;

/// The longest block, unpacked.
const LONGEST: usize = 8192;
/// Blocks that are kept.
const KEPT: usize = 8;

/// A block, unpacked.
#[derive(Clone)]
pub struct Block {
    at: u64,
    /// Where the next one is.
    next: u64,
    bytes: Rc<[u8]>,
}

impl Block {
    /// The block at byte `at`.
    fn read(fs: &Squash, at: u64) -> Result<Block, FsError> {
        let known = fs
            .kept
            .borrow()
            .iter()
            .find(|block| block.at == at)
            .cloned();
        if let Some(block) = known {
            return Ok(block);
        }
        let mut header = [0; 2];
        fs.device.read_at(at, &mut header)?;
        let header = le16(&header, 0);
        let length = usize::from(header & 0x7fff);
        if length == 0 || length > LONGEST {
            return Err(corrupt(format!("{length} bytes of metadata at byte {at}")));
        }
        let mut bytes = vec![0; length];
        let start = at.saturating_add(2);
        fs.device.read_at(start, &mut bytes)?;
        if header & 0x8000 == 0 {
            let mut plain = vec![0; LONGEST];
            let count = fs.unpack(&bytes, &mut plain, at)?;
            plain.truncate(count);
            bytes = plain;
        }
        let block = Block {
            at,
            next: start.saturating_add(length as u64),
            bytes: bytes.into(),
        };
        let mut kept = fs.kept.borrow_mut();
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(block.clone());
        Ok(block)
    }
}

/// Bytes of metadata, one after the other.
pub struct Stream<'a> {
    fs: &'a Squash,
    block: Block,
    place: usize,
}

impl<'a> Stream<'a> {
    /// From byte `place` of the block at `at` on.
    pub fn open(fs: &'a Squash, at: u64, place: usize) -> Result<Self, FsError> {
        let block = Block::read(fs, at)?;
        Ok(Stream { fs, block, place })
    }

    /// The next bytes.
    pub fn read(&mut self, mut buf: &mut [u8]) -> Result<(), FsError> {
        while !buf.is_empty() {
            let there = self.block.bytes.get(self.place..).unwrap_or_default();
            if there.is_empty() {
                // An empty block would be one of no end.
                if self.block.bytes.is_empty() {
                    let at = self.block.at;
                    return Err(corrupt(format!("no metadata at byte {at}")));
                }
                self.place = self.place.saturating_sub(self.block.bytes.len());
                self.block = Block::read(self.fs, self.block.next)?;
                continue;
            }
            let here = there.len().min(buf.len());
            let (now, rest) = buf.split_at_mut(here);
            now.copy_from_slice(there.get(..here).unwrap_or_default());
            self.place = self.place.saturating_add(here);
            buf = rest;
        }
        Ok(())
    }

    /// The next `N` bytes.
    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], FsError> {
        let mut bytes = [0; N];
        self.read(&mut bytes)?;
        Ok(bytes)
    }
}
