//! Memory: frames, their machine addresses, page tables, the heap.
//!
//! One number means three things in a minios domain: a virtual address is a
//! guest-physical address, and divided by 4096 it is a page frame number
//! ([`Pfn`]). Only Xen's machine frame number ([`Mfn`]) is something else, and
//! [`p2m`] is where the two meet.

pub mod foreign;
pub mod frame;
mod guest;
#[cfg(feature = "bare")]
mod heap;
pub mod p2m;
mod pagebuf;
#[cfg(feature = "bare")]
pub mod pagetable;
#[cfg(feature = "bare")]
pub(crate) mod window;

pub use foreign::{Foreign, ForeignGrant, MapError};
pub use frame::{OutOfMemory, free_pages};
pub use guest::{GuestPages, Unmapped};
pub use pagebuf::PageBuf;

/// Bytes in a page.
pub const PAGE_SIZE: usize = 4096;

/// Pseudo-physical frame number: index into this domain's RAM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pfn(pub usize);

/// Machine frame number: what Xen, page tables and grants talk about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mfn(pub u64);

impl Pfn {
    /// The frame that holds `address`.
    pub const fn containing(address: usize) -> Pfn {
        Pfn(address / PAGE_SIZE)
    }

    /// Address of its first byte.
    pub const fn address(self) -> usize {
        self.0 * PAGE_SIZE
    }
}
