//! vchans: byte streams between two domains (libxenvchan).
//!
//! The shared page and the port live as long as the [`Server`]; clients come
//! and go, ours being [`Client`]. A conversation is [`Server::accept`], then [`Server::read`] and
//! [`Server::write`] until they say [`Ended`], then `accept` again. The bytes
//! and the reconnecting are [`xen_proto::vchan`]'s.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use core::fmt;

use xen_proto::ring::RingError;
use xen_proto::vchan::{self, Change};

use crate::event::Port;
use crate::grant::{GrantError, GrantedPages};
use crate::hypercall::Errno;
use crate::mm::{ForeignGrant, PAGE_SIZE};
use crate::shared::Shared;
use crate::xenstore::{Error, Store};

/// A page of a vchan.
pub type Page = Shared<[u8; PAGE_SIZE]>;

/// Why a server could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The store said no.
    Store(Error),
    /// No memory or no grant for the page.
    Grant(GrantError),
    /// No event channel.
    Port(Errno),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Store(error) => write!(f, "vchan: {error}"),
            OpenError::Grant(error) => write!(f, "vchan: {error}"),
            OpenError::Port(error) => write!(f, "vchan: no event channel: {error}"),
        }
    }
}

impl core::error::Error for OpenError {}

/// Why a server could not be connected to.
#[derive(Debug)]
pub enum ConnectError {
    /// The store said no: nobody serves there, most likely.
    Store(Error),
    /// A node does not hold a number.
    Node(&'static str),
    /// The page can't be mapped.
    Grant(Errno),
    /// No event channel.
    Port(Errno),
    /// The page is no vchan.
    Page(vchan::NoVchan),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::Store(error) => write!(f, "vchan: {error}"),
            ConnectError::Node(node) => write!(f, "vchan: {node} is no number"),
            ConnectError::Grant(error) => write!(f, "vchan: the page can't be mapped: {error}"),
            ConnectError::Port(error) => write!(f, "vchan: no event channel: {error}"),
            ConnectError::Page(error) => write!(f, "vchan: {error}"),
        }
    }
}

impl core::error::Error for ConnectError {}

/// The conversation is over; [`Server::accept`] waits for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The other side went, or another client took its place.
    Gone,
    /// What the client wrote into the page makes no sense.
    Broken(RingError),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Gone => f.write_str("vchan: the other side went"),
            Ended::Broken(error) => write!(f, "vchan: {error}"),
        }
    }
}

impl core::error::Error for Ended {}

/// A vchan of ours.
pub struct Server {
    state: vchan::Server<Page>,
    port: Port,
    store: Store,
    path: String,
    /// A client has come that nobody has accepted yet.
    waiting: bool,
    // Last: the page outlives what uses it.
    _page: GrantedPages,
}

impl Server {
    /// Make a vchan for clients in domain `peer`, and tell of it in the store
    /// under `path` (`ring-ref`, `event-channel`).
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(store: &Store, path: &str, peer: u16) -> Result<Server, OpenError> {
        let page = GrantedPages::new(peer, PAGE_SIZE).map_err(OpenError::Grant)?;
        let port = Port::alloc_unbound(peer).map_err(OpenError::Port)?;
        let reference = page.references().next().unwrap_or_default();
        let state = vchan::Server::new(page.shared());
        store
            .transaction(async |inside| {
                let event_channel = port.number().to_string();
                inside
                    .write(&format!("{path}/ring-ref"), &reference.to_string())
                    .await?;
                inside
                    .write(&format!("{path}/event-channel"), &event_channel)
                    .await
            })
            .await
            .map_err(OpenError::Store)?;
        Ok(Server {
            state,
            port,
            store: store.clone(),
            path: path.to_string(),
            waiting: false,
            _page: page,
        })
    }

    /// Wait for the next client. Both directions are empty then.
    pub async fn accept(&mut self) {
        while !core::mem::take(&mut self.waiting) {
            match self.state.look() {
                Change::Connected => self.waiting = true,
                Change::Gone => {}
                Change::None => self.port.wait().await,
            }
        }
    }

