//! Scheduling and shutdown: `sched_op` (`sched.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `sched_op` command `SCHEDOP_yield`.
pub const SCHEDOP_YIELD: u32 = 0;
/// `sched_op` command `SCHEDOP_block`.
pub const SCHEDOP_BLOCK: u32 = 1;
/// `sched_op` command `SCHEDOP_shutdown`.
pub const SCHEDOP_SHUTDOWN: u32 = 2;
/// `sched_op` command `SCHEDOP_poll`.
pub const SCHEDOP_POLL: u32 = 3;
/// `sched_op` command `SCHEDOP_remote_shutdown`.
pub const SCHEDOP_REMOTE_SHUTDOWN: u32 = 4;
/// `sched_op` command `SCHEDOP_shutdown_code`.
pub const SCHEDOP_SHUTDOWN_CODE: u32 = 5;
/// `sched_op` command `SCHEDOP_watchdog`.
pub const SCHEDOP_WATCHDOG: u32 = 6;
/// `sched_op` command `SCHEDOP_pin_override`.
pub const SCHEDOP_PIN_OVERRIDE: u32 = 7;

/// Reason of a shutdown: `SHUTDOWN_poweroff`.
pub const SHUTDOWN_POWEROFF: u32 = 0;
/// Reason of a shutdown: `SHUTDOWN_reboot`.
pub const SHUTDOWN_REBOOT: u32 = 1;
/// Reason of a shutdown: `SHUTDOWN_suspend`.
pub const SHUTDOWN_SUSPEND: u32 = 2;
/// Reason of a shutdown: `SHUTDOWN_crash`.
pub const SHUTDOWN_CRASH: u32 = 3;
/// Reason of a shutdown: `SHUTDOWN_watchdog`.
pub const SHUTDOWN_WATCHDOG: u32 = 4;
/// Reason of a shutdown: `SHUTDOWN_soft_reset`.
pub const SHUTDOWN_SOFT_RESET: u32 = 5;

/// End this domain.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct SchedShutdown {
    /// `SHUTDOWN_*`.
    pub reason: u32,
}

/// Wait until one of some ports is pending, or the time has come.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct SchedPoll {
    /// Pointer to `nr_ports` u32.
    pub ports: u64,
    /// At most 128.
    pub nr_ports: u32,
    /// Padding; zero.
    pub _pad: u32,
    /// System time in ns, absolute; 0: none.
    pub timeout: u64,
}

/// End another domain (a device model its guest).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct SchedRemoteShutdown {
    /// Which.
    pub domain_id: u16,
    /// Padding; zero.
    pub _pad: u16,
    /// `SHUTDOWN_*`.
    pub reason: u32,
}

/// Set, renew or (time-out 0) remove a watchdog.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct SchedWatchdog {
    /// 0 for a new one.
    pub id: u32,
    /// Seconds.
    pub timeout: u32,
}
