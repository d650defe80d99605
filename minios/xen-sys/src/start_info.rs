//! What the domain builder leaves for a PV guest, whose address it finds in `rsi` (`xen.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of the command line, its NUL included (`MAX_GUEST_CMDLINE`).
pub const MAX_GUEST_CMDLINE: usize = 1024;

/// `StartInfo::flags` bit `SIF_PRIVILEGED`.
pub const SIF_PRIVILEGED: u32 = 1 << 0;
/// `StartInfo::flags` bit `SIF_INITDOMAIN`.
pub const SIF_INITDOMAIN: u32 = 1 << 1;
/// `StartInfo::flags` bit `SIF_MULTIBOOT_MOD`.
pub const SIF_MULTIBOOT_MOD: u32 = 1 << 2;
/// `StartInfo::flags` bit `SIF_MOD_START_PFN`.
pub const SIF_MOD_START_PFN: u32 = 1 << 3;
/// `StartInfo::flags` bit `SIF_VIRT_P2M_4TOOLS`.
pub const SIF_VIRT_P2M_4TOOLS: u32 = 1 << 4;
/// `StartInfo::flags` bit `SIF_PM_MASK`.
pub const SIF_PM_MASK: u32 = 0xFF << 8;

/// The start-of-day page of a PV domain.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct StartInfo {
    /// `xen-3.0-x86_64` and the like, NUL-padded.
    pub magic: [u8; 32],
    /// Pages allocated to this domain.
    pub nr_pages: u64,
    /// Machine address (bytes) of the shared info page.
    pub shared_info: u64,
    /// `SIF_*`.
    pub flags: u32,
    /// Padding; zero.
    pub _pad: u32,
    /// Machine frame of the xenstore ring.
    pub store_mfn: u64,
    /// Its event channel.
    pub store_evtchn: u32,
    /// Padding; zero.
    pub _pad1: u32,
    /// Machine frame of the console ring (a domU's view of the union).
    pub console_mfn: u64,
    /// Its event channel.
    pub console_evtchn: u32,
    /// Padding; zero.
    pub _pad2: u32,
    /// Virtual address of the L4 page table.
    pub pt_base: u64,
    /// Page-table frames the builder used.
    pub nr_pt_frames: u64,
    /// Virtual address of the pfn to mfn list.
    pub mfn_list: u64,
    /// Virtual address of the module, or its PFN with `SIF_MOD_START_PFN`; 0 if none.
    pub mod_start: u64,
    /// Its length in bytes.
    pub mod_len: u64,
    /// NUL-terminated command line.
    pub cmd_line: [u8; 1024],
    /// First PFN of the p2m list and its page tables, when outside the initial mapping.
    pub first_p2m_pfn: u64,
    /// Number of those frames.
    pub nr_p2m_frames: u64,
}

/// One module behind `SIF_MULTIBOOT_MOD`; offsets from the start of the module area.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct MultibootModList {
    /// First byte.
    pub mod_start: u32,
    /// End (GRUB 2: exclusive; PV-GRUB wrote the last byte).
    pub mod_end: u32,
    /// Its NUL-terminated command line.
    pub cmdline: u32,
    /// Zero.
    pub pad: u32,
}
