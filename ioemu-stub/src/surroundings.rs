//! What a machine stands on.
//!
//! The chips of this crate know neither Xen nor a host: what they need from
//! the world outside is named here, one trait for each thing. Under Xen, `xen`
//! provides them; on a host, the qtest harness does; a test or a fuzz target
//! brings its own.
//!
//! None of these calls back into the chip that called it, and none is called
//! by two chips at once: the whole machine is one task.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use core::ops::Range;

/// Everything outside, as handed to each chip that asks for some of it.
#[derive(Clone)]
pub struct Surroundings {
    /// The guest's RAM.
    pub memory: Rc<dyn GuestMemory>,
    /// The interrupt inputs.
    pub pins: Rc<dyn Pins>,
    /// What the outside sends us.
    pub ranges: Rc<dyn Ranges>,
    /// The time.
    pub clock: Rc<dyn Clock>,
    /// The power supply.
    pub power: Rc<dyn Power>,
}

/// The guest's RAM, by guest physical address.
///
/// It is RAM alone: a DMA to device memory is an error here, so no device can
/// be made to call itself or another one by DMA. The guest may change it at
/// any time: what was read once may read otherwise next.
pub trait GuestMemory {
    /// Fills `data` from `address` on.
    ///
    /// # Errors
    /// [`NoMemory`] if some of it is not RAM; `data` is then in any state.
    fn read(&self, address: u64, data: &mut [u8]) -> Result<(), NoMemory>;

    /// Writes `data` from `address` on.
    ///
    /// # Errors
    /// [`NoMemory`] if some of it is not RAM; a part may have been written.
    fn write(&self, address: u64, data: &[u8]) -> Result<(), NoMemory>;
}

/// There is no RAM at this guest physical address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoMemory(pub u64);

impl fmt::Display for NoMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no RAM at guest address {:#x}", self.0)
    }
}

impl core::error::Error for NoMemory {}

/// The interrupt controllers' inputs.
pub trait Pins {
    /// Sets the level of ISA interrupt `irq` (0 to 15).
    fn set_isa(&self, irq: u8, level: bool);

    /// Sets the level of pin `pin` (INTA is 0) of PCI device `device` on bus 0.
    fn set_intx(&self, device: u8, pin: u8, level: bool);

    /// Routes PCI link `link` (0 to 3) to ISA interrupt `irq`; 0 to none.
    fn route_link(&self, link: u8, irq: u8);
}

/// Where a [`Line`] ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Isa(u8),
    Intx(u8, u8),
}

/// One interrupt line from a chip. It tells the controller changes only: each
/// costs a hypercall.
#[derive(Clone)]
pub struct Line {
    pins: Rc<dyn Pins>,
    end: End,
    level: Rc<Cell<bool>>,
}

impl Line {
    /// A low line to ISA interrupt `irq`.
    pub fn isa(pins: &Rc<dyn Pins>, irq: u8) -> Self {
        Self::to(pins, End::Isa(irq))
    }

    /// A low line to pin `pin` (INTA is 0) of PCI device `device`.
    pub fn intx(pins: &Rc<dyn Pins>, device: u8, pin: u8) -> Self {
        Self::to(pins, End::Intx(device, pin))
    }

    fn to(pins: &Rc<dyn Pins>, end: End) -> Self {
        Line {
            pins: pins.clone(),
            end,
            level: Rc::new(Cell::new(false)),
        }
    }

    /// Drives it high or low.
    pub fn set(&self, level: bool) {
        if self.level.replace(level) == level {
            return;
        }
        match self.end {
            End::Isa(irq) => self.pins.set_isa(irq, level),
            End::Intx(device, pin) => self.pins.set_intx(device, pin, level),
        }
    }

    /// Whether it is high.
    pub fn level(&self) -> bool {
        self.level.get()
    }
}

/// What of the guest's accesses comes to this machine. All others stay
/// outside, where they cost no round trip.
pub trait Ranges {
    /// From now on these addresses are ours.
    ///
    /// # Errors
    /// [`NoRange`] if the outside has no room for another range: the guest then
    /// sees nothing there.
    fn claim(&self, range: Claim) -> Result<(), NoRange>;

