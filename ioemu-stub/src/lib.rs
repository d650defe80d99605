//! The device model of an HVM guest, in a domain of its own.
//!
//! Xen emulates the parts of a PC that need speed (interrupt controllers,
//! timers, the clock); every other port and every other piece of device
//! memory that the guest touches becomes a request to this domain, which
//! answers as the chip would.
//!
//! Read in this order: [`surroundings`] (what a machine stands on), [`bus`]
//! (how an access finds its chip), [`machine`] (the list of chips), and then any
//! chip. Nothing of that knows Xen: the same machine runs under Xen, where
//! `xen` connects it to the guest, and on a host behind the qtest protocol.
#![cfg_attr(feature = "bare", no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod arguments;
pub mod bus;
pub mod chip;
pub mod classic;
pub mod contract;
pub mod display;
pub mod ide;
pub mod input;
pub mod machine;
pub mod qmp;
pub mod rompack;
pub mod surroundings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod vga;
pub mod xen;
