//! Frontends: the guest's half of a split device.
//!
//! The handshake with a backend is here, once, for all of them. A frontend
//! says what it needs in a [`Plan`] (rings, ports, nodes to write, nodes to
//! read) and gets a [`Connection`] with all of it; [`Connection::close`] gives
//! everything back in the order that lets the next kernel connect to the same
//! backend. What is left to a frontend is its data path.

pub mod block;
pub mod console;
pub mod fb;
mod frames;
pub mod kbd;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::future::{Future, pending};
use core::pin::pin;
use core::time::Duration;

use embassy_futures::select::{Either, select};
use xen_proto::xenbus::{Action, Handshake};

use crate::event::Port;
use crate::grant::{GrantError, GrantedPages};
use crate::hypercall::Errno;
use crate::mm::PAGE_SIZE;
use crate::time::timeout;
use crate::xenbus::{Device, Nodes, XenbusState};
use crate::xenstore::{Error, Store, Watch};

/// How long a backend may take for one step towards a connection. Hotplug
/// scripts in dom0 may run meanwhile.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a backend may take for one step of closing.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Looks at the backend's state before its changes of mind are given up on. A
/// handshake takes a dozen.
const STEPS: u32 = 100;

/// A ring to be shared with the backend.
#[derive(Clone, Copy, Debug)]
pub struct Ring {
    /// Name of the node that holds its grant reference: `ring-ref`. A ring of
    /// several pages has one node for each, numbered from 0.
    pub node: &'static str,
    /// How many pages.
    pub pages: usize,
}

/// What a frontend brings to its connection.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Rings, zeroed and granted to the backend.
    pub rings: Vec<Ring>,
    /// Nodes with the number of an event channel each.
    pub ports: Vec<&'static str>,
    /// Other nodes to write.
    pub nodes: Vec<(&'static str, String)>,
    /// Nodes of the backend to read once it is connected.
    pub reads: &'static [&'static str],
}

/// Why a device could not be connected.
#[derive(Debug)]
pub enum ConnectError {
    /// The store said no.
    Store(Error),
    /// No memory or no grants for a ring.
    Grant(GrantError),
    /// No event channel.
    Port(Errno),
    /// The backend ended it.
    Refused(XenbusState),
    /// The backend did nothing for too long.
    TimedOut {
        /// Our state by then.
        ours: XenbusState,
        /// The backend's.
        backend: XenbusState,
    },
    /// The backend's nodes make no sense to this frontend.
    Description(String),
    /// Whoever asked for it does not want it any more.
    GivenUp,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Store(error) => error.fmt(f),
            ConnectError::Grant(error) => error.fmt(f),
            ConnectError::Port(error) => write!(f, "no event channel: {error}"),
            ConnectError::Refused(state) => write!(f, "the backend refused and is {state}"),
            ConnectError::TimedOut { ours, backend } => {
                write!(
                    f,
                    "the backend does not answer: it is {backend}, this end {ours}"
                )
            }
            ConnectError::Description(what) => f.write_str(what),
            ConnectError::GivenUp => f.write_str("the backend was not waited for any longer"),
        }
    }
}

impl core::error::Error for ConnectError {}

impl From<Error> for ConnectError {
    fn from(error: Error) -> Self {
        ConnectError::Store(error)
    }
}

impl From<GrantError> for ConnectError {
    fn from(error: GrantError) -> Self {
        ConnectError::Grant(error)
    }
}

/// What a device has while it is connected.
pub struct Connection {
    device: Device,
    handshake: Handshake,
    watch: Watch,
    published: Vec<String>,
    /// The rings, in the plan's order.
    pub rings: Vec<GrantedPages>,
    /// The ports, in the plan's order.
    pub ports: Vec<Port>,
    /// The nodes of the plan's `reads` that the backend has.
    pub features: Nodes,
}

