//! Index arithmetic of Xen's shared rings (`io/ring.h`, `io/console.h`, `io/xs_wire.h`).
//!
//! Two kinds: rings of request and response slots ([`FrontRing`], [`BackRing`])
//! and rings of bytes ([`ByteWriter`], [`ByteReader`]). Indices run freely
//! through `u32` and wrap; only their differences mean anything. Each end keeps
//! its own indices to itself and only ever *reads* the peer's from the page, so
//! a peer that writes nonsense there can produce a [`RingError`] but never an
//! access outside the ring.

mod bytes;
mod events;
mod slots;
#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::fmt;

pub use bytes::{
    ByteReader, ByteRing, ByteWriter, CONSOLE_IN, CONSOLE_OUT, XENSTORE_REQ, XENSTORE_RSP,
};
pub use events::{EventReader, EventRing, EventWriter};
pub use slots::{BackRing, FrontRing, SLOTS_AT, slots};

/// Memory that another domain reads and writes at the same time as we do.
///
/// Everything is copied in or out; nothing is ever lent. Offsets are in bytes.
/// Reads outside the memory give zeros and writes there are dropped, so an
/// implementation never panics (the rings never ask for such an access).
pub trait Memory {
    /// Size in bytes.
    fn size(&self) -> usize;
    /// Loads the aligned `u32` at `at`; later reads are not moved before it (acquire).
    fn load(&self, at: usize) -> u32;
    /// Stores the aligned `u32` at `at`; earlier writes are not moved behind it (release).
    fn store(&self, at: usize, value: u32);
    /// Orders earlier stores before later loads (`xen_mb`).
    fn fence(&self);
    /// Copies out of the memory.
    fn read(&self, at: usize, to: &mut [u8]);
    /// Copies into the memory.
    fn write(&self, at: usize, from: &[u8]);
    /// Copies `len` bytes out of the memory to the end of `to`.
    fn append(&self, at: usize, len: usize, to: &mut Vec<u8>) {
        let end = to.len();
        to.resize(end + len, 0);
        self.read(at, to.get_mut(end..).unwrap_or_default());
    }
}

macro_rules! through {
    ($($pointer:ty),*) => {$(
        impl<M: Memory + ?Sized> Memory for $pointer {
            fn size(&self) -> usize {
                (**self).size()
            }
            fn load(&self, at: usize) -> u32 {
                (**self).load(at)
            }
            fn store(&self, at: usize, value: u32) {
                (**self).store(at, value);
            }
            fn fence(&self) {
                (**self).fence();
            }
            fn append(&self, at: usize, len: usize, to: &mut Vec<u8>) {
                (**self).append(at, len, to);
            }
            fn read(&self, at: usize, to: &mut [u8]) {
                (**self).read(at, to);
            }
            fn write(&self, at: usize, from: &[u8]) {
                (**self).write(at, from);
            }
        }
    )*};
}

through!(&M, alloc::rc::Rc<M>);

/// What can be wrong with a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingError {
    /// The peer's index is further from ours than the ring can hold.
    Overrun {
        /// The index it wrote.
        theirs: u32,
        /// Our own index, from which it is counted.
        ours: u32,
        /// The most there can be between the two.
        limit: u32,
    },
    /// No free slot: responses must be taken first.
    Full,
    /// The memory holds not even one slot, or the entry has the wrong length.
    Size {
        /// Bytes given.
        given: usize,
        /// Bytes needed.
        needed: usize,
    },
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overrun {
                theirs,
                ours,
                limit,
            } => {
                write!(
                    f,
                    "ring: the peer's index {theirs:#x} is more than {limit} past ours, {ours:#x}"
                )
            }
            Self::Full => write!(f, "ring: no free slot"),
            Self::Size { given, needed } => write!(f, "ring: {given} bytes given, {needed} needed"),
        }
    }
}

impl core::error::Error for RingError {}

/// Distance from `ours` up to `theirs`, at most `limit`.
fn ahead(theirs: u32, ours: u32, limit: u32) -> Result<u32, RingError> {
    let n = theirs.wrapping_sub(ours);
    if n <= limit {
        Ok(n)
    } else {
        Err(RingError::Overrun {
            theirs,
            ours,
            limit,
        })
    }
}

/// Whether publishing `new` after `old` passes `event`, the index at which the peer wants to be told.
const fn passes(old: u32, new: u32, event: u32) -> bool {
    new.wrapping_sub(event) < new.wrapping_sub(old)
}
