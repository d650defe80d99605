//! A stretch of our address space where frames of another domain appear.
//!
//! Its page tables are made once and last; what changes is which frame each
//! slot of a page shows. This is the raw tool under [`super::foreign`] and
//! [`super::guest`].

use alloc::vec::Vec;
use core::ptr::NonNull;

use xen_sys::mmu::{
    MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_NO_TRANSLATE, MMUEXT_TLB_FLUSH_LOCAL, MmuUpdate, MmuextOp,
};

use super::pagetable::{self, bits};
use super::{Mfn, PAGE_SIZE, Pfn, p2m};
use crate::boot::XEN_WINDOW_END;
use crate::guest::{Frame, Guest};
use crate::hypercall::{Errno, grant_map, grant_unmap, mmu_update_foreign, mmuext_op};
use crate::local::cpu_local;

cpu_local! {
    /// Where the next window starts. They are few and last: no address is used
    /// again but by [`Window`]s of the same size that were given back whole.
    static NEXT: usize = XEN_WINDOW_END;
}

cpu_local! {
    static FREE: Vec<(usize, usize)> = Vec::new();
}

/// Pages that one table maps.
const TABLE: usize = 512;

/// `slots` pages of address space, each showing a frame or nothing.
pub(crate) struct Window {
    base: usize,
    slots: usize,
    /// The last-level tables, from the one that maps `base` on.
    tables: Vec<Pfn>,
}

impl Window {
    /// An empty window, with its page tables.
    pub fn new(slots: usize) -> Result<Self, Errno> {
        let base = address(slots);
        let first = base / PAGE_SIZE / TABLE;
        let last = (base / PAGE_SIZE + slots.max(1) - 1) / TABLE;
        let table = |index: usize| {
            let va = (index * TABLE * PAGE_SIZE).max(base);
            pagetable::make_path(va)?;
            pagetable::last_level(va).ok_or(Errno(xen_sys::errno::XEN_ENOMEM))
        };
        let tables = (first..=last).map(table).collect::<Result<_, _>>()?;
        Ok(Window {
            base,
            slots,
            tables,
        })
    }

    /// How many pages it has.
    pub fn slots(&self) -> usize {
        self.slots
    }

    /// Where a slot's page is, if one is mapped there.
    pub fn page(&self, slot: usize) -> NonNull<u8> {
        assert!(slot < self.slots, "slot {slot} of {}", self.slots);
        NonNull::new((self.base + slot * PAGE_SIZE) as *mut u8).expect("no window at address 0")
    }

    /// The machine frame that a slot shows, whatever it was asked for by.
    pub fn frame(&self, slot: usize) -> Option<Mfn> {
        let page = self.base / PAGE_SIZE + slot;
        let table = *self
            .tables
            .get(page / TABLE - self.base / PAGE_SIZE / TABLE)?;
        let entry = pagetable::read_entry(table, page % TABLE);
        (slot < self.slots && entry & bits::PRESENT != 0).then(|| Mfn((entry & bits::FRAME) >> 12))
    }

    /// Show frames of `guest` in slots, which are empty.
    ///
    /// # Errors
    /// How many were mapped, from the first on, and why the next was not.
    pub fn map(&mut self, guest: Guest, pages: &[(usize, Frame)]) -> Result<(), (usize, Errno)> {
        // SAFETY: the slots are empty.
        unsafe { self.enter(guest, pages) }
    }

    /// Show frames of `guest` in slots, whatever they showed before.
    ///
    /// # Errors
    /// How many were replaced, from the first on, and why the next was not: that
    /// one and those behind it show what they did.
    ///
    /// # Safety
    /// Nobody uses the pages that were there.
    pub unsafe fn replace(
        &mut self,
        guest: Guest,
        pages: &[(usize, Frame)],
    ) -> Result<(), (usize, Errno)> {
        // SAFETY: unused by the caller's word. A flush takes nothing away; until
        // then some of the old addresses are still cached.
        unsafe {
            let result = self.enter(guest, pages);
            flush();
            result
        }
    }

