//! A block backend: the handshake of Linux' blkback, a disk in memory, and manners to choose.
//!
//! It runs in whatever stands for another domain ([`Domain`]): the toy Xen of
//! `minios`, or a table of pages in a test. [`Blkback::work`] does all there is
//! to do; call it whenever the guest sleeps.

mod requests;

use super::store::Xenstored;
use super::{BackendState, Joined};
use crate::block::{RESPONSE, SLOT};
use crate::ring::{BackRing, Memory};
use crate::xenbus::XenbusState as S;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// What a domain can do to a guest that lets it: map granted pages, signal ports.
pub trait Domain {
    /// A page of the guest.
    type Page: Memory;
    /// Maps a granted page; `None` if there is no such grant or it does not allow it.
    fn map(&mut self, gref: u32, write: bool) -> Option<Self::Page>;
    /// Undoes one [`Self::map`].
    fn unmap(&mut self, gref: u32);
    /// Connects to a port the guest allocated; `None` if there is none.
    fn bind(&mut self, port: u32) -> Option<u32>;
    /// Signals the guest.
    fn notify(&mut self, port: u32);
    /// Whether the guest signalled since last asked.
    fn pending(&mut self, port: u32) -> bool;
    /// Closes our end of a port.
    fn unbind(&mut self, port: u32);
}

/// How the backend treats requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manners {
    /// As it should.
    #[default]
    Honest,
    /// Answers correctly, but the last request first.
    Backwards,
    /// Answers only the first of what it finds each time it is woken.
    OneAtATime,
    /// Every request fails.
    Errors,
    /// Every status is one nobody knows.
    Status(i16),
    /// Answers with ids that no request had.
    WrongId,
    /// Answers every request twice.
    Twice,
    /// Never answers.
    Never,
    /// Never answers, and keeps the pages mapped.
    NeverAndKeeps,
    /// Claims more responses than there were requests.
    Overrun,
    /// Leaves (Closing) as soon as a request comes.
    Leaves,
    /// Vanishes from the store as soon as a request comes.
    Vanishes,
    /// Answers reads without having read anything.
    Lies,
}

/// What the backend's nodes say.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Bytes per sector.
    pub sector_size: u32,
    /// Bits of `info`.
    pub info: u32,
    /// `feature-max-indirect-segments`, if any.
    pub indirect: Option<u32>,
    /// Keeps grants mapped if the frontend wants it to.
    pub persistent: bool,
    /// `feature-flush-cache`.
    pub flush: bool,
    /// `feature-barrier`.
    pub barrier: bool,
    /// `feature-discard`.
    pub discard: bool,
    /// `max-ring-page-order`, if any.
    pub ring_order: Option<u32>,
    /// Nodes to write over what the above gives; `None` removes.
    pub overrides: Vec<(&'static str, Option<&'static str>)>,
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            sector_size: 512,
            info: 0,
            indirect: Some(256),
            persistent: false,
            flush: true,
            barrier: false,
            discard: false,
            ring_order: Some(4),
            overrides: Vec::new(),
        }
    }
}

/// What happened so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Connections made.
    pub connections: u32,
    /// Requests by operation: read, write, barrier, flush, discard.
    pub requests: [u32; 5],
    /// Of those, indirect ones.
    pub indirect: u32,
    /// Most segments in a request.
    pub most_segments: usize,
    /// Most requests found at once.
    pub most_at_once: u32,
    /// Requests that made no sense, with the reason.
    pub nonsense: Vec<String>,
    /// Times a page was mapped for data.
    pub maps: u32,
}

struct Connected<P> {
    ring: BackRing<Joined<P>>,
    refs: Vec<u32>,
    port: u32,
    persistent: bool,
}

/// The backend of one disk.
pub struct Blkback<D: Domain> {
    store: Xenstored,
    domain: D,
    /// `/local/domain/0/backend/vbd/<guest>/<number>`
    path: String,
    frontend: String,
    offer: Offer,
    state: BackendState,
    last_frontend: Option<String>,
    connected: Option<Connected<D::Page>>,
    /// Mapped for good, with `Offer::persistent` or by bad manners.
    kept: Vec<(u32, D::Page)>,
    last_response: Option<[u8; RESPONSE]>,
    /// The disk.
    pub data: Vec<u8>,
    /// How it treats requests from now on.
    pub manners: Manners,
    /// What happened so far.
    pub seen: Seen,
}

impl<D: Domain> Blkback<D> {
    /// A disk `number` of domain `guest`, its nodes made as the toolstack makes them.
    pub fn new(
        store: &Xenstored,
        domain: D,
        guest: u16,
        number: u32,
        data: Vec<u8>,
        offer: Offer,
    ) -> Self {
        let path = format!("/local/domain/0/backend/vbd/{guest}/{number}");
        let frontend = format!("/local/domain/{guest}/device/vbd/{number}");
        for (node, value) in [
            ("backend", path.as_str()),
            ("backend-id", "0"),
            ("state", "1"),
            ("virtual-device", &number.to_string()),
            ("device-type", "disk"),
        ] {
            store.set(&format!("{frontend}/{node}"), value);
        }
        store.set(&format!("{path}/frontend"), &frontend);
        store.set(&format!("{path}/frontend-id"), &guest.to_string());
        store.set(&format!("{path}/state"), "1");
        Self {
            store: store.clone(),
            domain,
            path,
            frontend,
            offer,
            state: BackendState::new(S::Initialising),
            last_frontend: None,
            connected: None,
            kept: Vec::new(),
            last_response: None,
            data,
            manners: Manners::Honest,
            seen: Seen::default(),
        }
    }

