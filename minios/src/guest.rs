//! Another domain that this one is the device model of.
//!
//! [`Guest`] is the key to everything a device model may do: its hypercalls
//! take one, and making one proves that the domain is not ourselves, is an HVM
//! guest, and that Xen lets us.

use core::fmt;

use xen_sys::errno::XEN_EOPNOTSUPP;
use xen_sys::xen::DOMID_FIRST_RESERVED;

use crate::hypercall::{self, Errno, Shutdown};
use crate::local::cpu_local;
use crate::mm::Mfn;

/// An HVM guest whose device model we may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guest(u16);

impl Guest {
    /// The guest with domain number `number`.
    ///
    /// # Errors
    /// Xen's reason: `ESRCH` no such domain, `EINVAL` not HVM, `EPERM` not ours
    /// (or we ourselves), `ENOSYS` a Xen without device-model operations.
    pub fn open(number: u16) -> Result<Self, Errno> {
        if number >= DOMID_FIRST_RESERVED {
            return Err(Errno(xen_sys::errno::XEN_ESRCH));
        }
        let guest = Guest(number);
        // Any operation would do; all are checked before they are looked at.
        match hypercall::nr_vcpus(guest) {
            Ok(_) | Err(Errno(XEN_EOPNOTSUPP)) => Ok(guest),
            Err(error) => Err(error),
        }
    }

    /// From now on the guest can't live without us: should this domain crash,
    /// its last act is to end the guest as crashed. Without its device model it
    /// would hang for ever.
    pub fn depends_on_us(self) {
        DEPENDANT.with_borrow_mut(|slot| *slot = Some(self));
    }

    /// Its domain number.
    pub fn number(self) -> u16 {
        self.0
    }
}

cpu_local! {
    static DEPENDANT: Option<Guest> = None;
}

/// Take the guest that depends on this domain down with it.
pub(crate) fn take_down() {
    if let Some(guest) = DEPENDANT.with_borrow(|slot| *slot) {
        let _ = hypercall::remote_shutdown(guest, Shutdown::Crash);
    }
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "domain {}", self.0)
    }
}

/// A frame to be mapped from a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// One of the guest's own, by guest frame number.
    Guest(u64),
    /// One that Xen named by its machine frame: a resource of the guest.
    Machine(Mfn),
}
