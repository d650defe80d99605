//! Registering entry points with Xen (`callback.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Callback type `CALLBACKTYPE_event`.
pub const CALLBACKTYPE_EVENT: u16 = 0;
/// Callback type `CALLBACKTYPE_failsafe`.
pub const CALLBACKTYPE_FAILSAFE: u16 = 1;
/// Callback type `CALLBACKTYPE_syscall`.
pub const CALLBACKTYPE_SYSCALL: u16 = 2;
/// Callback type `CALLBACKTYPE_nmi`.
pub const CALLBACKTYPE_NMI: u16 = 4;
/// Callback type `CALLBACKTYPE_sysenter`.
pub const CALLBACKTYPE_SYSENTER: u16 = 5;
/// Callback type `CALLBACKTYPE_syscall32`.
pub const CALLBACKTYPE_SYSCALL32: u16 = 7;

/// Callback flag `CALLBACKF_mask_events`.
pub const CALLBACKF_MASK_EVENTS: u16 = 1;

/// `callback_op` command `CALLBACKOP_register`.
pub const CALLBACKOP_REGISTER: u32 = 0;
/// `callback_op` command `CALLBACKOP_unregister`.
pub const CALLBACKOP_UNREGISTER: u32 = 1;

/// `CALLBACKOP_register`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct CallbackRegister {
    /// `CALLBACKTYPE_*`.
    pub type_: u16,
    /// `CALLBACKF_*`.
    pub flags: u16,
    /// Padding; zero.
    pub _pad: u32,
    /// Entry point.
    pub address: u64,
}

/// `CALLBACKOP_unregister`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct CallbackUnregister {
    /// `CALLBACKTYPE_*`.
    pub type_: u16,
    /// Zero.
    pub unused: u16,
}
