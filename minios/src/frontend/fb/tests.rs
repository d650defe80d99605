//! A frame buffer over the toy Xen: a backend that looks, one that lies.

use alloc::boxed::Box;
use alloc::format;

use xen_proto::mock::BackendState;
use xen_proto::mock::blkback::Domain;
use xen_proto::mock::store::Xenstored;
use xen_proto::ring::Memory;

use super::*;
use crate::arch::host::{OtherDomain, add_peer, connect_store};
use crate::executor::{block_on, yield_now};
use crate::shared::Shared;

const BACK: &str = "/local/domain/0/backend/vfb/5/0";
const FRONT: &str = "device/vfb/0";

/// dom0's end.
struct Dom0 {
    state: BackendState,
    page: Option<Shared<[u8; PAGE_SIZE]>>,
    port: u32,
    /// It has to say that.
    say: Option<[u8; 40]>,
    /// It takes events.
    takes: bool,
    taken: Vec<[u8; 40]>,
    /// It stays away from the handshake of closing.
    stubborn: bool,
    /// It stays away from any handshake.
    deaf: bool,
}

/// A backend that waits for its frontend.
fn dom0() -> (Xenstored, Store, Rc<RefCell<Dom0>>) {
    let daemon = Xenstored::new(5);
    for (node, value) in [("backend", BACK), ("backend-id", "0"), ("state", "1")] {
        daemon.set(&format!("{FRONT}/{node}"), value);
    }
    daemon.set(&format!("{BACK}/state"), "1");
    let store = connect_store(&daemon);
    let dom0 = Rc::new(RefCell::new(Dom0 {
        state: BackendState::new(XenbusState::Initialising),
        page: None,
        port: 0,
        say: None,
        takes: true,
        taken: Vec::new(),
        stubborn: false,
        deaf: false,
    }));
    let (mine, peer) = (dom0.clone(), daemon.clone());
    add_peer(Box::new(move || mine.borrow_mut().turn(&peer)));
    (daemon, store, dom0)
}

impl Dom0 {
    fn turn(&mut self, daemon: &Xenstored) -> bool {
        self.handshake(daemon) | self.events()
    }

    fn handshake(&mut self, daemon: &Xenstored) -> bool {
        if self.deaf {
            return false;
        }
        let theirs = daemon.get(&format!("{FRONT}/state"));
        let theirs = theirs.as_deref();
        let theirs = theirs.map_or(XenbusState::Unknown, XenbusState::parse);
        let before = self.state.state();
        if self.stubborn && before == XenbusState::Connected {
            return false;
        }
        self.state.saw(theirs);
        self.state.works();
        let now = self.state.state();
        if now == before {
            return false;
        }
        if now == XenbusState::Connected {
            let number = |node: &str| -> u64 {
                let text = daemon.get(&format!("{FRONT}/{node}"));
                text.expect("published").parse().unwrap()
            };
            let page = by_frame(number("page-ref"));
            self.page = Some(page);
            self.port = OtherDomain.bind(number("event-channel") as u32).unwrap();
            daemon.set(&format!("{BACK}/request-update"), "1");
        }
        if now == XenbusState::Closed {
            self.page = None;
            OtherDomain.unbind(self.port);
        }
        daemon.set(&format!("{BACK}/state"), &now.number().to_string());
        true
    }

    fn events(&mut self) -> bool {
        let Some(page) = &self.page else {
            return false;
        };
        let mut did = false;
        if let Some(event) = self.say.take() {
            EventWriter::attach(fb::IN, page)
                .write(page, &event)
                .unwrap();
            OtherDomain.notify(self.port);
            did = true;
        }
        let mut event = [0; 40];
        while self.takes
            && EventReader::attach(fb::OUT, page)
                .read(page, &mut event)
                .unwrap()
        {
            self.taken.push(event);
            did = true;
        }
        did
    }
}

/// What another domain sees by machine frame, which is all of it here.
fn by_frame(mfn: u64) -> Shared<[u8; PAGE_SIZE]> {
    crate::arch::host::map_frame(Mfn(mfn)).expect("a frame of the toy's")
}

fn layout(width: u32, height: u32) -> Layout {
    Layout {
        width,
        height,
        stride: width * 4,
        depth: 32,
        offset: 0,
    }
}

fn open(store: &Store, own: usize) -> FrameBuffer {
    let setup = Setup {
        layout: layout(64, 32),
        own,
        others: Vec::new(),
    };
    block_on(FrameBuffer::open(store, 0, setup)).unwrap()
}

/// Let dom0 have its turns.
fn settle() {
    block_on(crate::time::sleep(core::time::Duration::from_millis(1)));
}

