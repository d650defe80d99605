//! A frontend of a new kind takes a plan and nothing else: here one with two
//! rings and two ports, against a backend that only knows the handshake.

use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use core::cell::RefCell;

use xen_proto::mock::BackendState;
use xen_proto::mock::blkback::Domain;
use xen_proto::mock::store::Xenstored;
use xen_proto::ring::Memory;
use xen_proto::xenbus::XenbusState;

use crate::arch::host::{OtherDomain, add_peer, connect_store, mapped_grants};
use crate::executor::block_on;
use crate::frontend::{self, Connection, Plan, Ring};
use crate::grant;
use crate::mm::PAGE_SIZE;
use crate::xenstore::Store;

const BACK: &str = "/local/domain/0/backend/toy/5/0";

/// Plays the backend: when it connects it writes a letter into each ring page
/// and signals both ports.
fn backend(daemon: &Xenstored) -> Rc<RefCell<BackendState>> {
    for (node, value) in [("backend", BACK), ("backend-id", "0"), ("state", "1")] {
        daemon.set(&format!("device/toy/0/{node}"), value);
    }
    daemon.set(&format!("{BACK}/state"), "1");
    daemon.set(&format!("{BACK}/feature-x"), "7");
    let state = Rc::new(RefCell::new(BackendState::new(XenbusState::Initialising)));
    let (mine, daemon) = (state.clone(), daemon.clone());
    let mut mapped = vec![];
    add_peer(Box::new(move || {
        let number = |node: &str| {
            daemon
                .get(&format!("device/toy/0/{node}"))?
                .parse::<u32>()
                .ok()
        };
        let theirs = daemon.get("device/toy/0/state");
        let mut state = mine.borrow_mut();
        let before = state.state();
        state.saw(
            theirs
                .as_deref()
                .map_or(XenbusState::Unknown, XenbusState::parse),
        );
        state.works();
        if state.state() == before {
            return false;
        }
        if state.state() == XenbusState::Connected {
            for (node, letter) in [
                ("tx-ring-ref", b'T'),
                ("rx-ring-ref0", b'R'),
                ("rx-ring-ref1", b'S'),
            ] {
                let gref = number(node).expect("published");
                OtherDomain
                    .map(gref, true)
                    .expect("granted")
                    .write(100, &[letter]);
                mapped.push(gref);
            }
            for node in ["event-channel-tx", "event-channel-rx"] {
                let port = OtherDomain
                    .bind(number(node).expect("published"))
                    .expect("allocated");
                OtherDomain.notify(port);
            }
        }
        if state.state() == XenbusState::Closed {
            mapped.drain(..).for_each(|gref| OtherDomain.unmap(gref));
        }
        daemon.set(
            &format!("{BACK}/state"),
            &state.state().number().to_string(),
        );
        true
    }));
    state
}

async fn connect(store: &Store) -> Connection {
    frontend::connect(store, "toy", 0, &["feature-x"], |backend| Plan {
        rings: vec![
            Ring {
                node: "tx-ring-ref",
                pages: 1,
            },
            Ring {
                node: "rx-ring-ref",
                pages: 2,
            },
        ],
        ports: vec!["event-channel-tx", "event-channel-rx"],
        nodes: vec![(
            "request-x",
            backend.get("feature-x").map_or(String::new(), String::from),
        )],
        reads: &["feature-x", "feature-y"],
    })
    .await
    .unwrap()
}

#[test]
fn a_plan_is_all_a_frontend_writes() {
    let daemon = Xenstored::new(5);
    let store = connect_store(&daemon);
    let state = backend(&daemon);
    for _ in 0..3 {
        let connection = block_on(connect(&store));
        assert_eq!(daemon.get("device/toy/0/request-x").as_deref(), Some("7"));
        assert_eq!(connection.features.number("feature-x"), Some(7));
        assert_eq!(connection.features.get("feature-y"), None);
        let letter = |ring: usize, at: usize| {
            let mut byte = [0];
            connection.rings[ring]
                .shared::<[u8; 2 * PAGE_SIZE]>()
                .read(at, &mut byte);
            byte[0]
        };
        assert_eq!([letter(1, 100), letter(1, PAGE_SIZE + 100)], *b"RS");
        block_on(connection.ports[0].wait());
        block_on(connection.ports[1].wait());
        assert_eq!(mapped_grants(), 3);
        block_on(connection.close());
        assert_eq!((mapped_grants(), grant::in_use()), (0, 0));
        assert_eq!(
            daemon.list("device/toy/0"),
            ["backend", "backend-id", "state"]
        );
        assert_eq!(state.borrow().state(), XenbusState::InitWait);
    }
}

#[test]
fn a_connection_says_when_the_backend_ends_it() {
    let daemon = Xenstored::new(5);
    let store = connect_store(&daemon);
    let state = backend(&daemon);
    let connection = block_on(connect(&store));
    *state.borrow_mut() = BackendState::new(XenbusState::Closing);
    daemon.set(&format!("{BACK}/state"), "5");
    assert_eq!(block_on(connection.ended()), XenbusState::Closing);
    block_on(connection.close());
    let connection = block_on(connect(&store));
    daemon.remove(BACK);
    assert_eq!(block_on(connection.ended()), XenbusState::Unknown);
}

#[test]
fn a_backend_that_cannot_make_up_its_mind_hangs_nothing() {
    let daemon = Xenstored::new(5);
    let store = connect_store(&daemon);
    for (node, value) in [("backend", BACK), ("backend-id", "0"), ("state", "1")] {
        daemon.set(&format!("device/toy/0/{node}"), value);
    }
    let (mut at, peer) = (0, daemon.clone());
    add_peer(Box::new(move || {
        at = (at + 1) % 3;
        peer.set(&format!("{BACK}/state"), ["1", "4", "7"][at]);
        true
    }));
    // That domain never goes idle, so neither do we: it must end all the same.
    let result = block_on(frontend::connect(&store, "toy", 0, &[], |_| {
        Plan::default()
    }));
    let error = result.err().expect("there is nothing to connect to");
    assert!(error.to_string().contains("does not answer"), "{error}");
}
