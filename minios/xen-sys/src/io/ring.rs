//! The head of a request/response ring page (`io/ring.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Indices at the start of a ring page; the entries follow at byte 64.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct SringHeader {
    /// Requests produced (frontend writes).
    pub req_prod: u32,
    /// Notify the backend when `req_prod` passes this.
    pub req_event: u32,
    /// Responses produced (backend writes).
    pub rsp_prod: u32,
    /// Notify the frontend when `rsp_prod` passes this.
    pub rsp_event: u32,
    /// Per-protocol use.
    pub pvt: [u8; 4],
    /// Zero.
    pub pad: [u8; 44],
}