    /// Is the conversation still the one that was accepted?
    fn check(&mut self) -> Result<(), Ended> {
        match self.state.look() {
            Change::None => return Ok(()),
            Change::Connected => self.waiting = true,
            Change::Gone => {}
        }
        Err(Ended::Gone)
    }

    /// Wait for something from the client and take up to `to.len()` bytes of it.
    ///
    /// # Errors
    /// [`Ended`], after which only [`Server::accept`] makes sense.
    pub async fn read(&mut self, to: &mut [u8]) -> Result<usize, Ended> {
        loop {
            self.check()?;
            let moved = self.state.read(to).map_err(Ended::Broken)?;
            if moved.notify {
                self.port.notify();
            }
            if moved.bytes > 0 || to.is_empty() {
                return Ok(moved.bytes);
            }
            self.port.wait().await;
        }
    }

    /// Write all of `from`, waiting for room as long as the client is there.
    ///
    /// # Errors
    /// As [`Server::read`].
    pub async fn write(&mut self, mut from: &[u8]) -> Result<(), Ended> {
        loop {
            self.check()?;
            let moved = self.state.write(from).map_err(Ended::Broken)?;
            if moved.notify {
                self.port.notify();
            }
            from = from.get(moved.bytes..).unwrap_or_default();
            if from.is_empty() {
                return Ok(());
            }
            self.port.wait().await;
        }
    }

    /// Tell a client that the server goes, and take the nodes away.
    ///
    /// # Errors
    /// What the store says; the rest is done then.
    pub async fn close(mut self) -> Result<(), Error> {
        self.state.close();
        self.port.notify();
        self.store.rm(&self.path).await
    }
}

/// A client's end.
pub struct Client {
    state: vchan::Client<Page>,
    port: Port,
}

impl Client {
    /// Connect to the server in domain `peer` that tells of itself in the store
    /// under `path` (`ring-ref`, `event-channel`).
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn open(store: &Store, path: &str, peer: u16) -> Result<Client, ConnectError> {
        let number = async |node: &'static str| -> Result<u32, ConnectError> {
            let text = store.read(&format!("{path}/{node}")).await;
            let text = text.map_err(ConnectError::Store)?;
            text.trim().parse().map_err(|_| ConnectError::Node(node))
        };
        let reference = number("ring-ref").await?;
        let remote = number("event-channel").await?;
        let page = ForeignGrant::map(peer, reference).map_err(ConnectError::Grant)?;
        let port = Port::bind_interdomain(peer, remote).map_err(ConnectError::Port)?;
        Client::attach(Rc::new(page).shared(), port).map_err(ConnectError::Page)
    }

    /// Connect to the server that shares `page`, over `port` bound to its.
    ///
    /// # Errors
    /// [`vchan::NoVchan`].
    pub fn attach(page: Page, port: Port) -> Result<Client, vchan::NoVchan> {
        let state = vchan::Client::attach(page)?;
        port.notify();
        Ok(Client { state, port })
    }

    /// As [`Server::read`]; what a server that went had written still comes.
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn read(&mut self, to: &mut [u8]) -> Result<usize, Ended> {
        loop {
            // Looked at first: what a server wrote before it went is there then.
            let open = self.state.is_open();
            let moved = self.state.read(to).map_err(Ended::Broken)?;
            if moved.notify {
                self.port.notify();
            }
            if moved.bytes > 0 || to.is_empty() {
                return Ok(moved.bytes);
            }
            if !open {
                return Err(Ended::Gone);
            }
            self.port.wait().await;
        }
    }

    /// As [`Server::write`].
    ///
    /// # Errors
    /// [`Ended`].
    pub async fn write(&mut self, mut from: &[u8]) -> Result<(), Ended> {
        loop {
            if !self.state.is_open() {
                return Err(Ended::Gone);
            }
            let moved = self.state.write(from).map_err(Ended::Broken)?;
            if moved.notify {
                self.port.notify();
            }
            from = from.get(moved.bytes..).unwrap_or_default();
            if from.is_empty() {
                return Ok(());
            }
            self.port.wait().await;
        }
    }

    /// Go.
    pub fn close(mut self) {
        self.state.close();
        self.port.notify();
    }
}

#[cfg(test)]
mod tests;
