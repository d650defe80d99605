//! HVM parameters: `hvm_op` (`hvm/hvm_op.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `hvm_op` command `HVMOP_set_param`.
pub const HVMOP_SET_PARAM: u32 = 0;
/// `hvm_op` command `HVMOP_get_param`.
pub const HVMOP_GET_PARAM: u32 = 1;

/// One parameter of a domain.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct HvmParam {
    /// Whose.
    pub domid: u16,
    /// Zero.
    pub pad: u16,
    /// `HVM_PARAM_*`.
    pub index: u32,
    /// In or out.
    pub value: u64,
}
