//! `dm_op`: what a device model asks of Xen for its guest (hvm/dm_op.h).
//!
//! None of these changes how our own memory is mapped. What they do to the
//! guest is a device model's right; Xen checks that the guest is ours.

use xen_sys::hvm::dm_op::*;
use xen_sys::hvm::hvm_op::{HVMOP_GET_PARAM, HVMOP_SET_PARAM, HvmParam};
use xen_sys::xen::{HYPERVISOR_DM_OP, HYPERVISOR_HVM_OP};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Errno, Shutdown, check, command, handle};
use crate::arch::hypercall::hypercall;
use crate::guest::Guest;

/// An operation as Xen takes it: number, padding, argument.
#[repr(C)]
struct DmOp<T> {
    op: u32,
    pad: u32,
    argument: T,
}

/// Carry out operation `op` on `guest`, with `extra` as its second area.
fn dm_op<T>(guest: Guest, op: u32, argument: &mut T, extra: &mut [u8]) -> Result<(), Errno>
where
    T: Copy + FromBytes + IntoBytes + KnownLayout + Immutable,
{
    let mut whole = DmOp {
        op,
        pad: 0,
        argument: *argument,
    };
    let area = |pointer: u64, size: usize| DmOpBuf {
        h: pointer,
        size: size as u64,
    };
    let areas = [
        area(handle(&raw mut whole), size_of::<DmOp<T>>()),
        area(handle(extra.as_mut_ptr()), extra.len()),
    ];
    let count = 1 + u64::from(!extra.is_empty());
    // SAFETY:
    // - pointers: both areas are ours alone for the call, with their sizes, and
    //   each caller below pairs `op` with the structure its header names;
    // - effect: no operation maps or unmaps memory of ours.
    let result = unsafe {
        hypercall(
            HYPERVISOR_DM_OP,
            [
                u64::from(guest.number()),
                count,
                handle(areas.as_ptr()),
                0,
                0,
            ],
        )
    };
    *argument = whole.argument;
    check(result).map(drop)
}

/// As [`dm_op`], for an operation that tells nothing back.
fn order<T>(guest: Guest, op: u32, mut argument: T) -> Result<(), Errno>
where
    T: Copy + FromBytes + IntoBytes + KnownLayout + Immutable,
{
    dm_op(guest, op, &mut argument, &mut [])
}

/// An ioreq server's number.
pub type IoreqServer = u16;

/// Which accesses a range is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum RangeKind {
    /// Ports.
    Port = XEN_DMOP_IO_RANGE_PORT,
    /// Guest physical addresses.
    Memory = XEN_DMOP_IO_RANGE_MEMORY,
    /// PCI functions: segment << 16 | bus << 8 | device << 3 | function.
    Pci = XEN_DMOP_IO_RANGE_PCI,
}

/// Make an ioreq server for `guest`; `buffered` is `HVM_IOREQSRV_BUFIOREQ_*`.
pub fn create_ioreq_server(guest: Guest, buffered: u8) -> Result<IoreqServer, Errno> {
    let mut create = DmOpCreateIoreqServer {
        handle_bufioreq: buffered,
        ..Default::default()
    };
    dm_op(guest, XEN_DMOP_CREATE_IOREQ_SERVER, &mut create, &mut [])?;
    Ok(create.id)
}

/// Where a server's pages and its buffered requests' event channel are. With
/// `flags` [`XEN_DMOP_NO_GFNS`], only the port.
pub fn ioreq_server_info(
    guest: Guest,
    id: IoreqServer,
    flags: u16,
) -> Result<DmOpGetIoreqServerInfo, Errno> {
    let mut info = DmOpGetIoreqServerInfo {
        id,
        flags,
        ..Default::default()
    };
    dm_op(guest, XEN_DMOP_GET_IOREQ_SERVER_INFO, &mut info, &mut [])?;
    Ok(info)
}

/// Have accesses to `start..=end` sent to a server.
pub fn map_io_range(
    guest: Guest,
    id: IoreqServer,
    kind: RangeKind,
    start: u64,
    end: u64,
) -> Result<(), Errno> {
    order(
        guest,
        XEN_DMOP_MAP_IO_RANGE_TO_IOREQ_SERVER,
        range(id, kind, start, end),
    )
}

/// No longer.
pub fn unmap_io_range(
    guest: Guest,
    id: IoreqServer,
    kind: RangeKind,
    start: u64,
    end: u64,
) -> Result<(), Errno> {
    order(
        guest,
        XEN_DMOP_UNMAP_IO_RANGE_FROM_IOREQ_SERVER,
        range(id, kind, start, end),
    )
}

fn range(id: IoreqServer, kind: RangeKind, start: u64, end: u64) -> DmOpIoreqServerRange {
    DmOpIoreqServerRange {
        id,
        pad: 0,
        type_: kind as u32,
        start,
        end,
    }
}

/// Enable a server, or disable it.
pub fn set_ioreq_server_state(guest: Guest, id: IoreqServer, enabled: bool) -> Result<(), Errno> {
    let state = DmOpSetIoreqServerState {
        id,
        enabled: u8::from(enabled),
        pad: 0,
    };
    order(guest, XEN_DMOP_SET_IOREQ_SERVER_STATE, state)
}

