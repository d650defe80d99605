//! Files: blocks packed one by one, and a tail that shares a block with those
//! of other files.

use super::meta::Stream;
use super::{Squash, corrupt, unsupported};
use crate::disk::bytes::{le16, le32, le64};
use crate::fs::{File, FsError};
use alloc::format;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

/// More blocks than any file has that a boot loader reads.
const MOST: u64 = 1 << 22;
/// Blocks that lie together are read together, up to so many bytes.
const TOGETHER: u64 = 1 << 20;
/// The bit of a block's length that says it is not packed.
const STORED: u32 = 1 << 24;
/// No tail.
const NO_FRAGMENT: u32 = !0;

/// Where a block is on the device, and its length with its flag.
#[derive(Clone, Copy)]
struct Piece {
    at: u64,
    length: u32,
}

impl Piece {
    /// Bytes on the device.
    fn bytes(self) -> u64 {
        u64::from(self.length & (STORED - 1))
    }
}

/// An open file.
pub struct SquashFile {
    fs: Rc<Squash>,
    size: u64,
    /// The lengths of all blocks, and where the first one is.
    lengths: Vec<u32>,
    start: u64,
    /// A block's number and place, to start counting from.
    known: (usize, u64),
    /// The block with the tail, and the tail's place in it.
    tail: Option<(Piece, usize)>,
    /// Bytes of the device read last.
    packed: (u64, Vec<u8>),
    /// The block unpacked last.
    plain: (u64, Vec<u8>),
}

impl SquashFile {
    /// The file of the inode `inode`.
    pub fn open(fs: &Rc<Squash>, inode: u64) -> Result<Self, FsError> {
        let mut stream = fs.inode(inode)?;
        let header: [u8; 16] = stream.take()?;
        let (start, size, fragment, place) = if le16(&header, 0) == 9 {
            let rest: [u8; 40] = stream.take()?;
            (
                le64(&rest, 0),
                le64(&rest, 8),
                le32(&rest, 28),
                le32(&rest, 32),
            )
        } else {
            let rest: [u8; 16] = stream.take()?;
            let (start, size) = (le32(&rest, 0), le32(&rest, 12));
            (start.into(), size.into(), le32(&rest, 4), le32(&rest, 8))
        };
        let block = fs.block_size as u64;
        let count = if fragment == NO_FRAGMENT {
            size.div_ceil(block)
        } else {
            size / block
        };
        if count > MOST {
            return Err(unsupported(format!("a file of {size} bytes")));
        }
        let mut lengths = Vec::new();
        for _ in 0..count {
            lengths.push(u32::from_le_bytes(stream.take()?));
        }
        let tail = match fragment {
            NO_FRAGMENT => None,
            number => {
                let place = usize::try_from(place).unwrap_or(usize::MAX);
                Some((fragment_at(fs, number)?, place))
            }
        };
        Ok(SquashFile {
            fs: fs.clone(),
            size,
            lengths,
            start,
            known: (0, start),
            tail,
            packed: (0, Vec::new()),
            plain: (0, Vec::new()),
        })
    }

    /// Block `number`.
    fn piece(&mut self, number: usize) -> Result<Piece, FsError> {
        if self.known.0 > number {
            self.known = (0, self.start);
        }
        while self.known.0 < number {
            let length = self.lengths.get(self.known.0).copied().unwrap_or(0);
            let piece = Piece {
                at: self.known.1,
                length,
            };
            let next = piece.at.saturating_add(piece.bytes());
            self.known = (self.known.0.saturating_add(1), next);
        }
        match self.lengths.get(number) {
            Some(length) => Ok(Piece {
                at: self.known.1,
                length: *length,
            }),
            None => Err(corrupt(format!(
                "a file of {} bytes without block {number}",
                self.size
            ))),
        }
    }

    /// The bytes of `piece` as they are on the device; of blocks behind it,
    /// those that lie in the next `ahead` bytes come along.
    fn packed(&mut self, piece: Piece, number: usize, ahead: usize) -> Result<&[u8], FsError> {
        if piece.bytes() > self.fs.block_size as u64 {
            let what = format!("the block at byte {} is too long", piece.at);
            return Err(corrupt(what));
        }
        let range = |packed: &(u64, Vec<u8>)| {
            let start = usize::try_from(piece.at.checked_sub(packed.0)?).ok()?;
            let end = start.checked_add(usize::try_from(piece.bytes()).ok()?)?;
            (end <= packed.1.len()).then_some(start..end)
        };
        if range(&self.packed).is_none() {
            let mut total = piece.bytes();
            let behind = ahead.div_ceil(self.fs.block_size);
            let behind = self
                .lengths
                .iter()
                .skip(number.saturating_add(1))
                .take(behind);
            for length in behind {
                let longer = total.saturating_add(u64::from(length & (STORED - 1)));
                let end = piece.at.saturating_add(longer);
                if longer > TOGETHER || end > self.fs.device.len() {
                    break;
                }
                total = longer;
            }
            let mut bytes = vec![0; usize::try_from(total).unwrap_or(0)];
            self.packed = (0, Vec::new());
            self.fs.device.read_at(piece.at, &mut bytes)?;
            self.packed = (piece.at, bytes);
        }
        let range = range(&self.packed).unwrap_or_default();
        Ok(self.packed.1.get(range).unwrap_or_default())
    }

