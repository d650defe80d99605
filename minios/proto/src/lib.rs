//! State machines over bytes: rings, xenstore, xenbus and the device protocols.
//!
//! Nothing here acts: no hypercall, no clock, no memory of its own beyond the
//! heap. Bytes come in, bytes and decisions go out, so that the runtime, the
//! daemons in dom0 and every test run the same code. Memory that a peer can
//! write is reached through [`ring::Memory`] alone.
//!
//! [`mock`] holds the other side of each protocol, honest and hostile.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod block;
pub mod console;
pub mod fb;
pub mod kbd;
pub mod mock;
pub mod net;
pub mod ring;
pub mod time;
pub mod vchan;
pub mod xenbus;
pub mod xenstore;
