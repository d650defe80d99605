//! `grant_table_op` (grant_table.h).

use xen_sys::grant_table::*;
use xen_sys::xen::{DOMID_SELF, HYPERVISOR_GRANT_TABLE_OP};

use super::{Errno, command, handle};

/// Ask for a grant table of `frames.len()` pages; fills in their machine frames.
pub fn grant_setup_table(frames: &mut [u64]) -> Result<(), Errno> {
    let mut setup = GnttabSetupTable {
        dom: DOMID_SELF,
        nr_frames: frames.len() as u32,
        frame_list: handle(frames.as_mut_ptr()),
        ..Default::default()
    };
    command(
        HYPERVISOR_GRANT_TABLE_OP,
        GNTTABOP_SETUP_TABLE,
        &mut setup,
        1,
    )?;
    status(setup.status)
}

/// How many pages the table has, and how many it may grow to.
pub fn grant_query_size() -> Result<(u32, u32), Errno> {
    let mut query = GnttabQuerySize {
        dom: DOMID_SELF,
        ..Default::default()
    };
    command(
        HYPERVISOR_GRANT_TABLE_OP,
        GNTTABOP_QUERY_SIZE,
        &mut query,
        1,
    )?;
    status(query.status)?;
    Ok((query.nr_frames, query.max_nr_frames))
}

/// Map the page that domain `peer` granted for writing by `reference` at virtual
/// address `address`. What to unmap it with.
///
/// # Safety
/// The page tables of the address are there, its entry is empty, and nobody
/// uses what lies there but as memory that `peer` may write.
#[cfg_attr(not(feature = "bare"), allow(dead_code))]
pub(crate) unsafe fn grant_map(peer: u16, reference: u32, address: usize) -> Result<u32, Errno> {
    let mut map = GnttabMapGrantRef {
        host_addr: address as u64,
        flags: GNTMAP_HOST_MAP,
        ref_: reference,
        dom: peer,
        ..Default::default()
    };
    command(
        HYPERVISOR_GRANT_TABLE_OP,
        GNTTABOP_MAP_GRANT_REF,
        &mut map,
        1,
    )?;
    status(map.status)?;
    Ok(map.handle)
}

/// Undo [`grant_map`]; the translation is forgotten, too.
///
/// # Safety
/// Nobody uses the page any more.
#[cfg_attr(not(feature = "bare"), allow(dead_code))]
pub(crate) unsafe fn grant_unmap(handle: u32, address: usize) -> Result<(), Errno> {
    let mut unmap = GnttabUnmapGrantRef {
        host_addr: address as u64,
        handle,
        ..Default::default()
    };
    command(
        HYPERVISOR_GRANT_TABLE_OP,
        GNTTABOP_UNMAP_GRANT_REF,
        &mut unmap,
        1,
    )?;
    status(unmap.status)
}

fn status(status: i16) -> Result<(), Errno> {
    if status == GNTST_OKAY {
        Ok(())
    } else {
        Err(Errno(-i64::from(status)))
    }
}
