//! Memory reservations: `memory_op` (`memory.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `memory_op` command `XENMEM_increase_reservation`.
pub const XENMEM_INCREASE_RESERVATION: u32 = 0;
/// `memory_op` command `XENMEM_decrease_reservation`.
pub const XENMEM_DECREASE_RESERVATION: u32 = 1;
/// `memory_op` command `XENMEM_maximum_ram_page`.
pub const XENMEM_MAXIMUM_RAM_PAGE: u32 = 2;
/// `memory_op` command `XENMEM_current_reservation`.
pub const XENMEM_CURRENT_RESERVATION: u32 = 3;
/// `memory_op` command `XENMEM_maximum_reservation`.
pub const XENMEM_MAXIMUM_RESERVATION: u32 = 4;
/// `memory_op` command `XENMEM_machphys_mfn_list`.
pub const XENMEM_MACHPHYS_MFN_LIST: u32 = 5;
/// `memory_op` command `XENMEM_populate_physmap`.
pub const XENMEM_POPULATE_PHYSMAP: u32 = 6;
/// `memory_op` command `XENMEM_add_to_physmap`.
pub const XENMEM_ADD_TO_PHYSMAP: u32 = 7;
/// `memory_op` command `XENMEM_memory_map`.
pub const XENMEM_MEMORY_MAP: u32 = 9;
/// `memory_op` command `XENMEM_machine_memory_map`.
pub const XENMEM_MACHINE_MEMORY_MAP: u32 = 10;
/// `memory_op` command `XENMEM_exchange`.
pub const XENMEM_EXCHANGE: u32 = 11;
/// `memory_op` command `XENMEM_machphys_mapping`.
pub const XENMEM_MACHPHYS_MAPPING: u32 = 12;
/// `memory_op` command `XENMEM_set_memory_map`.
pub const XENMEM_SET_MEMORY_MAP: u32 = 13;
/// `memory_op` command `XENMEM_maximum_gpfn`.
pub const XENMEM_MAXIMUM_GPFN: u32 = 14;
/// `memory_op` command `XENMEM_remove_from_physmap`.
pub const XENMEM_REMOVE_FROM_PHYSMAP: u32 = 15;
/// `memory_op` command `XENMEM_acquire_resource`.
pub const XENMEM_ACQUIRE_RESOURCE: u32 = 28;

/// `acquire_resource` type `XENMEM_resource_ioreq_server`.
pub const XENMEM_RESOURCE_IOREQ_SERVER: u32 = 0;
/// `acquire_resource` type `XENMEM_resource_grant_table`.
pub const XENMEM_RESOURCE_GRANT_TABLE: u32 = 1;

/// `add_to_physmap` space `XENMAPSPACE_gmfn`: a frame of the guest itself.
pub const XENMAPSPACE_GMFN: u32 = 2;
/// `add_to_physmap` space `XENMAPSPACE_gmfn_range`: several of them.
pub const XENMAPSPACE_GMFN_RANGE: u32 = 3;

/// Put frames of a domain elsewhere.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct AddToPhysmap {
    /// Whose.
    pub domid: u16,
    /// How many, for a range.
    pub size: u16,
    /// `XENMAPSPACE_*`.
    pub space: u32,
    /// From where.
    pub idx: u64,
    /// To where.
    pub gpfn: u64,
}

/// Extents to take, give back or populate.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct MemoryReservation {
    /// Pointer to `nr_extents` frame numbers, u64 each.
    pub extent_start: u64,
    /// How many.
    pub nr_extents: u64,
    /// Each of 2^this pages.
    pub extent_order: u32,
    /// Address bits and node, 0 for any.
    pub mem_flags: u32,
    /// `DOMID_SELF`.
    pub domid: u16,
    /// Padding; zero.
    pub _pad: [u16; 3],
}

/// Swap extents for others.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct MemoryExchange {
    /// Given back.
    pub in_: MemoryReservation,
    /// Received.
    pub out: MemoryReservation,
    /// Out: how many input extents were done.
    pub nr_exchanged: u64,
}

/// Where the machine to physical table is mapped.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct MachphysMapping {
    /// First byte.
    pub v_start: u64,
    /// End.
    pub v_end: u64,
    /// Highest frame in it.
    pub max_mfn: u64,
}

/// This domain's e820-like map.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct MemoryMap {
    /// In: room; out: entries.
    pub nr_entries: u32,
    /// Padding; zero.
    pub _pad: u32,
    /// Pointer to [`E820Entry`]s.
    pub buffer: u64,
}

/// Map a resource of another domain.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct MemAcquireResource {
    /// Whose.
    pub domid: u16,
    /// `XENMEM_RESOURCE_*`.
    pub type_: u16,
    /// Which.
    pub id: u32,
    /// How many.
    pub nr_frames: u32,
    /// Zero.
    pub pad: u32,
    /// First.
    pub frame: u64,
    /// Pointer to frame numbers.
    pub frame_list: u64,
}

/// One entry of the map (`memory.h` describes it in words: the BIOS's format, 20 bytes).
#[repr(C, packed)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct E820Entry {
    /// First byte (pseudo-physical).
    pub addr: u64,
    /// Bytes.
    pub size: u64,
    /// 1 is RAM.
    pub type_: u32,
}
