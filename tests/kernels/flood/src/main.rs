//! Writes more to the console than anybody can take at once. Not a byte may be
//! lost: the lines are numbered, and dom0's log is compared.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::convert::Infallible;
use minios::boot::Environment;
use minios::{Shutdown, println};

minios::main!(run);

async fn run(_environment: Environment) -> Result<Shutdown, Infallible> {
    for line in 0..8192 {
        println!("FLOOD {line:06} ...............................................");
    }
    println!("FLOOD done");
    Ok(Shutdown::PowerOff)
}