    /// Its state.
    pub fn state(&self) -> S {
        self.state.state()
    }

    /// Pages it has mapped for good.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// Lets go of what bad manners kept.
    pub fn relent(&mut self) {
        for (gref, _) in core::mem::take(&mut self.kept) {
            self.domain.unmap(gref);
        }
    }

    /// Ends the device from this side: `Closing`.
    pub fn leave(&mut self) {
        self.state = BackendState::new(S::Closing);
        self.show_state();
    }

    /// Does all there is to do; `true` if there was anything.
    pub fn work(&mut self) -> bool {
        if self.store.get(&format!("{}/state", self.path)).is_none() {
            return false; // vanished
        }
        let handshake = self.handshake();
        let Some(mut connected) = self.connected.take() else {
            return handshake;
        };
        let mut did = handshake;
        if self.domain.pending(connected.port) {
            did = true;
            self.serve(&mut connected);
        }
        if self.connected.is_none() && self.state() != S::Closed {
            self.connected = Some(connected);
        } else {
            self.let_go(connected);
        }
        did
    }

    fn show_state(&self) {
        self.set("state", &self.state().number().to_string());
    }

    fn set(&self, node: &str, value: &str) {
        self.store.set(&format!("{}/{node}", self.path), value);
    }

    fn front(&self, node: &str) -> Option<String> {
        self.store.get(&format!("{}/{node}", self.frontend))
    }

    fn front_number(&self, node: &str) -> Option<u32> {
        self.front(node)?.parse().ok()
    }

    fn handshake(&mut self) -> bool {
        let theirs = self.front("state");
        if theirs != self.last_frontend {
            self.state
                .saw(theirs.as_deref().map_or(S::Unknown, S::parse));
            self.last_frontend = theirs;
        }
        let before = self.state();
        self.state.works();
        let now = self.state();
        if now == before {
            return false;
        }
        match now {
            S::InitWait => {
                if let Some(order) = self.offer.ring_order {
                    self.set("max-ring-page-order", &order.to_string());
                }
                if let Some(n) = self.offer.indirect {
                    self.set("feature-max-indirect-segments", &n.to_string());
                }
            }
            S::Connected => match self.connect() {
                Ok(()) => self.describe(),
                Err(why) => {
                    self.set("error", &why);
                    self.state = BackendState::new(S::Closing);
                }
            },
            S::Closed => {
                if let Some(connected) = self.connected.take() {
                    self.let_go(connected);
                }
            }
            _ => {}
        }
        self.show_state();
        true
    }

    fn describe(&self) {
        let (sectors, o) = (self.data.len() / 512, &self.offer);
        for (node, value) in [
            ("sectors", sectors as u32),
            ("sector-size", o.sector_size),
            ("info", o.info),
            ("feature-flush-cache", o.flush.into()),
            ("feature-barrier", o.barrier.into()),
            ("feature-discard", o.discard.into()),
            ("feature-persistent", o.persistent.into()),
        ] {
            self.set(node, &value.to_string());
        }
        for (node, value) in &o.overrides {
            match value {
                Some(value) => self.set(node, value),
                None => self.store.remove(&format!("{}/{node}", self.path)),
            }
        }
    }

    fn connect(&mut self) -> Result<(), String> {
        let node = |name: &str| self.front_number(name).ok_or(format!("no {name}"));
        if self.front("protocol").as_deref() != Some("x86_64-abi") {
            return Err("protocol is not x86_64-abi".into());
        }
        let refs = match self.front_number("ring-page-order") {
            None => vec![node("ring-ref")?],
            Some(order) if Some(order) > self.offer.ring_order => {
                return Err("ring too large".into());
            }
            Some(order) => (0..1 << order)
                .map(|i| node(&format!("ring-ref{i}")))
                .collect::<Result<_, _>>()?,
        };
        let port = node("event-channel")?;
        let persistent =
            self.front_number("feature-persistent") == Some(1) && self.offer.persistent;
        let mut pages = Vec::new();
        for gref in &refs {
            pages.push(
                self.domain
                    .map(*gref, true)
                    .ok_or(format!("ring page {gref} is not granted"))?,
            );
        }
        let port = self.domain.bind(port).ok_or("no such port")?;
        let ring = BackRing::new(Joined(pages), SLOT).map_err(|e| e.to_string())?;
        self.connected = Some(Connected {
            ring,
            refs,
            port,
            persistent,
        });
        self.seen.connections += 1;
        Ok(())
    }

    fn let_go(&mut self, connected: Connected<D::Page>) {
        connected
            .refs
            .iter()
            .for_each(|gref| self.domain.unmap(*gref));
        self.domain.unbind(connected.port);
        if self.manners != Manners::NeverAndKeeps {
            self.relent();
        }
    }
}
