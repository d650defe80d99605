//! Ring layouts by name, for the `protocol` node (`io/protocols.h`).

/// 32-bit x86 alignment rules.
pub const XEN_IO_PROTO_ABI_X86_32: &str = "x86_32-abi";
/// 64-bit x86 alignment rules: ours.
pub const XEN_IO_PROTO_ABI_X86_64: &str = "x86_64-abi";
