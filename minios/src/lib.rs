//! A minimal PV kernel library for Xen.
//!
//! A unikernel is a `no_std`, `no_main` binary with an async `main`:
//!
//! ```ignore
//! minios::main!(run);
//! async fn run(environment: minios::boot::Environment) -> Result<Shutdown, Error> { … }
//! ```
//!
//! Read in this order: [`boot`] (what happens before `main`), [`executor`]
//! (the loop that everything runs in), [`mm`], [`shared`] (the door to memory
//! that others write), then [`event`], [`grant`], [`xenstore`] and the
//! frontends on top of them.
//!
//! Without the feature `bare` the same code is a `std` library over a toy Xen
//! (`arch/host.rs`), for `cargo test`. `unsafe` is confined to `arch`,
//! `hypercall`, `mm`, `shared`, and the hand-over in `boot` and `panic`.
#![cfg_attr(feature = "bare", no_std)]
#![deny(unsafe_code)]
// The toy Xen has no boot that would call them.
#![cfg_attr(not(feature = "bare"), allow(dead_code))]
extern crate alloc;

#[allow(unsafe_code)]
pub mod arch;
#[cfg(feature = "bare")]
#[allow(unsafe_code)]
pub mod boot;
pub mod cmdline;
pub mod console;
pub mod event;
pub mod executor;
pub mod frontend;
pub mod grant;
pub mod guest;
#[allow(unsafe_code)]
pub mod hypercall;
mod local;
pub mod log;
#[allow(unsafe_code)]
pub mod mm;
#[cfg(feature = "bare")]
#[allow(unsafe_code)]
mod panic;
#[allow(unsafe_code)]
pub mod shared;
pub mod shutdown;
pub mod signal;
#[cfg(any(feature = "bare", test))]
mod symbols;
#[cfg(test)]
mod tests;
pub mod time;
pub mod vchan;
mod waiters;
pub mod xenbus;
pub mod xenstore;

pub use hypercall::Shutdown;
