//! One safe, typed wrapper per hypercall; nothing else in the project calls Xen.
//!
//! The files are named after the public headers. A wrapper is `unsafe` only if
//! its effect can pull memory away from under Rust (page tables, frame lists);
//! what merely may fail returns an [`Errno`].

mod dm_op;
mod event_channel;
mod grant_table;
mod memory;
#[cfg(feature = "bare")]
mod mmu;
mod sched;

pub use dm_op::*;
pub use event_channel::*;
pub use grant_table::*;
pub use memory::*;
#[cfg(feature = "bare")]
pub use mmu::*;
pub use sched::*;

use core::fmt;

use xen_sys::errno as e;

use crate::arch::hypercall::hypercall;

/// An error number of Xen's (xen/include/public/errno.h).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i64);

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            e::XEN_EPERM => "EPERM",
            e::XEN_ENOENT => "ENOENT",
            e::XEN_ESRCH => "ESRCH",
            e::XEN_EAGAIN => "EAGAIN",
            e::XEN_ENOMEM => "ENOMEM",
            e::XEN_EACCES => "EACCES",
            e::XEN_EFAULT => "EFAULT",
            e::XEN_EBUSY => "EBUSY",
            e::XEN_EEXIST => "EEXIST",
            e::XEN_EINVAL => "EINVAL",
            e::XEN_ENOSPC => "ENOSPC",
            e::XEN_ENOSYS => "ENOSYS",
            other => return write!(f, "error {other}"),
        };
        f.write_str(name)
    }
}

/// Negative results are error numbers.
fn check(result: i64) -> Result<i64, Errno> {
    if result < 0 {
        Err(Errno(-result))
    } else {
        Ok(result)
    }
}

/// Address of `value` as a guest handle.
fn handle<T>(value: *const T) -> u64 {
    value as usize as u64
}

/// Run hypercall `op` whose second argument points to a structure that Xen
/// reads and may fill in: the shape of every `*_op(cmd, struct *)`.
fn command<T>(op: u64, cmd: u32, argument: &mut T, count: u64) -> Result<i64, Errno> {
    let pointer = &raw mut *argument as usize as u64;
    // SAFETY:
    // - pointer: `argument` is ours alone for the call, and callers pair `cmd`
    //   with the structure its header names, padding included;
    // - effect: the private callers in this module choose only commands that
    //   leave the mapping of our memory alone.
    check(unsafe { hypercall(op, [u64::from(cmd), pointer, count, 0, 0]) })
}

/// Register exception handlers; the table ends with a zero entry.
#[cfg(feature = "bare")]
pub(crate) fn set_trap_table(table: &[xen_sys::arch_x86::TrapInfo]) {
    assert!(
        table.last().is_some_and(|last| last.address == 0),
        "unterminated trap table"
    );
    // SAFETY: a terminated table of code addresses, which Xen copies.
    let result = unsafe {
        hypercall(
            xen_sys::xen::HYPERVISOR_SET_TRAP_TABLE,
            [handle(table.as_ptr()), 0, 0, 0, 0],
        )
    };
    debug_assert_eq!(result, 0);
}

/// Forget all exception handlers, as before the first kernel.
#[cfg(feature = "bare")]
pub fn clear_trap_table() {
    // SAFETY: a null table resets every entry (Xen's do_set_trap_table).
    unsafe { hypercall(xen_sys::xen::HYPERVISOR_SET_TRAP_TABLE, [0; 5]) };
}
