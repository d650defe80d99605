//! Grant tables, version 1 entries: `grant_table_op` (`grant_table.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `grant_table_op` command `GNTTABOP_map_grant_ref`.
pub const GNTTABOP_MAP_GRANT_REF: u32 = 0;
/// `grant_table_op` command `GNTTABOP_unmap_grant_ref`.
pub const GNTTABOP_UNMAP_GRANT_REF: u32 = 1;
/// `grant_table_op` command `GNTTABOP_setup_table`.
pub const GNTTABOP_SETUP_TABLE: u32 = 2;
/// `grant_table_op` command `GNTTABOP_dump_table`.
pub const GNTTABOP_DUMP_TABLE: u32 = 3;
/// `grant_table_op` command `GNTTABOP_transfer`.
pub const GNTTABOP_TRANSFER: u32 = 4;
/// `grant_table_op` command `GNTTABOP_copy`.
pub const GNTTABOP_COPY: u32 = 5;
/// `grant_table_op` command `GNTTABOP_query_size`.
pub const GNTTABOP_QUERY_SIZE: u32 = 6;
/// `grant_table_op` command `GNTTABOP_unmap_and_replace`.
pub const GNTTABOP_UNMAP_AND_REPLACE: u32 = 7;
/// `grant_table_op` command `GNTTABOP_set_version`.
pub const GNTTABOP_SET_VERSION: u32 = 8;
/// `grant_table_op` command `GNTTABOP_get_status_frames`.
pub const GNTTABOP_GET_STATUS_FRAMES: u32 = 9;
/// `grant_table_op` command `GNTTABOP_get_version`.
pub const GNTTABOP_GET_VERSION: u32 = 10;

/// Reserved reference: `GNTTAB_NR_RESERVED_ENTRIES`.
pub const GNTTAB_NR_RESERVED_ENTRIES: u32 = 8;
/// Reserved reference: `GNTTAB_RESERVED_CONSOLE`.
pub const GNTTAB_RESERVED_CONSOLE: u32 = 0;
/// Reserved reference: `GNTTAB_RESERVED_XENSTORE`.
pub const GNTTAB_RESERVED_XENSTORE: u32 = 1;

/// `GrantEntryV1::flags`: `GTF_invalid`.
pub const GTF_INVALID: u16 = 0;
/// `GrantEntryV1::flags`: `GTF_permit_access`.
pub const GTF_PERMIT_ACCESS: u16 = 1;
/// `GrantEntryV1::flags`: `GTF_accept_transfer`.
pub const GTF_ACCEPT_TRANSFER: u16 = 2;
/// `GrantEntryV1::flags`: `GTF_transitive`.
pub const GTF_TRANSITIVE: u16 = 3;
/// `GrantEntryV1::flags`: `GTF_type_mask`.
pub const GTF_TYPE_MASK: u16 = 3;
/// `GrantEntryV1::flags`: `GTF_readonly`.
pub const GTF_READONLY: u16 = 1 << 2;
/// `GrantEntryV1::flags`: `GTF_reading`.
pub const GTF_READING: u16 = 1 << 3;
/// `GrantEntryV1::flags`: `GTF_writing`.
pub const GTF_WRITING: u16 = 1 << 4;
/// `GrantEntryV1::flags`: `GTF_sub_page`.
pub const GTF_SUB_PAGE: u16 = 1 << 8;

/// `GnttabMapGrantRef::flags` bit `GNTMAP_device_map`.
pub const GNTMAP_DEVICE_MAP: u32 = 1 << 0;
/// `GnttabMapGrantRef::flags` bit `GNTMAP_host_map`.
pub const GNTMAP_HOST_MAP: u32 = 1 << 1;
/// `GnttabMapGrantRef::flags` bit `GNTMAP_readonly`.
pub const GNTMAP_READONLY: u32 = 1 << 2;
/// `GnttabMapGrantRef::flags` bit `GNTMAP_application_map`.
pub const GNTMAP_APPLICATION_MAP: u32 = 1 << 3;
/// `GnttabMapGrantRef::flags` bit `GNTMAP_contains_pte`.
pub const GNTMAP_CONTAINS_PTE: u32 = 1 << 4;

/// `GnttabCopy::flags` bit `GNTCOPY_source_gref`.
pub const GNTCOPY_SOURCE_GREF: u16 = 1 << 0;
/// `GnttabCopy::flags` bit `GNTCOPY_dest_gref`.
pub const GNTCOPY_DEST_GREF: u16 = 1 << 1;

