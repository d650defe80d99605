//! A keyboard over the toy Xen: a backend that types, one that lies.

use alloc::boxed::Box;
use alloc::format;

use xen_proto::mock::BackendState;
use xen_proto::mock::blkback::Domain;
use xen_proto::mock::store::Xenstored;
use xen_proto::ring::EventWriter;

use super::*;
use crate::arch::host::{OtherDomain, add_peer, connect_store, map_frame};
use crate::executor::block_on;
use crate::mm::{Mfn, PAGE_SIZE};
use crate::shared::Shared;

const BACK: &str = "/local/domain/0/backend/vkbd/5/0";
const FRONT: &str = "device/vkbd/0";

/// dom0's end: what it will type, and its own index where it lies.
struct Dom0 {
    state: BackendState,
    connected: Option<(Shared<[u8; PAGE_SIZE]>, u32)>,
    typing: Vec<[u8; 40]>,
    lie: Option<u32>,
}

fn dom0(features: &[&str]) -> (Xenstored, Store, Rc<RefCell<Dom0>>) {
    let daemon = Xenstored::new(5);
    for (node, value) in [("backend", BACK), ("backend-id", "0"), ("state", "1")] {
        daemon.set(&format!("{FRONT}/{node}"), value);
    }
    daemon.set(&format!("{BACK}/state"), "1");
    for feature in features {
        daemon.set(&format!("{BACK}/{feature}"), "1");
    }
    let store = connect_store(&daemon);
    let dom0 = Rc::new(RefCell::new(Dom0 {
        state: BackendState::new(XenbusState::Initialising),
        connected: None,
        typing: Vec::new(),
        lie: None,
    }));
    let (mine, peer) = (dom0.clone(), daemon.clone());
    add_peer(Box::new(move || mine.borrow_mut().turn(&peer)));
    (daemon, store, dom0)
}

impl Dom0 {
    fn turn(&mut self, daemon: &Xenstored) -> bool {
        let text = daemon.get(&format!("{FRONT}/state"));
        let theirs = text.as_deref();
        let before = self.state.state();
        self.state
            .saw(theirs.map_or(XenbusState::Unknown, XenbusState::parse));
        self.state.works();
        let now = self.state.state();
        if now != before {
            if now == XenbusState::Connected {
                let number = |node: &str| -> u64 {
                    let text = daemon.get(&format!("{FRONT}/{node}"));
                    text.expect("published").parse().unwrap()
                };
                let page = map_frame(Mfn(number("page-ref"))).expect("a frame");
                let port = OtherDomain.bind(number("event-channel") as u32).unwrap();
                self.connected = Some((page, port));
            }
            if now == XenbusState::Closed
                && let Some((_, port)) = self.connected.take()
            {
                OtherDomain.unbind(port);
            }
            daemon.set(&format!("{BACK}/state"), &now.number().to_string());
        }
        (now != before) | self.types()
    }

    fn types(&mut self) -> bool {
        let Some((page, port)) = &self.connected else {
            return false;
        };
        if let Some(index) = self.lie.take() {
            page.set(4, index);
            OtherDomain.notify(*port);
            return true;
        }
        let mut writer = EventWriter::attach(kbd::IN, page);
        let before = self.typing.len();
        while let Some(event) = self.typing.first() {
            if !writer.write(page, event).unwrap() {
                break;
            }
            self.typing.remove(0);
        }
        if self.typing.len() != before {
            OtherDomain.notify(*port);
        }
        self.typing.len() != before
    }
}

fn key(code: u8, pressed: bool) -> [u8; 40] {
    let mut event = [0; 40];
    (event[0], event[1], event[4]) = (3, pressed.into(), code);
    event
}

#[test]
fn everything_that_is_typed_arrives_in_order() {
    let (_daemon, store, dom0) = dom0(&[]);
    let keyboard = block_on(Keyboard::open(&store, 0)).unwrap();
    assert_eq!(keyboard.pointer(), Pointer::Relative);
    // More than the ring holds.
    dom0.borrow_mut().typing = (0..200).map(|code| key(code, true)).collect();
    for code in 0..200 {
        let event = block_on(keyboard.next()).unwrap();
        let pressed = true;
        assert_eq!(event, Event::Key { code, pressed });
    }
    block_on(keyboard.close());
}

#[test]
fn as_much_of_a_pointer_is_asked_for_as_there_is() {
    for (features, pointer, asked) in [
        (&[][..], Pointer::Relative, [None, None]),
        (
            &["feature-raw-pointer"][..],
            Pointer::Relative,
            [None, None],
        ),
        (
            &["feature-abs-pointer"][..],
            Pointer::Pixels,
            [Some("1"), None],
        ),
        (
            &["feature-abs-pointer", "feature-raw-pointer"][..],
            Pointer::Raw,
            [Some("1"), Some("1")],
        ),
    ] {
        let (daemon, store, _dom0) = dom0(features);
        let keyboard = block_on(Keyboard::open(&store, 0)).unwrap();
        assert_eq!(keyboard.pointer(), pointer);
        for (node, value) in ["request-abs-pointer", "request-raw-pointer"]
            .iter()
            .zip(asked)
        {
            let node = daemon.get(&format!("{FRONT}/{node}"));
            assert_eq!(node.as_deref(), value);
        }
        block_on(keyboard.close());
        assert_eq!(daemon.list(FRONT), ["backend", "backend-id", "state"]);
    }
}

#[test]
fn an_index_that_cannot_be_ends_it() {
    let (_daemon, store, dom0) = dom0(&[]);
    let keyboard = block_on(Keyboard::open(&store, 0)).unwrap();
    dom0.borrow_mut().lie = Some(52);
    let end = block_on(keyboard.next());
    assert!(matches!(end, Err(Failure::Ring(_))), "{end:?}");
    block_on(keyboard.close());
}

#[test]
fn a_page_is_given_back_once_the_backend_has_closed() {
    let (_daemon, store, _dom0) = dom0(&[]);
    let free = crate::mm::free_pages();
    for _ in 0..3 {
        let keyboard = block_on(Keyboard::open(&store, 0)).unwrap();
        block_on(keyboard.close());
        assert_eq!(crate::mm::free_pages(), free);
    }
}
