//! The network card itself: the frontend of `vif` devices.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use minios::frontend::ConnectError;
use minios::xenbus::{self, XenbusState};
use minios::xenstore::{Error, Store};
use smoltcp::phy::{self, Device, DeviceCapabilities};
use smoltcp::time::Instant;

/// What to use of what a backend offers.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Leave checksums to the backend, and believe it about those of received frames.
    pub checksum_offload: bool,
    /// Frames of several pages, and TCP segments cut and joined by the backend.
    pub large_frames: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            checksum_offload: true,
            large_frames: true,
        }
    }
}

/// Why a card has failed: nothing passes any more until it is opened anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The backend ended the connection, or is gone.
    Ended(XenbusState),
    /// It was closed from this side.
    Closed,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Ended(XenbusState::Unknown) => f.write_str("the backend is gone"),
            Failure::Ended(state) => write!(f, "the backend ended the connection and is {state}"),
            Failure::Closed => f.write_str("closed"),
        }
    }
}

/// Whether frames can pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The backend is connected.
    Up,
    /// It is not, for good.
    Down(Failure),
}

/// What has passed, and what the backend did that it should not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames received.
    pub received: u64,
    /// Frames sent.
    pub sent: u64,
}

/// Tells of a card's changes; any number of handles, also while the card itself is borrowed.
#[derive(Clone)]
pub struct Events(());

impl Events {
    /// Ends when the backend has signalled since the last call: there may be
    /// frames, room to send, or another state of the link. For one task at a time.
    pub async fn changed(&self) {
        core::future::pending().await
    }

    /// Whether frames can pass.
    pub fn link(&self) -> Link {
        Link::Down(Failure::Closed)
    }

    /// What has passed.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}

/// An open network card.
pub struct Nic {
    number: u32,
    mac: [u8; 6],
    events: Events,
}

/// Numbers of all cards of this domain, in order.
///
/// # Errors
/// What the store says.
pub async fn list(store: &Store) -> Result<Vec<u32>, Error> {
    xenbus::list(store, "vif").await
}

/// Open every card, all at once: a backend that does not answer holds up no other.
///
/// # Errors
/// Of the list; each card has its own result.
pub async fn open_all(
    store: &Store,
    options: Options,
) -> Result<Vec<(u32, Result<Nic, ConnectError>)>, Error> {
    let mut cards = Vec::new();
    for number in list(store).await? {
        cards.push((number, Nic::open(store, number, options).await));
    }
    Ok(cards)
}

impl Nic {
    /// Connect to the card with this number.
    ///
    /// # Errors
    /// [`ConnectError`]; a description that makes no sense is one, too.
    pub async fn open(_store: &Store, _number: u32, _: Options) -> Result<Nic, ConnectError> {
        Err(ConnectError::Description(String::from(
            "network cards cannot be opened yet",
        )))
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its hardware address.
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// What to wait on, and to look at while the card is in use.
    pub fn events(&self) -> Events {
        self.events.clone()
    }

    /// As [`Events::changed`].
    pub async fn changed(&self) {
        self.events.changed().await;
    }

    /// Whether frames can pass.
    pub fn link(&self) -> Link {
        self.events.link()
    }

    /// What has passed.
    pub fn counters(&self) -> Counters {
        self.events.counters()
    }

    /// Close it so that the next owner (a kernel that is started) can connect.
    pub async fn close(self) {}
}

/// A received frame.
pub struct RxToken<'a>(&'a [u8]);

/// Room to send a frame.
pub struct TxToken<'a>(&'a mut Nic);

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        log::debug!("vif {}: a frame is lost", self.0.number);
        f(&mut alloc::vec![0; len])
    }
}

impl Device for Nic {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        None
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken<'_>> {
        None
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}
