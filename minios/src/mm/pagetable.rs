//! The domain's own page tables, changed through Xen.
//!
//! Xen lets a PV guest read its page tables and write them only by hypercall;
//! a frame can become a page table only while nothing maps it writable. The
//! builder maps the image and what belongs to it; this file maps the rest of
//! RAM, two MiB at a time, when the frame allocator first reaches it, so that
//! neither time nor tables are spent on memory that is never used.

use alloc::vec::Vec;

use xen_sys::mmu::{MMU_NORMAL_PT_UPDATE, MmuUpdate};

use super::{Mfn, PAGE_SIZE, Pfn, p2m};
use crate::hypercall::{Errno, mmu_update, update_va_mapping};
use crate::local::cpu_local;

/// Entry bits (Intel SDM volume 3, 4.5.5). A PV kernel runs in ring 3, hence USER.
pub mod bits {
    #![allow(missing_docs)]
    pub const PRESENT: u64 = 1 << 0;
    pub const WRITABLE: u64 = 1 << 1;
    pub const USER: u64 = 1 << 2;
    pub const ACCESSED: u64 = 1 << 5;
    pub const DIRTY: u64 = 1 << 6;
    pub const NO_EXECUTE: u64 = 1 << 63;
    /// A read-only page.
    pub const RO: u64 = PRESENT | USER | ACCESSED;
    /// A read-write page.
    pub const RW: u64 = RO | WRITABLE | DIRTY;
    /// A table of the next level.
    pub const TABLE: u64 = PRESENT | WRITABLE | USER | ACCESSED | DIRTY;
    /// The frame number's place in an entry.
    pub const FRAME: u64 = 0x000f_ffff_ffff_f000;
}

const ENTRIES: usize = 512;

/// Frames that must stay in hand so that the next 2 MiB can be mapped: one
/// table for each of the three lower levels.
pub const TABLE_RESERVE: usize = 3;

struct Tables {
    /// Frame of the top-level table.
    base: Pfn,
    /// RAM below this frame is mapped.
    mapped_end: usize,
}

cpu_local! {
    static TABLES: Tables = Tables { base: Pfn(0), mapped_end: 0 };
}

/// Entry for `mfn`.
pub const fn entry(mfn: Mfn, bits: u64) -> u64 {
    (mfn.0 << 12) | bits
}

/// Index of `va` in the table of `level` (4 is the top).
const fn index(va: usize, level: u32) -> usize {
    (va >> (12 + 9 * (level - 1))) % ENTRIES
}

pub(super) fn read_entry(table: Pfn, index: usize) -> u64 {
    let pointer = (table.address() + index * 8) as *const u64;
    // SAFETY:
    // - mapped: page tables are frames of ours below `mapped_end`;
    // - in bounds: `index` is below 512; volatile, as Xen writes it.
    unsafe { pointer.read_volatile() }
}

/// Follow the entry, if present, to the next table.
fn next_table(table: Pfn, index: usize) -> Option<Pfn> {
    let entry = read_entry(table, index);
    (entry & bits::PRESENT != 0)
        .then(|| p2m::pfn(Mfn((entry & bits::FRAME) >> 12)))
        .flatten()
}

/// The table of `level` that translates `va`, or the deepest level there is.
fn walk(va: usize, level: u32) -> Result<Pfn, (Pfn, u32)> {
    let mut table = TABLES.with_borrow(|tables| tables.base);
    for at in (level + 1..=4).rev() {
        table = next_table(table, index(va, at)).ok_or((table, at))?;
    }
    Ok(table)
}

/// Take over the builder's tables: `base` is the top level, and find out how
/// far it mapped RAM.
pub(crate) fn init(base: Pfn, pages: usize) {
    TABLES.with_borrow_mut(|tables| tables.base = base);
    let mapped = |pfn: usize| {
        walk(pfn * PAGE_SIZE, 1)
            .is_ok_and(|l1| read_entry(l1, index(pfn * PAGE_SIZE, 1)) & bits::PRESENT != 0)
    };
    // The map is contiguous and ends on a multiple of 4 MiB, or with RAM.
    let mut end = base.0;
    while end < pages && mapped(end) {
        end += 1;
    }
    TABLES.with_borrow_mut(|tables| tables.mapped_end = end);
}

/// RAM below this frame number is mapped read-write (tables excepted).
pub(crate) fn mapped_end() -> usize {
    TABLES.with_borrow(|tables| tables.mapped_end)
}

/// Write one entry of a table.
///
/// # Safety
/// As [`update_va_mapping`].
unsafe fn set_entry(table: Pfn, index: usize, value: u64) -> Result<(), Errno> {
    let ptr = (p2m::mfn(table).0 << 12) | (index as u64 * 8) | MMU_NORMAL_PT_UPDATE;
    // SAFETY: the caller's obligation.
    unsafe { mmu_update(&[MmuUpdate { ptr, val: value }]) }
}

