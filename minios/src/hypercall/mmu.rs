//! Page-table updates: `mmu_update`, `mmuext_op`, `update_va_mapping` (xen.h).

use xen_sys::mmu::*;
use xen_sys::xen::{
    DOMID_SELF, HYPERVISOR_MMU_UPDATE, HYPERVISOR_MMUEXT_OP, HYPERVISOR_UPDATE_VA_MAPPING,
};

use super::{Errno, check, handle};
use crate::arch::hypercall::hypercall;

/// Replace the last-level entry that maps `va`.
///
/// # Safety
/// Nothing in use may be mapped at `va` that the new entry takes away, and a
/// writable entry must not alias memory that Rust owns elsewhere.
pub unsafe fn update_va_mapping(va: usize, entry: u64) -> Result<(), Errno> {
    // SAFETY: scalars only; the effect is the caller's obligation. Xen itself
    // refuses what would break its own rules.
    check(unsafe {
        hypercall(
            HYPERVISOR_UPDATE_VA_MAPPING,
            [va as u64, entry, UVMF_INVLPG, 0, 0],
        )
    })
    .map(drop)
}

/// Carry out a list of page-table or machine-to-physical updates.
///
/// # Safety
/// As [`update_va_mapping`], for each entry.
pub unsafe fn mmu_update(updates: &[MmuUpdate]) -> Result<(), Errno> {
    let (count, done) = (updates.len() as u64, 0);
    let args = [
        handle(updates.as_ptr()),
        count,
        done,
        u64::from(DOMID_SELF),
        0,
    ];
    // SAFETY: the list is readable for `count` entries; the effect is the caller's.
    check(unsafe { hypercall(HYPERVISOR_MMU_UPDATE, args) }).map(drop)
}

/// Carry out a list of updates whose new entries name frames of domain `owner`.
///
/// # Errors
/// How many were done, and why the next was not.
///
/// # Safety
/// As [`update_va_mapping`], for each entry.
pub unsafe fn mmu_update_foreign(updates: &[MmuUpdate], owner: u16) -> Result<(), (usize, Errno)> {
    let mut done = 0u32;
    let args = [
        handle(updates.as_ptr()),
        updates.len() as u64,
        handle(&raw mut done),
        u64::from(owner),
        0,
    ];
    // SAFETY: the list is readable for its length, `done` is ours; the effect is the caller's.
    match check(unsafe { hypercall(HYPERVISOR_MMU_UPDATE, args) }) {
        Ok(_) => Ok(()),
        Err(error) => Err((done as usize, error)),
    }
}

/// Pin, unpin, switch page tables.
///
/// # Safety
/// As [`update_va_mapping`]; a new base pointer must map what runs on.
pub unsafe fn mmuext_op(operations: &[MmuextOp]) -> Result<(), Errno> {
    let args = [
        handle(operations.as_ptr()),
        operations.len() as u64,
        0,
        u64::from(DOMID_SELF),
        0,
    ];
    // SAFETY: the list is readable for its length; the effect is the caller's.
    check(unsafe { hypercall(HYPERVISOR_MMUEXT_OP, args) }).map(drop)
}