    /// If block `number` is whole and not packed: how many of the `ahead`
    /// bytes behind it are in such blocks too, and so right behind it.
    fn stored(&self, piece: Piece, number: usize, ahead: usize) -> usize {
        let whole = |length: u32| {
            let bytes = length & (STORED - 1);
            length & STORED != 0 && usize::try_from(bytes) == Ok(self.fs.block_size)
        };
        if !whole(piece.length) {
            return 0;
        }
        let behind = self.lengths.iter().skip(number.saturating_add(1));
        let behind = behind.take(ahead / self.fs.block_size);
        behind.take_while(|length| whole(**length)).count() * self.fs.block_size
    }

    /// Fills `buf` from byte `skip` of `piece` on, which unpacks to `length`
    /// bytes.
    fn read(
        &mut self,
        piece: Piece,
        number: usize,
        length: usize,
        skip: usize,
        buf: &mut [u8],
        ahead: usize,
    ) -> Result<(), FsError> {
        if piece.bytes() == 0 {
            buf.fill(0);
            return Ok(());
        }
        let short = || corrupt(format!("the block at byte {} is too short", piece.at));
        if piece.length & STORED != 0 {
            let end = skip.saturating_add(buf.len()) as u64;
            if end > piece.bytes() {
                return Err(short());
            }
            let at = piece.at.saturating_add(skip as u64);
            return Ok(self.fs.device.read_at(at, buf)?);
        }
        let fs = self.fs.clone();
        if skip == 0 && buf.len() == length {
            // All of it is wanted: straight to where it goes.
            let packed = self.packed(piece, number, ahead)?;
            let count = fs.unpack(packed, buf, piece.at)?;
            return if count == length {
                Ok(())
            } else {
                Err(short())
            };
        }
        if self.plain.0 != piece.at || self.plain.1.is_empty() {
            let mut plain = vec![0; fs.block_size];
            let packed = self.packed(piece, number, ahead)?;
            let count = fs.unpack(packed, &mut plain, piece.at)?;
            plain.truncate(count);
            self.plain = (piece.at, plain);
        }
        let there = self
            .plain
            .1
            .get(skip..)
            .and_then(|rest| rest.get(..buf.len()));
        buf.copy_from_slice(there.ok_or_else(short)?);
        Ok(())
    }
}

/// The block with the tails of number `number`.
fn fragment_at(fs: &Squash, number: u32) -> Result<Piece, FsError> {
    if number >= fs.fragment_count {
        return Err(corrupt(format!("no fragment {number}")));
    }
    // 512 entries of 16 bytes to a block of metadata, by a table of blocks.
    let mut block = [0; 8];
    let at = fs.fragments.saturating_add(u64::from(number / 512) * 8);
    fs.device.read_at(at, &mut block)?;
    let place = usize::try_from(number % 512 * 16).unwrap_or(0);
    let entry: [u8; 16] = Stream::open(fs, le64(&block, 0), place)?.take()?;
    Ok(Piece {
        at: le64(&entry, 0),
        length: le32(&entry, 8),
    })
}

impl File for SquashFile {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        let left = usize::try_from(self.size.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let mut buf = buf.get_mut(..wanted).unwrap_or_default();
        let block = self.fs.block_size as u64;
        let mut at = offset;
        while !buf.is_empty() {
            let number = usize::try_from(at / block).unwrap_or(usize::MAX);
            let skip = usize::try_from(at % block).unwrap_or(0);
            let length = self.size.saturating_sub(at - at % block).min(block);
            let length = usize::try_from(length).unwrap_or(0);
            let mut here = length.saturating_sub(skip).min(buf.len());
            let shared = self.tail.filter(|_| number >= self.lengths.len());
            let piece = match shared {
                Some((piece, _)) => piece,
                None => self.piece(number)?,
            };
            let ahead = buf.len().saturating_sub(here);
            let more = match shared {
                Some(_) => 0,
                None => self.stored(piece, number, ahead),
            };
            here = here.saturating_add(more);
            let (now, rest) = buf.split_at_mut(here);
            match shared {
                // Never all of a block, so that it is kept unpacked.
                Some((_, place)) => {
                    let skip = place.saturating_add(skip);
                    self.read(piece, usize::MAX, usize::MAX, skip, now, 0)?;
                }
                None if more > 0 => {
                    let place = piece.at.saturating_add(skip as u64);
                    self.fs.device.read_at(place, now)?;
                }
                None => self.read(piece, number, length, skip, now, ahead)?,
            }
            at = at.saturating_add(here as u64);
            buf = rest;
        }
        Ok(wanted)
    }
}
