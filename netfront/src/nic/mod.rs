//! The network card itself: the frontend of `vif` devices.
//!
//! ```text
//!   smoltcp ──> Nic ──> Receiver: buffers the backend copies into, one frame put together
//!                │  └─> Sender: pages the backend may read, checksums and segments left to it
//!                └────> State: shared with one task (port, backend's state, carrier) and with Events
//! ```
//!
//! Frames are taken from the ring when smoltcp asks, not before: the task does
//! no more than to wake whoever waits. A card at rest has no timer and no event
//! that it did not ask for.

mod checksum;
mod receive;
mod send;
mod state;
#[cfg(test)]
mod tests;

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt;
use core::num::NonZeroUsize;
use core::time::Duration;

use minios::executor::{self, JoinHandle};
use minios::frontend::{self, ConnectError, Connection, Plan, Ring};
use minios::xenbus;
use minios::xenstore::{Error, Store};
use smoltcp::phy::{self, Checksum, Device, DeviceCapabilities, Medium, PacketMeta};
use smoltcp::time::Instant;
use xen_proto::net::{Card, ETHERNET_HEADER, LARGEST_FRAME, parse_mac};

use receive::Receiver;
use send::Sender;
use state::State;
pub use state::{Counters, Events, Failure, Link};

/// What to use of what a backend offers.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Leave checksums to the backend where it takes them.
    pub checksum_offload: bool,
    /// Frames of several pages, and TCP segments cut and joined by the backend.
    pub large_frames: bool,
    /// Pages to receive into, 32 to 256.
    pub buffers: usize,
    /// How long the backend may leave a full ring as it is.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            checksum_offload: true,
            large_frames: true,
            buffers: 256,
            timeout: Duration::from_secs(30),
        }
    }
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
    let mut tasks = Vec::new();
    for number in list(store).await? {
        let store = store.clone();
        let open = async move { Nic::open(&store, number, options).await };
        tasks.push((number, executor::spawn(open)));
    }
    let mut cards = Vec::new();
    for (number, task) in tasks {
        cards.push((number, task.await));
    }
    Ok(cards)
}

/// An open network card.
pub struct Nic {
    number: u32,
    mac: [u8; 6],
    card: Card,
    state: Rc<State>,
    receiver: Receiver,
    sender: Sender,
    task: Cell<Option<JoinHandle<Connection>>>,
}

impl fmt::Debug for Nic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vif {}: {:?}", self.number, self.card)
    }
}

impl Nic {
    /// Connect to the card with this number.
    ///
    /// # Errors
    /// [`ConnectError`]; a description that makes no sense is one, too.
    pub async fn open(store: &Store, number: u32, options: Options) -> Result<Nic, ConnectError> {
        let connection = frontend::connect(store, "vif", number, &[], |_| plan(options)).await?;
        match Nic::describe(store, &connection, options).await {
            Ok((mac, card, receiver, sender)) => {
                let state = sender.state().clone();
                let carrier = state::Carrier::watch(store, connection.backend_path()).await;
                let run = state::run(connection, state.clone(), carrier, options.timeout);
                Ok(Nic {
                    number,
                    mac,
                    card,
                    receiver,
                    sender,
                    task: Cell::new(Some(executor::spawn(run))),
                    state,
                })
            }
            Err(why) => {
                let error = ConnectError::Description(format!("{}: {why}", connection.path()));
                connection.close().await;
                Err(error)
            }
        }
    }

