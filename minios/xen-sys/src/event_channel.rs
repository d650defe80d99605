//! Event channels: `event_channel_op` (`event_channel.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `event_channel_op` command `EVTCHNOP_bind_interdomain`.
pub const EVTCHNOP_BIND_INTERDOMAIN: u32 = 0;
/// `event_channel_op` command `EVTCHNOP_bind_virq`.
pub const EVTCHNOP_BIND_VIRQ: u32 = 1;
/// `event_channel_op` command `EVTCHNOP_bind_pirq`.
pub const EVTCHNOP_BIND_PIRQ: u32 = 2;
/// `event_channel_op` command `EVTCHNOP_close`.
pub const EVTCHNOP_CLOSE: u32 = 3;
/// `event_channel_op` command `EVTCHNOP_send`.
pub const EVTCHNOP_SEND: u32 = 4;
/// `event_channel_op` command `EVTCHNOP_status`.
pub const EVTCHNOP_STATUS: u32 = 5;
/// `event_channel_op` command `EVTCHNOP_alloc_unbound`.
pub const EVTCHNOP_ALLOC_UNBOUND: u32 = 6;
/// `event_channel_op` command `EVTCHNOP_bind_ipi`.
pub const EVTCHNOP_BIND_IPI: u32 = 7;
/// `event_channel_op` command `EVTCHNOP_bind_vcpu`.
pub const EVTCHNOP_BIND_VCPU: u32 = 8;
/// `event_channel_op` command `EVTCHNOP_unmask`.
pub const EVTCHNOP_UNMASK: u32 = 9;
/// `event_channel_op` command `EVTCHNOP_reset`.
pub const EVTCHNOP_RESET: u32 = 10;
/// `event_channel_op` command `EVTCHNOP_init_control`.
pub const EVTCHNOP_INIT_CONTROL: u32 = 11;
/// `event_channel_op` command `EVTCHNOP_expand_array`.
pub const EVTCHNOP_EXPAND_ARRAY: u32 = 12;
/// `event_channel_op` command `EVTCHNOP_set_priority`.
pub const EVTCHNOP_SET_PRIORITY: u32 = 13;

/// `EvtchnStatus::status`: `EVTCHNSTAT_closed`.
pub const EVTCHNSTAT_CLOSED: u32 = 0;
/// `EvtchnStatus::status`: `EVTCHNSTAT_unbound`.
pub const EVTCHNSTAT_UNBOUND: u32 = 1;
/// `EvtchnStatus::status`: `EVTCHNSTAT_interdomain`.
pub const EVTCHNSTAT_INTERDOMAIN: u32 = 2;
/// `EvtchnStatus::status`: `EVTCHNSTAT_pirq`.
pub const EVTCHNSTAT_PIRQ: u32 = 3;
/// `EvtchnStatus::status`: `EVTCHNSTAT_virq`.
pub const EVTCHNSTAT_VIRQ: u32 = 4;
/// `EvtchnStatus::status`: `EVTCHNSTAT_ipi`.
pub const EVTCHNSTAT_IPI: u32 = 5;

/// Ports of the two-level ABI (`EVTCHN_2L_NR_CHANNELS`).
pub const EVTCHN_2L_NR_CHANNELS: usize = 4096;

/// A new port of `dom` that `remote_dom` may bind to.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct EvtchnAllocUnbound {
    /// Owner, `DOMID_SELF`.
    pub dom: u16,
    /// Who may bind.
    pub remote_dom: u16,
    /// Out: the port.
    pub port: u32,
}

/// Connect to a port another domain allocated for us.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct EvtchnBindInterdomain {
    /// The other domain.
    pub remote_dom: u16,
    /// Padding; zero.
    pub _pad: u16,
    /// Its port.
    pub remote_port: u32,
    /// Out: ours.
    pub local_port: u32,
}

/// A port that a virtual IRQ raises.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct EvtchnBindVirq {
    /// `VIRQ_*`.
    pub virq: u32,
    /// vCPU to bind for.
    pub vcpu: u32,
    /// Out: the port.
    pub port: u32,
}

/// A port from a vCPU to a vCPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct EvtchnBindIpi {
    /// Target.
    pub vcpu: u32,
    /// Out: the port.
    pub port: u32,
}

/// Close a port.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct EvtchnClose {
    /// The port.
    pub port: u32,
}

/// Raise the event at the remote end.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct EvtchnSend {
    /// Local port.
    pub port: u32,
}

/// What a port is.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct EvtchnStatus {
    /// Whose, `DOMID_SELF`.
    pub dom: u16,
    /// Padding; zero.
    pub _pad: u16,
    /// The port.
    pub port: u32,
    /// Out: `EVTCHNSTAT_*`.
    pub status: u32,
    /// Out: bound to this vCPU.
    pub vcpu: u32,
    /// Out: remote domain (unbound, interdomain).
    pub u_dom: u16,
    /// Padding; zero.
    pub _pad1: u16,
    /// Out: remote port (interdomain).
    pub u_port: u32,
}

/// Which vCPU a port notifies.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct EvtchnBindVcpu {
    /// The port.
    pub port: u32,
    /// The vCPU.
    pub vcpu: u32,
}

/// Unmask a port and deliver what is pending.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct EvtchnUnmask {
    /// The port.
    pub port: u32,
}

/// Close every port of a domain.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct EvtchnReset {
    /// `DOMID_SELF`.
    pub dom: u16,
}