/// End a server.
pub fn destroy_ioreq_server(guest: Guest, id: IoreqServer) -> Result<(), Errno> {
    order(
        guest,
        XEN_DMOP_DESTROY_IOREQ_SERVER,
        DmOpDestroyIoreqServer { id, pad: 0 },
    )
}

/// Which of `pages` guest frames from `first` on were written since the last
/// call: one bit each, in `bitmap`, which has room for all. The first call
/// starts the tracking and says all of them.
///
/// # Errors
/// Xen can't say (`ENODATA`, `ENOMEM`…): take all as written.
pub fn track_dirty_vram(
    guest: Guest,
    first: u64,
    pages: u32,
    bitmap: &mut [u8],
) -> Result<(), Errno> {
    let mut track = DmOpTrackDirtyVram {
        nr: pages,
        pad: 0,
        first_pfn: first,
    };
    dm_op(guest, XEN_DMOP_TRACK_DIRTY_VRAM, &mut track, bitmap)
}

/// Level of an interrupt pin (INTA is 0) of a device on PCI bus 0.
pub fn set_pci_intx_level(guest: Guest, device: u8, intx: u8, level: bool) -> Result<(), Errno> {
    let set = DmOpSetPciIntxLevel {
        device,
        intx,
        level: u8::from(level),
        ..Default::default()
    };
    order(guest, XEN_DMOP_SET_PCI_INTX_LEVEL, set)
}

/// Level of an ISA interrupt.
pub fn set_isa_irq_level(guest: Guest, isa_irq: u8, level: bool) -> Result<(), Errno> {
    let level = u8::from(level);
    order(
        guest,
        XEN_DMOP_SET_ISA_IRQ_LEVEL,
        DmOpSetIsaIrqLevel { isa_irq, level },
    )
}

/// Route PCI link 0 to 3 to an ISA interrupt, or (0) to none.
pub fn set_pci_link_route(guest: Guest, link: u8, isa_irq: u8) -> Result<(), Errno> {
    order(
        guest,
        XEN_DMOP_SET_PCI_LINK_ROUTE,
        DmOpSetPciLinkRoute { link, isa_irq },
    )
}

/// Send a message-signalled interrupt.
pub fn inject_msi(guest: Guest, addr: u64, data: u32) -> Result<(), Errno> {
    order(
        guest,
        XEN_DMOP_INJECT_MSI,
        DmOpInjectMsi { data, pad: 0, addr },
    )
}

/// Tell Xen which frames we wrote, for a migration under way.
pub fn modified_memory(guest: Guest, extents: &[DmOpModifiedMemoryExtent]) -> Result<(), Errno> {
    let mut copy = extents.as_bytes().to_vec();
    let mut modified = DmOpModifiedMemory {
        nr_extents: extents.len() as u32,
        opaque: 0,
    };
    dm_op(guest, XEN_DMOP_MODIFIED_MEMORY, &mut modified, &mut copy)
}

/// Set the type (`HVMMEM_*`: 0 is RAM, 1 read-only RAM) of `pages` frames.
pub fn set_mem_type(guest: Guest, first_pfn: u64, pages: u32, mem_type: u16) -> Result<(), Errno> {
    let set = DmOpSetMemType {
        nr: pages,
        mem_type,
        pad: 0,
        first_pfn,
    };
    order(guest, XEN_DMOP_SET_MEM_TYPE, set)
}

/// Move frames of the guest elsewhere in its address space (Xen 4.11).
pub fn relocate_memory(guest: Guest, src_gfn: u64, dst_gfn: u64, pages: u32) -> Result<(), Errno> {
    let relocate = DmOpRelocateMemory {
        size: pages,
        pad: 0,
        src_gfn,
        dst_gfn,
    };
    order(guest, XEN_DMOP_RELOCATE_MEMORY, relocate)
}

/// End the guest, as if it had done so itself.
pub fn remote_shutdown(guest: Guest, reason: Shutdown) -> Result<(), Errno> {
    let reason = reason as u32;
    order(
        guest,
        XEN_DMOP_REMOTE_SHUTDOWN,
        DmOpRemoteShutdown { reason },
    )
}

/// How many vCPUs the guest can have (Xen 4.15).
pub fn nr_vcpus(guest: Guest) -> Result<u32, Errno> {
    let mut vcpus = DmOpNrVcpus::default();
    dm_op(guest, XEN_DMOP_NR_VCPUS, &mut vcpus, &mut [])?;
    Ok(vcpus.vcpus)
}

/// Read an HVM parameter (`HVM_PARAM_*`).
pub fn hvm_param(guest: Guest, index: u32) -> Result<u64, Errno> {
    let mut param = HvmParam {
        domid: guest.number(),
        index,
        ..Default::default()
    };
    command(HYPERVISOR_HVM_OP, HVMOP_GET_PARAM, &mut param, 0)?;
    Ok(param.value)
}

/// Set an HVM parameter.
pub fn set_hvm_param(guest: Guest, index: u32, value: u64) -> Result<(), Errno> {
    let mut param = HvmParam {
        domid: guest.number(),
        pad: 0,
        index,
        value,
    };
    command(HYPERVISOR_HVM_OP, HVMOP_SET_PARAM, &mut param, 0).map(drop)
}
