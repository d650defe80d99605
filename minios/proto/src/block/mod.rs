//! The block protocol (`io/blkif.h`): what a disk offers, requests, and which response belongs to which.

use core::fmt;
use xen_sys::io::blkif::{
    self, BlkifRequest, BlkifRequestDiscard, BlkifRequestIndirect, BlkifRequestSegment,
};
use zerocopy::IntoBytes;

mod tracker;
pub use tracker::{Nonsense, Oddities, RequestId, Tracker};

/// Unit of every sector number and count in the protocol, in bytes, whatever the disk's own sector size.
pub const SECTOR: u64 = 512;
/// Bytes of a page, and of memory behind one segment.
pub const PAGE: usize = 4096;
/// Bytes of a ring slot.
pub const SLOT: usize = size_of::<BlkifRequest>();
/// Bytes of a response.
pub const RESPONSE: usize = size_of::<blkif::BlkifResponse>();
/// Segments in a plain request.
pub const DIRECT_SEGMENTS: usize = blkif::BLKIF_MAX_SEGMENTS_PER_REQUEST;
/// Segments that one page of an indirect request holds.
pub const SEGMENTS_PER_PAGE: usize = PAGE / size_of::<BlkifRequestSegment>();

/// What a backend's nodes say about its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Size in units of [`SECTOR`].
    pub sectors: u64,
    /// Smallest unit of reading and writing in bytes: 512 to 4096, a power of two.
    pub sector_size: u32,
    /// Writes are refused.
    pub read_only: bool,
    /// A CD or DVD drive.
    pub cdrom: bool,
    /// The medium can be taken out.
    pub removable: bool,
    /// `BLKIF_OP_FLUSH_DISKCACHE` works.
    pub flush: bool,
    /// `BLKIF_OP_WRITE_BARRIER` works.
    pub barrier: bool,
    /// `BLKIF_OP_DISCARD` works.
    pub discard: bool,
    /// Most segments of an indirect request; 0: no such requests.
    pub max_indirect_segments: u32,
    /// The backend keeps grants mapped.
    pub persistent: bool,
}

/// Why a backend's nodes make no disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskError {
    /// A node that must be there is missing.
    Missing(&'static str),
    /// A node is no number, or not one it can be.
    Value(&'static str),
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(node) => write!(f, "the backend has no node {node:?}"),
            Self::Value(node) => write!(f, "the backend's node {node:?} makes no sense"),
        }
    }
}

impl core::error::Error for DiskError {}

impl Disk {
    /// Nodes of the backend that [`Self::parse`] asks for.
    pub const NODES: [&str; 8] = [
        "sectors",
        "sector-size",
        "info",
        "feature-flush-cache",
        "feature-barrier",
        "feature-discard",
        "feature-max-indirect-segments",
        "feature-persistent",
    ];

    /// Reads the description; `node` gives a node's text.
    ///
    /// # Errors
    /// If the size is missing, or a number is none or out of range.
    pub fn parse<'a>(node: impl Fn(&str) -> Option<&'a str>) -> Result<Self, DiskError> {
        let number = |name: &'static str| match node(name) {
            Some(text) => text
                .trim()
                .parse::<u64>()
                .map(Some)
                .map_err(|_| DiskError::Value(name)),
            None => Ok(None),
        };
        let flag = |name| number(name).map(|n| n.unwrap_or(0) != 0);
        let sectors = number("sectors")?.ok_or(DiskError::Missing("sectors"))?;
        let sector_size = number("sector-size")?.unwrap_or(SECTOR);
        if !(512..=4096).contains(&sector_size) || !sector_size.is_power_of_two() {
            return Err(DiskError::Value("sector-size"));
        }
        if sectors.checked_mul(SECTOR).is_none() {
            return Err(DiskError::Value("sectors"));
        }
        let info = number("info")?.unwrap_or(0);
        let has = |bit: u32| info & u64::from(bit) != 0;
        let indirect = number("feature-max-indirect-segments")?.unwrap_or(0);
        Ok(Self {
            sectors,
            sector_size: sector_size as u32,
            read_only: has(blkif::VDISK_READONLY),
            cdrom: has(blkif::VDISK_CDROM),
            removable: has(blkif::VDISK_REMOVABLE),
            flush: flag("feature-flush-cache")?,
            barrier: flag("feature-barrier")?,
            discard: flag("feature-discard")?,
            max_indirect_segments: u32::try_from(indirect).unwrap_or(u32::MAX),
            persistent: flag("feature-persistent")?,
        })
    }

    /// Size in bytes.
    pub const fn bytes(&self) -> u64 {
        self.sectors.saturating_mul(SECTOR)
    }

    /// Whether `len` bytes from `offset` are whole sectors of this disk.
    pub fn holds(&self, offset: u64, len: u64) -> bool {
        let size = u64::from(self.sector_size.max(1));
        offset.is_multiple_of(size)
            && len.is_multiple_of(size)
            && offset
                .checked_add(len)
                .is_some_and(|end| end <= self.bytes())
    }
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Disk to memory.
    Read,
    /// Memory to disk.
    Write,
    /// A write that is on the medium, with all before it, when it is answered.
    Barrier,
    /// Everything answered before is on the medium when this is answered.
    Flush,
    /// The sectors' content is no longer needed.
    Discard,
}

