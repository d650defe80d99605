//! What `xl` does not do for us: power over the guest, and room to run in while
//! another `xl` waits for us.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::process::Command;

use super::succeed;

/// `struct xen_domctl` (public/domctl.h) with `struct xen_domctl_set_target`.
#[repr(C, align(8))]
struct SetTarget {
    command: u32,
    version: u32,
    domain: u16,
    pad: [u16; 3],
    target: u16,
    /// The union is 128 bytes.
    rest: [u16; 63],
}

/// `struct privcmd_hypercall` of Linux.
#[repr(C)]
struct Hypercall {
    number: u64,
    arguments: [u64; 5],
}

const XEN_DOMCTL_SET_TARGET: u32 = 46;
const HYPERVISOR_DOMCTL: u64 = 36;
/// `_IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))`.
const IOCTL_PRIVCMD_HYPERCALL: u64 = (size_of::<Hypercall>() as u64) << 16 | (b'P' as u64) << 8;

/// Versions of the interface from Xen 4.9 on; this command is the same in all
/// of them. Xen refuses every version but its own with EACCES.
const VERSIONS: std::ops::RangeInclusive<u32> = 0xd..=0x20;
const EACCES: i32 = 13;

unsafe extern "C" {
    /// ioctl(2).
    fn ioctl(file: i32, request: u64, ...) -> i32;
}

/// Give domain `stub` a device model's power over domain `guest`.
pub fn set_target(stub: u16, guest: u16) -> io::Result<()> {
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/xen/privcmd")?;
    let mut last = io::Error::from_raw_os_error(EACCES);
    for version in VERSIONS {
        let mut domctl = SetTarget {
            command: XEN_DOMCTL_SET_TARGET,
            version,
            domain: stub,
            pad: [0; 3],
            target: guest,
            rest: [0; 63],
        };
        let hypercall = Hypercall {
            number: HYPERVISOR_DOMCTL,
            arguments: [&raw mut domctl as u64, 0, 0, 0, 0],
        };
        // SAFETY:
        // - the request takes a `struct privcmd_hypercall`, which `Hypercall` is, alive for the call;
        // - Xen reads and writes one `struct xen_domctl` at the argument: `SetTarget`
        //   has its size (the assertion below), and nobody else uses it meanwhile.
        let result = unsafe {
            ioctl(
                device.as_raw_fd(),
                IOCTL_PRIVCMD_HYPERCALL,
                &raw const hypercall,
            )
        };
        if result == 0 {
            return Ok(());
        }
        last = io::Error::last_os_error();
        if last.raw_os_error() != Some(EACCES) {
            break;
        }
    }
    Err(last)
}

const _: () = assert!(size_of::<SetTarget>() == 144 && size_of::<Hypercall>() == 48);

/// Run `xl` although another one holds the lock until we have done what it
/// waits for: with a folder of locks of its own, where that can be had.
pub fn xl_of_our_own(words: &[&str]) -> Result<(), String> {
    let locks = fs::canonicalize("/var/lock").unwrap_or_else(|_| "/run/lock".into());
    let script = "mount -t tmpfs tmpfs \"$0\" && exec xl \"$@\"";
    let apart = Command::new("unshare")
        .args(["-m", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !apart {
        return succeed(Command::new("xl").args(words));
    }
    succeed(
        Command::new("unshare")
            .args(["-m", "sh", "-c", script])
            .arg(locks)
            .args(words),
    )
}