/// Make `table` (filled in, of ours, used by nobody else) the table of
/// `level - 1` that `va` needs, below `parent`.
fn hang(parent: Pfn, level: u32, va: usize, table: Pfn) -> Result<(), Errno> {
    // SAFETY:
    // - read-only: nobody holds a reference into a frame that becomes a table;
    // - the parent's entry was empty, so no mapping is taken away.
    unsafe {
        update_va_mapping(table.address(), entry(p2m::mfn(table), bits::RO))?;
        set_entry(
            parent,
            index(va, level),
            entry(p2m::mfn(table), bits::TABLE),
        )
    }
}

fn fill_table(table: Pfn, value: impl Fn(usize) -> u64) {
    for at in 0..ENTRIES {
        let pointer = (table.address() + at * 8) as *mut u64;
        // SAFETY: a fresh frame of ours, mapped read-write, all of it in bounds.
        unsafe { pointer.write(value(at)) };
    }
}

/// Map the next stretch of RAM (up to the next 2 MiB boundary, at most to
/// `end`), with tables taken from `frames` on. Returns how many it took.
///
/// # Panics
/// If Xen refuses: the p2m list would be wrong, and nothing could work.
pub(crate) fn map_more(frames: usize, end: usize) -> usize {
    let from = mapped_end();
    let va = from * PAGE_SIZE;
    let until = ((from / ENTRIES + 1) * ENTRIES).min(end);
    let mut taken = 0;
    let mut take = || {
        assert!(frames + taken < from, "no frame left for a page table");
        taken += 1;
        Pfn(frames + taken - 1)
    };
    // Upper levels first, empty; then the one that maps.
    while let Err((parent, level)) = walk(va, 2) {
        let table = take();
        fill_table(table, |_| 0);
        hang(parent, level, va, table).expect("Xen takes an empty table");
    }
    let parent = walk(va, 2).expect("made above");
    let value = |pfn: usize| entry(p2m::mfn(Pfn(pfn)), bits::RW | bits::NO_EXECUTE);
    match next_table(parent, index(va, 2)) {
        None => {
            let table = take();
            let first = from / ENTRIES * ENTRIES;
            fill_table(table, |at| {
                if (from..until).contains(&(first + at)) {
                    value(first + at)
                } else {
                    0
                }
            });
            hang(parent, 2, va, table).expect("Xen takes a table of our own frames");
        }
        Some(table) => {
            for pfn in from..until {
                // SAFETY: the entry was empty; the frame belongs to the wilderness.
                unsafe { set_entry(table, pfn % ENTRIES, value(pfn)) }
                    .expect("Xen maps our own frames");
            }
        }
    }
    TABLES.with_borrow_mut(|tables| tables.mapped_end = until);
    taken
}

/// Make sure that `va` has a last-level table, from fresh frames (never given
/// back: such mappings last), so that its entry can be set.
pub fn make_path(va: usize) -> Result<(), Errno> {
    while let Err((parent, level)) = walk(va, 1) {
        let table = super::PageBuf::new(PAGE_SIZE)
            .map_err(|_| Errno(xen_sys::errno::XEN_ENOMEM))?
            .leak();
        hang(parent, level, va, table)?;
    }
    Ok(())
}

/// The table whose entries map `va`, if there is one.
pub(crate) fn last_level(va: usize) -> Option<Pfn> {
    walk(va, 1).ok()
}

/// Map one frame at `va`, outside RAM's own addresses.
///
/// # Safety
/// `va` is not in use, and the frame may be aliased there.
pub unsafe fn map_frame(va: usize, value: u64) -> Result<(), Errno> {
    make_path(va)?;
    // SAFETY: the caller's obligation.
    unsafe { update_va_mapping(va, value) }
}

/// Entries of the top level that are Xen's: its own tables, and one that names
/// the top level itself (ROOT_PAGETABLE_FIRST_XEN_SLOT, asm-x86/config.h).
const XENS_SLOTS: core::ops::Range<usize> = 256..272;

/// Every frame that is one of our page tables now.
pub fn tables() -> Vec<Pfn> {
    let mut all = alloc::vec![TABLES.with_borrow(|tables| tables.base)];
    let mut first = 0;
    for level in (2..=4).rev() {
        let until = all.len();
        for at in first..until {
            let table = all[at];
            let ours = |index: &usize| level < 4 || !XENS_SLOTS.contains(index);
            let below = (0..ENTRIES).filter(ours);
            all.extend(below.filter_map(|index| next_table(table, index)));
        }
        first = until;
    }
    all
}

/// Change how the page of RAM at `pfn` is mapped at its own address.
///
/// # Safety
/// Nobody may be using the page in a way that `bits` forbids.
pub unsafe fn protect(pfn: Pfn, bits: u64) -> Result<(), Errno> {
    // SAFETY: same frame, same address; the caller answers for the permissions.
    unsafe { update_va_mapping(pfn.address(), entry(p2m::mfn(pfn), bits)) }
}

/// Take the page of RAM at `pfn` out of the address space.
///
/// # Safety
/// Nobody may use it any more.
pub unsafe fn unmap(pfn: Pfn) -> Result<(), Errno> {
    // SAFETY: the caller's obligation.
    unsafe { update_va_mapping(pfn.address(), 0) }
}

/// Machine frame of the top-level table.
pub fn base() -> Mfn {
    p2m::mfn(TABLES.with_borrow(|tables| tables.base))
}