/// Connect to the backend of device `number` of `class`.
///
/// `before` are nodes of the backend that `plan` wants to see: they say what
/// the backend can do. A device that a previous owner left in any state is
/// brought to its start first.
///
/// # Errors
/// See [`ConnectError`]. Everything is given back, and the reason stands in
/// the store under `error/`.
pub async fn connect(
    store: &Store,
    class: &str,
    number: u32,
    before: &[&'static str],
    plan: impl FnOnce(&Nodes) -> Plan,
) -> Result<Connection, ConnectError> {
    connect_until(store, class, number, before, plan, pending()).await
}

/// The same, but given up once `give_up` has come to its end while the backend
/// is waited for.
///
/// # Errors
/// As for [`connect`].
pub async fn connect_until(
    store: &Store,
    class: &str,
    number: u32,
    before: &[&'static str],
    plan: impl FnOnce(&Nodes) -> Plan,
    give_up: impl Future<Output = ()>,
) -> Result<Connection, ConnectError> {
    let device = Device::open(store, class, number).await?;
    let ours = device.state().await?;
    let handshake = match class {
        "vif" => Handshake::connect_first(ours),
        _ => Handshake::connect(ours),
    };
    let watch = device.watch_backend().await?;
    let mut connection = Connection {
        device,
        handshake,
        watch,
        published: Vec::new(),
        rings: Vec::new(),
        ports: Vec::new(),
        features: Nodes::default(),
    };
    match connection.establish(before, plan, give_up).await {
        Ok(()) => Ok(connection),
        Err(error) => {
            connection.device.report(&error.to_string()).await;
            connection.close().await;
            Err(error)
        }
    }
}

impl Connection {
    /// The backend's domain.
    pub fn backend_domain(&self) -> u16 {
        self.device.backend_domain()
    }

    /// Where our nodes are.
    pub fn path(&self) -> &str {
        self.device.path()
    }

    /// Where the backend's nodes are.
    pub fn backend_path(&self) -> &str {
        self.device.backend_path()
    }

    async fn establish(
        &mut self,
        before: &[&'static str],
        plan: impl FnOnce(&Nodes) -> Plan,
        give_up: impl Future<Output = ()>,
    ) -> Result<(), ConnectError> {
        let mut give_up = pin!(give_up);
        let mut plan = Some(plan);
        let mut reads: &[&'static str] = &[];
        let mut backend = XenbusState::Unknown;
        for _ in 0..STEPS {
            backend = self.device.backend_state().await?;
            match self.handshake.next(backend) {
                Action::SetState(state) => self.set_state(state).await?,
                Action::Publish => {
                    let offers = self.device.read_backend(before).await?;
                    if let Some(plan) = plan.take() {
                        reads = self.publish(plan(&offers)).await?;
                    }
                    self.handshake.published();
                }
                Action::Wait => {
                    let step = timeout(CONNECT_TIMEOUT, self.watch.next());
                    match select(step, give_up.as_mut()).await {
                        Either::First(Ok(_)) => {}
                        Either::First(Err(_)) => {
                            let ours = self.handshake.ours();
                            return Err(ConnectError::TimedOut { ours, backend });
                        }
                        Either::Second(()) => return Err(ConnectError::GivenUp),
                    }
                }
                Action::Ready => {
                    self.features = self.device.read_backend(reads).await?;
                    return Ok(());
                }
                Action::Refused(state) => return Err(ConnectError::Refused(state)),
                // Only ever asked for while closing.
                Action::Withdraw | Action::Done => return Err(ConnectError::Refused(backend)),
            }
        }
        let ours = self.handshake.ours();
        Err(ConnectError::TimedOut { ours, backend })
    }

    async fn set_state(&mut self, state: XenbusState) -> Result<(), Error> {
        self.device.set_state(state).await?;
        self.handshake.wrote(state);
        Ok(())
    }

    async fn publish(&mut self, plan: Plan) -> Result<&'static [&'static str], ConnectError> {
        let peer = self.device.backend_domain();
        let mut nodes: Vec<(String, String)> = plan
            .nodes
            .into_iter()
            .map(|(name, value)| (name.to_string(), value))
            .collect();
        for ring in plan.rings {
            let pages = GrantedPages::new(peer, ring.pages.max(1) * PAGE_SIZE)?;
            for (at, reference) in pages.references().enumerate() {
                let name = if ring.pages > 1 {
                    format!("{}{at}", ring.node)
                } else {
                    ring.node.to_string()
                };
                nodes.push((name, reference.to_string()));
            }
            self.rings.push(pages);
        }
        for name in plan.ports {
            let port = Port::alloc_unbound(peer).map_err(ConnectError::Port)?;
            nodes.push((name.to_string(), port.number().to_string()));
            self.ports.push(port);
        }
        self.published = nodes.iter().map(|(name, _)| name.clone()).collect();
        self.device.publish(&nodes).await?;
        Ok(plan.reads)
    }

    /// Wait until the backend ends the connection, and say in what state it is.
    pub async fn ended(&self) -> XenbusState {
        loop {
            match self.device.backend_state().await {
                Ok(XenbusState::Connected) => {}
                Ok(state) => return state,
                Err(_) => return XenbusState::Unknown,
            }
            self.watch.next().await;
        }
    }

    /// Close the device so that the next owner can connect: the backend lets go
    /// of rings and ports, then our nodes go, then both ends stand where the
    /// toolstack put them at first. A backend that does not take part is not
    /// waited for very long. Says whether it took part: if not, it may still use
    /// memory that it was given otherwise than by a grant.
    pub async fn close(mut self) -> bool {
        self.handshake.close();
        match self.closing().await {
            Ok(took_part) => took_part,
            Err(error) => {
                log::error!("{}: while closing: {error}", self.device.path());
                false
            }
        }
    }

    async fn closing(&mut self) -> Result<bool, Error> {
        let mut took_part = true;
        let mut step = 0;
        loop {
            step += 1;
            let backend = self.device.backend_state().await?;
            match self.handshake.next(backend) {
                Action::SetState(state) => self.set_state(state).await?,
                Action::Withdraw => {
                    self.device
                        .withdraw(self.published.iter().map(String::as_str))
                        .await?;
                    self.ports.clear();
                    self.rings.clear();
                    self.handshake.withdrawn();
                }
                Action::Wait => {
                    let patience = if step < STEPS {
                        CLOSE_TIMEOUT
                    } else {
                        Duration::ZERO
                    };
                    if timeout(patience, self.watch.next()).await.is_err() || step >= STEPS {
                        log::warn!(
                            "{}: the backend stays {backend}, closing without it",
                            self.device.path()
                        );
                        self.handshake.expired();
                        took_part = false;
                    }
                }
                Action::Done | Action::Ready | Action::Refused(_) | Action::Publish => {
                    return Ok(took_part);
                }
            }
        }
    }
}
