//! The page that tells a PV kernel about its domain (`struct start_info`,
//! public/xen.h).

use alloc::vec::Vec;

use xen_sys::start_info::{MAX_GUEST_CMDLINE, StartInfo};
use zerocopy::{FromZeros, IntoBytes};

use super::{BuildError, Mfn, PAGE, Pfn, Plan};

/// What the plan itself fixes of start_info.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Virtual address of the top page table.
    pub pt_base: u64,
    /// Page-table frames of the ordinary map.
    pub nr_pt_frames: u64,
    /// Virtual address of the p2m list.
    pub mfn_list: u64,
    /// Virtual address or page of the module; 0 without one.
    pub mod_start: u64,
    /// Bytes of the module.
    pub mod_len: u64,
    /// `SIF_` bits.
    pub flags: u32,
    /// First page of the p2m list if it lies outside the ordinary map, else 0.
    pub first_p2m_pfn: Pfn,
    /// Pages of it and of its page tables.
    pub nr_p2m_frames: u64,
    /// Command line without NUL.
    pub cmdline: Vec<u8>,
}

/// What only the running domain knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// Machine address of the shared info page.
    pub shared_info: u64,
    /// Frame of the xenstore ring.
    pub store_mfn: Mfn,
    /// Event channel of xenstore.
    pub store_evtchn: u32,
    /// Frame of the console ring.
    pub console_mfn: Mfn,
    /// Event channel of the console.
    pub console_evtchn: u32,
}

/// Checks a command line's length.
pub(super) fn check_cmdline(cmdline: &[u8]) -> Result<(), BuildError> {
    if cmdline.len() >= MAX_GUEST_CMDLINE {
        return Err(BuildError::CommandLineTooLong(cmdline.len()));
    }
    Ok(())
}

/// The page for `plan`.
#[must_use]
pub fn start_info(plan: &Plan, given: &Given) -> [u8; PAGE] {
    let told = &plan.told;
    let mut info = StartInfo {
        nr_pages: plan.nr_pages,
        shared_info: given.shared_info,
        flags: told.flags,
        store_mfn: given.store_mfn,
        store_evtchn: given.store_evtchn,
        console_mfn: given.console_mfn,
        console_evtchn: given.console_evtchn,
        pt_base: told.pt_base,
        nr_pt_frames: told.nr_pt_frames,
        mfn_list: told.mfn_list,
        mod_start: told.mod_start,
        mod_len: told.mod_len,
        first_p2m_pfn: told.first_p2m_pfn,
        nr_p2m_frames: told.nr_p2m_frames,
        ..StartInfo::new_zeroed()
    };
    put(&mut info.magic, b"xen-3.0-x86_64");
    put(&mut info.cmd_line, &told.cmdline);
    let mut page = [0u8; PAGE];
    put(&mut page, info.as_bytes());
    page
}

/// Copies `bytes` to the front of `to`, as many as fit.
fn put(to: &mut [u8], bytes: &[u8]) {
    for (to, from) in to.iter_mut().zip(bytes) {
        *to = *from;
    }
}
