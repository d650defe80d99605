//! What a card shares with its task, and with those who watch it.

use alloc::format;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::pin::pin;
use core::time::Duration;

use embassy_futures::select::{Either, Either4, select, select4};
use minios::frontend::Connection;
use minios::signal::{Gate, Signal};
use minios::xenbus::XenbusState;
use minios::xenstore::{Store, Watch};
use minios::{hypercall, time};
use xen_proto::net::{RxOddities, Violation};

/// Why a card has failed: nothing passes any more until it is opened anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The backend did what leaves no way on.
    Violation(Violation),
    /// The ring for sending has been full for too long.
    TimedOut,
    /// The backend ended the connection, or is gone.
    Ended(XenbusState),
    /// It was closed from this side.
    Closed,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Violation(error) => error.fmt(f),
            Failure::TimedOut => f.write_str("the backend sends nothing any more"),
            Failure::Ended(XenbusState::Unknown) => f.write_str("the backend is gone"),
            Failure::Ended(state) => write!(f, "the backend ended the connection and is {state}"),
            Failure::Closed => f.write_str("closed"),
        }
    }
}

/// Whether frames can pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The backend is connected, and so is its side of the cable.
    Up,
    /// The backend says that its side of the cable is not connected.
    NoCarrier,
    /// It has failed, for good.
    Failed(Failure),
}

/// What has passed, and what the backend did that it should not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames received.
    pub received: u64,
    /// Bytes of them.
    pub received_bytes: u64,
    /// Frames given to the backend.
    pub sent: u64,
    /// Bytes of them.
    pub sent_bytes: u64,
    /// Frames for which there was no room.
    pub unsent: u64,
    /// Frames that the backend refused or dropped.
    pub refused: u64,
    /// Frames received that were dropped because their checksum was wrong.
    pub checksum: u64,
    /// Frames received that were dropped because they made no sense.
    pub dropped: RxOddities,
}

/// Shared by the card, its task and its [`Events`].
pub(super) struct State {
    port: u32,
    changed: Signal,
    stopped: Gate,
    failure: Cell<Option<Failure>>,
    carrier: Cell<bool>,
    pub counters: RefCell<Counters>,
    /// Set while there is no room to send.
    full: Cell<bool>,
    filled: Signal,
    /// Frames given back by the backend.
    pub returned: Cell<u64>,
}

impl State {
    pub fn new(port: u32) -> State {
        State {
            port,
            changed: Signal::new(),
            stopped: Gate::new(),
            failure: Cell::new(None),
            carrier: Cell::new(true),
            counters: RefCell::default(),
            full: Cell::new(false),
            filled: Signal::new(),
            returned: Cell::new(0),
        }
    }

    /// Tell the backend that there is something in a ring.
    pub fn notify(&self) {
        // Fails only when the other end is gone, which its state in the store tells.
        let _ = hypercall::event_send(self.port);
    }

    pub async fn changed(&self) {
        self.changed.wait().await;
    }

    /// Make whoever waits look again.
    pub fn again(&self) {
        self.changed.set();
    }

    pub fn failed(&self) -> bool {
        self.failure.get().is_some()
    }

    pub fn fail(&self, why: Failure) {
        if self.failure.get().is_none() {
            if why != Failure::Closed {
                log::error!("network card: {why}");
            }
            self.failure.set(Some(why));
        }
        self.changed.set();
    }

    pub fn stop(&self) {
        self.fail(Failure::Closed);
        self.stopped.open();
    }

    pub fn link(&self) -> Link {
        match self.failure.get() {
            Some(failure) => Link::Failed(failure),
            None if self.carrier.get() => Link::Up,
            None => Link::NoCarrier,
        }
    }

    pub fn counters(&self) -> Counters {
        *self.counters.borrow()
    }

    /// Whether there is room to send.
    pub fn set_full(&self, full: bool) {
        if self.full.replace(full) != full && full {
            self.filled.set();
        }
    }

    /// Ends when the ring for sending was full for `patience` and not one frame
    /// of it came back. There is a timer only while it is full.
    async fn stuck(&self, patience: Duration) {
        loop {
            if !self.full.get() {
                self.filled.wait().await;
                continue;
            }
            let before = self.returned.get();
            time::sleep(patience).await;
            if self.full.get() && self.returned.get() == before {
                return;
            }
        }
    }
}

/// Tells of a card's changes; any number of handles, also while the card itself is borrowed.
#[derive(Clone)]
pub struct Events(Rc<State>);

impl Events {
    pub(super) fn new(state: Rc<State>) -> Events {
        Events(state)
    }

    /// Ends when the backend has signalled since the last call: there may be
    /// frames, room to send, or another state of the link. For one task at a time.
    pub async fn changed(&self) {
        self.0.changed().await;
    }

    /// Whether frames can pass.
    pub fn link(&self) -> Link {
        self.0.link()
    }

    /// What has passed.
    pub fn counters(&self) -> Counters {
        self.0.counters()
    }
}

/// The backend's node that says whether its side of the cable is connected.
pub(super) struct Carrier {
    store: Store,
    path: alloc::string::String,
    watch: Option<Watch>,
}

impl Carrier {
    pub async fn watch(store: &Store, backend: &str) -> Carrier {
        let path = format!("{backend}/carrier");
        Carrier {
            watch: store.watch(&path).await.ok(),
            store: store.clone(),
            path,
        }
    }

    /// Waits until the node may have changed, and reads it. A backend without
    /// one has a carrier (netif.h).
    async fn next(&self) -> bool {
        match &self.watch {
            Some(watch) => watch.next().await,
            None => core::future::pending().await,
        };
        let text = self.store.read_if_there(&self.path).await;
        !matches!(text, Ok(Some(text)) if text.trim() == "0")
    }
}

/// The task of one card: tells whoever waits, until it is closed.
pub(super) async fn run(
    connection: Connection,
    state: Rc<State>,
    carrier: Carrier,
    patience: Duration,
) -> Connection {
    if let Some(port) = connection.ports.first() {
        let failed = async {
            let ended = pin!(connection.ended());
            let stuck = pin!(state.stuck(patience));
            match select(ended, stuck).await {
                Either::First(backend) => Failure::Ended(backend),
                Either::Second(()) => Failure::TimedOut,
            }
        };
        let told = async {
            loop {
                port.wait().await;
                state.changed.set();
            }
        };
        let carried = async {
            loop {
                let up = carrier.next().await;
                if state.carrier.replace(up) != up {
                    state.changed.set();
                }
            }
        };
        let mut stopped = pin!(state.stopped.passed());
        let (failed, told, carried) = (pin!(failed), pin!(told), pin!(carried));
        if let Either4::Second(why) = select4(stopped.as_mut(), failed, told, carried).await {
            state.fail(why);
            stopped.await;
        }
    }
    connection
}
