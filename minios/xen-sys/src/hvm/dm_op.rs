//! What a device model asks of Xen: `dm_op` (`hvm/dm_op.h`).
//!
//! Every operation is a number, four bytes of padding and the operation's own
//! structure; all are plain bytes of fixed size, the same on every kind of
//! guest.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `XEN_DMOP_create_ioreq_server`: make an ioreq server.
pub const XEN_DMOP_CREATE_IOREQ_SERVER: u32 = 1;
/// `XEN_DMOP_get_ioreq_server_info`: where a server's pages are.
pub const XEN_DMOP_GET_IOREQ_SERVER_INFO: u32 = 2;
/// `XEN_DMOP_map_io_range_to_ioreq_server`: send accesses of a range to a server.
pub const XEN_DMOP_MAP_IO_RANGE_TO_IOREQ_SERVER: u32 = 3;
/// `XEN_DMOP_unmap_io_range_from_ioreq_server`: no longer.
pub const XEN_DMOP_UNMAP_IO_RANGE_FROM_IOREQ_SERVER: u32 = 4;
/// `XEN_DMOP_set_ioreq_server_state`: enable or disable a server.
pub const XEN_DMOP_SET_IOREQ_SERVER_STATE: u32 = 5;
/// `XEN_DMOP_destroy_ioreq_server`: end a server.
pub const XEN_DMOP_DESTROY_IOREQ_SERVER: u32 = 6;
/// `XEN_DMOP_track_dirty_vram`: which pages were written.
pub const XEN_DMOP_TRACK_DIRTY_VRAM: u32 = 7;
/// `XEN_DMOP_set_pci_intx_level`: level of a PCI interrupt pin.
pub const XEN_DMOP_SET_PCI_INTX_LEVEL: u32 = 8;
/// `XEN_DMOP_set_isa_irq_level`: level of an ISA interrupt.
pub const XEN_DMOP_SET_ISA_IRQ_LEVEL: u32 = 9;
/// `XEN_DMOP_set_pci_link_route`: route a PCI link.
pub const XEN_DMOP_SET_PCI_LINK_ROUTE: u32 = 10;
/// `XEN_DMOP_modified_memory`: pages that the device model wrote.
pub const XEN_DMOP_MODIFIED_MEMORY: u32 = 11;
/// `XEN_DMOP_set_mem_type`: type of pages.
pub const XEN_DMOP_SET_MEM_TYPE: u32 = 12;
/// `XEN_DMOP_inject_event`: inject an event.
pub const XEN_DMOP_INJECT_EVENT: u32 = 13;
/// `XEN_DMOP_inject_msi`: send a message-signalled interrupt.
pub const XEN_DMOP_INJECT_MSI: u32 = 14;
/// `XEN_DMOP_remote_shutdown`: end the guest.
pub const XEN_DMOP_REMOTE_SHUTDOWN: u32 = 16;
/// `XEN_DMOP_relocate_memory`: move pages.
pub const XEN_DMOP_RELOCATE_MEMORY: u32 = 17;
/// `XEN_DMOP_pin_memory_cacheattr`: caching of pages.
pub const XEN_DMOP_PIN_MEMORY_CACHEATTR: u32 = 18;
/// `XEN_DMOP_nr_vcpus`: how many vCPUs the guest can have.
pub const XEN_DMOP_NR_VCPUS: u32 = 20;

/// `create_ioreq_server`: no buffered requests.
pub const HVM_IOREQSRV_BUFIOREQ_OFF: u8 = 0;
/// `create_ioreq_server`: buffered requests; the read pointer is stored.
pub const HVM_IOREQSRV_BUFIOREQ_LEGACY: u8 = 1;
/// `create_ioreq_server`: buffered requests; the read pointer is changed
/// atomically.
pub const HVM_IOREQSRV_BUFIOREQ_ATOMIC: u8 = 2;

/// `get_ioreq_server_info`: only the port is asked for.
pub const XEN_DMOP_NO_GFNS: u16 = 1;

/// A range of ports.
pub const XEN_DMOP_IO_RANGE_PORT: u32 = 0;
/// A range of memory.
pub const XEN_DMOP_IO_RANGE_MEMORY: u32 = 1;
/// A range of PCI functions.
pub const XEN_DMOP_IO_RANGE_PCI: u32 = 2;

