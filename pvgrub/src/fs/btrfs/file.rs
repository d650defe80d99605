//! Files: extents, plain, packed or missing.

use super::compress::{self, Method};
use super::tree::{Cursor, Key, kind};
use super::volume::Volume;
use super::{corrupt, unsupported};
use crate::disk::bytes::{le64, u8_at};
use crate::fs::{File, FsError, Place};
use alloc::format;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

/// More extents than any file has that a boot loader reads.
const MOST: usize = 1 << 18;
/// The largest packed extent, unpacked or not; Linux writes 128 KiB.
const LARGEST: u64 = 1 << 20;
/// Packed extents that lie together are read together, up to so many bytes.
const TOGETHER: u64 = 1 << 20;

/// A stretch of a file that has content.
#[derive(Clone, Copy)]
struct Extent {
    /// Where in the file, and how long.
    at: u64,
    length: u64,
    /// Logical address and length of what is on the disk.
    disk: (u64, u64),
    /// Where in the unpacked extent this stretch begins.
    skip: u64,
    /// Length of the unpacked extent.
    unpacked: u64,
    method: Method,
}

/// An open file.
pub struct BtrfsFile {
    volume: Rc<Volume>,
    size: u64,
    extents: Vec<Extent>,
    /// The content of a short file, kept in the tree.
    inline: Vec<u8>,
    /// The packed bytes read last, and where they are from.
    packed: (u64, Vec<u8>),
    /// The extent unpacked last, and where it is from.
    plain: (u64, Vec<u8>),
}

impl BtrfsFile {
    /// The file `inode` of the tree `tree`, `size` bytes long.
    pub fn open(volume: Rc<Volume>, tree: u64, inode: u64, size: u64) -> Result<Self, FsError> {
        let mut file = BtrfsFile {
            volume: volume.clone(),
            size,
            extents: Vec::new(),
            inline: Vec::new(),
            packed: (0, Vec::new()),
            plain: (0, Vec::new()),
        };
        let first = Key {
            object: inode,
            kind: kind::EXTENT_DATA,
            offset: 0,
        };
        let mut cursor = Cursor::seek(&volume, tree, first)?;
        while let Some((key, item)) = cursor.item()? {
            if key.object != inode || key.kind != kind::EXTENT_DATA {
                break;
            }
            if file.extents.len() >= MOST {
                let what = format!("a file of more than {MOST} pieces (inode {inode})");
                return Err(unsupported(what));
            }
            file.add(key, item)?;
            cursor.next(&volume)?;
        }
        Ok(file)
    }

    /// Adds what `item` describes.
    fn add(&mut self, key: Key, item: &[u8]) -> Result<(), FsError> {
        let wrong = |what: &str| {
            let (inode, at) = (key.object, key.offset);
            corrupt(format!("inode {inode}, extent at {at}: {what}"))
        };
        if u8_at(item, 17) != 0 {
            return Err(unsupported(format!("encrypted inode {}", key.object)));
        }
        let method = match u8_at(item, 16) {
            0 => Method::None,
            1 => Method::Zlib,
            2 => Method::Lzo,
            3 => Method::Zstd,
            other => return Err(unsupported(format!("compression {other}"))),
        };
        let unpacked = le64(item, 8);
        if method != Method::None && unpacked > LARGEST {
            return Err(wrong("packed and too large"));
        }
        match u8_at(item, 20) {
            0 => {
                let data = item.get(21..).unwrap_or_default();
                if key.offset != 0 || !self.inline.is_empty() {
                    return Err(wrong("in the tree, but not the first"));
                }
                let length = usize::try_from(unpacked).unwrap_or(usize::MAX);
                self.inline = match method {
                    Method::None => data.get(..length).unwrap_or(data).to_vec(),
                    _ => compress::unpack(method, data, length, self.volume.sector)
                        .ok_or_else(|| wrong("cannot be unpacked"))?,
                };
                Ok(())
            }
            1 if item.len() >= 53 => {
                let disk = (le64(item, 21), le64(item, 29));
                // A hole has an address of zero.
                if disk.0 == 0 {
                    return Ok(());
                }
                if method != Method::None && disk.1 > LARGEST {
                    return Err(wrong("packed and too large on the disk"));
                }
                let last = self.extents.last();
                if last.is_some_and(|last| last.at.saturating_add(last.length) > key.offset) {
                    return Err(wrong("overlaps the one before"));
                }
                self.extents.push(Extent {
                    at: key.offset,
                    length: le64(item, 45),
                    disk,
                    skip: le64(item, 37),
                    unpacked,
                    method,
                });
                Ok(())
            }
            // Reserved for the file, but never written.
            2 => Ok(()),
            _ => Err(wrong("of an unknown kind")),
        }
    }

    /// Fills `buf` from `skip` bytes behind the start of extent `number` on;
    /// the caller wants `ahead` more bytes of the file after that.
    fn read(
        &mut self,
        number: usize,
        skip: u64,
        buf: &mut [u8],
        ahead: u64,
    ) -> Result<(), FsError> {
        let Some(extent) = self.extents.get(number).copied() else {
            return Ok(());
        };
        let skip = skip.saturating_add(extent.skip);
        if extent.method == Method::None {
            let logical = extent.disk.0.saturating_add(skip);
            return self.volume.read(logical, buf);
        }
        if self.plain.0 != extent.disk.0 {
            self.plain = (0, Vec::new());
            let bytes = self.unpack(number, &extent, ahead)?;
            self.plain = (extent.disk.0, bytes);
        }
        let start = usize::try_from(skip).unwrap_or(usize::MAX);
        let there = self
            .plain
            .1
            .get(start..)
            .and_then(|rest| rest.get(..buf.len()));
        match there {
            Some(bytes) => buf.copy_from_slice(bytes),
            None => {
                let (at, count) = (extent.at, self.plain.1.len());
                let what = format!("the extent at {at} of a file unpacks to {count} bytes only");
                return Err(corrupt(what));
            }
        }
        Ok(())
    }

