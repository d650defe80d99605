//! PV-GRUB: reads a menu from the guest's own disk and chain-boots the
//! kernel it names, from inside the guest.
#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]
extern crate alloc;

pub mod build;
pub mod command;
pub mod disk;
pub mod exchange;
pub mod fs;
pub mod image;
#[cfg(feature = "bare")]
#[allow(unsafe_code)]
pub mod jump;
#[cfg(feature = "bare")]
pub mod leave;
pub mod loader;
pub mod menu;
pub mod net;
pub mod screen;
pub mod session;
pub mod terminal;
pub mod typeahead;
pub mod vbd;
pub mod vfb;
pub mod vif;