#[test]
fn a_backend_finds_the_pixels_through_the_directory() {
    let (daemon, store, dom0) = dom0();
    // Two pages of directory, and a chunk of pages of which a part is used.
    let buffer = open(&store, 600 * PAGE_SIZE);
    assert!(buffer.wants_updates());
    assert_eq!(
        daemon.get(&format!("{FRONT}/protocol")).as_deref(),
        Some("x86_64-abi")
    );
    let page = dom0.borrow().page.clone().unwrap();
    let word = |at: usize| page.get::<u32>(at);
    assert_eq!([16, 20, 24, 28].map(word), [64, 32, 256, 600 * 4096]);
    buffer.write(599 * PAGE_SIZE + 4090, b"abcdef");
    buffer.write(512 * PAGE_SIZE - 2, b"over");
    buffer.write(600 * PAGE_SIZE, b"lost");
    let pixels = |page_number: usize, at: usize| {
        let directory = by_frame(page.get::<u64>(40 + page_number / 512 * 8));
        let mut bytes = [0; 2];
        by_frame(directory.get::<u64>(page_number % 512 * 8)).read(at, &mut bytes);
        bytes
    };
    assert_eq!(pixels(599, 4094), *b"ef");
    assert_eq!([pixels(511, 4094), pixels(512, 0)], [*b"ov", *b"er"]);
    block_on(buffer.close());
}

#[test]
fn the_backend_is_told_and_tells() {
    let (_daemon, store, dom0) = dom0();
    let buffer = open(&store, 1 << 20);
    assert_eq!(buffer.period(), Period::Unknown);
    assert!(buffer.update(1, 2, 3, 4).unwrap());
    assert!(buffer.resize(layout(128, 64)).unwrap());
    assert!(!buffer.resize(layout(4096, 4096)).unwrap(), "no room");
    settle();
    let taken = dom0.borrow_mut().taken.split_off(0);
    let kinds: Vec<u8> = taken.iter().map(|event| event[0]).collect();
    assert_eq!(kinds, [2, 3]);
    let mut period = [0; 40];
    (period[0], period[4], period[5]) = (1, 0xb8, 0x0b);
    dom0.borrow_mut().say = Some(period);
    block_on(buffer.happening());
    let before = None;
    assert_eq!(buffer.period(), Period::Milliseconds { now: 3000, before });
    // A full ring is no failure.
    dom0.borrow_mut().takes = false;
    let told = (0..100).filter(|_| buffer.update(0, 0, 1, 1).unwrap());
    assert_eq!(told.count(), 51);
    assert_eq!(buffer.room(), 0);
    dom0.borrow_mut().takes = true;
    settle();
    assert_eq!(buffer.room(), 51);
    block_on(buffer.close());
}

#[test]
fn nonsense_in_the_ring_is_a_failure_and_no_more() {
    for at in [4, 8] {
        let (_daemon, store, dom0) = dom0();
        let buffer = open(&store, 1 << 20);
        let page = dom0.borrow_mut().page.take().unwrap();
        page.set(at, 0x8000_0000u32);
        OtherDomain.notify(dom0.borrow().port);
        settle();
        let _ = buffer.update(0, 0, 1, 1);
        assert!(matches!(buffer.failure(), Some(Failure::Ring(_))), "{at}");
        assert!(buffer.update(0, 0, 1, 1).is_err());
        assert_eq!(buffer.room(), 0);
        block_on(buffer.close());
    }
}

#[test]
fn a_clean_close_gives_everything_back_and_an_unclean_one_keeps_the_pages() {
    let (daemon, store, dom0) = dom0();
    let free = crate::mm::free_pages();
    for _ in 0..3 {
        block_on(open(&store, 1 << 20).close());
        assert_eq!(crate::mm::free_pages(), free);
        assert_eq!(daemon.list(FRONT), ["backend", "backend-id", "state"]);
    }
    let buffer = open(&store, 1 << 20);
    dom0.borrow_mut().stubborn = true;
    block_on(buffer.close());
    assert!(
        free - crate::mm::free_pages() > 256,
        "the backend may still look"
    );
}

#[test]
fn a_backend_that_leaves_is_noticed() {
    let (daemon, store, dom0) = dom0();
    let buffer = open(&store, 1 << 20);
    dom0.borrow_mut().stubborn = true;
    daemon.set(&format!("{BACK}/state"), "5");
    block_on(async {
        while buffer.failure().is_none() {
            buffer.happening().await;
            yield_now().await;
        }
    });
    assert_eq!(buffer.failure(), Some(Failure::Ended(XenbusState::Closing)));
}

#[test]
fn a_picture_must_fit() {
    let (_daemon, store, _dom0) = dom0();
    let setup = Setup {
        layout: layout(1024, 768),
        own: 1 << 20,
        others: Vec::new(),
    };
    let error = block_on(FrameBuffer::open(&store, 0, setup)).err().unwrap();
    assert!(
        error.to_string().contains("larger than its memory"),
        "{error}"
    );
}

#[test]
fn a_backend_that_never_answers_need_not_be_waited_for() {
    let (daemon, store, dom0) = dom0();
    dom0.borrow_mut().deaf = true;
    let setup = Setup {
        layout: layout(64, 32),
        own: 1 << 20,
        others: Vec::new(),
    };
    let second = crate::time::sleep(core::time::Duration::from_secs(1));
    let begin = crate::time::now_ns();
    let error = block_on(FrameBuffer::open_until(&store, 0, setup, second)).err();
    assert!(matches!(error, Some(ConnectError::GivenUp)), "{error:?}");
    let took = crate::time::now_ns() - begin;
    assert!(took < 30_000_000_000, "{took} ns");
    assert_eq!(daemon.get(&format!("{FRONT}/state")).as_deref(), Some("1"));
    assert_eq!(daemon.get(&format!("{FRONT}/page-ref")), None);
}