    /// Extent `number`, which is packed, unpacked.
    fn unpack(&mut self, number: usize, extent: &Extent, ahead: u64) -> Result<Vec<u8>, FsError> {
        let (logical, length) = extent.disk;
        let known = |packed: &(u64, Vec<u8>)| {
            let start = usize::try_from(logical.checked_sub(packed.0)?).ok()?;
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            (packed.0 != 0 && end <= packed.1.len()).then_some(start..end)
        };
        if known(&self.packed).is_none() {
            let together = self.together(number, extent, ahead);
            let mut bytes = vec![0; usize::try_from(together).unwrap_or(0)];
            self.packed = (0, Vec::new());
            self.volume.read(logical, &mut bytes)?;
            self.packed = (logical, bytes);
        }
        let range = known(&self.packed).unwrap_or_default();
        let data = self.packed.1.get(range).unwrap_or_default();
        let unpacked = usize::try_from(extent.unpacked).unwrap_or(0);
        compress::unpack(extent.method, data, unpacked, self.volume.sector).ok_or_else(|| {
            corrupt(format!(
                "the extent at {} of a file (at {logical}) cannot be unpacked",
                extent.at
            ))
        })
    }

    /// Adds to `places` where `length` bytes at the logical address `logical`
    /// lie: in the first copy that there is.
    fn push_places(
        &self,
        places: &mut Vec<Place>,
        mut logical: u64,
        mut length: u64,
    ) -> Result<(), FsError> {
        while length > 0 {
            if places.len() >= MOST {
                return Err(unsupported(format!("more than {MOST} pieces of a file")));
            }
            let place = self.volume.place(logical)?;
            let here = place.length.min(length);
            places.push(Place {
                start: place.copies.first().copied(),
                length: here,
            });
            logical = logical.saturating_add(here);
            length = length.saturating_sub(here);
        }
        Ok(())
    }

    /// How many bytes of the disk to read for extent `number` and those behind
    /// it that follow on the disk too and will be wanted.
    fn together(&self, number: usize, extent: &Extent, ahead: u64) -> u64 {
        let wanted_to = extent
            .at
            .saturating_add(extent.length)
            .saturating_add(ahead);
        let mut total = extent.disk.1;
        let behind = self.extents.get(number.saturating_add(1)..);
        for next in behind.unwrap_or_default() {
            let follows = extent.disk.0.checked_add(total) == Some(next.disk.0);
            let longer = total.saturating_add(next.disk.1);
            if !follows || next.method == Method::None || next.at >= wanted_to || longer > TOGETHER
            {
                break;
            }
            total = longer;
        }
        total
    }
}

impl File for BtrfsFile {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let mut buf = buf.get_mut(..wanted).unwrap_or_default();
        let mut at = offset;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Some(inline) = self.inline.get(start..).filter(|bytes| !bytes.is_empty()) {
            let (now, rest) = buf.split_at_mut(inline.len().min(buf.len()));
            now.copy_from_slice(inline.get(..now.len()).unwrap_or_default());
            at = at.saturating_add(now.len() as u64);
            buf = rest;
        }
        let mut number = self
            .extents
            .partition_point(|extent| extent.at.saturating_add(extent.length) <= at);
        while !buf.is_empty() {
            let Some(extent) = self.extents.get(number).copied() else {
                buf.fill(0);
                break;
            };
            // What lies before the extent is a hole.
            let hole = extent.at.saturating_sub(at).min(buf.len() as u64);
            let (now, rest) = buf.split_at_mut(usize::try_from(hole).unwrap_or(0));
            now.fill(0);
            at = at.saturating_add(hole);
            let skip = at.saturating_sub(extent.at);
            let here = extent.length.saturating_sub(skip).min(rest.len() as u64);
            let (now, rest) = rest.split_at_mut(usize::try_from(here).unwrap_or(0));
            if !now.is_empty() {
                self.read(number, skip, now, rest.len() as u64)?;
            }
            at = at.saturating_add(here);
            buf = rest;
            number = number.saturating_add(1);
        }
        Ok(wanted)
    }

    fn places(&mut self, offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        let none = |what: &str| unsupported(format!("a place for what is {what}"));
        if !self.inline.is_empty() {
            return Err(none("kept in the tree of the file system"));
        }
        let end = offset.saturating_add(length).min(self.size);
        let mut at = offset;
        let mut places = Vec::new();
        for extent in &self.extents {
            let stop = extent.at.saturating_add(extent.length).min(end);
            if stop <= at {
                continue;
            }
            if extent.method != Method::None {
                return Err(none("packed"));
            }
            let hole = extent.at.saturating_sub(at);
            if hole > 0 {
                let length = hole.min(end.saturating_sub(at));
                places.push(Place {
                    start: None,
                    length,
                });
                at = at.saturating_add(length);
            }
            let skip = at.saturating_sub(extent.at).saturating_add(extent.skip);
            let logical = extent.disk.0.saturating_add(skip);
            self.push_places(&mut places, logical, stop.saturating_sub(at))?;
            at = stop.max(at);
        }
        if at < end {
            places.push(Place {
                start: None,
                length: end.saturating_sub(at),
            });
        }
        Ok(places)
    }
}
