//! Tests of the chips, register by register, through the program
//! `ioemu-system-x86_64` and the qtest protocol. They need no Xen.
#![forbid(unsafe_code)]

mod board;
mod chips;
mod clock;
mod ide;
mod interrupts;
mod pci;

use harness::qtest::client::Client;

/// Starts the program.
fn start(words: &str) -> Client {
    Client::start(env!("CARGO_BIN_EXE_ioemu-system-x86_64"), words)
}
