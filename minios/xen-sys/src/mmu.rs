//! Page-table updates: `mmu_update`, `mmuext_op`, `update_va_mapping` (`xen.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Low bits of `MmuUpdate::ptr`: `MMU_NORMAL_PT_UPDATE`.
pub const MMU_NORMAL_PT_UPDATE: u64 = 0;
/// Low bits of `MmuUpdate::ptr`: `MMU_MACHPHYS_UPDATE`.
pub const MMU_MACHPHYS_UPDATE: u64 = 1;
/// Low bits of `MmuUpdate::ptr`: `MMU_PT_UPDATE_PRESERVE_AD`.
pub const MMU_PT_UPDATE_PRESERVE_AD: u64 = 2;
/// Low bits of `MmuUpdate::ptr`: `MMU_PT_UPDATE_NO_TRANSLATE`.
pub const MMU_PT_UPDATE_NO_TRANSLATE: u64 = 3;

/// `MmuextOp::cmd`: `MMUEXT_PIN_L1_TABLE`.
pub const MMUEXT_PIN_L1_TABLE: u32 = 0;
/// `MmuextOp::cmd`: `MMUEXT_PIN_L2_TABLE`.
pub const MMUEXT_PIN_L2_TABLE: u32 = 1;
/// `MmuextOp::cmd`: `MMUEXT_PIN_L3_TABLE`.
pub const MMUEXT_PIN_L3_TABLE: u32 = 2;
/// `MmuextOp::cmd`: `MMUEXT_PIN_L4_TABLE`.
pub const MMUEXT_PIN_L4_TABLE: u32 = 3;
/// `MmuextOp::cmd`: `MMUEXT_UNPIN_TABLE`.
pub const MMUEXT_UNPIN_TABLE: u32 = 4;
/// `MmuextOp::cmd`: `MMUEXT_NEW_BASEPTR`.
pub const MMUEXT_NEW_BASEPTR: u32 = 5;
/// `MmuextOp::cmd`: `MMUEXT_TLB_FLUSH_LOCAL`.
pub const MMUEXT_TLB_FLUSH_LOCAL: u32 = 6;
/// `MmuextOp::cmd`: `MMUEXT_INVLPG_LOCAL`.
pub const MMUEXT_INVLPG_LOCAL: u32 = 7;
/// `MmuextOp::cmd`: `MMUEXT_TLB_FLUSH_MULTI`.
pub const MMUEXT_TLB_FLUSH_MULTI: u32 = 8;
/// `MmuextOp::cmd`: `MMUEXT_INVLPG_MULTI`.
pub const MMUEXT_INVLPG_MULTI: u32 = 9;
/// `MmuextOp::cmd`: `MMUEXT_TLB_FLUSH_ALL`.
pub const MMUEXT_TLB_FLUSH_ALL: u32 = 10;
/// `MmuextOp::cmd`: `MMUEXT_INVLPG_ALL`.
pub const MMUEXT_INVLPG_ALL: u32 = 11;
/// `MmuextOp::cmd`: `MMUEXT_FLUSH_CACHE`.
pub const MMUEXT_FLUSH_CACHE: u32 = 12;
/// `MmuextOp::cmd`: `MMUEXT_SET_LDT`.
pub const MMUEXT_SET_LDT: u32 = 13;
/// `MmuextOp::cmd`: `MMUEXT_NEW_USER_BASEPTR`.
pub const MMUEXT_NEW_USER_BASEPTR: u32 = 15;
/// `MmuextOp::cmd`: `MMUEXT_CLEAR_PAGE`.
pub const MMUEXT_CLEAR_PAGE: u32 = 16;
/// `MmuextOp::cmd`: `MMUEXT_COPY_PAGE`.
pub const MMUEXT_COPY_PAGE: u32 = 17;

/// TLB flag of `update_va_mapping`: `UVMF_NONE`.
pub const UVMF_NONE: u64 = 0;
/// TLB flag of `update_va_mapping`: `UVMF_TLB_FLUSH`.
pub const UVMF_TLB_FLUSH: u64 = 1;
/// TLB flag of `update_va_mapping`: `UVMF_INVLPG`.
pub const UVMF_INVLPG: u64 = 2;
/// TLB flag of `update_va_mapping`: `UVMF_FLUSHTYPE_MASK`.
pub const UVMF_FLUSHTYPE_MASK: u64 = 3;
/// TLB flag of `update_va_mapping`: `UVMF_MULTI`.
pub const UVMF_MULTI: u64 = 0;
/// TLB flag of `update_va_mapping`: `UVMF_LOCAL`.
pub const UVMF_LOCAL: u64 = 0;
/// TLB flag of `update_va_mapping`: `UVMF_ALL`.
pub const UVMF_ALL: u64 = 1 << 2;

/// One entry of `mmu_update`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct MmuUpdate {
    /// Machine address of the entry to change, the command in its low two bits.
    pub ptr: u64,
    /// New content: a page-table entry, or a PFN for `MMU_MACHPHYS_UPDATE`.
    pub val: u64,
}

/// One entry of `mmuext_op`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct MmuextOp {
    /// `MMUEXT_*`.
    pub cmd: u32,
    /// Padding; zero.
    pub _pad: u32,
    /// MFN or linear address.
    pub arg1: u64,
    /// Entry count, source MFN or pointer to a vCPU mask.
    pub arg2: u64,
}
