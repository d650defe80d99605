//! The client against a whole mock xenstored, over a ring.

use super::client::{self, Attempts, Client, Tx};
use super::listing::{Listing, Step};
use super::{Errno, Error};
use crate::mock::Page;
use crate::mock::store::{Connection, Quirks, Xenstored};
use crate::ring::{ByteReader, ByteWriter, Memory, XENSTORE_REQ, XENSTORE_RSP};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use xen_sys::io::xs_wire::XSD_ERRORS;

struct Guest {
    page: Page,
    client: Client,
    writer: ByteWriter,
    reader: ByteReader,
    store: Xenstored,
    server: Connection<Page>,
}

impl Guest {
    fn new() -> Self {
        let page = Page::new(4096);
        Self {
            client: Client::new(),
            writer: ByteWriter::attach(XENSTORE_REQ, &page),
            reader: ByteReader::attach(XENSTORE_RSP, &page),
            store: Xenstored::new(3),
            server: Connection::new(page.clone()),
            page,
        }
    }

    /// Moves bytes until nothing moves any more.
    fn settle(&mut self) -> Result<(), Error> {
        loop {
            let sent = self
                .writer
                .write(&self.page, self.client.outgoing())
                .unwrap();
            self.client.sent(sent);
            let served = self.store.serve(&mut self.server).unwrap();
            let mut some = [0; 100];
            let n = self.reader.read(&self.page, &mut some).unwrap();
            self.client.receive(&some[..n])?;
            if sent == 0 && !served && n == 0 {
                return Ok(());
            }
        }
    }

    fn ask(
        &mut self,
        f: impl FnOnce(&mut Client) -> Result<client::Ticket, Error>,
    ) -> Result<Vec<u8>, Error> {
        let ticket = f(&mut self.client)?;
        self.settle()?;
        self.client.take(ticket).expect("an answer")
    }

    fn read(&mut self, path: &str) -> Result<String, Error> {
        let answer = self.ask(|c| c.read(Tx::NONE, path))?;
        client::string(&answer).map(String::from)
    }

    fn write(&mut self, tx: Tx, path: &str, value: &str) -> Result<(), Error> {
        client::ok(&self.ask(|c| c.write(tx, path, value.as_bytes()))?)
    }

    fn list(&mut self, path: &str) -> Result<Vec<String>, Error> {
        let mut listing = Listing::new(path);
        loop {
            let answer = self.ask(|c| c.list(Tx::NONE, &listing));
            if let Step::Done(names) = listing.answer(answer)? {
                return Ok(names);
            }
        }
    }
}

#[test]
fn nodes() {
    let mut g = Guest::new();
    g.write(Tx::NONE, "a/b", "value").unwrap();
    assert_eq!(g.store.get("/local/domain/3/a/b").as_deref(), Some("value"));
    assert_eq!(g.read("/local/domain/3/a/b").as_deref(), Ok("value"));
    assert_eq!(g.read("a").as_deref(), Ok(""));
    assert_eq!(g.read("none"), Err(Error::Server(Errno::ENOENT)));
    client::ok(&g.ask(|c| c.mkdir(Tx::NONE, "a/c")).unwrap()).unwrap();
    assert_eq!(g.list("a").unwrap(), ["b", "c"]);
    client::ok(&g.ask(|c| c.rm(Tx::NONE, "a/b")).unwrap()).unwrap();
    assert_eq!(g.list("a").unwrap(), ["c"]);
    assert_eq!(
        g.ask(|c| c.domain_path(7)),
        Ok(b"/local/domain/7\0".to_vec())
    );
    assert_eq!(
        client::perms(&g.ask(|c| c.get_perms(Tx::NONE, "a")).unwrap()).unwrap(),
        ["n0"]
    );
    // The largest value that fits, both ways.
    let big: String = "x".repeat(4096 - 4);
    g.write(Tx::NONE, "big", &big).unwrap();
    assert_eq!(g.read("big"), Ok(big));
}

#[test]
fn long_listings() {
    let mut g = Guest::new();
    for i in 0..2000 {
        g.store.set(&format!("many/node-{i:04}"), "");
    }
    let names = g.list("many").unwrap();
    assert_eq!(
        (names.len(), &*names[0], &*names[1999]),
        (2000, "node-0000", "node-1999")
    );
    g.store.quirks(Quirks {
        restless_listings: 3,
        ..Quirks::default()
    });
    assert_eq!(
        g.list("many").unwrap().len(),
        2003,
        "those that came meanwhile too"
    );
    g.store.quirks(Quirks {
        restless_listings: 1000,
        ..Quirks::default()
    });
    assert!(matches!(g.list("many"), Err(Error::Conflict { .. })));
    g.store.quirks(Quirks {
        no_directory_part: true,
        ..Quirks::default()
    });
    assert_eq!(g.list("many"), Err(Error::Server(Errno::E2BIG)));
    g.store.set("few/one", "");
    assert_eq!(g.list("few").unwrap(), ["one"]);
}

