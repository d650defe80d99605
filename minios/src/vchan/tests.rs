//! The server over the toy Xen, against the client and against hostile ones.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use xen_proto::mock::blkback::Domain;
use xen_proto::mock::store::Xenstored;
use xen_proto::ring::Memory;

use super::*;
use crate::arch::host::{OtherDomain, connect_store, mapped_grants};
use crate::executor::{block_on, join::join, spawn};
use crate::grant;
use crate::time::{sleep, timeout};

const PATH: &str = "/local/domain/5/device-model/4/qmp-vchan";

struct Lab {
    daemon: Xenstored,
    server: Server,
}

fn lab() -> Lab {
    let daemon = Xenstored::new(5);
    let store = connect_store(&daemon);
    let server = block_on(Server::open(&store, PATH, 0)).unwrap();
    Lab { daemon, server }
}

impl Lab {
    fn number(&self, node: &str) -> u32 {
        let text = self.daemon.get(&format!("{PATH}/{node}"));
        text.expect("published").parse().unwrap()
    }
}

/// What a program in dom0 does to connect.
struct Dialler {
    reference: u32,
    port: u32,
}

impl Dialler {
    fn new(lab: &Lab) -> Dialler {
        Dialler {
            reference: lab.number("ring-ref"),
            port: lab.number("event-channel"),
        }
    }

    fn page(&self) -> Page {
        OtherDomain.map(self.reference, true).expect("granted")
    }

    fn connect(&self) -> Client {
        let port = Port::bind_interdomain(0, self.port).expect("unbound again");
        Client::attach(self.page(), port).unwrap()
    }

    fn hang_up(&self, client: Client) {
        client.close();
        OtherDomain.unmap(self.reference);
    }
}

/// Greets every client, then answers each line in capitals; for ever.
async fn shouting(mut server: Server, seen: Rc<RefCell<Vec<Ended>>>) {
    loop {
        server.accept().await;
        let ended: Result<(), Ended> = async {
            server.write(b"hello\n").await?;
            let mut some = [0; 100];
            loop {
                let n = server.read(&mut some).await?;
                some[..n].make_ascii_uppercase();
                server.write(&some[..n]).await?;
            }
        }
        .await;
        seen.borrow_mut().extend(ended.err());
    }
}