    /// What the nodes say, and the rings as they say it.
    async fn describe(
        store: &Store,
        connection: &Connection,
        options: Options,
    ) -> Result<([u8; 6], Card, Receiver, Sender), String> {
        let node = async |name: &str| {
            let path = format!("{}/{name}", connection.path());
            store.read_if_there(&path).await.map_err(|e| e.to_string())
        };
        let mac = node("mac").await?.ok_or("there is no node \"mac\"")?;
        let mac = parse_mac(&mac).map_err(|e| e.to_string())?;
        let mtu = node("mtu").await?;
        let offered = |name: &str| match name {
            "feature-sg" if !options.large_frames => None,
            "feature-no-csum-offload" if !options.checksum_offload => Some("1"),
            _ => connection.features.get(name),
        };
        let card = Card::parse(offered, mtu.as_deref()).map_err(|e| e.to_string())?;
        let ([tx, rx], [port]) = (&connection.rings[..], &connection.ports[..]) else {
            return Err("no rings".to_string());
        };
        let state = Rc::new(State::new(port.number()));
        let peer = connection.backend_domain();
        let sender = Sender::new(peer, tx, card, state.clone())?;
        let receiver = Receiver::new(peer, rx, options.buffers, state)?;
        Ok((mac, card, receiver, sender))
    }

    /// Its number.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its hardware address.
    pub fn mac(&self) -> [u8; 6] {
        self.mac
    }

    /// What the backend says about it.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// What to wait on, and to look at while the card is in use.
    pub fn events(&self) -> Events {
        Events::new(self.state.clone())
    }

    /// As [`Events::changed`].
    pub async fn changed(&self) {
        self.state.changed().await;
    }

    /// Whether frames can pass.
    pub fn link(&self) -> Link {
        self.state.link()
    }

    /// What has passed.
    pub fn counters(&self) -> Counters {
        self.state.counters()
    }

    /// Close it so that the next owner (a kernel that is started) can connect.
    pub async fn close(self) {
        self.state.stop();
        if let Some(task) = self.task.take() {
            task.await.close().await;
        }
        // The backend has let go of everything by now: the memory goes with `self`.
    }
}

impl Drop for Nic {
    fn drop(&mut self) {
        self.state.stop();
    }
}

fn plan(options: Options) -> Plan {
    let flag = |name, set: bool| (name, String::from(if set { "1" } else { "0" }));
    let large = options.large_frames;
    Plan {
        rings: vec![
            Ring {
                node: "tx-ring-ref",
                pages: 1,
            },
            Ring {
                node: "rx-ring-ref",
                pages: 1,
            },
        ],
        ports: vec!["event-channel"],
        nodes: vec![
            flag("request-rx-copy", true),
            flag("feature-rx-notify", true),
            flag("feature-sg", large),
            flag("feature-gso-tcpv4", large && options.checksum_offload),
            flag("feature-no-csum-offload", !options.checksum_offload),
        ],
        reads: &Card::BACKEND_NODES,
    }
}

/// A received frame.
pub struct RxToken<'a>(&'a [u8]);

/// Room to send a frame.
pub struct TxToken<'a> {
    sender: &'a mut Sender,
    meta: PacketMeta,
}

impl phy::RxToken for RxToken<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

impl phy::TxToken for TxToken<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let segment = self.meta.segmentation_offload_size;
        self.sender.send(len, segment.map(u16::from), f)
    }

    fn set_meta(&mut self, meta: PacketMeta) {
        self.meta = meta;
    }
}

impl Device for Nic {
    type RxToken<'a> = RxToken<'a>;
    type TxToken<'a> = TxToken<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(RxToken<'_>, TxToken<'_>)> {
        let frame = self.receiver.receive()?;
        // If there is no room, the answer is lost, but not what comes in.
        self.sender.has_room();
        let token = TxToken {
            sender: &mut self.sender,
            meta: PacketMeta::default(),
        };
        Some((RxToken(frame), token))
    }

    fn transmit(&mut self, _now: Instant) -> Option<TxToken<'_>> {
        self.sender.has_room().then(|| TxToken {
            sender: &mut self.sender,
            meta: PacketMeta::default(),
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = self.card.mtu + ETHERNET_HEADER;
        // What comes in is verified here, if at all: the backend says which
        // frames need it, and smoltcp does not ask for each.
        let checksum = if self.card.checksums {
            Checksum::None
        } else {
            Checksum::Tx
        };
        capabilities.checksum.tcp = checksum;
        capabilities.checksum.udp = checksum;
        if self.card.segmentation {
            capabilities.segmentation.tcpv4 = NonZeroUsize::new(LARGEST_FRAME);
        }
        capabilities
    }
}
