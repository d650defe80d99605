//! The frame buffer's page and events (`io/fbif.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Out: a part of the picture changed.
pub const XENFB_TYPE_UPDATE: u8 = 2;
/// Out: the picture has another size.
pub const XENFB_TYPE_RESIZE: u8 = 3;
/// In: how often the backend looks.
pub const XENFB_TYPE_REFRESH_PERIOD: u8 = 1;
/// In [`XenfbRefreshPeriod`]: not at all.
pub const XENFB_NO_REFRESH: u32 = 0;

/// Bytes of an event to the backend.
pub const XENFB_OUT_EVENT_SIZE: usize = 40;
/// Bytes of an event from the backend.
pub const XENFB_IN_EVENT_SIZE: usize = 40;
/// Bytes of the ring of events from the backend.
pub const XENFB_IN_RING_SIZE: usize = 1024;
/// Where it lies in the page.
pub const XENFB_IN_RING_OFFS: usize = 1024;
/// Bytes of the ring of events to the backend.
pub const XENFB_OUT_RING_SIZE: usize = 2048;
/// Where it lies in the page.
pub const XENFB_OUT_RING_OFFS: usize = 2048;

/// A part of the picture changed.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XenfbUpdate {
    /// [`XENFB_TYPE_UPDATE`].
    pub type_: u8,
    /// Zero.
    pub gap: [u8; 3],
    /// The first column.
    pub x: i32,
    /// The first line.
    pub y: i32,
    /// Columns.
    pub width: i32,
    /// Lines.
    pub height: i32,
}

/// The picture has another size, or is elsewhere in the frame buffer.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XenfbResize {
    /// [`XENFB_TYPE_RESIZE`].
    pub type_: u8,
    /// Zero.
    pub gap: [u8; 3],
    /// In pixels.
    pub width: i32,
    /// In lines.
    pub height: i32,
    /// From line to line, in bytes.
    pub stride: i32,
    /// Bits of a pixel.
    pub depth: i32,
    /// Of the first pixel, in bytes.
    pub offset: i32,
}

/// How often the backend looks.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XenfbRefreshPeriod {
    /// [`XENFB_TYPE_REFRESH_PERIOD`].
    pub type_: u8,
    /// Zero.
    pub gap: [u8; 3],
    /// In ms, or [`XENFB_NO_REFRESH`].
    pub period: u32,
}

/// What the shared page starts with.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XenfbPage {
    /// Events from the backend that were taken (guest writes).
    pub in_cons: u32,
    /// Events that the backend made.
    pub in_prod: u32,
    /// Events that the backend took.
    pub out_cons: u32,
    /// Events to the backend that were made (guest writes).
    pub out_prod: u32,
    /// In pixels.
    pub width: i32,
    /// In lines.
    pub height: i32,
    /// From line to line, in bytes.
    pub line_length: u32,
    /// Of the frame buffer, in bytes.
    pub mem_length: u32,
    /// Bits of a pixel.
    pub depth: u8,
    /// Zero.
    pub gap: [u8; 7],
    /// Frames of the directory, each full of frames of the frame buffer.
    pub pd: [u64; 256],
}
