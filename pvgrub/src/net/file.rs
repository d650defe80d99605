//! A file of a server as the loader reads it.
//!
//! A small one is in memory as soon as it is open. A large one stays where it
//! is: it goes straight to where it is read to, so that a kernel or an initrd
//! is not in memory twice. Whoever reads from the beginning to the end reads
//! it once; whoever jumps has it sent again from there. A server that does not
//! tell a length has the file read into memory first, or if it is too large to
//! be there twice, only counted: then it is sent again to where it is read to.

use super::error::NetError;
use super::live::Live;
use super::transfer::Transfer;
use crate::disk::DeviceName;
use crate::fs::{File, FsError};
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use minios::time::now_ns;
use netfront::stack::Port;

/// Files up to this size, in bytes, are read when they are opened.
const SMALL: u64 = 1 << 20;

/// Files of unknown length are gathered in pieces of so many bytes.
const PIECE: usize = 1 << 20;

/// Files of unknown length are kept up to so many bytes.
const KEPT: u64 = 16 << 20;

/// After a pause of so many nanoseconds a server may well have given up.
const PAUSE: u64 = 1_000_000_000;

/// A file of a server.
pub(super) struct RemoteFile<P: Port + 'static> {
    live: Rc<Live<P>>,
    device: DeviceName,
    path: String,
    name: String,
    len: u64,
    /// All of it, if it is in memory; all pieces but the last are full.
    pieces: Option<Vec<Vec<u8>>>,
    /// It on its way, and the place of the byte that comes next.
    transfer: Option<(Transfer<P>, u64)>,
    read_at: u64,
}

impl<P: Port + 'static> RemoteFile<P> {
    pub fn open(live: Rc<Live<P>>, device: DeviceName, path: &str) -> Result<Self, NetError> {
        let transfer = live.begin(device, path, 0)?;
        let size = transfer.size();
        let mut file = RemoteFile {
            live,
            device,
            path: path.into(),
            name: device.to_string() + path,
            len: size.unwrap_or(0),
            pieces: None,
            transfer: Some((transfer, 0)),
            read_at: now_ns(),
        };
        if size.is_none_or(|size| size <= SMALL) {
            file.gather(size)?;
        }
        Ok(file)
    }

    /// Reads all of it into memory, if it is not larger than [`KEPT`]; else all
    /// there is to know then is its length.
    fn gather(&mut self, size: Option<u64>) -> Result<(), NetError> {
        let Some((mut transfer, _)) = self.transfer.take() else {
            return Ok(());
        };
        let mut pieces = Vec::new();
        let mut len = 0u64;
        while !transfer.done() {
            let wanted = size.map_or(PIECE, |size| {
                let left = size.saturating_sub(len);
                usize::try_from(left).unwrap_or(PIECE).clamp(1, PIECE)
            });
            let mut piece = Vec::new();
            if piece.try_reserve_exact(wanted).is_err() {
                return Err(NetError::Memory(len));
            }
            piece.resize(wanted, 0);
            let read = self.live.read(&mut transfer, &mut piece, &self.name)?;
            piece.truncate(read);
            len = len.saturating_add(read as u64);
            if read > 0 {
                pieces.push(piece);
            }
            if len > KEPT {
                drop(pieces);
                self.len = len.saturating_add(self.count(&mut transfer)?);
                return Ok(());
            }
        }
        self.len = len;
        self.pieces = Some(pieces);
        Ok(())
    }

    /// Counts the bytes up to the end.
    fn count(&self, transfer: &mut Transfer<P>) -> Result<u64, NetError> {
        let mut scratch = vec![0; PIECE];
        let mut len = 0u64;
        while !transfer.done() {
            let read = self.live.read(transfer, &mut scratch, &self.name)?;
            len = len.saturating_add(read as u64);
        }
        Ok(len)
    }

    fn read(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, NetError> {
        let most = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buf.len().min(most);
        let buf = buf.get_mut(..wanted).unwrap_or_default();
        if buf.is_empty() {
            return Ok(0);
        }
        if let Some(pieces) = &self.pieces {
            return Ok(copy(pieces, offset, buf));
        }
        let paused = now_ns().saturating_sub(self.read_at) > PAUSE;
        let result = match self.read_on(offset, buf) {
            // It was kept waiting: once more from there.
            Err(NetError::Silent | NetError::Tcp(_) | NetError::Short(..)) if paused => {
                self.transfer = None;
                self.read_on(offset, buf)
            }
            result => result,
        };
        self.read_at = now_ns();
        result
    }

    /// Reads from the transfer that is at `offset`, or from a new one.
    fn read_on(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, NetError> {
        let mut transfer = match self.transfer.take() {
            Some((transfer, at)) if at == offset => transfer,
            other => {
                drop(other);
                let transfer = self.live.begin(self.device, &self.path, offset)?;
                if transfer.size().is_some_and(|size| size != self.len) {
                    return Err(NetError::Protocol("the file has another length now"));
                }
                transfer
            }
        };
        let read = self.live.read(&mut transfer, buf, &self.name)?;
        let at = offset.saturating_add(read as u64);
        // At the end of the file its last packet is still to be seen.
        let ended = at >= self.len && transfer.done();
        if !ended {
            self.transfer = Some((transfer, at));
        }
        if at >= self.len {
            self.finish()?;
        }
        Ok(read)
    }

    /// Sees the end that follows the last byte: there must be nothing more.
    fn finish(&mut self) -> Result<(), NetError> {
        let Some((mut transfer, _)) = self.transfer.take() else {
            return Ok(());
        };
        match self.live.read(&mut transfer, &mut [0], &self.name)? {
            0 => Ok(()),
            _ => Err(NetError::Long(self.len)),
        }
    }
}

/// Copies from `offset` on; gives how much there was.
fn copy(pieces: &[Vec<u8>], offset: u64, buf: &mut [u8]) -> usize {
    let mut skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let mut filled = 0usize;
    for piece in pieces {
        let Some(from) = piece.get(skip..).filter(|from| !from.is_empty()) else {
            skip = skip.saturating_sub(piece.len());
            continue;
        };
        skip = 0;
        let room = buf.get_mut(filled..).unwrap_or_default();
        let count = room.len().min(from.len());
        if let (Some(to), Some(from)) = (room.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
        filled = filled.saturating_add(count);
    }
    filled
}

impl<P: Port + 'static> File for RemoteFile<P> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        self.read(offset, buf).map_err(|error| FsError::Network {
            path: String::new(),
            error,
        })
    }
}
