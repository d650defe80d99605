//! The page that the two ends of a vchan share (`io/libxenvchan.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Tell me when you have written.
pub const VCHAN_NOTIFY_WRITE: u8 = 1;
/// Tell me when you have read.
pub const VCHAN_NOTIFY_READ: u8 = 2;

/// Indices of one ring of bytes. They run freely through `u32`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct RingShared {
    /// Bytes taken.
    pub cons: u32,
    /// Bytes put.
    pub prod: u32,
}

/// The start of the shared page. Up to two small rings follow in the page
/// itself: one of 1 KiB (order 10) at 1024, one of 2 KiB (order 11) at 2048.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct VchanInterface {
    /// The client writes, the server reads.
    pub left: RingShared,
    /// The server writes, the client reads.
    pub right: RingShared,
    /// Binary logarithm of the left ring's size in bytes.
    pub left_order: u16,
    /// Of the right ring's.
    pub right_order: u16,
    /// The client: 0 gone, 1 there, 2 never seen.
    pub cli_live: u8,
    /// The server, likewise.
    pub srv_live: u8,
    /// What the server wants to hear from the client (`VCHAN_NOTIFY_*`).
    pub cli_notify: u8,
    /// What the client wants to hear from the server.
    pub srv_notify: u8,
}
