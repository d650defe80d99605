//! The lab: real Xen under QEMU, driven from tests.
//!
//! Nothing in this project counts as working until it ran under real Xen with
//! an unmodified `xl`. This crate makes that possible on any machine: it
//! fetches Debian 12's own packages ([`packages`]), builds a dom0 from them
//! ([`dom0`]), boots it in QEMU ([`qemu`]) and talks to it and to the consoles
//! of its guests ([`lab`], [`console`]). Disks for the guests are made without
//! root ([`image`]; a whole Debian: [`debian`]), and so are their initrds ([`guest`]) and what a PC boots from
//! ([`media`]). [`hvm`] has the guests that are PCs, [`vnc`]
//! looks at their screens ([`picture`]).
//!
//! The chips of `ioemu-stub` are driven without Xen, too, register by register:
//! [`qtest`].
//!
//! It sits above every other crate of the workspace; nothing depends on it.
#![forbid(unsafe_code)]

pub mod bench;
pub mod bench_fetch;
pub mod bench_hvm;
pub mod bench_net;
pub mod bench_payloads;
pub mod bootsector;
pub mod bzimage;
pub mod console;
pub mod cpio;
pub mod debian;
pub mod dom0;
pub mod elf;
pub mod guest;
pub mod hvm;
pub mod image;
pub mod installer;
pub mod lab;
pub mod media;
pub mod network;
pub mod packages;
pub mod paths;
pub mod picture;
pub mod qemu;
pub mod qtest;
pub mod vnc;
