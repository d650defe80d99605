//! The chips of a PC's board, each in a file of its own.
//!
//! A chip is a plain value that answers accesses to its registers and drives
//! its lines; `machine` says which ones there are and where. What makes the
//! rest of a PC (interrupt controllers, timers, the clock) is in Xen.

pub mod cmos;
pub mod host_bridge;
pub mod hotplug;
pub mod i8042;
pub mod isa_bridge;
pub mod platform;
pub mod port92;
pub mod power_management;
pub mod rom;
pub mod shared_line;
pub mod smbus;
pub mod uart;
