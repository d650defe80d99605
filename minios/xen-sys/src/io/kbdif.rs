//! The keyboard's and pointer's page and events (`io/kbdif.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The pointer moved by some way.
pub const XENKBD_TYPE_MOTION: u8 = 1;
/// A key or button went down or up.
pub const XENKBD_TYPE_KEY: u8 = 3;
/// The pointer is somewhere else.
pub const XENKBD_TYPE_POS: u8 = 4;

/// Bytes of an event from the backend.
pub const XENKBD_IN_EVENT_SIZE: usize = 40;
/// Bytes of the ring of events from the backend.
pub const XENKBD_IN_RING_SIZE: usize = 2048;
/// Where it lies in the page.
pub const XENKBD_IN_RING_OFFS: usize = 1024;

/// The pointer moved.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XenkbdMotion {
    /// [`XENKBD_TYPE_MOTION`].
    pub type_: u8,
    /// Zero.
    pub gap: [u8; 3],
    /// To the right.
    pub rel_x: i32,
    /// Down.
    pub rel_y: i32,
    /// Of the wheel.
    pub rel_z: i32,
}

/// A key or button went down or up.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XenkbdKey {
    /// [`XENKBD_TYPE_KEY`].
    pub type_: u8,
    /// 1 if it went down.
    pub pressed: u8,
    /// Zero.
    pub gap: [u8; 2],
    /// Linux' `KEY_*` or `BTN_*`.
    pub keycode: u32,
}

/// The pointer is somewhere else.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XenkbdPosition {
    /// [`XENKBD_TYPE_POS`].
    pub type_: u8,
    /// Zero.
    pub gap: [u8; 3],
    /// In pixels of the frame buffer.
    pub abs_x: i32,
    /// In lines of the frame buffer.
    pub abs_y: i32,
    /// Of the wheel.
    pub rel_z: i32,
}

/// What the shared page starts with.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XenkbdPage {
    /// Events from the backend that were taken (guest writes).
    pub in_cons: u32,
    /// Events that the backend made.
    pub in_prod: u32,
    /// Not used.
    pub out_cons: u32,
    /// Not used.
    pub out_prod: u32,
}
