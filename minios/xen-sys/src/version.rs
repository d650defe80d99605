//! What Xen this is: `xen_version` (`version.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `xen_version` command `XENVER_version`.
pub const XENVER_VERSION: u32 = 0;
/// `xen_version` command `XENVER_extraversion`.
pub const XENVER_EXTRAVERSION: u32 = 1;
/// `xen_version` command `XENVER_compile_info`.
pub const XENVER_COMPILE_INFO: u32 = 2;
/// `xen_version` command `XENVER_capabilities`.
pub const XENVER_CAPABILITIES: u32 = 3;
/// `xen_version` command `XENVER_changeset`.
pub const XENVER_CHANGESET: u32 = 4;
/// `xen_version` command `XENVER_platform_parameters`.
pub const XENVER_PLATFORM_PARAMETERS: u32 = 5;
/// `xen_version` command `XENVER_get_features`.
pub const XENVER_GET_FEATURES: u32 = 6;
/// `xen_version` command `XENVER_pagesize`.
pub const XENVER_PAGESIZE: u32 = 7;
/// `xen_version` command `XENVER_guest_handle`.
pub const XENVER_GUEST_HANDLE: u32 = 8;
/// `xen_version` command `XENVER_commandline`.
pub const XENVER_COMMANDLINE: u32 = 9;
/// `xen_version` command `XENVER_build_id`.
pub const XENVER_BUILD_ID: u32 = 10;

/// Bytes of the answer, NUL-padded (`XEN_EXTRAVERSION_LEN`).
pub const XEN_EXTRAVERSION_LEN: usize = 16;
/// Bytes of the answer, NUL-padded (`XEN_CAPABILITIES_INFO_LEN`).
pub const XEN_CAPABILITIES_INFO_LEN: usize = 1024;
/// Bytes of the answer, NUL-padded (`XEN_CHANGESET_INFO_LEN`).
pub const XEN_CHANGESET_INFO_LEN: usize = 64;

/// One 32-bit word of the feature map.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct FeatureInfo {
    /// In: which word.
    pub submap_idx: u32,
    /// Out: its bits, `1 << XENFEAT_*`.
    pub submap: u32,
}

/// Where the hypervisor's hole starts.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct PlatformParameters {
    /// Virtual address.
    pub virt_start: u64,
}
