//! A client of a vchan: connects to the server in dom0 whose path its command
//! line names, and gives back every byte until the server goes.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::convert::Infallible;
use core::time::Duration;

use minios::boot::Environment;
use minios::vchan::Client;
use minios::{Shutdown, println, time};

minios::main!(run);

async fn run(environment: Environment) -> Result<Shutdown, Infallible> {
    let Some(path) = environment.arguments.first() else {
        println!("VCHAN no path");
        return Ok(Shutdown::PowerOff);
    };
    let mut client = loop {
        match Client::open(&environment.store, path, 0).await {
            Ok(client) => break client,
            Err(error) => println!("VCHAN {error}"),
        }
        time::sleep(Duration::from_millis(200)).await;
    };
    println!("VCHAN connected");
    let (mut some, mut total) = ([0; 3000], 0);
    let ended = loop {
        let read = match client.read(&mut some).await {
            Ok(read) => read,
            Err(ended) => break ended,
        };
        total += read;
        if let Err(ended) = client.write(&some[..read]).await {
            break ended;
        }
    };
    println!("VCHAN {total} bytes, then {ended}");
    client.close();
    Ok(Shutdown::PowerOff)
}