    /// From now on they are not. It must have been claimed just so.
    fn release(&self, range: Claim);
}

/// Addresses that come to this machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claim {
    /// Ports.
    Ports(Range<u64>),
    /// Memory.
    Memory(Range<u64>),
    /// The configuration space of a PCI function of bus 0:
    /// device << 3 | function.
    Function(u8),
}

/// A range could not be claimed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoRange;

/// The time.
pub trait Clock {
    /// Nanoseconds since some moment, never going back.
    fn now_ns(&self) -> u64;
}

/// The machine's power supply and reset line.
pub trait Power {
    /// The guest is to end, or to sleep. Nothing more comes from it but in a
    /// sleep.
    fn set(&self, state: PowerState);
}

/// What can happen to the machine's power.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PowerState {
    /// Off (ACPI S5).
    Off,
    /// A hard reset: the guest is built anew.
    Reset,
    /// Suspended to RAM (ACPI S3).
    Suspend,
    /// Awake again.
    On,
}

/// The memory of a display adapter: RAM that the guest sees at the place of its
/// linear frame buffer, so that it may change without our being told.
pub trait VideoMemory {
    /// In bytes.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies out from `offset` on. Both must lie inside; what does not, reads
    /// as zero.
    fn read(&self, offset: usize, data: &mut [u8]);

    /// Copies in from `offset` on. What does not lie inside is lost.
    fn write(&self, offset: usize, data: &[u8]);

    /// Shows it to the guest at guest physical address `address`, or nowhere.
    ///
    /// # Errors
    /// [`NoRange`] if it can't be shown there.
    fn place(&self, address: Option<u64>) -> Result<(), NoRange>;

    /// The pages of 4 KiB within `pages` that the guest wrote since the last
    /// call, as bits of `dirty` from bit 0 of its first byte on (set for each
    /// written one). Where that is not known, all are set.
    fn take_dirty(&self, pages: Range<usize>, dirty: &mut [u8]);

    /// The machine's frames of its pages, for a viewer that can map them; none
    /// where nobody can.
    fn machine_frames(&self) -> Vec<u64> {
        Vec::new()
    }
}

/// A disk or CD under an emulated drive.
///
/// Requests run beside the guest, in any order. The drive starts one with
/// [`Disk::start`], which returns at once, and hears of its end through the
/// request's own [`Completion`], never before `start` has returned.
pub trait Disk {
    /// What is in the drive now; `None` for a removable one without a medium.
    fn medium(&self) -> Option<Medium>;

    /// Starts a request.
    fn start(&self, request: Request, done: Completion);
}

/// What is in a drive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Medium {
    /// Its size in sectors of 512 bytes.
    pub sectors: u64,
    /// Whether it can't be written.
    pub read_only: bool,
    /// Whether [`Request::Discard`] does anything.
    pub discard: bool,
    /// Counts the media that were in this drive: another number is another
    /// medium.
    pub generation: u32,
}

/// What a disk can be asked. Sectors have 512 bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// Read `count` sectors from `sector` on.
    Read {
        /// The first.
        sector: u64,
        /// How many.
        count: u32,
    },
    /// Write whole sectors from `sector` on.
    Write {
        /// The first.
        sector: u64,
        /// What to write.
        data: Vec<u8>,
    },
    /// Bring everything that was acknowledged to stable storage.
    Flush,
    /// These sectors' content is not needed any more.
    Discard {
        /// The first.
        sector: u64,
        /// How many.
        count: u64,
    },
}

/// Told once, when a request has ended: with the data read, or with none.
pub type Completion = Box<dyn FnOnce(Result<Vec<u8>, DiskError>)>;

/// Why a request failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskError {
    /// The device reports an error, or is gone.
    Failed,
    /// Not inside the medium.
    OutOfRange,
    /// The medium can't be written.
    ReadOnly,
    /// There is no medium, or not the one that the request was for.
    NoMedium,
}

/// The far end of a serial line.
pub trait Serial {
    /// Takes a byte. `false`: it can't take any now and will call for more
    /// through the chip.
    fn send(&self, byte: u8) -> bool;

    /// The chip has room again, after it was asked for some and had none.
    fn has_room(&self) {}
}
