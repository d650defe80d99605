//! A further console over the toy Xen: a backend that is slow, mad, or leaves.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use xen_proto::mock::blkback::Domain;
use xen_proto::mock::store::Xenstored;
use xen_proto::mock::{BackendState, ConsoleBackend};
use xen_proto::ring::Memory;

use super::*;
use crate::arch::host::{OtherDomain, add_peer, connect_store, mapped_grants};
use crate::executor::{block_on, join::join, spawn};
use crate::grant;
use crate::time::{sleep, timeout};

const BACK: &str = "/local/domain/0/backend/console/5/3";

type Page = <OtherDomain as Domain>::Page;

/// dom0's end: what it took, what it shall type, how fast it takes.
struct Dom0 {
    state: BackendState,
    connected: Option<(Page, ConsoleBackend<Page>, u32, u32)>,
    speed: usize,
    typing: Vec<u8>,
    turns: u32,
}

impl Dom0 {
    fn connect(&mut self, daemon: &Xenstored) {
        let number = |node: &str| -> u32 {
            let text = daemon.get(&format!("device/console/3/{node}"));
            text.expect("published").parse().unwrap()
        };
        let page = OtherDomain.map(number("ring-ref"), true).expect("granted");
        let port = OtherDomain.bind(number("port")).expect("allocated");
        let backend = ConsoleBackend::new(page.clone());
        self.connected = Some((page, backend, port, number("ring-ref")));
    }

    fn turn(&mut self, daemon: &Xenstored) -> bool {
        let theirs = daemon.get("device/console/3/state");
        let theirs = theirs
            .as_deref()
            .map_or(XenbusState::Unknown, XenbusState::parse);
        let before = self.state.state();
        self.state.saw(theirs);
        self.state.works();
        let now = self.state.state();
        if now != before {
            match now {
                XenbusState::Connected => self.connect(daemon),
                XenbusState::Closed => {
                    if let Some((_, _, port, reference)) = self.connected.take() {
                        OtherDomain.unbind(port);
                        OtherDomain.unmap(reference);
                    }
                }
                _ => {}
            }
            daemon.set(&format!("{BACK}/state"), &now.number().to_string());
            return true;
        }
        let Some((_, backend, port, _)) = &mut self.connected else {
            return false;
        };
        let told = OtherDomain.pending(*port);
        let taken = match self.speed {
            0 => 0,
            speed => backend.collect(speed).unwrap_or(0),
        };
        let typed = backend.type_bytes(&self.typing).unwrap_or(0);
        self.typing.drain(..typed);
        if taken + typed > 0 {
            OtherDomain.notify(*port);
        }
        self.turns += u32::from(told || taken + typed > 0);
        told || taken + typed > 0
    }
}

struct Lab {
    daemon: Xenstored,
    store: Store,
    dom0: Rc<RefCell<Dom0>>,
}

fn lab(speed: usize) -> Lab {
    let daemon = Xenstored::new(5);
    for (node, value) in [("backend", BACK), ("backend-id", "0"), ("state", "1")] {
        daemon.set(&format!("device/console/3/{node}"), value);
    }
    daemon.set(&format!("{BACK}/state"), "1");
    let dom0 = Rc::new(RefCell::new(Dom0 {
        state: BackendState::new(XenbusState::Initialising),
        connected: None,
        speed,
        typing: Vec::new(),
        turns: 0,
    }));
    let (mine, seen) = (dom0.clone(), daemon.clone());
    add_peer(Box::new(move || mine.borrow_mut().turn(&seen)));
    let store = connect_store(&daemon);
    Lab {
        daemon,
        store,
        dom0,
    }
}

impl Lab {
    fn open(&self) -> Console {
        block_on(Console::open(&self.store, 3)).unwrap()
    }

    fn shown(&self) -> Vec<u8> {
        let dom0 = self.dom0.borrow();
        dom0.connected.as_ref().unwrap().1.shown().to_vec()
    }

    fn set_index(&self, at: usize, value: u32) {
        let dom0 = self.dom0.borrow();
        let (page, _, port, _) = dom0.connected.as_ref().unwrap();
        page.store(at, value);
        OtherDomain.notify(*port);
    }
}

fn text(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 253) as u8).collect()
}

