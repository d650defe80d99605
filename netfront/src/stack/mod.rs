//! The interface layer: addresses, names, UDP and TCP for unikernels.
//!
//! A [`Stack`] is smoltcp on minios' executor and clock. [`Stack::run`] is a
//! task that sleeps until the [`Port`] has something or a timer of the
//! protocols is due; sockets ([`Udp`], [`Tcp`]) are futures that it wakes. ARP
//! and replies to pings happen inside. Without traffic nothing runs.
//!
//! ```text
//! application --- Udp, Tcp, resolve, dhcp
//!      Stack  --- run: Port::changed, timers        (this room)
//!      Port   --- frames: the NIC, or a Cable in tests
//! ```

pub mod cable;
mod config;
mod dhcp;
mod dns;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;

pub use config::{Config, Lease};
pub use dhcp::DhcpError;
pub use dns::DnsError;
pub use smoltcp::wire::{Ipv4Address, Ipv4Cidr};
pub use tcp::{Buffers, Tcp, TcpError};
pub use udp::Udp;

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::pin::pin;
use core::time::Duration;

use minios::executor::select::select3;
use minios::executor::{select::Either3, yield_now};
use minios::signal::Signal;
use minios::time;
use smoltcp::iface::{self, Interface, PollIngressSingleResult, PollResult, SocketSet};
use smoltcp::phy::Device;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr};

/// A network card, as the stack drives it.
pub trait Port: Device {
    /// The card's Ethernet address.
    fn hardware_address(&self) -> [u8; 6];

    /// Ends once something has changed since the last time: frames have come,
    /// frames can be sent again, the link is another one. A change that comes
    /// while nobody waits, or while the wait is given up, is not lost.
    fn changed(&self) -> impl Future<Output = ()> + 'static;

    /// A burst of frames has been handed over: the other side is to be told.
    fn flush(&mut self) {}
}

impl Port for crate::Nic {
    fn hardware_address(&self) -> [u8; 6] {
        self.mac()
    }

    fn changed(&self) -> impl Future<Output = ()> + 'static {
        let events = self.events();
        async move { events.changed().await }
    }
}

/// Why a socket cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketError {
    /// The stack was shut.
    Shut,
    /// No memory for its buffers.
    Memory,
    /// There is no address to send from yet.
    NoAddress,
}

impl core::fmt::Display for SocketError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            SocketError::Shut => "the network is shut down",
            SocketError::Memory => "no memory for the buffers of a connection",
            SocketError::NoAddress => "the network has no address yet",
        })
    }
}

impl core::error::Error for SocketError {}

/// A handle on the network of one card; all clones are the same one.
pub struct Stack<P: Port>(Rc<Shared<P>>);

impl<P: Port> Clone for Stack<P> {
    fn clone(&self) -> Self {
        Stack(self.0.clone())
    }
}

struct Shared<P: Port> {
    inner: RefCell<Inner<P>>,
    /// Tells the runner to look again: a timer may be due earlier.
    kick: Signal,
    /// The address has come, changed or gone.
    configured: Signal,
    /// When the runner looks next by itself, if it does.
    planned: Cell<Option<Instant>>,
}

struct Inner<P: Port> {
    /// Gone once the stack is shut.
    port: Option<P>,
    iface: Interface,
    sockets: SocketSet<'static>,
    dhcp: dhcp::Client,
    dns: iface::SocketHandle,
    config: Option<Config>,
    lease: Option<Lease>,
    next_port: u16,
}

/// Frames taken in one go before what they woke gets its turn.
const BURST: usize = 64;

/// How soon a frame that found no room is tried again if the card does not
/// say that there is room.
const NO_ROOM: smoltcp::time::Duration = smoltcp::time::Duration::from_millis(100);

/// Where ephemeral ports begin (RFC 6335, section 6).
const FIRST_PORT: u16 = 49_152;

/// The clock, as the stack has it.
fn now() -> Instant {
    Instant::from_micros((time::now_ns() / 1000) as i64)
}

/// What is to follow a round of work.
enum Rest {
    /// There is more: go on after the others.
    More,
    /// Until this time, or for ever.
    Until(Option<Instant>),
    /// The stack is shut.
    Shut,
}

impl<P: Port> Stack<P> {
    /// A stack on `port`, without an address. `seed` should differ from boot
    /// to boot: port and sequence numbers come from it.
    pub fn new(mut port: P, seed: u64) -> Self {
        // Interfaces refuse an address that is none of a single card.
        let mut address = EthernetAddress(port.hardware_address());
        if !address.is_unicast() {
            address = EthernetAddress([0x02, 0, 0, 0, 0, 1]);
        }
        let mut config = iface::Config::new(HardwareAddress::Ethernet(address));
        config.random_seed = seed;
        let iface = Interface::new(config, &mut port, now());
        let mut sockets = SocketSet::new(Vec::new());
        let dns = sockets.add(dns::socket());
        // A spread of the first port: a peer may remember the last boot's.
        let next_port = FIRST_PORT + (seed ^ (seed >> 32)) as u16 % 8192;
        Stack(Rc::new(Shared {
            inner: RefCell::new(Inner {
                port: Some(port),
                iface,
                sockets,
                dhcp: dhcp::Client::default(),
                dns,
                config: None,
                lease: None,
                next_port,
            }),
            kick: Signal::new(),
            configured: Signal::new(),
            planned: Cell::new(None),
        }))
    }

    /// Moves frames until the stack is shut; to be spawned.
    pub async fn run(self) {
        loop {
            match self.work() {
                Rest::Shut => return,
                Rest::More => yield_now().await,
                Rest::Until(deadline) => self.rest(deadline).await,
            }
        }
    }