/// One of the memory areas that a `dm_op` works on.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpBuf {
    /// Pointer to it.
    pub h: u64,
    /// Bytes.
    pub size: u64,
}

/// Argument of `create_ioreq_server`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpCreateIoreqServer {
    /// In: `HVM_IOREQSRV_BUFIOREQ_*`.
    pub handle_bufioreq: u8,
    /// Zero.
    pub pad: [u8; 3],
    /// Out: its number.
    pub id: u16,
}

/// Argument of `get_ioreq_server_info`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpGetIoreqServerInfo {
    /// In: which.
    pub id: u16,
    /// In: [`XEN_DMOP_NO_GFNS`] or zero.
    pub flags: u16,
    /// Out: event channel of the buffered page.
    pub bufioreq_port: u32,
    /// Out: frame of the synchronous page.
    pub ioreq_gfn: u64,
    /// Out: frame of the buffered page.
    pub bufioreq_gfn: u64,
}

/// Argument of `ioreq_server_range`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpIoreqServerRange {
    /// Which server.
    pub id: u16,
    /// Zero.
    pub pad: u16,
    /// `XEN_DMOP_IO_RANGE_*`.
    pub type_: u32,
    /// First address.
    pub start: u64,
    /// Last address.
    pub end: u64,
}

/// Argument of `set_ioreq_server_state`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpSetIoreqServerState {
    /// Which.
    pub id: u16,
    /// 1 enables.
    pub enabled: u8,
    /// Zero.
    pub pad: u8,
}

/// Argument of `destroy_ioreq_server`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpDestroyIoreqServer {
    /// Which.
    pub id: u16,
    /// Zero.
    pub pad: u16,
}

/// Argument of `track_dirty_vram`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpTrackDirtyVram {
    /// How many pages.
    pub nr: u32,
    /// Zero.
    pub pad: u32,
    /// The first.
    pub first_pfn: u64,
}

/// Argument of `set_pci_intx_level`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpSetPciIntxLevel {
    /// PCI segment.
    pub domain: u16,
    /// Bus.
    pub bus: u8,
    /// Device.
    pub device: u8,
    /// Pin; INTA is 0.
    pub intx: u8,
    /// 1 is asserted.
    pub level: u8,
}

/// Argument of `set_isa_irq_level`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpSetIsaIrqLevel {
    /// 0 to 15.
    pub isa_irq: u8,
    /// 1 is asserted.
    pub level: u8,
}

/// Argument of `set_pci_link_route`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpSetPciLinkRoute {
    /// 0 to 3.
    pub link: u8,
    /// 1 to 15, or 0 for none.
    pub isa_irq: u8,
}

/// Argument of `modified_memory`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpModifiedMemory {
    /// How many extents follow in the second area.
    pub nr_extents: u32,
    /// Zero.
    pub opaque: u32,
}

/// Argument of `modified_memory_extent`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpModifiedMemoryExtent {
    /// How many pages.
    pub nr: u32,
    /// Zero.
    pub pad: u32,
    /// The first.
    pub first_pfn: u64,
}

/// Argument of `set_mem_type`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpSetMemType {
    /// How many pages.
    pub nr: u32,
    /// `HVMMEM_*`.
    pub mem_type: u16,
    /// Zero.
    pub pad: u16,
    /// The first.
    pub first_pfn: u64,
}

/// Argument of `inject_msi`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpInjectMsi {
    /// Data.
    pub data: u32,
    /// Zero.
    pub pad: u32,
    /// Address.
    pub addr: u64,
}

/// Argument of `remote_shutdown`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpRemoteShutdown {
    /// `SHUTDOWN_*`.
    pub reason: u32,
}

/// Argument of `relocate_memory`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpRelocateMemory {
    /// How many frames.
    pub size: u32,
    /// Zero.
    pub pad: u32,
    /// From where.
    pub src_gfn: u64,
    /// To where.
    pub dst_gfn: u64,
}

/// Argument of `nr_vcpus`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct DmOpNrVcpus {
    /// Out: how many.
    pub vcpus: u32,
}
