//! Hypercall numbers, domain ids, virtual IRQs, console and VM-assist numbers (`xen.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The hypercall number (in `rax`, or the slot in the hypercall page) of `set_trap_table`.
pub const HYPERVISOR_SET_TRAP_TABLE: u64 = 0;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `mmu_update`.
pub const HYPERVISOR_MMU_UPDATE: u64 = 1;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `set_gdt`.
pub const HYPERVISOR_SET_GDT: u64 = 2;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `stack_switch`.
pub const HYPERVISOR_STACK_SWITCH: u64 = 3;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `set_callbacks`.
pub const HYPERVISOR_SET_CALLBACKS: u64 = 4;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `fpu_taskswitch`.
pub const HYPERVISOR_FPU_TASKSWITCH: u64 = 5;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `platform_op`.
pub const HYPERVISOR_PLATFORM_OP: u64 = 7;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `set_debugreg`.
pub const HYPERVISOR_SET_DEBUGREG: u64 = 8;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `get_debugreg`.
pub const HYPERVISOR_GET_DEBUGREG: u64 = 9;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `update_descriptor`.
pub const HYPERVISOR_UPDATE_DESCRIPTOR: u64 = 10;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `memory_op`.
pub const HYPERVISOR_MEMORY_OP: u64 = 12;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `multicall`.
pub const HYPERVISOR_MULTICALL: u64 = 13;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `update_va_mapping`.
pub const HYPERVISOR_UPDATE_VA_MAPPING: u64 = 14;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `set_timer_op`.
pub const HYPERVISOR_SET_TIMER_OP: u64 = 15;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `xen_version`.
pub const HYPERVISOR_XEN_VERSION: u64 = 17;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `console_io`.
pub const HYPERVISOR_CONSOLE_IO: u64 = 18;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `grant_table_op`.
pub const HYPERVISOR_GRANT_TABLE_OP: u64 = 20;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `vm_assist`.
pub const HYPERVISOR_VM_ASSIST: u64 = 21;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `update_va_mapping_otherdomain`.
pub const HYPERVISOR_UPDATE_VA_MAPPING_OTHERDOMAIN: u64 = 22;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `iret`.
pub const HYPERVISOR_IRET: u64 = 23;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `vcpu_op`.
pub const HYPERVISOR_VCPU_OP: u64 = 24;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `set_segment_base`.
pub const HYPERVISOR_SET_SEGMENT_BASE: u64 = 25;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `mmuext_op`.
pub const HYPERVISOR_MMUEXT_OP: u64 = 26;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `xsm_op`.
pub const HYPERVISOR_XSM_OP: u64 = 27;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `nmi_op`.
pub const HYPERVISOR_NMI_OP: u64 = 28;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `sched_op`.
pub const HYPERVISOR_SCHED_OP: u64 = 29;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `callback_op`.
pub const HYPERVISOR_CALLBACK_OP: u64 = 30;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `event_channel_op`.
pub const HYPERVISOR_EVENT_CHANNEL_OP: u64 = 32;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `physdev_op`.
pub const HYPERVISOR_PHYSDEV_OP: u64 = 33;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `hvm_op`.
pub const HYPERVISOR_HVM_OP: u64 = 34;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `sysctl`.
pub const HYPERVISOR_SYSCTL: u64 = 35;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `domctl`.
pub const HYPERVISOR_DOMCTL: u64 = 36;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `kexec_op`.
pub const HYPERVISOR_KEXEC_OP: u64 = 37;
/// The hypercall number (in `rax`, or the slot in the hypercall page) of `dm_op`.
pub const HYPERVISOR_DM_OP: u64 = 41;

/// Virtual IRQ `VIRQ_TIMER`, bound with `EVTCHNOP_bind_virq`.
pub const VIRQ_TIMER: u32 = 0;
/// Virtual IRQ `VIRQ_DEBUG`, bound with `EVTCHNOP_bind_virq`.
pub const VIRQ_DEBUG: u32 = 1;
/// Virtual IRQ `VIRQ_CONSOLE`, bound with `EVTCHNOP_bind_virq`.
pub const VIRQ_CONSOLE: u32 = 2;
/// Virtual IRQ `VIRQ_DOM_EXC`, bound with `EVTCHNOP_bind_virq`.
pub const VIRQ_DOM_EXC: u32 = 3;

/// `console_io` sub-command `CONSOLEIO_write`.
pub const CONSOLEIO_WRITE: u32 = 0;
/// `console_io` sub-command `CONSOLEIO_read`.
pub const CONSOLEIO_READ: u32 = 1;

/// `vm_assist` command `VMASST_CMD_enable`.
pub const VMASST_CMD_ENABLE: u32 = 0;
/// `vm_assist` command `VMASST_CMD_disable`.
pub const VMASST_CMD_DISABLE: u32 = 1;

/// `vm_assist` type `VMASST_TYPE_4gb_segments`.
pub const VMASST_TYPE_4GB_SEGMENTS: u32 = 0;
/// `vm_assist` type `VMASST_TYPE_4gb_segments_notify`.
pub const VMASST_TYPE_4GB_SEGMENTS_NOTIFY: u32 = 1;
/// `vm_assist` type `VMASST_TYPE_writable_pagetables`.
pub const VMASST_TYPE_WRITABLE_PAGETABLES: u32 = 2;
/// `vm_assist` type `VMASST_TYPE_pae_extended_cr3`.
pub const VMASST_TYPE_PAE_EXTENDED_CR3: u32 = 3;
/// `vm_assist` type `VMASST_TYPE_architectural_iopl`.
pub const VMASST_TYPE_ARCHITECTURAL_IOPL: u32 = 4;
/// `vm_assist` type `VMASST_TYPE_runstate_update_flag`.
pub const VMASST_TYPE_RUNSTATE_UPDATE_FLAG: u32 = 5;
/// `vm_assist` type `VMASST_TYPE_m2p_strict`.
pub const VMASST_TYPE_M2P_STRICT: u32 = 32;

/// Special domain id `DOMID_FIRST_RESERVED`.
pub const DOMID_FIRST_RESERVED: u16 = 0x7FF0;
/// Special domain id `DOMID_SELF`.
pub const DOMID_SELF: u16 = 0x7FF0;
/// Special domain id `DOMID_IO`.
pub const DOMID_IO: u16 = 0x7FF1;
/// Special domain id `DOMID_XEN`.
pub const DOMID_XEN: u16 = 0x7FF2;
/// Special domain id `DOMID_COW`.
pub const DOMID_COW: u16 = 0x7FF3;
/// Special domain id `DOMID_INVALID`.
pub const DOMID_INVALID: u16 = 0x7FF4;
/// Special domain id `DOMID_IDLE`.
pub const DOMID_IDLE: u16 = 0x7FFF;

/// One hypercall of a `multicall` batch.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct MulticallEntry {
    /// Hypercall number.
    pub op: u64,
    /// Filled in by Xen: the call's return value.
    pub result: u64,
    /// Its arguments.
    pub args: [u64; 6],
}
