//! The ioemu stub domain: the unikernel around the library.
#![no_std]
#![no_main]

use ioemu_stub::xen::stub::{self, Start, StubError};
use minios::Shutdown;
use minios::boot::Environment;

minios::main!(run);

async fn run(environment: Environment) -> Result<Shutdown, StubError> {
    // The console is the guest's log in dom0.
    minios::log::default_level(log::LevelFilter::Info);
    let start = Start {
        store: environment.store,
        command_line: &environment.command_line,
        ramdisk: environment.ramdisk.as_deref(),
    };
    match stub::run(start).await? {}
}
