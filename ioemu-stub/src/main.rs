//! The ioemu stub domain: wires the machine to its guest.
#![no_std]
#![no_main]

use minios::Shutdown;

minios::main!(run);

async fn run(_: minios::boot::Environment) -> Result<Shutdown, minios::xenstore::Error> {
    Ok(Shutdown::PowerOff)
}
