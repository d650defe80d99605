//! The machine of `ioemu-stub` behind QEMU's qtest protocol and QMP.
//!
//! The program `ioemu-system-x86_64` puts the chips that serve a guest under
//! Xen on a board of its own ([`board`]): files are their disks ([`disk`]), the
//! clock stands still until it is told to move ([`clock`]), and what Xen
//! emulates itself is there, too ([`chip`]). A client then plays the processor,
//! one port or memory access at a time ([`protocol`]), and the toolstack
//! ([`qmp`]). Our own register-level tests are such clients ([`client`]), and so
//! is any test that was written for QEMU.

pub mod board;
pub mod chip;
pub mod client;
pub mod clock;
pub mod date;
pub mod disk;
pub mod interrupts;
pub mod memory;
pub mod options;
pub mod protocol;
pub mod qmp;
pub mod server;
