//! Crashes in the way that a key asks for; each must leave a report that a
//! person can read.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::convert::Infallible;
use core::hint::black_box;
use minios::boot::Environment;
use minios::{Shutdown, console, println};

minios::main!(run);

async fn run(_environment: Environment) -> Result<Shutdown, Infallible> {
    println!("CRASH p: panic, s: stack overflow");
    let mut key = [0; 1];
    loop {
        console::read(&mut key).await;
        match key {
            [b'p'] => by_panic(black_box(7)),
            [b's'] => println!("{}", by_recursion(black_box(1))),
            _ => println!("CRASH p or s"),
        }
    }
}

#[inline(never)]
fn by_panic(number: u32) {
    panic!("asked to, with number {number}");
}

#[inline(never)]
#[allow(unconditional_recursion)]
fn by_recursion(depth: u64) -> u64 {
    let page = black_box([depth; 512]);
    by_recursion(depth + 1).wrapping_add(page.iter().sum())
}
