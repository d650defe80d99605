//! Per-vCPU operations: timers, placement of `vcpu_info` (`vcpu.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `vcpu_op` command `VCPUOP_initialise`.
pub const VCPUOP_INITIALISE: u32 = 0;
/// `vcpu_op` command `VCPUOP_up`.
pub const VCPUOP_UP: u32 = 1;
/// `vcpu_op` command `VCPUOP_down`.
pub const VCPUOP_DOWN: u32 = 2;
/// `vcpu_op` command `VCPUOP_is_up`.
pub const VCPUOP_IS_UP: u32 = 3;
/// `vcpu_op` command `VCPUOP_get_runstate_info`.
pub const VCPUOP_GET_RUNSTATE_INFO: u32 = 4;
/// `vcpu_op` command `VCPUOP_register_runstate_memory_area`.
pub const VCPUOP_REGISTER_RUNSTATE_MEMORY_AREA: u32 = 5;
/// `vcpu_op` command `VCPUOP_set_periodic_timer`.
pub const VCPUOP_SET_PERIODIC_TIMER: u32 = 6;
/// `vcpu_op` command `VCPUOP_stop_periodic_timer`.
pub const VCPUOP_STOP_PERIODIC_TIMER: u32 = 7;
/// `vcpu_op` command `VCPUOP_set_singleshot_timer`.
pub const VCPUOP_SET_SINGLESHOT_TIMER: u32 = 8;
/// `vcpu_op` command `VCPUOP_stop_singleshot_timer`.
pub const VCPUOP_STOP_SINGLESHOT_TIMER: u32 = 9;
/// `vcpu_op` command `VCPUOP_register_vcpu_info`.
pub const VCPUOP_REGISTER_VCPU_INFO: u32 = 10;
/// `vcpu_op` command `VCPUOP_register_vcpu_time_memory_area`.
pub const VCPUOP_REGISTER_VCPU_TIME_MEMORY_AREA: u32 = 13;

/// `VcpuSetSingleshotTimer::flags` bit `VCPU_SSHOTTMR_future`.
pub const VCPU_SSHOTTMR_FUTURE: u32 = 1;

/// `VcpuRunstateInfo::state`: `RUNSTATE_running`.
pub const RUNSTATE_RUNNING: u32 = 0;
/// `VcpuRunstateInfo::state`: `RUNSTATE_runnable`.
pub const RUNSTATE_RUNNABLE: u32 = 1;
/// `VcpuRunstateInfo::state`: `RUNSTATE_blocked`.
pub const RUNSTATE_BLOCKED: u32 = 2;
/// `VcpuRunstateInfo::state`: `RUNSTATE_offline`.
pub const RUNSTATE_OFFLINE: u32 = 3;

/// Time a vCPU spent in each state.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct VcpuRunstateInfo {
    /// Now.
    pub state: u32,
    /// Padding; zero.
    pub _pad: u32,
    /// Since (system time, ns).
    pub state_entry_time: u64,
    /// Nanoseconds in each state.
    pub time: [u64; 4],
}

/// A tick.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct VcpuSetPeriodicTimer {
    /// Nanoseconds.
    pub period_ns: u64,
}

/// One `VIRQ_TIMER`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct VcpuSetSingleshotTimer {
    /// System time in ns.
    pub timeout_abs_ns: u64,
    /// `VCPU_SSHOTTMR_*`.
    pub flags: u32,
    /// Padding; zero.
    pub _pad: u32,
}

/// Move the `vcpu_info` (there is no way back).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct VcpuRegisterVcpuInfo {
    /// Frame.
    pub mfn: u64,
    /// Byte in it.
    pub offset: u32,
    /// Zero.
    pub rsvd: u32,
}
