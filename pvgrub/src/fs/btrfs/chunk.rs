//! Chunks: from logical addresses, which all of btrfs uses, to bytes of the
//! device.

use super::{corrupt, unsupported};
use crate::disk::bytes::{le16, le64};
use crate::fs::FsError;
use alloc::format;
use alloc::vec::Vec;

/// More chunks than any disk has: the memory for them is bounded by this.
const MOST: usize = 1 << 17;
/// Copies that one chunk may have on one device.
const MOST_COPIES: usize = 4;

/// Kinds of chunks, as bits of their type.
mod profile {
    pub const RAID0: u64 = 0x8;
    pub const RAID10: u64 = 0x40;
    pub const RAID5: u64 = 0x80;
    pub const RAID6: u64 = 0x100;
}

/// A stretch of logical addresses.
struct Chunk {
    logical: u64,
    length: u64,
    profile: u64,
    /// Where its copies start on this device.
    copies: Vec<u64>,
}

/// All chunks by their logical addresses.
#[derive(Default)]
pub struct Chunks(Vec<Chunk>);

/// Where a logical address lies.
pub struct Place {
    /// Each copy's place on the device.
    pub copies: Vec<u64>,
    /// Bytes that lie together from there on.
    pub length: u64,
}

impl Chunks {
    /// Adds the chunk at `logical` that `item` describes; gives how long the
    /// item is.
    pub fn add(&mut self, logical: u64, item: &[u8], device: u64) -> Result<usize, FsError> {
        let stripes = usize::from(le16(item, 44));
        let size = stripes.saturating_mul(32).saturating_add(48);
        let (length, profile) = (le64(item, 0), le64(item, 24));
        if stripes == 0 || item.len() < size || length == 0 {
            return Err(corrupt(format!("the chunk at {logical} makes no sense")));
        }
        let split = profile::RAID0 | profile::RAID10 | profile::RAID5 | profile::RAID6;
        let stripe = item.get(48..size).unwrap_or_default().chunks(32);
        // A chunk that is split over devices is whole here only if it has one.
        let copies = stripe
            .filter(|stripe| le64(stripe, 0) == device)
            .filter(|_| profile & split == 0 || stripes == 1)
            .map(|stripe| le64(stripe, 8))
            .take(MOST_COPIES)
            .collect();
        let at = self.0.partition_point(|chunk| chunk.logical < logical);
        let chunk = Chunk {
            logical,
            length,
            profile,
            copies,
        };
        // The superblock's chunks come again in the tree.
        if let Some(known) = self.0.get_mut(at)
            && known.logical == logical
        {
            *known = chunk;
        } else if self.0.len() < MOST {
            self.0.insert(at, chunk);
        } else {
            return Err(unsupported(format!("more than {MOST} chunks")));
        }
        Ok(size)
    }

    /// Reads the array of keys and chunks in the superblock.
    pub fn add_all(&mut self, mut array: &[u8], device: u64) -> Result<(), FsError> {
        while !array.is_empty() {
            let logical = le64(array, 9);
            let item = array.get(17..).unwrap_or_default();
            let size = self.add(logical, item, device)?;
            array = item.get(size..).unwrap_or_default();
        }
        Ok(())
    }

    /// Where the logical address `logical` lies.
    pub fn place(&self, logical: u64, devices: u64) -> Result<Place, FsError> {
        let after = self.0.partition_point(|chunk| chunk.logical <= logical);
        let chunk = after.checked_sub(1).and_then(|at| self.0.get(at));
        let inside = chunk.and_then(|chunk| {
            let skip = logical.checked_sub(chunk.logical)?;
            let left = chunk.length.checked_sub(skip).filter(|left| *left > 0)?;
            Some((chunk, skip, left))
        });
        let Some((chunk, skip, length)) = inside else {
            return Err(corrupt(format!("logical address {logical} is in no chunk")));
        };
        if chunk.copies.is_empty() {
            let how = match chunk.profile {
                bits if bits & (profile::RAID5 | profile::RAID6) != 0 => "RAID5 or RAID6",
                bits if bits & (profile::RAID0 | profile::RAID10) != 0 => "striped",
                _ => "on another one",
            };
            let what = format!("a file system of {devices} devices with data that is {how}");
            return Err(unsupported(what));
        }
        let copies = chunk.copies.iter();
        let copies = copies.map(|start| start.saturating_add(skip)).collect();
        Ok(Place { copies, length })
    }
}