    async fn rest(&self, deadline: Option<Instant>) {
        self.0.planned.set(deadline);
        let changed = match &self.0.inner.borrow().port {
            Some(port) => port.changed(),
            None => return,
        };
        let timer = async {
            match deadline {
                Some(at) => time::sleep_until(at.total_micros() as u64 * 1000).await,
                None => core::future::pending().await,
            }
        };
        match select3(pin!(changed), pin!(self.0.kick.wait()), pin!(timer)).await {
            Either3::First(()) | Either3::Second(()) | Either3::Third(()) => {}
        }
    }

    /// One round: what has come is taken, what is due is sent.
    fn work(&self) -> Rest {
        let mut inner = self.0.inner.borrow_mut();
        let now = now();
        let more = inner.take(now);
        inner.send(now);
        if inner.follow_dhcp() {
            self.0.configured.set();
            inner.send(now);
        }
        if inner.port.is_none() {
            Rest::Shut
        } else if more {
            Rest::More
        } else {
            Rest::Until(inner.next(now))
        }
    }

    /// Sends what a socket was just given, and sees to it that the runner
    /// wakes in time for what follows from it.
    fn push(&self, inner: &mut Inner<P>) {
        let now = now();
        inner.send(now);
        let next = inner.next(now);
        let late = match (next, self.0.planned.get()) {
            (Some(next), Some(planned)) => next < planned,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if late {
            self.0.planned.set(next);
            self.0.kick.set();
        }
    }

    /// Gives the interface this address, now and until another one is given.
    pub fn set_static(&self, config: Config) {
        let mut inner = self.0.inner.borrow_mut();
        inner.stop_dhcp();
        inner.lease = None;
        inner.apply(Some(config));
        drop(inner);
        self.0.configured.set();
        self.0.kick.set();
    }

    /// The address in use, if there is one.
    pub fn config(&self) -> Option<Config> {
        self.0.inner.borrow().config.clone()
    }

    /// The lease it comes from, if it comes from DHCP.
    pub fn lease(&self) -> Option<Lease> {
        self.0.inner.borrow().lease.clone()
    }

    /// The largest IP packet that the card takes, in bytes.
    pub fn mtu(&self) -> usize {
        let inner = self.0.inner.borrow();
        inner
            .port
            .as_ref()
            .map_or(1500, |port| port.capabilities().ip_mtu())
    }

    /// Ends all connections and the runner, and gives the port back to be
    /// closed; `None` if that was done already.
    pub fn shut(&self) -> Option<P> {
        let mut inner = self.0.inner.borrow_mut();
        inner.stop_dhcp();
        for (_, socket) in inner.sockets.iter_mut() {
            match socket {
                smoltcp::socket::Socket::Tcp(tcp) => tcp.abort(),
                smoltcp::socket::Socket::Udp(udp) => udp.close(),
                _ => {}
            }
        }
        inner.send(now());
        let port = inner.port.take();
        inner.config = None;
        inner.lease = None;
        drop(inner);
        self.0.kick.set();
        self.0.configured.set();
        port
    }
}

impl<P: Port> Inner<P> {
    /// Takes a burst of frames; true if there may be more.
    fn take(&mut self, now: Instant) -> bool {
        let Some(port) = &mut self.port else {
            return false;
        };
        self.iface.poll_maintenance(now);
        (0..BURST).all(|_| {
            let single = self.iface.poll_ingress_single(now, port, &mut self.sockets);
            !matches!(single, PollIngressSingleResult::None)
        })
    }

    /// Sends whatever is due and has room.
    fn send(&mut self, now: Instant) {
        let Some(port) = &mut self.port else {
            return;
        };
        // Each round sends at most one packet of each socket.
        for _ in 0..BURST {
            let result = self.iface.poll_egress(now, port, &mut self.sockets);
            if matches!(result, PollResult::None) {
                break;
            }
        }
        port.flush();
    }

    /// When there is something to do next, if time alone brings it.
    fn next(&mut self, now: Instant) -> Option<Instant> {
        let at = self.iface.poll_at(now, &self.sockets)?;
        // Due, and yet not sent: there was no room.
        Some(if at <= now { now + NO_ROOM } else { at })
    }

    /// Uses `config` from now on, or no address.
    fn apply(&mut self, config: Option<Config>) {
        let address = config.as_ref().map(|config| IpCidr::Ipv4(config.address));
        self.iface.update_ip_addrs(|addresses| {
            addresses.clear();
            // There is room for one.
            let _ = address.map(|address| addresses.push(address));
        });
        let gateway = config.as_ref().and_then(|config| config.gateway);
        let routes = self.iface.routes_mut();
        match gateway {
            Some(gateway) => {
                // There is room for one.
                let _ = routes.add_default_ipv4_route(gateway);
            }
            None => {
                routes.remove_default_ipv4_route();
            }
        }
        let servers = config.as_ref().map(|config| config.dns.as_slice());
        self.set_name_servers(servers.unwrap_or_default());
        self.config = config;
    }

    /// A port of ours that no socket uses.
    fn ephemeral(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = port.checked_add(1).unwrap_or(FIRST_PORT);
        port
    }
}

/// A buffer of `length` zeros, if there is memory for it.
fn buffer(length: usize) -> Result<Vec<u8>, SocketError> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length)
        .map_err(|_| SocketError::Memory)?;
    bytes.resize(length, 0);
    Ok(bytes)
}

/// `duration` as the stack has it.
fn span(duration: Duration) -> smoltcp::time::Duration {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    smoltcp::time::Duration::from_micros(micros.min(i64::MAX as u64 / 2))
}
