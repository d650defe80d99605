//! x86_64 numbers: segments, the hypervisor's hole, traps, callbacks, saved registers
//! (`arch-x86/xen.h`, `arch-x86/xen-x86_64.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Flat segment selector `FLAT_RING3_CS64` in Xen's GDT.
pub const FLAT_RING3_CS64: u16 = 0xe033;
/// Flat segment selector `FLAT_RING3_DS64` in Xen's GDT.
pub const FLAT_RING3_DS64: u16 = 0x0000;
/// Flat segment selector `FLAT_RING3_SS64` in Xen's GDT.
pub const FLAT_RING3_SS64: u16 = 0xe02b;
/// Flat segment selector `FLAT_KERNEL_CS` in Xen's GDT.
pub const FLAT_KERNEL_CS: u16 = 0xe033;
/// Flat segment selector `FLAT_KERNEL_DS` in Xen's GDT.
pub const FLAT_KERNEL_DS: u16 = 0x0000;
/// Flat segment selector `FLAT_KERNEL_SS` in Xen's GDT.
pub const FLAT_KERNEL_SS: u16 = 0xe02b;

/// Virtual address `HYPERVISOR_VIRT_START`.
pub const HYPERVISOR_VIRT_START: u64 = 0xFFFF_8000_0000_0000;
/// Virtual address `HYPERVISOR_VIRT_END`.
pub const HYPERVISOR_VIRT_END: u64 = 0xFFFF_8800_0000_0000;
/// Virtual address `MACH2PHYS_VIRT_START`.
pub const MACH2PHYS_VIRT_START: u64 = 0xFFFF_8000_0000_0000;
/// Virtual address `MACH2PHYS_VIRT_END`.
pub const MACH2PHYS_VIRT_END: u64 = 0xFFFF_8040_0000_0000;

/// Number of entries (`MACH2PHYS_NR_ENTRIES`) of the machine to physical table.
pub const MACH2PHYS_NR_ENTRIES: u64 = (MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 3;

/// `set_segment_base` selector `SEGBASE_FS`.
pub const SEGBASE_FS: u32 = 0;
/// `set_segment_base` selector `SEGBASE_GS_USER`.
pub const SEGBASE_GS_USER: u32 = 1;
/// `set_segment_base` selector `SEGBASE_GS_KERNEL`.
pub const SEGBASE_GS_KERNEL: u32 = 2;
/// `set_segment_base` selector `SEGBASE_GS_USER_SEL`.
pub const SEGBASE_GS_USER_SEL: u32 = 3;

/// `IretContext::flags` bit `VGCF_in_syscall`.
pub const VGCF_IN_SYSCALL: u64 = 1 << 8;

/// One trap handler; a table of these ends with `address` 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct TrapInfo {
    /// Exception vector.
    pub vector: u8,
    /// Bits 0-1: privilege level that may raise it; bit 2: mask events on entry.
    pub flags: u8,
    /// Code segment.
    pub cs: u16,
    /// Padding; zero.
    pub _pad: [u8; 4],
    /// Handler.
    pub address: u64,
}

/// What the `iret` hypercall takes from the stack.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct IretContext {
    /// `rax` to load.
    pub rax: u64,
    /// `r11` to load unless by `iret`.
    pub r11: u64,
    /// `rcx` to load unless by `iret`.
    pub rcx: u64,
    /// `VGCF_IN_SYSCALL` or 0.
    pub flags: u64,
    /// Where to go on.
    pub rip: u64,
    /// Code segment.
    pub cs: u64,
    /// Flags.
    pub rflags: u64,
    /// Stack.
    pub rsp: u64,
    /// Stack segment.
    pub ss: u64,
}

/// Registers of a vCPU as Xen lays them out.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct CpuUserRegs {
    /// r15
    pub r15: u64,
    /// r14
    pub r14: u64,
    /// r13
    pub r13: u64,
    /// r12
    pub r12: u64,
    /// rbp
    pub rbp: u64,
    /// rbx
    pub rbx: u64,
    /// r11
    pub r11: u64,
    /// r10
    pub r10: u64,
    /// r9
    pub r9: u64,
    /// r8
    pub r8: u64,
    /// rax
    pub rax: u64,
    /// rcx
    pub rcx: u64,
    /// rdx
    pub rdx: u64,
    /// rsi
    pub rsi: u64,
    /// rdi
    pub rdi: u64,
    /// Private to Xen.
    pub error_code: u32,
    /// Private to Xen.
    pub entry_vector: u32,
    /// rip
    pub rip: u64,
    /// cs
    pub cs: u16,
    /// Padding.
    pub pad0: [u16; 1],
    /// Event mask when the trap came.
    pub saved_upcall_mask: u8,
    /// Padding.
    pub pad1: [u8; 3],
    /// rflags (`IF` is the inverse of `saved_upcall_mask`)
    pub rflags: u64,
    /// rsp
    pub rsp: u64,
    /// ss
    pub ss: u16,
    /// Padding.
    pub pad2: [u16; 3],
    /// es
    pub es: u16,
    /// Padding.
    pub pad3: [u16; 3],
    /// ds
    pub ds: u16,
    /// Padding.
    pub pad4: [u16; 3],
    /// fs
    pub fs: u16,
    /// Padding.
    pub pad5: [u16; 3],
    /// gs
    pub gs: u16,
    /// Padding.
    pub pad6: [u16; 3],
}