    /// Write the entries of slots.
    ///
    /// # Safety
    /// Nobody uses the pages that the slots show.
    unsafe fn enter(
        &mut self,
        guest: Guest,
        pages: &[(usize, Frame)],
    ) -> Result<(), (usize, Errno)> {
        let update = |(slot, frame): &(usize, Frame)| {
            let (command, number) = match frame {
                Frame::Guest(gfn) => (MMU_NORMAL_PT_UPDATE, *gfn),
                Frame::Machine(mfn) => (MMU_PT_UPDATE_NO_TRANSLATE, mfn.0),
            };
            let value = number << 12 & bits::FRAME | bits::RW | bits::NO_EXECUTE;
            self.entry(*slot, command, value)
        };
        let updates: Vec<_> = pages.iter().map(update).collect();
        // SAFETY:
        // - the slots are this window's own, and unused by the caller's word;
        // - the frames belong to another domain (a `Guest` is never ourselves, and
        //   Xen checks the owner), so Rust owns none of them elsewhere; who reads
        //   and writes them does it as shared memory.
        unsafe { mmu_update_foreign(&updates, guest.number()) }
    }

    /// Show nothing in `slots` any more.
    ///
    /// # Safety
    /// Nobody uses the pages that were there.
    pub unsafe fn unmap(&mut self, slots: &[usize]) {
        if slots.is_empty() {
            return;
        }
        let clear = |slot: &usize| self.entry(*slot, MMU_NORMAL_PT_UPDATE, 0);
        let updates: Vec<_> = slots.iter().map(clear).collect();
        // SAFETY: entries of this window only, unused by the caller's word. The
        // addresses are still cached until the flush.
        unsafe {
            crate::hypercall::mmu_update(&updates).expect("Xen clears entries of ours");
            flush();
        }
    }

    /// Show the page that domain `peer` granted by `reference` in an empty slot.
    /// What to unmap it with.
    ///
    /// # Errors
    /// Xen's reason: its `GNTST_*`, negated.
    pub fn map_grant(&mut self, slot: usize, peer: u16, reference: u32) -> Result<u32, Errno> {
        let address = self.page(slot).as_ptr() as usize;
        // SAFETY: an empty slot of this window, whose tables were made with it;
        // who reads and writes the page does it as shared memory.
        unsafe { grant_map(peer, reference, address) }
    }

    /// Undo [`Self::map_grant`].
    ///
    /// # Safety
    /// Nobody uses the page.
    pub unsafe fn unmap_grant(&mut self, slot: usize, handle: u32) {
        let address = self.page(slot).as_ptr() as usize;
        // SAFETY: unused by the caller's word.
        let unmapped = unsafe { grant_unmap(handle, address) };
        unmapped.expect("Xen unmaps what it mapped");
    }

    fn entry(&self, slot: usize, command: u64, val: u64) -> MmuUpdate {
        assert!(slot < self.slots, "slot {slot} of {}", self.slots);
        let page = self.base / PAGE_SIZE + slot;
        let table = self.tables[page / TABLE - self.base / PAGE_SIZE / TABLE];
        let ptr = (p2m::mfn(table).0 << 12) | (page % TABLE * 8) as u64 | command;
        MmuUpdate { ptr, val }
    }
}

/// Forget the translations that the processor remembers.
///
/// # Safety
/// None beyond what all of `mmuext_op` asks: a flush takes nothing away.
unsafe fn flush() {
    let flush = MmuextOp {
        cmd: MMUEXT_TLB_FLUSH_LOCAL,
        ..MmuextOp::default()
    };
    // SAFETY: an operation without an argument.
    unsafe { mmuext_op(&[flush]).expect("Xen flushes our own TLB") };
}

impl Drop for Window {
    /// The owner has unmapped its pages.
    fn drop(&mut self) {
        FREE.with_borrow_mut(|free| free.push((self.base, self.slots)));
    }
}

/// Address space for `slots` pages.
fn address(slots: usize) -> usize {
    let found = FREE.with_borrow_mut(|free| {
        let fits = free.iter().position(|(_, size)| *size == slots)?;
        Some(free.swap_remove(fits).0)
    });
    found.unwrap_or_else(|| {
        NEXT.with_borrow_mut(|next| {
            let base = *next;
            *next += slots * PAGE_SIZE;
            base
        })
    })
}