async fn line(client: &mut Client) -> String {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        client.read(&mut byte).await.unwrap();
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

#[test]
fn the_store_says_where_it_is_and_closing_takes_it_back() {
    let lab = lab();
    assert_eq!(grant::in_use(), 1, "one page, one grant");
    let dialler = Dialler::new(&lab);
    let mut client = dialler.connect();
    let (daemon, mut server) = (lab.daemon, lab.server);
    block_on(server.accept());
    block_on(server.write(b"last words")).unwrap();
    block_on(server.close()).unwrap();
    assert_eq!(daemon.get(&format!("{PATH}/ring-ref")), None);
    let mut some = [0; 32];
    assert_eq!(block_on(client.read(&mut some)), Ok(10));
    assert_eq!(block_on(client.read(&mut some)), Err(Ended::Gone));
    assert_eq!(block_on(client.write(b"?")), Err(Ended::Gone));
    dialler.hang_up(client);
    assert_eq!(mapped_grants(), 0);
}

#[test]
fn each_client_is_greeted_and_heard() {
    let lab = lab();
    let dialler = Dialler::new(&lab);
    let seen = Rc::new(RefCell::new(Vec::new()));
    spawn(shouting(lab.server, seen.clone()));
    for round in 0..100 {
        let mut client = dialler.connect();
        block_on(async {
            assert_eq!(line(&mut client).await, "hello\n");
            client.write(b"a question\n").await.unwrap();
            assert_eq!(line(&mut client).await, "A QUESTION\n");
        });
        dialler.hang_up(client);
        if round % 2 == 0 {
            // Else the next one comes before the server has looked.
            block_on(sleep(Duration::from_millis(1)));
        }
    }
    block_on(sleep(Duration::from_millis(1)));
    assert_eq!(*seen.borrow(), [Ended::Gone; 100]);
    assert_eq!(mapped_grants(), 0);
}

#[test]
fn one_that_hangs_up_in_the_middle_leaves_nothing_to_the_next() {
    let lab = lab();
    let dialler = Dialler::new(&lab);
    spawn(shouting(lab.server, Rc::default()));
    for wait in [false, true, false, false, true] {
        let mut client = dialler.connect();
        block_on(async {
            assert_eq!(line(&mut client).await, "hello\n");
            client.write(b"half a quest").await.unwrap();
            if wait {
                sleep(Duration::from_millis(1)).await;
            }
        });
        dialler.hang_up(client);
    }
}

#[test]
fn much_text_flows_both_ways_at_once() {
    let mut lab = lab();
    let mut client = Dialler::new(&lab).connect();
    let text: Vec<u8> = (0..100_000u32).map(|at| (at % 253) as u8).collect();
    let sent = text.clone();
    let echo = async move {
        lab.server.accept().await;
        let mut all = Vec::new();
        let mut some = [0; 5000];
        while all.len() < 100_000 {
            let n = lab.server.read(&mut some).await.unwrap();
            all.extend_from_slice(&some[..n]);
        }
        lab.server.write(&all).await.unwrap();
    };
    let ask = async move {
        client.write(&sent).await.unwrap();
        let mut all = Vec::new();
        let mut some = [0; 333];
        while all.len() < 100_000 {
            let n = client.read(&mut some).await.unwrap();
            all.extend_from_slice(&some[..n]);
        }
        all
    };
    let (_, all) = block_on(join(echo, ask));
    assert!(all == text);
}

#[test]
fn with_nobody_there_the_server_sleeps() {
    let mut lab = lab();
    let waited = block_on(timeout(Duration::from_secs(3600), lab.server.accept()));
    assert!(waited.is_err());
    let mut client = Dialler::new(&lab).connect();
    block_on(lab.server.accept());
    let mut some = [0; 8];
    let idle = timeout(Duration::from_secs(3600), lab.server.read(&mut some));
    assert!(block_on(idle).is_err());
    block_on(client.write(b"now")).unwrap();
    assert_eq!(block_on(lab.server.read(&mut some)), Ok(3));
}

#[test]
fn a_client_that_never_reads_blocks_its_own_conversation_only() {
    let lab = lab();
    let dialler = Dialler::new(&lab);
    let seen = Rc::new(RefCell::new(Vec::new()));
    spawn(shouting(lab.server, seen.clone()));
    let mut lazy = dialler.connect();
    block_on(async {
        let flood = timeout(Duration::from_secs(1), lazy.write(&[b'x'; 10_000]));
        assert!(flood.await.is_err(), "the server does not hoard");
    });
    dialler.hang_up(lazy);
    let mut next = dialler.connect();
    assert_eq!(block_on(line(&mut next)), "hello\n");
}

#[test]
fn a_client_that_writes_nonsense_ends_its_own_conversation_only() {
    for (at, value) in [(4, 5000), (4, u32::MAX), (8, 77), (8, 0x8000_0000)] {
        let lab = lab();
        let dialler = Dialler::new(&lab);
        let seen = Rc::new(RefCell::new(Vec::new()));
        spawn(shouting(lab.server, seen.clone()));
        let mut mad = dialler.connect();
        assert_eq!(block_on(line(&mut mad)), "hello\n");
        block_on(mad.write(b"x")).unwrap();
        dialler.page().store(at, value);
        block_on(sleep(Duration::from_millis(1)));
        assert!(matches!(seen.borrow()[..], [Ended::Broken(_)]), "{at}");
        dialler.hang_up(mad);
        let mut next = dialler.connect();
        assert_eq!(block_on(line(&mut next)), "hello\n");
    }
}

#[test]
fn a_client_finds_its_server_in_the_store_and_leaves_nothing_mapped() {
    let Lab { daemon, server } = lab();
    spawn(shouting(server, Rc::default()));
    let store = connect_store(&daemon);
    for _ in 0..3 {
        let mut client = block_on(Client::open(&store, PATH, 0)).unwrap();
        let answer = block_on(async {
            assert_eq!(line(&mut client).await, "hello\n");
            client.write(b"is this page mapped?\n").await.unwrap();
            line(&mut client).await
        });
        assert_eq!(answer, "IS THIS PAGE MAPPED?\n");
        assert_eq!(mapped_grants(), 1);
        client.close();
        assert_eq!(mapped_grants(), 0);
    }
}

#[test]
fn a_client_names_what_keeps_it_from_its_server() {
    let Lab { daemon, server } = lab();
    let store = connect_store(&daemon);
    let refused = |path: &str| match block_on(Client::open(&store, path, 0)) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{path}: connected"),
    };
    let nobody = refused("/local/domain/5/nobody");
    assert!(nobody.contains("ENOENT"), "{nobody}");
    let set = |node: &str, value: &str| daemon.set(&format!("{PATH}/{node}"), value);
    let port = server.port.number().to_string();
    set("event-channel", "0x12 or so");
    assert_eq!(refused(PATH), "vchan: event-channel is no number");
    set("event-channel", &port);
    set("ring-ref", "500");
    assert!(
        refused(PATH).contains("can't be mapped"),
        "{}",
        refused(PATH)
    );
    assert_eq!(mapped_grants(), 0);
}
