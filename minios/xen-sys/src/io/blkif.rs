//! The block device protocol (`io/blkif.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Operation `BLKIF_OP_READ`.
pub const BLKIF_OP_READ: u8 = 0;
/// Operation `BLKIF_OP_WRITE`.
pub const BLKIF_OP_WRITE: u8 = 1;
/// Operation `BLKIF_OP_WRITE_BARRIER`.
pub const BLKIF_OP_WRITE_BARRIER: u8 = 2;
/// Operation `BLKIF_OP_FLUSH_DISKCACHE`.
pub const BLKIF_OP_FLUSH_DISKCACHE: u8 = 3;
/// Operation `BLKIF_OP_DISCARD`.
pub const BLKIF_OP_DISCARD: u8 = 5;
/// Operation `BLKIF_OP_INDIRECT`.
pub const BLKIF_OP_INDIRECT: u8 = 6;

/// Limit `BLKIF_MAX_SEGMENTS_PER_REQUEST` of a request.
pub const BLKIF_MAX_SEGMENTS_PER_REQUEST: usize = 11;
/// Limit `BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST` of a request.
pub const BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST: usize = 8;

/// `BlkifRequestDiscard::flag` bit `BLKIF_DISCARD_SECURE`.
pub const BLKIF_DISCARD_SECURE: u8 = 1;

/// Status `BLKIF_RSP_EOPNOTSUPP`.
pub const BLKIF_RSP_EOPNOTSUPP: i16 = -2;
/// Status `BLKIF_RSP_ERROR`.
pub const BLKIF_RSP_ERROR: i16 = -1;
/// Status `BLKIF_RSP_OKAY`.
pub const BLKIF_RSP_OKAY: i16 = 0;

/// Bit `VDISK_CDROM` of the `info` node.
pub const VDISK_CDROM: u32 = 1;
/// Bit `VDISK_REMOVABLE` of the `info` node.
pub const VDISK_REMOVABLE: u32 = 2;
/// Bit `VDISK_READONLY` of the `info` node.
pub const VDISK_READONLY: u32 = 4;

/// Part of a granted page.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct BlkifRequestSegment {
    /// The grant.
    pub gref: u32,
    /// First 512-byte sector of the page.
    pub first_sect: u8,
    /// Last one, included.
    pub last_sect: u8,
    /// Padding; zero.
    pub _pad: u16,
}

/// A read, write, barrier or flush.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct BlkifRequest {
    /// `BLKIF_OP_*`.
    pub operation: u8,
    /// Used entries of `seg`.
    pub nr_segments: u8,
    /// Virtual device number.
    pub handle: u16,
    /// Padding; zero.
    pub _pad: u32,
    /// Echoed in the response.
    pub id: u64,
    /// First sector, in units of 512 bytes.
    pub sector_number: u64,
    /// Where the data is.
    pub seg: [BlkifRequestSegment; 11],
}

/// A discard.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct BlkifRequestDiscard {
    /// `BLKIF_OP_DISCARD`.
    pub operation: u8,
    /// `BLKIF_DISCARD_SECURE` or 0.
    pub flag: u8,
    /// Virtual device number.
    pub handle: u16,
    /// Padding; zero.
    pub _pad: u32,
    /// Echoed in the response.
    pub id: u64,
    /// First sector, in units of 512 bytes.
    pub sector_number: u64,
    /// How many.
    pub nr_sectors: u64,
}

/// A request whose segments lie in other granted pages.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct BlkifRequestIndirect {
    /// `BLKIF_OP_INDIRECT`.
    pub operation: u8,
    /// Read or write.
    pub indirect_op: u8,
    /// Segments in all.
    pub nr_segments: u16,
    /// Padding; zero.
    pub _pad: u32,
    /// Echoed in the response.
    pub id: u64,
    /// First sector, in units of 512 bytes.
    pub sector_number: u64,
    /// Virtual device number.
    pub handle: u16,
    /// Padding; zero.
    pub _pad1: u16,
    /// Grants of pages full of [`BlkifRequestSegment`]s, 512 a page.
    pub indirect_grefs: [u32; 8],
    /// Padding; zero.
    pub _pad2: u32,
}

/// What the backend made of a request.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct BlkifResponse {
    /// The request's.
    pub id: u64,
    /// The request's.
    pub operation: u8,
    /// Padding; zero.
    pub _pad: u8,
    /// `BLKIF_RSP_*`.
    pub status: i16,
    /// Padding; zero.
    pub _pad1: u32,
}
