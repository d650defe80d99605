//! The PIIX3's IDE controller, with four drives.
//!
//! ```text
//!   controller ── two channels ── two drives each: engine (the protocol)
//!       │             │                             ├── ata    (disks)
//!   completions    bus master                       └── atapi  (CD, DVD)
//! ```
//!
//! Read [`registers`] (what the host sees), then `engine` (how data moves), then
//! the two tables of commands, `ata::COMMANDS` and `atapi::COMMANDS`.
//!
//! Nothing here waits: a drive gives its medium a [`crate::surroundings::Request`]
//! and shows BSY; the guest runs on, and the completion finds the drive again,
//! unless a reset came first. A write is acknowledged when the medium has
//! acknowledged it, a flush when all that was written is on stable storage.

mod ata;
mod atapi;
mod busmaster;
mod channel;
mod controller;
mod drive;
mod engine;
mod geometry;
mod pci;
mod readahead;
pub mod registers;
pub mod socket;
mod words;

#[cfg(test)]
mod tests;

pub use controller::{Ide, region};
pub use drive::{Drive, Identity, TrayError};
pub use geometry::{Geometry, Place};
pub use pci::IdeFunction;