impl Operation {
    /// The number in a request.
    pub const fn number(self) -> u8 {
        match self {
            Self::Read => blkif::BLKIF_OP_READ,
            Self::Write => blkif::BLKIF_OP_WRITE,
            Self::Barrier => blkif::BLKIF_OP_WRITE_BARRIER,
            Self::Flush => blkif::BLKIF_OP_FLUSH_DISKCACHE,
            Self::Discard => blkif::BLKIF_OP_DISCARD,
        }
    }
}

/// Why a request failed, according to the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestError {
    /// `BLKIF_RSP_ERROR`.
    Failed,
    /// `BLKIF_RSP_EOPNOTSUPP`.
    NotSupported,
    /// A status the protocol does not know.
    Status(i16),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed => write!(f, "input/output error"),
            Self::NotSupported => write!(f, "operation not supported by the backend"),
            Self::Status(s) => write!(f, "unknown status {s}"),
        }
    }
}

impl core::error::Error for RequestError {}

/// What a response's status means.
///
/// # Errors
/// Everything but `BLKIF_RSP_OKAY`.
pub const fn status(status: i16) -> Result<(), RequestError> {
    match status {
        blkif::BLKIF_RSP_OKAY => Ok(()),
        blkif::BLKIF_RSP_ERROR => Err(RequestError::Failed),
        blkif::BLKIF_RSP_EOPNOTSUPP => Err(RequestError::NotSupported),
        other => Err(RequestError::Status(other)),
    }
}

/// A part of one page, in sectors of 512 bytes; `last` is included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which page of the memory.
    pub page: usize,
    /// First sector in it.
    pub first: u8,
    /// Last sector in it.
    pub last: u8,
}

impl Part {
    /// Bytes it covers.
    pub const fn len(&self) -> usize {
        (self.last as usize + 1).saturating_sub(self.first as usize) * SECTOR as usize
    }

    /// Never.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As a segment of a request.
    pub const fn segment(&self, gref: u32) -> BlkifRequestSegment {
        BlkifRequestSegment {
            gref,
            first_sect: self.first,
            last_sect: self.last,
            _pad: 0,
        }
    }
}

/// Cuts `len` bytes of memory from byte `start` (both multiples of 512) at page boundaries.
pub fn parts(start: usize, len: usize) -> impl Iterator<Item = Part> {
    let end = start.saturating_add(len);
    let mut at = start;
    core::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let page = at / PAGE;
        let stop = end.min((page + 1).saturating_mul(PAGE));
        let sector = |byte: usize| (byte % PAGE / SECTOR as usize) as u8;
        let part = Part {
            page,
            first: sector(at),
            last: sector(stop - 1),
        };
        at = stop;
        Some(part)
    })
}

/// A plain request with at most [`DIRECT_SEGMENTS`] segments (none for a flush); `sector` in units of [`SECTOR`].
pub fn request(
    op: Operation,
    handle: u16,
    id: RequestId,
    sector: u64,
    segments: &[BlkifRequestSegment],
) -> [u8; SLOT] {
    let mut request = BlkifRequest {
        operation: op.number(),
        nr_segments: segments.len().min(DIRECT_SEGMENTS) as u8,
        handle,
        id: id.number(),
        sector_number: sector,
        ..BlkifRequest::default()
    };
    for (to, from) in request.seg.iter_mut().zip(segments) {
        *to = *from;
    }
    slot(request.as_bytes())
}

/// A request whose `segments` segments stand in the granted pages `pages` (at most 8).
pub fn indirect(
    op: Operation,
    handle: u16,
    id: RequestId,
    sector: u64,
    segments: u16,
    pages: &[u32],
) -> [u8; SLOT] {
    let mut request = BlkifRequestIndirect {
        operation: blkif::BLKIF_OP_INDIRECT,
        indirect_op: op.number(),
        nr_segments: segments,
        id: id.number(),
        sector_number: sector,
        handle,
        ..BlkifRequestIndirect::default()
    };
    for (to, from) in request.indirect_grefs.iter_mut().zip(pages) {
        *to = *from;
    }
    slot(request.as_bytes())
}

/// A discard of `sectors` sectors.
pub fn discard(handle: u16, id: RequestId, sector: u64, sectors: u64) -> [u8; SLOT] {
    let request = BlkifRequestDiscard {
        operation: blkif::BLKIF_OP_DISCARD,
        handle,
        id: id.number(),
        sector_number: sector,
        nr_sectors: sectors,
        ..BlkifRequestDiscard::default()
    };
    slot(request.as_bytes())
}

fn slot(bytes: &[u8]) -> [u8; SLOT] {
    let mut slot = [0; SLOT];
    for (to, from) in slot.iter_mut().zip(bytes) {
        *to = *from;
    }
    slot
}

#[cfg(test)]
mod tests;
