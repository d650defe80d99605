//! The smallest unikernel: says where it is, echoes a line, and does what the
//! toolstack asks of it. `panic`, `trap` and `overflow` on the command line
//! show the three kinds of crash report.
#![no_std]
#![no_main]
extern crate alloc;

use alloc::format;
use alloc::string::ToString;
use core::time::Duration;

use minios::boot::Environment;
use minios::{Shutdown, console, mm, println, time, xenstore};

minios::main!(run);

async fn run(environment: Environment) -> Result<Shutdown, xenstore::Error> {
    let store = &environment.store;
    let name = store.read("name").await?;
    let domid = store.read("domid").await?;
    println!(
        "hello from {name}, domain {domid}, with {} free pages",
        mm::free_pages()
    );
    println!("arguments {:?}", environment.arguments);
    println!(
        "ramdisk {:?} bytes",
        environment.ramdisk.as_ref().map(|ramdisk| ramdisk.len())
    );
    println!("the wall clock says {} s", time::wall_clock().as_secs());
    let before = time::now_ns();
    time::sleep(Duration::from_millis(20)).await;
    println!("slept {} ms", (time::now_ns() - before) / 1_000_000);
    let devices = store.directory("device").await?;
    println!("devices {devices:?}");
    store.write("data/hello", &format!("from {domid}")).await?;
    for word in &environment.arguments {
        match word.as_str() {
            "panic" => panic!("asked to"),
            "trap" => minios::arch::x86_64::traps::breakpoint(),
            "overflow" => println!("{}", overflow(0)),
            "exit" => return Ok(Shutdown::PowerOff),
            _ => {}
        }
    }
    println!("SUCCESS");
    let mut line = [0; 64];
    loop {
        let read = console::read(&mut line).await;
        println!("read {:?}", line[..read].escape_ascii().to_string());
    }
}

#[inline(never)]
fn overflow(depth: u64) -> u64 {
    let frame = core::hint::black_box([depth; 64]);
    if core::hint::black_box(true) {
        overflow(depth + 1) + frame[5]
    } else {
        0
    }
}