#[test]
fn transactions_are_tried_again() {
    let mut g = Guest::new();
    g.store.quirks(Quirks {
        conflicts: 5,
        ..Quirks::default()
    });
    let mut attempts = Attempts::default();
    let mut rounds = 0;
    loop {
        rounds += 1;
        let tx = client::transaction(&g.ask(Client::start).unwrap()).unwrap();
        g.write(tx, "a", "1").unwrap();
        assert_eq!(g.store.get("a"), None, "not seen outside");
        let end = g.ask(|c| c.end(tx, true)).and_then(|a| client::ok(&a));
        if attempts.ended(end).unwrap() {
            break;
        }
    }
    assert_eq!((rounds, g.store.get("a").as_deref()), (6, Some("1")));
    // Dropped: no effect.
    let tx = client::transaction(&g.ask(Client::start).unwrap()).unwrap();
    g.write(tx, "a", "2").unwrap();
    client::ok(&g.ask(|c| c.end(tx, false)).unwrap()).unwrap();
    assert_eq!(g.store.get("a").as_deref(), Some("1"));
    // Somebody else was faster.
    let tx = client::transaction(&g.ask(Client::start).unwrap()).unwrap();
    g.store.set("a", "3");
    assert_eq!(
        g.ask(|c| c.end(tx, true)),
        Err(Error::Server(Errno::EAGAIN))
    );
    assert_eq!(
        g.ask(|c| c.end(tx, true)),
        Err(Error::Server(Errno::ENOENT)),
        "it is gone"
    );
}

#[test]
fn watches_fire() {
    let mut g = Guest::new();
    let (ticket, watch) = g.client.watch("/local/domain/0/backend/vbd").unwrap();
    let (_, own) = g.client.watch("device").unwrap();
    g.settle().unwrap();
    assert_eq!(g.client.take(ticket), Some(Ok(b"OK\0".to_vec())));
    assert_eq!(
        g.client.take_event(watch).as_deref(),
        Some("/local/domain/0/backend/vbd")
    );
    assert_eq!(g.client.take_event(own).as_deref(), Some("device"));
    g.store.set("/local/domain/0/backend/vbd/1/state", "4");
    g.store.set("/local/domain/0/backend/vif", "");
    g.write(Tx::NONE, "device/x", "1").unwrap();
    assert_eq!(
        g.client.take_event(watch).as_deref(),
        Some("/local/domain/0/backend/vbd/1/state")
    );
    assert_eq!(
        (
            g.client.take_event(watch),
            g.client.take_event(own).as_deref()
        ),
        (None, Some("device/x"))
    );
    g.store.remove("/local/domain/0");
    g.settle().unwrap();
    assert_eq!(
        g.client.take_event(watch).as_deref(),
        Some("/local/domain/0/backend/vbd")
    );
    let ticket = g.client.unwatch(watch).unwrap().unwrap();
    g.settle().unwrap();
    assert_eq!(
        (g.client.take(ticket), g.store.watches()),
        (Some(Ok(b"OK\0".to_vec())), 1)
    );
    client::ok(&g.ask(Client::reset_watches).unwrap()).unwrap();
    assert_eq!(g.store.watches(), 0);
    assert_eq!(g.client.oddities, client::Oddities::default());
}

#[test]
fn a_strange_server() {
    let mut g = Guest::new();
    g.store.quirks(Quirks {
        backwards: true,
        unasked: true,
        ..Quirks::default()
    });
    g.store.set("a", "A");
    g.store.set("b", "B");
    let a = g.client.read(Tx::NONE, "a").unwrap();
    let b = g.client.read(Tx::NONE, "b").unwrap();
    g.settle().unwrap();
    assert_eq!(g.client.take(a), Some(Ok(b"A".to_vec())));
    assert_eq!(g.client.take(b), Some(Ok(b"B".to_vec())));
    assert_eq!(
        (
            g.client.oddities.unknown_ids,
            g.client.oddities.unknown_tokens
        ),
        (2, 2)
    );
    g.store.quirks(Quirks {
        too_long: true,
        ..Quirks::default()
    });
    let c = g.client.read(Tx::NONE, "a").unwrap();
    assert!(matches!(g.settle(), Err(Error::Lost(_))));
    assert!(matches!(g.client.take(c), Some(Err(Error::Lost(_)))));
}

#[test]
fn any_bytes_at_all() {
    // A small generator; the fuzz target goes further.
    let mut seed = 1u64;
    let mut random = move || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as u32
    };
    for _ in 0..200 {
        let mut client = Client::new();
        let tickets: Vec<_> = (0..4)
            .map(|_| client.read(Tx::NONE, "a").unwrap())
            .collect();
        let _ = client.watch("b").unwrap();
        for _ in 0..50 {
            let len = random() % 40;
            let header = [random() % 24, random() % 8, 0, len];
            let mut bytes: Vec<u8> = header.iter().flat_map(|n| n.to_le_bytes()).collect();
            bytes.extend((0..len).map(|_| b"aw1\0\xff"[random() as usize % 5]));
            client.receive(&bytes).unwrap();
        }
        tickets.into_iter().for_each(|t| drop(client.take(t)));
        let garbage: Vec<u8> = (0..64).map(|_| random() as u8).collect();
        let _ = client.receive(&garbage);
    }
}

#[test]
fn the_server_survives_a_mad_guest() {
    let page = Page::new(4096);
    let store = Xenstored::new(1);
    let mut c = Connection::new(page.clone());
    page.store(XENSTORE_REQ.prod, 5000);
    assert!(store.serve(&mut c).is_err());
}

#[test]
fn every_error_of_the_header_has_its_name() {
    for (_, name) in XSD_ERRORS {
        let e = Errno::from_name(name);
        assert!(!matches!(e, Errno::Other(_)), "{name}");
        assert_eq!(e.name(), name);
    }
    assert_eq!(Errno::from_name("EWHAT"), Errno::Other("EWHAT".into()));
}
