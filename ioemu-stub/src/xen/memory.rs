//! The guest's RAM, under Xen.

use minios::guest::Guest;
use minios::hypercall::Errno;
use minios::mm::GuestPages;

use crate::surroundings::{GuestMemory, NoMemory};

/// Pages of the guest that are kept mapped: 64 MiB, which takes 128 KiB of page
/// tables and as much to remember them.
const CACHED: usize = 16384;

/// The guest's RAM.
pub struct XenMemory {
    pages: GuestPages,
}

impl XenMemory {
    /// The RAM of `guest`.
    ///
    /// # Errors
    /// No memory for page tables.
    pub fn new(guest: Guest) -> Result<Self, Errno> {
        let pages = GuestPages::new(guest, CACHED)?;
        Ok(XenMemory { pages })
    }

    /// The guest gave memory back: let go of all of it.
    pub fn invalidate(&self) {
        self.pages.forget();
    }
}

impl GuestMemory for XenMemory {
    fn read(&self, address: u64, data: &mut [u8]) -> Result<(), NoMemory> {
        let read = self.pages.read(address, data);
        read.map_err(|unmapped| NoMemory(unmapped.address))
    }

    fn write(&self, address: u64, data: &[u8]) -> Result<(), NoMemory> {
        let written = self.pages.write(address, data);
        written.map_err(|unmapped| NoMemory(unmapped.address))
    }
}
