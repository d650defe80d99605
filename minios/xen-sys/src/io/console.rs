//! The console ring page (`io/console.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The ring page.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XenconsInterface {
    /// Bytes typed.
    pub in_: [u8; 1024],
    /// Bytes to show.
    pub out: [u8; 2048],
    /// Bytes of `in_` taken (guest writes).
    pub in_cons: u32,
    /// Bytes of `in_` put.
    pub in_prod: u32,
    /// Bytes of `out` taken.
    pub out_cons: u32,
    /// Bytes of `out` put (guest writes).
    pub out_prod: u32,
}
