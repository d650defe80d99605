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

fn status(status: i16) -> Result<(), Errno> {
    if status == GNTST_OKAY {
        Ok(())
    } else {
        Err(Errno(-i64::from(status)))
    }
}
