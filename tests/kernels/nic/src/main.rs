//! Uses the first network card: gets a lease, fetches `/blob` from the router
//! by HTTP, sends it back to the router's port 9000, and closes; then the same
//! again with port 9001, and 9002. Says what it saw, and how long it took.
//!
//! With `forever` on the command line it fetches until that fails, and says why.
#![no_std]
#![no_main]
extern crate alloc;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt::Display;
use core::net::SocketAddrV4;
use core::time::Duration;

use minios::boot::Environment;
use minios::executor::spawn;
use minios::xenstore::Store;
use minios::{Shutdown, grant, mm, println, time};
use netfront::stack::{Buffers, Ipv4Address, Stack};
use netfront::{Counters, Nic, Options};

minios::main!(run);

/// A failure is said as text.
type Outcome<T> = Result<T, Box<dyn Display>>;

fn failed(what: impl Display) -> Box<dyn Display> {
    Box::new(what.to_string())
}

/// Rounds of open, use and close.
const ROUNDS: u16 = 3;

async fn run(environment: Environment) -> Outcome<Shutdown> {
    let store = &environment.store;
    let is = |what: &str| environment.arguments.iter().any(|word| word == what);
    if is("forever") {
        return forever(store).await;
    }
    let bench = environment.arguments.iter().find_map(|word| {
        let (_, mib) = word.split_once("bench=")?;
        mib.parse::<usize>().ok()
    });
    if let Some(mib) = bench {
        return measured(store, mib).await;
    }
    let mut free = 0;
    for round in 0..ROUNDS {
        one(store, round).await?;
        // The heap has grown in the first rounds, and keeps what it has.
        if round + 2 == ROUNDS {
            free = mm::free_pages();
        }
    }
    let lost = free.saturating_sub(mm::free_pages());
    println!("LEFT {} grants, {lost} pages", grant::in_use());
    println!("SUCCESS");
    Ok(Shutdown::PowerOff)
}

/// The first card, with an address.
async fn open(store: &Store) -> Outcome<(Stack<Nic>, Ipv4Address)> {
    let cards = netfront::open_all(store, Options::default()).await;
    let (number, card) = cards.map_err(failed)?.swap_remove(0);
    let card = card.map_err(failed)?;
    println!("CARD {number} {:02x?} {:?}", card.mac(), card.card());
    let stack = Stack::new(card, time::now_ns());
    spawn(stack.clone().run());
    let lease = stack.dhcp(Duration::from_secs(60)).await.map_err(failed)?;
    println!("LEASE {}", lease.config.address);
    let router = lease.config.gateway;
    Ok((stack, router.ok_or("no router").map_err(failed)?))
}

async fn close(stack: Stack<Nic>) -> Outcome<Counters> {
    let card = stack.shut().ok_or("shut already").map_err(failed)?;
    let counters = card.counters();
    card.close().await;
    Ok(counters)
}

async fn one(store: &Store, round: u16) -> Outcome<()> {
    let (stack, router) = open(store).await?;
    let start = time::now_ns();
    let blob = fetch(&stack, router).await?;
    let fetched = time::now_ns();
    let there = SocketAddrV4::new(router, 9000 + round);
    let connection = stack.connect(there, buffers()).await.map_err(failed)?;
    let connected = time::now_ns();
    connection.send(&blob).await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    let sent = time::now_ns();
    println!(
        "ROUND {round} {} bytes in {} us, out {} us",
        blob.len(),
        (fetched - start) / 1000,
        (sent - connected) / 1000
    );
    drop(connection);
    if round + 1 == ROUNDS {
        println!("WAITING");
        let _ = stack.accept(7, buffers()).await.map_err(failed)?;
    }
    let counters = close(stack).await?;
    println!("COUNTERS {counters:?}");
    Ok(())
}

fn buffers() -> Buffers {
    Buffers {
        receive: 512 << 10,
        send: 256 << 10,
    }
}

/// What the router's `/blob` holds.
async fn fetch(stack: &Stack<Nic>, router: Ipv4Address) -> Outcome<Vec<u8>> {
    let there = SocketAddrV4::new(router, 80);
    let connection = stack.connect(there, buffers()).await.map_err(failed)?;
    let request = b"GET /blob HTTP/1.0\r\n\r\n";
    connection.send(request).await.map_err(failed)?;
    let mut answer = Vec::with_capacity(5 << 20);
    loop {
        let some = connection.receive(|bytes| {
            answer.extend_from_slice(bytes);
            (bytes.len(), bytes.len())
        });
        if some.await.map_err(failed)? == 0 {
            break;
        }
    }
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or_else(|| failed(format!("{} bytes and no head", answer.len())))?;
    Ok(answer.split_off(end + 4))
}

/// To be measured: fetches `/blob`, then sends `mib` MiB back. Each MARK is
/// followed by three idle seconds.
async fn measured(store: &Store, mib: usize) -> Outcome<Shutdown> {
    let (stack, router) = open(store).await?;
    let block = alloc::vec![0; 64 << 10];
    mark(0).await;
    let there = SocketAddrV4::new(router, 80);
    let connection = stack.connect(there, buffers()).await.map_err(failed)?;
    let request = b"GET /blob HTTP/1.0\r\n\r\n";
    connection.send(request).await.map_err(failed)?;
    let mut fetched = 0;
    loop {
        let some = connection.receive(|bytes| (bytes.len(), bytes.len()));
        match some.await.map_err(failed)? {
            0 => break,
            some => fetched += some,
        }
    }
    drop(connection);
    mark(1).await;
    let there = SocketAddrV4::new(router, 9000);
    let connection = stack.connect(there, buffers()).await.map_err(failed)?;
    for _ in 0..mib * 16 {
        connection.send(&block).await.map_err(failed)?;
    }
    connection.close().await.map_err(failed)?;
    drop(connection);
    mark(2).await;
    println!("FETCHED {fetched} {:?}", close(stack).await?);
    Ok(Shutdown::PowerOff)
}

async fn mark(number: u32) {
    println!("MARK {number}");
    time::sleep(Duration::from_secs(3)).await;
}

/// Fetches until there is an error; then nothing of the card may be left.
async fn forever(store: &Store) -> Outcome<Shutdown> {
    let (stack, router) = open(store).await?;
    println!("FETCHING");
    let mut fetched = 0;
    let error = loop {
        match fetch(&stack, router).await {
            Ok(_) => fetched += 1,
            Err(error) => break error,
        }
    };
    println!("STOPPED after {fetched}: {error}");
    let card = stack.shut().ok_or("shut already").map_err(failed)?;
    println!("LINK {:?}", card.link());
    card.close().await;
    println!("LEFT {} grants", grant::in_use());
    Ok(Shutdown::PowerOff)
}
