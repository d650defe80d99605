//! `memory_op` on a guest's memory (memory.h): for a device model.
//!
//! A [`Guest`] is never ourselves, so none of these takes memory from under us.

use alloc::vec;
use alloc::vec::Vec;

use xen_sys::memory::*;
use xen_sys::xen::HYPERVISOR_MEMORY_OP;

use super::{Errno, command, handle};
use crate::guest::Guest;

/// Give a guest RAM at the guest frames `gfns`. Says how many of them
/// (from the first on) got some: its memory may end.
pub fn populate_physmap(guest: Guest, gfns: &[u64]) -> Result<usize, Errno> {
    // Xen writes the frames' machine numbers over the list where it may.
    let mut extents = gfns.to_vec();
    let mut reservation = MemoryReservation {
        extent_start: handle(extents.as_mut_ptr()),
        nr_extents: extents.len() as u64,
        domid: guest.number(),
        ..Default::default()
    };
    let done = command(
        HYPERVISOR_MEMORY_OP,
        XENMEM_POPULATE_PHYSMAP,
        &mut reservation,
        0,
    )?;
    Ok(done as usize)
}

/// Take the RAM at the guest frames `gfns` of a guest away. Says of how
/// many.
pub fn decrease_reservation(guest: Guest, gfns: &[u64]) -> Result<usize, Errno> {
    let mut reservation = MemoryReservation {
        extent_start: handle(gfns.as_ptr()),
        nr_extents: gfns.len() as u64,
        domid: guest.number(),
        ..Default::default()
    };
    let done = command(
        HYPERVISOR_MEMORY_OP,
        XENMEM_DECREASE_RESERVATION,
        &mut reservation,
        0,
    )?;
    Ok(done as usize)
}

/// Put guest frame `from` of a guest at `to` instead.
pub fn move_frame(guest: Guest, from: u64, to: u64) -> Result<(), Errno> {
    let mut add = AddToPhysmap {
        domid: guest.number(),
        size: 0,
        space: XENMAPSPACE_GMFN,
        idx: from,
        gpfn: to,
    };
    command(HYPERVISOR_MEMORY_OP, XENMEM_ADD_TO_PHYSMAP, &mut add, 0).map(drop)
}

/// Machine frames of `count` pages of an ioreq server, from page `first` on
/// (0 is the buffered page, 1 that of the vCPUs).
pub fn acquire_ioreq_pages(
    guest: Guest,
    server: u16,
    first: u64,
    count: u32,
) -> Result<Vec<u64>, Errno> {
    let mut frames = vec![0u64; count as usize];
    let mut acquire = MemAcquireResource {
        domid: guest.number(),
        type_: XENMEM_RESOURCE_IOREQ_SERVER as u16,
        id: u32::from(server),
        nr_frames: count,
        pad: 0,
        frame: first,
        frame_list: handle(frames.as_mut_ptr()),
    };
    command(
        HYPERVISOR_MEMORY_OP,
        XENMEM_ACQUIRE_RESOURCE,
        &mut acquire,
        0,
    )?;
    Ok(frames)
}

/// The highest guest frame number that a guest uses.
pub fn maximum_gpfn(guest: Guest) -> Result<u64, Errno> {
    let mut domain = u64::from(guest.number());
    command(HYPERVISOR_MEMORY_OP, XENMEM_MAXIMUM_GPFN, &mut domain, 0).map(|gpfn| gpfn as u64)
}
