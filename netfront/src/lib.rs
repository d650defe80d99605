//! A Xen PV network card as a [`smoltcp::phy::Device`], and what lies on it.
//!
//! ```text
//!   stack (addresses, DHCP, names, UDP, TCP) ──> Nic: smoltcp's Device ──> xen_proto::net: rings, ids, frames
//!                                                 │
//!                                                 └── minios::frontend: the handshake with netback
//! ```
//!
//! Read [`nic`] first. A backend that lies gives errors and counters
//! ([`Counters`]), never a panic, and sees nothing of this domain's memory but
//! the frames that were sent.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod nic;
pub mod stack;

pub use nic::{Counters, Events, Failure, Link, Nic, Options, list, open_all};
