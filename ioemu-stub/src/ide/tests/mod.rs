//! The controller from outside: ports, memory, interrupts.
//!
//! Numbers here are those of ATA/ATAPI-6, SFF-8038i and MMC-4, written out once
//! more: a wrong one in the chip must not be right here, too.

mod ata;
mod atapi;
mod bench;
mod dma;
mod guests;
mod pci;
mod regressions;
mod socket;
