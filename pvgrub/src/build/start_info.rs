//! The page that tells a PV kernel about its domain (`struct start_info`,
//! public/xen.h). It fills its page whole; offsets are those of the 64-bit ABI.

use alloc::vec::Vec;

use super::{BuildError, Mfn, PAGE, Pfn, Plan};

/// Bytes of `cmd_line`, its NUL included.
pub const MAX_CMDLINE: usize = 1024;

/// `mod_start` is a list of modules.
pub const SIF_MULTIBOOT_MOD: u32 = 1 << 2;
/// `mod_start` is a page number.
pub const SIF_MOD_START_PFN: u32 = 1 << 3;
/// The tools understand a p2m list that is mapped linearly.
pub const SIF_VIRT_P2M_4TOOLS: u32 = 1 << 4;

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
    if cmdline.len() >= MAX_CMDLINE {
        return Err(BuildError::CommandLineTooLong(cmdline.len()));
    }
    Ok(())
}

/// The page for `plan`.
#[must_use]
pub fn start_info(plan: &Plan, given: &Given) -> [u8; PAGE] {
    let told = &plan.told;
    let mut page = [0u8; PAGE];
    let mut at = 0;
    let mut put = |bytes: &[u8], size: usize| {
        if let Some(to) = page.get_mut(at..).and_then(|p| p.get_mut(..bytes.len())) {
            to.copy_from_slice(bytes);
        }
        at += size;
    };
    let cmdline = told.cmdline.get(..MAX_CMDLINE - 1).unwrap_or(&told.cmdline);
    put(b"xen-3.0-x86_64", 32); // magic
    put(&plan.nr_pages.to_le_bytes(), 8);
    put(&given.shared_info.to_le_bytes(), 8);
    put(&told.flags.to_le_bytes(), 8); // and padding
    put(&given.store_mfn.to_le_bytes(), 8);
    put(&given.store_evtchn.to_le_bytes(), 8); // and padding
    put(&given.console_mfn.to_le_bytes(), 8);
    put(&given.console_evtchn.to_le_bytes(), 8); // and padding
    put(&told.pt_base.to_le_bytes(), 8);
    put(&told.nr_pt_frames.to_le_bytes(), 8);
    put(&told.mfn_list.to_le_bytes(), 8);
    put(&told.mod_start.to_le_bytes(), 8);
    put(&told.mod_len.to_le_bytes(), 8);
    put(cmdline, MAX_CMDLINE);
    put(&told.first_p2m_pfn.to_le_bytes(), 8);
    put(&told.nr_p2m_frames.to_le_bytes(), 8);
    page
}
