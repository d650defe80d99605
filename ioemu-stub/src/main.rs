//! The ioemu stub domain: the unikernel around the library.
#![no_std]
#![no_main]

use ioemu_stub::xen::stub::{self, StubError};
use minios::Shutdown;
use minios::boot::Environment;

minios::main!(run);

async fn run(environment: Environment) -> Result<Shutdown, StubError> {
    match stub::run(environment.store).await? {}
}
