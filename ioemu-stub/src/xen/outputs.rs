//! What the machine does to its guest: interrupts, ranges, power; and the time.

use core::cell::Cell;
use core::fmt;

use minios::guest::Guest;
use minios::hypercall::{self, Errno, IoreqServer, RangeKind, Shutdown};
use xen_sys::hvm::params::HVM_PARAM_ACPI_S_STATE;

use crate::surroundings::{Claim, Clock, NoRange, Pins, Power, PowerState, Ranges};

/// The guest's interrupt inputs, which are Xen's.
pub struct XenPins {
    guest: Guest,
    complained: Cell<bool>,
}

impl XenPins {
    /// The inputs of `guest`.
    pub fn new(guest: Guest) -> Self {
        XenPins {
            guest,
            complained: Cell::new(false),
        }
    }

    /// Xen refuses only what makes no sense; once is enough to know.
    fn check(&self, result: Result<(), Errno>, what: fmt::Arguments<'_>) {
        if let Err(error) = result
            && !self.complained.replace(true)
        {
            log::error!("Xen refuses {what}: {error}");
        }
    }
}

impl Pins for XenPins {
    fn set_isa(&self, irq: u8, level: bool) {
        let result = hypercall::set_isa_irq_level(self.guest, irq, level);
        self.check(result, format_args!("ISA interrupt {irq}"));
    }

    fn set_intx(&self, device: u8, pin: u8, level: bool) {
        let result = hypercall::set_pci_intx_level(self.guest, device, pin, level);
        self.check(result, format_args!("pin {pin} of PCI device {device}"));
    }

    fn route_link(&self, link: u8, irq: u8) {
        let result = hypercall::set_pci_link_route(self.guest, link, irq);
        self.check(result, format_args!("PCI link {link} to interrupt {irq}"));
    }
}

/// The ranges of addresses that Xen sends us.
pub struct XenRanges {
    guest: Guest,
    server: IoreqServer,
}

impl XenRanges {
    /// Those of an ioreq server.
    pub fn new(guest: Guest, server: IoreqServer) -> Self {
        XenRanges { guest, server }
    }
}

/// A claim as Xen takes it: kind, first and last address.
fn range(claim: &Claim) -> Option<(RangeKind, u64, u64)> {
    match claim {
        Claim::Ports(at) => Some((RangeKind::Port, at.start, at.end.checked_sub(1)?)),
        Claim::Memory(at) => Some((RangeKind::Memory, at.start, at.end.checked_sub(1)?)),
        Claim::Function(devfn) => Some((RangeKind::Pci, u64::from(*devfn), u64::from(*devfn))),
    }
}

impl Ranges for XenRanges {
    fn claim(&self, claim: Claim) -> Result<(), NoRange> {
        let (kind, start, end) = range(&claim).ok_or(NoRange)?;
        hypercall::map_io_range(self.guest, self.server, kind, start, end).map_err(|error| {
            log::warn!("Xen does not send us {claim:x?}: {error}");
            NoRange
        })
    }

    fn release(&self, claim: Claim) {
        let Some((kind, start, end)) = range(&claim) else {
            return;
        };
        let released = hypercall::unmap_io_range(self.guest, self.server, kind, start, end);
        if let Err(error) = released {
            log::warn!("Xen goes on sending us {claim:x?}: {error}");
        }
    }
}

/// Xen's time.
pub struct XenClock;

impl Clock for XenClock {
    fn now_ns(&self) -> u64 {
        minios::time::now_ns()
    }
}

/// The guest's power.
pub struct XenPower {
    guest: Guest,
}

impl XenPower {
    /// The power of `guest`.
    pub fn new(guest: Guest) -> Self {
        XenPower { guest }
    }
}

impl Power for XenPower {
    fn set(&self, state: PowerState) {
        let result = match state {
            PowerState::Off => hypercall::remote_shutdown(self.guest, Shutdown::PowerOff),
            PowerState::Reset => hypercall::remote_shutdown(self.guest, Shutdown::Reboot),
            PowerState::Suspend => hypercall::set_hvm_param(self.guest, HVM_PARAM_ACPI_S_STATE, 3),
            PowerState::On => hypercall::set_hvm_param(self.guest, HVM_PARAM_ACPI_S_STATE, 0),
        };
        match result {
            Ok(()) => log::info!("the guest's power: {state:?}"),
            Err(error) => log::error!("the guest's power can't become {state:?}: {error}"),
        }
    }
}
