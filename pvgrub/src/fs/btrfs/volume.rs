//! The device by logical addresses, and the nodes of its trees.

use super::chunk::{Chunks, Place};
use super::corrupt;
use super::superblock::{Sum, Superblock};
use super::tree::{Cursor, Key, kind};
use crate::disk::BlockDevice;
use crate::disk::bytes::le64;
use crate::fs::FsError;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

/// Nodes that are kept, newest last: a path down a tree and some more.
const KEPT: usize = 12;

/// A device whose chunks are known.
pub struct Volume {
    device: Rc<dyn BlockDevice>,
    chunks: Chunks,
    devices: u64,
    sum: Sum,
    node: usize,
    /// Bytes of a sector.
    pub sector: u32,
    /// Logical address of the tree of trees.
    pub root: u64,
    kept: RefCell<Vec<(u64, Rc<[u8]>)>>,
}

impl Volume {
    /// Reads the chunks that `superblock` leads to.
    pub fn open(device: Rc<dyn BlockDevice>, superblock: Superblock) -> Result<Volume, FsError> {
        let mut chunks = Chunks::default();
        chunks.add_all(&superblock.chunks, superblock.device)?;
        let mut volume = Volume {
            device,
            chunks,
            devices: superblock.devices,
            sum: superblock.sum,
            node: superblock.node,
            sector: superblock.sector,
            root: superblock.root,
            kept: RefCell::default(),
        };
        let first = Key {
            object: 256,
            kind: kind::CHUNK_ITEM,
            offset: 0,
        };
        let mut chunks = Chunks::default();
        chunks.add_all(&superblock.chunks, superblock.device)?;
        let mut cursor = Cursor::seek(&volume, superblock.chunk_root, first)?;
        while let Some((key, item)) = cursor.item()? {
            if key.object != first.object || key.kind != first.kind {
                break;
            }
            chunks.add(key.offset, item, superblock.device)?;
            cursor.next(&volume)?;
        }
        volume.chunks = chunks;
        Ok(volume)
    }

    /// Where the logical address `logical` lies.
    pub fn place(&self, logical: u64) -> Result<Place, FsError> {
        self.chunks.place(logical, self.devices)
    }

    /// Reads `buf` from `logical` on, from the first copy that can be read.
    pub fn read(&self, mut logical: u64, mut buf: &mut [u8]) -> Result<(), FsError> {
        while !buf.is_empty() {
            let place = self.chunks.place(logical, self.devices)?;
            let here = place.length.min(buf.len() as u64);
            let (now, rest) = buf.split_at_mut(usize::try_from(here).unwrap_or(0));
            let mut result = Ok(());
            for copy in &place.copies {
                result = self.device.read_at(*copy, now);
                if result.is_ok() {
                    break;
                }
            }
            result?;
            logical = logical.saturating_add(here);
            buf = rest;
        }
        Ok(())
    }

    /// The node at `logical`, from the first copy that is right.
    pub fn node(&self, logical: u64) -> Result<Rc<[u8]>, FsError> {
        let known = |kept: &Vec<(u64, Rc<[u8]>)>| {
            let found = kept.iter().find(|(at, _)| *at == logical);
            found.map(|(_, node)| node.clone())
        };
        if let Some(node) = known(&self.kept.borrow()) {
            return Ok(node);
        }
        let place = self.chunks.place(logical, self.devices)?;
        if place.length < self.node as u64 {
            return Err(corrupt(format!("the node at {logical} leaves its chunk")));
        }
        let mut trouble = corrupt(format!("the node at {logical} is nowhere"));
        let mut bytes = vec![0; self.node];
        for copy in place.copies {
            if let Err(error) = self.device.read_at(copy, &mut bytes) {
                trouble = error.into();
            } else if !self.sum.matches(&bytes) {
                trouble = FsError::Checksum {
                    fs: super::NAME,
                    what: format!("the node at {logical} (byte {copy} of the device)"),
                };
            } else if le64(&bytes, 48) != logical {
                trouble = corrupt(format!("the node at {logical} says it is another"));
            } else {
                let node: Rc<[u8]> = bytes.into();
                let mut kept = self.kept.borrow_mut();
                if kept.len() >= KEPT {
                    kept.remove(0);
                }
                kept.push((logical, node.clone()));
                return Ok(node);
            }
        }
        Err(trouble)
    }
}