/// Status of a grant operation: `GNTST_okay`.
pub const GNTST_OKAY: i16 = 0;
/// Status of a grant operation: `GNTST_general_error`.
pub const GNTST_GENERAL_ERROR: i16 = -1;
/// Status of a grant operation: `GNTST_bad_domain`.
pub const GNTST_BAD_DOMAIN: i16 = -2;
/// Status of a grant operation: `GNTST_bad_gntref`.
pub const GNTST_BAD_GNTREF: i16 = -3;
/// Status of a grant operation: `GNTST_bad_handle`.
pub const GNTST_BAD_HANDLE: i16 = -4;
/// Status of a grant operation: `GNTST_bad_virt_addr`.
pub const GNTST_BAD_VIRT_ADDR: i16 = -5;
/// Status of a grant operation: `GNTST_bad_dev_addr`.
pub const GNTST_BAD_DEV_ADDR: i16 = -6;
/// Status of a grant operation: `GNTST_no_device_space`.
pub const GNTST_NO_DEVICE_SPACE: i16 = -7;
/// Status of a grant operation: `GNTST_permission_denied`.
pub const GNTST_PERMISSION_DENIED: i16 = -8;
/// Status of a grant operation: `GNTST_bad_page`.
pub const GNTST_BAD_PAGE: i16 = -9;
/// Status of a grant operation: `GNTST_bad_copy_arg`.
pub const GNTST_BAD_COPY_ARG: i16 = -10;
/// Status of a grant operation: `GNTST_address_too_big`.
pub const GNTST_ADDRESS_TOO_BIG: i16 = -11;
/// Status of a grant operation: `GNTST_eagain`.
pub const GNTST_EAGAIN: i16 = -12;
/// Status of a grant operation: `GNTST_no_space`.
pub const GNTST_NO_SPACE: i16 = -13;

/// One entry of a version 1 grant table.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct GrantEntryV1 {
    /// `GTF_*`; written last.
    pub flags: u16,
    /// Who may use it.
    pub domid: u16,
    /// The MFN granted.
    pub frame: u32,
}

/// Map another domain's page.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct GnttabMapGrantRef {
    /// Where: virtual address, or machine address of a PTE with `GNTMAP_CONTAINS_PTE`.
    pub host_addr: u64,
    /// `GNTMAP_*`.
    pub flags: u32,
    /// The reference.
    pub ref_: u32,
    /// Who granted it.
    pub dom: u16,
    /// Out: `GNTST_*`.
    pub status: i16,
    /// Out: for unmapping.
    pub handle: u32,
    /// Out: machine address.
    pub dev_bus_addr: u64,
}

/// Undo a mapping.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct GnttabUnmapGrantRef {
    /// As mapped.
    pub host_addr: u64,
    /// 0, or as mapped.
    pub dev_bus_addr: u64,
    /// From the mapping.
    pub handle: u32,
    /// Out: `GNTST_*`.
    pub status: i16,
    /// Padding; zero.
    pub _pad: u16,
}

/// Give the table frames and learn which.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct GnttabSetupTable {
    /// `DOMID_SELF`.
    pub dom: u16,
    /// Padding; zero.
    pub _pad: u16,
    /// How many frames the table shall have.
    pub nr_frames: u32,
    /// Out: `GNTST_*`.
    pub status: i16,
    /// Padding; zero.
    pub _pad1: [u16; 3],
    /// Pointer to `nr_frames` u64: out, the MFNs.
    pub frame_list: u64,
}

/// One end of a grant copy.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct GnttabCopyPtr {
    /// Grant reference or frame.
    pub u: u64,
    /// Whose.
    pub domid: u16,
    /// Byte in the page.
    pub offset: u16,
    /// Padding; zero.
    pub _pad: u32,
}

/// Let Xen copy within one page.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct GnttabCopy {
    /// From.
    pub source: GnttabCopyPtr,
    /// To.
    pub dest: GnttabCopyPtr,
    /// Bytes.
    pub len: u16,
    /// `GNTCOPY_*`.
    pub flags: u16,
    /// Out: `GNTST_*`.
    pub status: i16,
    /// Padding; zero.
    pub _pad: u16,
}

/// How big the table is and may become.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct GnttabQuerySize {
    /// `DOMID_SELF`.
    pub dom: u16,
    /// Padding; zero.
    pub _pad: u16,
    /// Out: now.
    pub nr_frames: u32,
    /// Out: at most.
    pub max_nr_frames: u32,
    /// Out: `GNTST_*`.
    pub status: i16,
    /// Padding; zero.
    pub _pad1: u16,
}

/// Choose the entry format.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct GnttabSetVersion {
    /// In: wanted; out: what it is now.
    pub version: u32,
}

/// Which entry format is in use.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct GnttabGetVersion {
    /// `DOMID_SELF`.
    pub dom: u16,
    /// Zero.
    pub pad: u16,
    /// Out: 1 or 2.
    pub version: u32,
}
