//! Pseudo-physical to machine: the list the domain builder made.

#[cfg(feature = "bare")]
pub use bare::*;

#[cfg(not(feature = "bare"))]
mod host {
    use super::super::{Mfn, Pfn};
    use crate::arch::host::ram;

    /// The toy machine's frames are counted from the start of its RAM, like a
    /// real machine's few enough for 32 bits.
    pub fn mfn(pfn: Pfn) -> Mfn {
        Mfn((pfn.0 - ram().start) as u64)
    }

    /// The page that has machine frame `mfn`, if there is one.
    pub fn pfn(mfn: Mfn) -> Option<Pfn> {
        let pfn = usize::try_from(mfn.0).ok()?.checked_add(ram().start)?;
        ram().contains(&pfn).then_some(Pfn(pfn))
    }
}
#[cfg(not(feature = "bare"))]
pub use host::*;

#[cfg(feature = "bare")]
mod bare {
    use xen_sys::arch_x86::{MACH2PHYS_NR_ENTRIES, MACH2PHYS_VIRT_START};

    use super::super::{Mfn, Pfn};
    use crate::local::cpu_local;

    cpu_local! {
        static LIST: &'static [u64] = &[];
    }

    /// Adopt the list at `address` with `pages` entries.
    ///
    /// # Safety
    /// It is start_info's `mfn_list` and `nr_pages`, and nobody writes it.
    pub(crate) unsafe fn init(address: usize, pages: usize) {
        // SAFETY: readable and constant by the caller's word.
        let list = unsafe { core::slice::from_raw_parts(address as *const u64, pages) };
        LIST.with_borrow_mut(|slot| *slot = list);
    }

    /// The list itself; index: page frame number.
    pub fn list() -> &'static [u64] {
        LIST.with_borrow(|list| *list)
    }

    /// Machine frame of `pfn`.
    ///
    /// # Panics
    /// If the domain has no such page.
    pub fn mfn(pfn: Pfn) -> Mfn {
        Mfn(list()[pfn.0])
    }

    /// The page frame that has machine frame `mfn`, if it is one of ours.
    pub fn pfn(mfn: Mfn) -> Option<Pfn> {
        let index = Some(mfn.0).filter(|&mfn| mfn < MACH2PHYS_NR_ENTRIES)? as usize;
        let table = MACH2PHYS_VIRT_START as usize as *const u64;
        // SAFETY:
        // - in bounds: checked above; the window is Xen's, nothing of ours;
        // - mapped: Xen maps the table, read-only, for every frame of the machine,
        //   and callers pass frames that Xen named (page tables, rings); one that
        //   is of no machine ends the domain with a page fault;
        // - shared: Xen may write it, so the read is volatile and then checked.
        let pfn = unsafe { table.add(index).read_volatile() } as usize;
        (list().get(pfn) == Some(&mfn.0)).then_some(Pfn(pfn))
    }
}
