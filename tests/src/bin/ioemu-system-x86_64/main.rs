//! `ioemu-system-x86_64`: the machine of `ioemu-stub` for clients of QEMU's
//! qtest protocol. Point `QTEST_QEMU_BINARY` at it.
//!
//! It prints nothing to standard output, which is the client's, and a SIGTERM
//! is how a client says that all is well: it ends with 0.
#![forbid(unsafe_code)]

use harness::qtest::options::Options;
use harness::qtest::server;
use std::process::{ExitCode, exit};

fn main() -> ExitCode {
    // Whatever was acknowledged is in the files already.
    if let Err(error) = ctrlc::set_handler(|| exit(0)) {
        eprintln!("ioemu-system-x86_64: {error}");
    }
    let result = Options::parse(std::env::args().skip(1)).and_then(server::run);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ioemu-system-x86_64: {error:#}");
            ExitCode::FAILURE
        }
    }
}
