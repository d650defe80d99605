//! ELF note types under the name `Xen` (`elfnote.h`).

/// ELF note type `XEN_ELFNOTE_INFO`.
pub const XEN_ELFNOTE_INFO: u32 = 0;
/// ELF note type `XEN_ELFNOTE_ENTRY`.
pub const XEN_ELFNOTE_ENTRY: u32 = 1;
/// ELF note type `XEN_ELFNOTE_HYPERCALL_PAGE`.
pub const XEN_ELFNOTE_HYPERCALL_PAGE: u32 = 2;
/// ELF note type `XEN_ELFNOTE_VIRT_BASE`.
pub const XEN_ELFNOTE_VIRT_BASE: u32 = 3;
/// ELF note type `XEN_ELFNOTE_PADDR_OFFSET`.
pub const XEN_ELFNOTE_PADDR_OFFSET: u32 = 4;
/// ELF note type `XEN_ELFNOTE_XEN_VERSION`.
pub const XEN_ELFNOTE_XEN_VERSION: u32 = 5;
/// ELF note type `XEN_ELFNOTE_GUEST_OS`.
pub const XEN_ELFNOTE_GUEST_OS: u32 = 6;
/// ELF note type `XEN_ELFNOTE_GUEST_VERSION`.
pub const XEN_ELFNOTE_GUEST_VERSION: u32 = 7;
/// ELF note type `XEN_ELFNOTE_LOADER`.
pub const XEN_ELFNOTE_LOADER: u32 = 8;
/// ELF note type `XEN_ELFNOTE_PAE_MODE`.
pub const XEN_ELFNOTE_PAE_MODE: u32 = 9;
/// ELF note type `XEN_ELFNOTE_FEATURES`.
pub const XEN_ELFNOTE_FEATURES: u32 = 10;
/// ELF note type `XEN_ELFNOTE_BSD_SYMTAB`.
pub const XEN_ELFNOTE_BSD_SYMTAB: u32 = 11;
/// ELF note type `XEN_ELFNOTE_HV_START_LOW`.
pub const XEN_ELFNOTE_HV_START_LOW: u32 = 12;
/// ELF note type `XEN_ELFNOTE_L1_MFN_VALID`.
pub const XEN_ELFNOTE_L1_MFN_VALID: u32 = 13;
/// ELF note type `XEN_ELFNOTE_SUSPEND_CANCEL`.
pub const XEN_ELFNOTE_SUSPEND_CANCEL: u32 = 14;
/// ELF note type `XEN_ELFNOTE_INIT_P2M`.
pub const XEN_ELFNOTE_INIT_P2M: u32 = 15;
/// ELF note type `XEN_ELFNOTE_MOD_START_PFN`.
pub const XEN_ELFNOTE_MOD_START_PFN: u32 = 16;
/// ELF note type `XEN_ELFNOTE_SUPPORTED_FEATURES`.
pub const XEN_ELFNOTE_SUPPORTED_FEATURES: u32 = 17;
/// ELF note type `XEN_ELFNOTE_PHYS32_ENTRY`.
pub const XEN_ELFNOTE_PHYS32_ENTRY: u32 = 18;

/// PVH entry relocation (added in Xen 4.20, after the headers the test compares with).
pub const XEN_ELFNOTE_PHYS32_RELOC: u32 = 19;
