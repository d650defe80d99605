//! The page Xen and a PV guest share: events, time, wall clock (`xen.h`, `arch-x86/xen.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// vCPUs that have a slot in the shared page (`XEN_LEGACY_MAX_VCPUS`).
pub const XEN_LEGACY_MAX_VCPUS: usize = 32;

/// `VcpuTimeInfo::flags` bit `XEN_PVCLOCK_TSC_STABLE_BIT`.
pub const XEN_PVCLOCK_TSC_STABLE_BIT: u8 = 1 << 0;
/// `VcpuTimeInfo::flags` bit `XEN_PVCLOCK_GUEST_STOPPED`.
pub const XEN_PVCLOCK_GUEST_STOPPED: u8 = 1 << 1;

/// How to turn the TSC into nanoseconds since Xen booted (the pvclock).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct VcpuTimeInfo {
    /// Odd while Xen writes; changed means read again.
    pub version: u32,
    /// Padding.
    pub pad0: u32,
    /// TSC at `system_time`.
    pub tsc_timestamp: u64,
    /// Nanoseconds since Xen booted, at `tsc_timestamp`.
    pub system_time: u64,
    /// Fraction, in units of 2^-32 ns per shifted tick.
    pub tsc_to_system_mul: u32,
    /// Left shift of the TSC delta (right if negative).
    pub tsc_shift: i8,
    /// `XEN_PVCLOCK_*`.
    pub flags: u8,
    /// Padding.
    pub pad1: [u8; 2],
}

/// The x86 part of a vCPU's slot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct ArchVcpuInfo {
    /// Address of the last page fault.
    pub cr2: u64,
    /// Padding.
    pub pad: u64,
}

/// One vCPU's slot of the shared page.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct VcpuInfo {
    /// Set when any port of this vCPU became pending.
    pub evtchn_upcall_pending: u8,
    /// Set to hold back the upcall.
    pub evtchn_upcall_mask: u8,
    /// Padding; zero.
    pub _pad: [u8; 6],
    /// Words of `SharedInfo::evtchn_pending` worth looking at.
    pub evtchn_pending_sel: u64,
    /// The x86 part.
    pub arch: ArchVcpuInfo,
    /// This vCPU's clock.
    pub time: VcpuTimeInfo,
}

/// The x86 part of the shared page.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct ArchSharedInfo {
    /// Highest PFN + 1, for the tools.
    pub max_pfn: u64,
    /// MFN of the root of the legacy p2m frame tree.
    pub pfn_to_mfn_frame_list_list: u64,
    /// Why an NMI came.
    pub nmi_reason: u64,
    /// CR3 with which `p2m_vaddr` can be walked, 0 if none.
    pub p2m_cr3: u64,
    /// Virtual address of the linear p2m list.
    pub p2m_vaddr: u64,
    /// Odd while the p2m changes.
    pub p2m_generation: u64,
}

/// The shared info page.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct SharedInfo {
    /// A slot per vCPU.
    pub vcpu_info: [VcpuInfo; 32],
    /// One bit per port: pending.
    pub evtchn_pending: [u64; 64],
    /// One bit per port: masked.
    pub evtchn_mask: [u64; 64],
    /// Odd while the wall clock is written.
    pub wc_version: u32,
    /// Wall clock at system time 0: seconds since 1970, low half.
    pub wc_sec: u32,
    /// and nanoseconds.
    pub wc_nsec: u32,
    /// High half of the seconds.
    pub wc_sec_hi: u32,
    /// The x86 part.
    pub arch: ArchSharedInfo,
}