#[test]
fn no_byte_is_lost_either_way_however_slow_the_backend() {
    for speed in [7, 100, 4096] {
        let lab = lab(speed);
        let console = lab.open();
        let all = text(30_000);
        lab.dom0.borrow_mut().typing = all.clone();
        let write = async {
            for piece in all.chunks(9_001) {
                console.write(piece).await.unwrap();
            }
            console.drain().await.unwrap();
        };
        let read = async {
            let mut got = Vec::new();
            let mut some = [0; 300];
            while got.len() < 30_000 {
                let n = console.read(&mut some).await.unwrap();
                got.extend_from_slice(&some[..n]);
            }
            got
        };
        let (_, got) = block_on(join(write, read));
        assert!(got == all && lab.shown() == all);
    }
}

#[test]
fn it_opens_and_closes_as_often_as_one_likes() {
    let lab = lab(4096);
    assert_eq!(block_on(list(&lab.store)).unwrap(), [3]);
    for _ in 0..3 {
        let console = lab.open();
        assert_eq!((console.number(), mapped_grants()), (3, 1));
        block_on(console.write(b"hello")).unwrap();
        block_on(console.drain()).unwrap();
        assert_eq!(lab.shown(), b"hello");
        block_on(console.close());
        assert_eq!((mapped_grants(), grant::in_use()), (0, 0));
        assert_eq!(lab.daemon.get("device/console/3/ring-ref"), None);
    }
}

#[test]
fn idle_it_costs_nothing() {
    let lab = lab(4096);
    let console = lab.open();
    let mut key = [0];
    let before = lab.dom0.borrow().turns;
    let idle = timeout(Duration::from_secs(3600), console.read(&mut key));
    assert!(block_on(idle).is_err());
    assert_eq!(lab.dom0.borrow().turns, before, "not one event");
    lab.dom0.borrow_mut().typing = b"k".to_vec();
    assert_eq!(block_on(console.read(&mut key)), Ok(1));
}

#[test]
fn with_a_stopped_backend_the_writer_waits_and_the_domain_goes_on() {
    let lab = lab(0);
    let console = lab.open();
    assert_eq!(console.try_write(&text(5000)), Ok(2048), "the ring");
    assert_eq!(console.try_write(b"x"), Ok(0));
    let blocked = timeout(Duration::from_secs(9), console.write(b"more"));
    assert!(block_on(blocked).is_err());
    lab.dom0.borrow_mut().speed = 100;
    block_on(console.write(b"more")).unwrap();
    block_on(console.drain()).unwrap();
    assert_eq!(lab.shown(), [&text(2048)[..], b"more"].concat());
}

#[test]
fn nonsense_in_the_ring_ends_it_and_closing_still_works() {
    // console.h: in_cons, in_prod, out_cons, out_prod at 3072.
    for (at, value) in [
        (3076, 1025),
        (3076, u32::MAX),
        (3080, 4000),
        (3080, 0x8000_0000),
    ] {
        let lab = lab(0);
        let console = Rc::new(lab.open());
        let user = console.clone();
        let using = spawn(async move {
            let mut some = [0; 8];
            if at == 3076 {
                user.read(&mut some).await.map(drop)
            } else {
                user.write(&text(5000)).await
            }
        });
        block_on(sleep(Duration::from_millis(1)));
        // Counted from our own index: as far off as the ring cannot hold.
        let value = if at == 3080 && value == 1 {
            4000
        } else {
            value
        };
        lab.set_index(at, value);
        let result = block_on(using);
        assert!(matches!(result, Err(Failure::Ring(_))), "{at}: {result:?}");
        let console = Rc::into_inner(console).unwrap();
        block_on(console.close());
        assert_eq!((mapped_grants(), grant::in_use()), (0, 0));
    }
}

#[test]
fn a_backend_that_leaves_is_told_once_all_is_read() {
    let lab = lab(4096);
    let console = lab.open();
    lab.dom0.borrow_mut().typing = b"bye".to_vec();
    block_on(sleep(Duration::from_millis(1)));
    lab.dom0.borrow_mut().state = BackendState::new(XenbusState::Closing);
    lab.daemon.set(&format!("{BACK}/state"), "5");
    block_on(sleep(Duration::from_millis(1)));
    let mut some = [0; 8];
    assert_eq!(block_on(console.read(&mut some)), Ok(3));
    let ended = Failure::Ended(XenbusState::Closing);
    assert_eq!(block_on(console.read(&mut some)), Err(ended));
    assert_eq!(block_on(console.write(b"?")), Err(ended));
    block_on(console.close());
}
