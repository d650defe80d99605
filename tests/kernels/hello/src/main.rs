//! The smallest unikernel: says where it is, echoes a line, and does what the
//! toolstack asks of it. `panic`, `trap` and `overflow` on the command line
//! show the three kinds of crash report; `fill` uses all memory there is; a
//! typed `F` makes it talk faster than anybody reads.
#![no_std]
#![no_main]
extern crate alloc;

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use minios::boot::Environment;
use minios::mm::{PAGE_SIZE, PageBuf};
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
            "panic" => panics(),
            "trap" => traps(),
            "overflow" => println!("{}", overflow(0)),
            "fill" => fill(),
            "exit" => return Ok(Shutdown::PowerOff),
            _ => {}
        }
    }
    println!("SUCCESS");
    let mut line = [0; 64];
    loop {
        let read = console::read(&mut line).await;
        println!("read {:?}", line[..read].escape_ascii().to_string());
        if line.contains(&b'F') {
            for number in 0..10_000 {
                println!("flood {number:05} {}", "=".repeat(30));
            }
            line.fill(0);
        }
    }
}

/// Take all memory, write every page, read every page, and give it back.
fn fill() {
    let free = mm::free_pages();
    let (mut size, mut buffers) = (free, Vec::new());
    while size > 0 {
        match PageBuf::new(size * PAGE_SIZE) {
            Ok(buffer) => buffers.push(buffer),
            Err(_) => size /= 2,
        }
    }
    let word = |buffer: usize, page: usize| ((buffer << 32) | page).to_le_bytes();
    for (number, buffer) in buffers.iter_mut().enumerate() {
        for (page, bytes) in buffer.chunks_mut(PAGE_SIZE).enumerate() {
            bytes[..8].copy_from_slice(&word(number, page));
        }
    }
    let pages: usize = buffers.iter().map(PageBuf::pages).sum();
    let good = buffers.iter().enumerate().all(|(number, buffer)| {
        let mut pages = buffer.chunks(PAGE_SIZE).enumerate();
        pages.all(|(page, bytes)| bytes[..8] == word(number, page))
    });
    let left = mm::free_pages();
    drop(buffers);
    println!(
        "filled {pages} of {free} pages, left {left}, good {good}, back {}",
        mm::free_pages()
    );
}

// Never inlined: the crash report must name them.
#[inline(never)]
fn panics() {
    panic!("asked to")
}

#[inline(never)]
fn traps() {
    minios::arch::x86_64::traps::breakpoint();
    println!("never said");
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
