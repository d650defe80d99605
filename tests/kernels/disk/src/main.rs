//! Opens every disk in each way there is, reads it whole, writes to its end,
//! and closes it; says what it saw, and how long it took.
//!
//! With `forever` on the command line it reads the first disk until that fails,
//! and says why.
//!
//! A sum is FNV-1a over the bytes, so that a test can say what it must be.
#![no_std]
#![no_main]
extern crate alloc;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use core::fmt::Display;

use minios::boot::Environment;
use minios::frontend::block::{self, Block, Options};
use minios::mm::PageBuf;
use minios::xenstore::Store;
use minios::{Shutdown, grant, mm, println, time};

minios::main!(run);

/// A failure is said as text.
type Outcome<T> = Result<T, Box<dyn Display>>;

fn failed(what: impl Display) -> Box<dyn Display> {
    Box::new(what.to_string())
}

const WAYS: [(&str, Options); 4] = {
    let o = Options {
        persistent: true,
        indirect: true,
        ring_order: 0,
        timeout: core::time::Duration::from_secs(30),
    };
    [
        ("persistent", o),
        (
            "plain",
            Options {
                persistent: false,
                ..o
            },
        ),
        (
            "eleven",
            Options {
                persistent: false,
                indirect: false,
                ..o
            },
        ),
        ("wide", Options { ring_order: 2, ..o }),
    ]
};

async fn run(environment: Environment) -> Outcome<Shutdown> {
    let store = &environment.store;
    if environment.arguments.iter().any(|word| word == "forever") {
        return forever(store).await;
    }
    let all = block::open_all(store, Options::default())
        .await
        .map_err(failed)?;
    for (number, disk) in all {
        let disk = disk.map_err(|error| failed(format!("vbd {number}: {error}")))?;
        println!("DISK {number} {:?}", disk.disk());
        disk.close().await;
    }
    for number in block::list(store).await.map_err(failed)? {
        for (way, options) in WAYS {
            let line = one(store, number, options).await;
            let line = line.map_err(|error| failed(format!("vbd {number} {way}: {error}")))?;
            println!("READ {number} {way} {line}");
        }
    }
    again_and_again(store).await?;
    println!("SUCCESS");
    Ok(Shutdown::PowerOff)
}

/// Reads until there is an error; then nothing of the disk may be left.
async fn forever(store: &Store) -> Outcome<Shutdown> {
    let first = block::list(store).await.map_err(failed)?;
    let number = *first.first().ok_or("no disk").map_err(failed)?;
    let disk = Block::open(store, number, Options::default())
        .await
        .map_err(failed)?;
    let mut buffer = vec![0; 1 << 20];
    println!("READING");
    let error = loop {
        if let Err(error) = disk.read(0, &mut buffer).await {
            break error;
        }
    };
    println!("STOPPED {error}");
    disk.close().await;
    println!("LEFT {} grants", grant::in_use());
    Ok(Shutdown::PowerOff)
}

/// Opens and closes the first disk many times: nothing may be lost by it.
async fn again_and_again(store: &Store) -> Outcome<()> {
    let first = block::list(store).await.map_err(failed)?;
    let Some(&number) = first.first() else {
        return Ok(());
    };
    let mut free = 0;
    for round in 0..30 {
        let disk = Block::open(store, number, WAYS[round % WAYS.len()].1)
            .await
            .map_err(failed)?;
        disk.read(0, &mut [0; 4096]).await.map_err(failed)?;
        disk.close().await;
        if round == 9 {
            free = mm::free_pages();
        }
    }
    let lost = free - mm::free_pages();
    println!("LEFT {} grants, {lost} pages", grant::in_use());
    Ok(())
}

async fn one(store: &Store, number: u32, options: Options) -> Outcome<String> {
    let disk = Block::open(store, number, options).await.map_err(failed)?;
    let bytes = disk.disk().bytes() as usize;
    let pages = PageBuf::new(bytes).map_err(failed)?;
    let start = time::now_ns();
    let (pages, result) = disk.read_pages(0, pages, 0, bytes).await;
    result.map_err(failed)?;
    let pages = pages.ok_or("the pages did not come back").map_err(failed)?;
    let whole = time::now_ns() - start;
    let sum = fnv(&pages);
    drop(pages);
    // The same again, copied, in steps that fit nothing.
    let mut buffer = vec![0; 999_999];
    let mut copied = FNV;
    let mut at = 0;
    let start = time::now_ns();
    while at < bytes {
        let part = &mut buffer[..999_999.min(bytes - at)];
        disk.read(at as u64, part).await.map_err(failed)?;
        copied = fnv_on(copied, part);
        at += part.len();
    }
    let steps = time::now_ns() - start;
    if copied != sum {
        return Err(failed("the two ways to read differ"));
    }
    if !disk.disk().read_only {
        write(&disk).await?;
    }
    let persistent = disk.is_persistent();
    disk.close().await;
    Ok(format!(
        "sum {sum:016x} persistent {persistent} whole {whole} ns, steps {steps} ns"
    ))
}

/// Changes the last 64 KiB, reads them back, and puts them as they were.
async fn write(disk: &Block) -> Outcome<()> {
    const LEN: usize = 65_536;
    let at = disk.disk().bytes() - LEN as u64;
    let mut before = vec![0; LEN];
    disk.read(at, &mut before).await.map_err(failed)?;
    let other: alloc::vec::Vec<u8> = before.iter().map(|byte| !byte).collect();
    disk.write(at, &other).await.map_err(failed)?;
    disk.flush().await.map_err(failed)?;
    let mut again = vec![0; LEN];
    disk.read(at, &mut again).await.map_err(failed)?;
    if again != other {
        return Err(failed("what was written is not what is read"));
    }
    disk.write(at, &before).await.map_err(failed)?;
    disk.flush().await.map_err(failed)
}

const FNV: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(bytes: &[u8]) -> u64 {
    fnv_on(FNV, bytes)
}

fn fnv_on(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}
