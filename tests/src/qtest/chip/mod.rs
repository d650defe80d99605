//! The chips that the machine has only here.
//!
//! Under Xen the hypervisor itself is the clock, the timer and the interrupt
//! controllers. A client of the qtest protocol expects them, and tests of the
//! interrupts of our chips need them, so the harness has its own. They are
//! plain and exact rather than fast, and no part of `ioemu-stub`.

mod acpi;
pub mod fw_cfg;
mod pic;
mod pit;
mod rtc;
mod testdev;

pub use acpi::AcpiTimer;
pub use fw_cfg::FwCfg;
pub use pic::{ElcrPorts, Pics};
pub use pit::Pit;
pub use rtc::Rtc;
pub use testdev::TestDevice;

use ioemu_stub::bus::Width;

/// A chip that acts by itself at some moment.
pub trait Timed {
    /// When, in nanoseconds of the virtual clock.
    fn deadline(&self) -> Option<u64>;

    /// Some chip's moment has come, perhaps this one's. Its next is later.
    fn expire(&mut self, now_ns: u64);
}

/// A read of several byte-wide registers at once.
fn read_bytes(offset: u64, width: Width, mut byte: impl FnMut(u64) -> u8) -> u64 {
    (0..width.bytes() as u64).fold(0, |value, i| {
        value | u64::from(byte(offset.wrapping_add(i))) << (8 * i)
    })
}

/// A write of several byte-wide registers at once.
fn write_bytes(offset: u64, width: Width, value: u64, mut byte: impl FnMut(u64, u8)) {
    for (i, value) in value.to_le_bytes().iter().take(width.bytes()).enumerate() {
        byte(offset.wrapping_add(i as u64), *value);
    }
}
