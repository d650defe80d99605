//! `sched_op` and the vCPU's own timers (sched.h, vcpu.h).

use xen_sys::sched::*;
use xen_sys::vcpu::{VCPUOP_SET_PERIODIC_TIMER, VCPUOP_STOP_PERIODIC_TIMER, VcpuSetPeriodicTimer};
use xen_sys::xen::{HYPERVISOR_SCHED_OP, HYPERVISOR_VCPU_OP};

use super::{Errno, check, command, handle};
use crate::arch::hypercall::hypercall;

/// Why a domain ends (sched.h, SHUTDOWN_*).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Shutdown {
    /// Done; destroy it.
    PowerOff = SHUTDOWN_POWEROFF,
    /// Build it anew.
    Reboot = SHUTDOWN_REBOOT,
    /// Something went wrong; the toolstack follows `on_crash`.
    Crash = SHUTDOWN_CRASH,
}

/// Ports that one [`poll`] may name (`do_poll` in xen/common/sched/core.c).
pub const POLL_PORTS: usize = 128;

/// Sleep until one of `ports` is pending or system time reaches `deadline`
/// (nanoseconds; `None` waits for ever). Returns at once if one is pending.
pub fn poll(ports: &[u32], deadline: Option<u64>) -> Result<(), Errno> {
    let mut poll = SchedPoll {
        ports: handle(ports.as_ptr()),
        nr_ports: ports.len() as u32,
        // Zero means no time-out; a deadline of 1 ns is as much in the past as 0.
        // Xen's time is signed: what lies beyond it would be in the past, too.
        timeout: match deadline {
            Some(at) if i64::try_from(at).is_ok() => at.max(1),
            _ => 0,
        },
        ..SchedPoll::default()
    };
    command(HYPERVISOR_SCHED_OP, SCHEDOP_POLL, &mut poll, 0).map(drop)
}

/// End this domain.
pub fn shutdown(reason: Shutdown) -> ! {
    loop {
        let mut shutdown = SchedShutdown {
            reason: reason as u32,
        };
        // Does not return in a real domain.
        let _ = command(HYPERVISOR_SCHED_OP, SCHEDOP_SHUTDOWN, &mut shutdown, 0);
    }
}

/// Stop the 100 Hz tick that every PV vCPU starts with.
pub fn stop_periodic_timer() -> Result<(), Errno> {
    // SAFETY: takes a vCPU number and no pointer; changes no memory.
    check(unsafe {
        hypercall(
            HYPERVISOR_VCPU_OP,
            [u64::from(VCPUOP_STOP_PERIODIC_TIMER), 0, 0, 0, 0],
        )
    })
    .map(drop)
}

/// Start that tick again, as the vCPU had it at first (100 Hz).
pub fn restart_periodic_timer() -> Result<(), Errno> {
    let timer = VcpuSetPeriodicTimer {
        period_ns: 10_000_000,
    };
    let arguments = [
        u64::from(VCPUOP_SET_PERIODIC_TIMER),
        0,
        handle(&raw const timer),
        0,
        0,
    ];
    // SAFETY: the structure that belongs to the command, which Xen only reads.
    check(unsafe { hypercall(HYPERVISOR_VCPU_OP, arguments) }).map(drop)
}
