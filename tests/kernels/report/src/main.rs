//! Says what it sees, sleeps a little, then gives back each key it gets, until
//! it is asked to end.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::convert::Infallible;
use core::time::Duration;
use minios::boot::{Environment, start_info};
use minios::{Shutdown, console, println, time};

minios::main!(run);

async fn run(environment: Environment) -> Result<Shutdown, Infallible> {
    println!("REPORT arguments {:?}", environment.arguments);
    println!("REPORT pages {}", start_info().nr_pages);
    println!("REPORT clock {} s", time::wall_clock().as_secs());
    if let Some(ramdisk) = &environment.ramdisk {
        println!("REPORT ramdisk {} bytes", ramdisk.len());
    }
    match environment.store.read("name").await {
        Ok(name) => println!("REPORT name {name}"),
        Err(error) => println!("REPORT no name: {error}"),
    }
    let before = time::now_ns();
    time::sleep(Duration::from_millis(250)).await;
    let slept = (time::now_ns() - before) / 1_000_000;
    println!(
        "REPORT slept {}",
        if (250..10_000).contains(&slept) {
            "well"
        } else {
            "badly"
        }
    );
    println!("REPORT done");
    let mut keys = [0; 64];
    loop {
        let read = console::read(&mut keys).await;
        for key in keys.iter().take(read) {
            println!("REPORT key {key:#04x}");
            if *key == b'q' {
                return Ok(Shutdown::PowerOff);
            }
        }
    }
}
