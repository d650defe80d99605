//! A network backend: the handshake of Linux' netback, a wire that is two
//! lists of frames, and manners to choose.
//!
//! [`Netback::work`] does all there is to do; call it whenever the guest sleeps.

mod rings;

use super::BackendState;
use super::blkback::Domain;
use super::store::Xenstored;
use crate::net::{RX_SLOT, TX_SLOT};
use crate::ring::BackRing;
use crate::xenbus::XenbusState as S;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How the backend treats the rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manners {
    /// As it should.
    #[default]
    Honest,
    /// Answers what is sent in the reverse order.
    Backwards,
    /// Never answers what is sent.
    Never,
    /// Never answers, and keeps the pages mapped.
    NeverAndKeeps,
    /// Sends nothing, and says so with this status.
    Refuses(i16),
    /// Answers to ids that no request had.
    WrongId,
    /// Answers what was sent twice, while something else is under way.
    Twice,
    /// Answers as to an extra slot that was not there.
    Nothing,
    /// Claims more answers than requests.
    Overrun,
    /// The same on the ring for receiving.
    RxOverrun,
    /// Received parts name another buffer.
    RxWrongId,
    /// Received parts name this offset.
    RxOffset(u16),
    /// Received parts have this length or status.
    RxStatus(i16),
    /// Received parts have these flags, too.
    RxFlags(u16),
    /// Parts that never come to an end.
    RxEndless,
    /// As many extra slots as there are buffers.
    RxExtras,
    /// Extra slots of this kind.
    RxExtra(u8),
    /// Leaves (Closing) as soon as something is sent.
    Leaves,
    /// Vanishes from the store as soon as something is sent.
    Vanishes,
}

/// What the backend's nodes say.
#[derive(Clone, Debug)]
pub struct Offer {
    /// `feature-sg`.
    pub scatter_gather: bool,
    /// `feature-gso-tcpv4`.
    pub segmentation: bool,
    /// `feature-no-csum-offload` is not set.
    pub checksums: bool,
    /// Nodes to write over what the above gives; `None` removes.
    pub overrides: Vec<(&'static str, Option<&'static str>)>,
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            scatter_gather: true,
            segmentation: true,
            checksums: true,
            overrides: Vec::new(),
        }
    }
}

/// A frame on the wire.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The checksum is still to be filled in.
    pub blank: bool,
    /// The checksum has been verified.
    pub validated: bool,
    /// To be cut into segments of so much payload.
    pub segment: Option<u16>,
    /// Slots it took, or is to take at least.
    pub slots: usize,
}

/// What happened so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Connections made.
    pub connections: u32,
    /// Requests that made no sense, with the reason.
    pub nonsense: Vec<String>,
    /// Times the guest signalled.
    pub events: u32,
    /// Times the guest was signalled.
    pub notified: u32,
    /// Nodes the frontend had written when it connected.
    pub wishes: Vec<(&'static str, String)>,
}

struct Connected<P> {
    tx: BackRing<P>,
    rx: BackRing<P>,
    refs: [u32; 2],
    port: u32,
}

/// The backend of one card.
pub struct Netback<D: Domain> {
    store: Xenstored,
    domain: D,
    path: String,
    frontend: String,
    offer: Offer,
    state: BackendState,
    last_frontend: Option<String>,
    connected: Option<Connected<D::Page>>,
    kept: Vec<u32>,
    /// What the guest has sent.
    pub sent: Vec<Frame>,
    /// What it will receive, as it has buffers.
    pub queue: VecDeque<Frame>,
    /// How the rings are treated from now on.
    pub manners: Manners,
    /// What happened so far.
    pub seen: Seen,
}

impl<D: Domain> Netback<D> {
    /// A card `number` of domain `guest`, its nodes made as the toolstack makes them.
    pub fn new(store: &Xenstored, domain: D, guest: u16, number: u32, offer: Offer) -> Self {
        let path = format!("/local/domain/0/backend/vif/{guest}/{number}");
        let frontend = format!("/local/domain/{guest}/device/vif/{number}");
        for (node, value) in [
            ("backend", path.as_str()),
            ("backend-id", "0"),
            ("state", "1"),
            ("handle", &number.to_string()),
            ("mac", &format!("00:16:3e:00:00:{number:02x}")),
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
            sent: Vec::new(),
            queue: VecDeque::new(),
            manners: Manners::Honest,
            seen: Seen::default(),
        }
    }

    /// Its state.
    pub fn state(&self) -> S {
        self.state.state()
    }

    /// Lets go of what bad manners kept.
    pub fn relent(&mut self) {
        for gref in core::mem::take(&mut self.kept) {
            self.domain.unmap(gref);
        }
    }

    /// Ends the device from this side: `Closing`.
    pub fn leave(&mut self) {
        self.state = BackendState::new(S::Closing);
        self.show_state();
    }

    /// Writes one of its nodes.
    pub fn set(&self, node: &str, value: &str) {
        self.store.set(&format!("{}/{node}", self.path), value);
    }

    /// Does all there is to do; `true` if there was anything.
    pub fn work(&mut self) -> bool {
        if self.store.get(&format!("{}/state", self.path)).is_none() {
            return false; // vanished
        }
        let mut did = self.handshake();
        let Some(mut connected) = self.connected.take() else {
            return did;
        };
        if self.domain.pending(connected.port) {
            did = true;
            self.seen.events += 1;
            self.sending(&mut connected);
        }
        did |= self.receiving(&mut connected);
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

    fn front(&self, node: &str) -> Option<String> {
        self.store.get(&format!("{}/{node}", self.frontend))
    }

    fn handshake(&mut self) -> bool {
        let theirs = self.front("state");
        if theirs != self.last_frontend {
            let state = theirs.as_deref().map_or(S::Unknown, S::parse);
            // Unlike blkback it waits until the frontend says that it is connected.
            if state != S::Initialised {
                self.state.saw(state);
            }
            self.last_frontend = theirs;
        }
        let before = self.state();
        self.state.works();
        let now = self.state();
        if now == before {
            return false;
        }
        match now {
            S::InitWait => self.describe(),
            S::Connected => {
                if let Err(why) = self.connect() {
                    self.set("error", &why);
                    self.state = BackendState::new(S::Closing);
                }
            }
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
        for (node, value) in [
            ("feature-rx-copy", true),
            ("feature-sg", self.offer.scatter_gather),
            ("feature-gso-tcpv4", self.offer.segmentation),
            ("feature-no-csum-offload", !self.offer.checksums),
        ] {
            self.set(node, if value { "1" } else { "0" });
        }
        for (node, value) in &self.offer.overrides {
            match value {
                Some(value) => self.set(node, value),
                None => self.store.remove(&format!("{}/{node}", self.path)),
            }
        }
    }

    fn connect(&mut self) -> Result<(), String> {
        let node = |name: &str| {
            let text = self.front(name).ok_or(format!("no {name}"))?;
            text.parse::<u32>().map_err(|_| format!("bad {name}"))
        };
        if node("request-rx-copy")? != 1 || node("feature-rx-notify")? != 1 {
            return Err("the frontend is of another age".into());
        }
        let refs = [node("tx-ring-ref")?, node("rx-ring-ref")?];
        let port = node("event-channel")?;
        let wish = |name| Some((name, self.front(name)?));
        let names = ["feature-sg", "feature-gso-tcpv4", "feature-no-csum-offload"];
        self.seen.wishes = names.into_iter().filter_map(wish).collect();
        let [tx, rx] = refs.map(|gref| self.domain.map(gref, true));
        let (tx, rx) = (tx.ok_or("no tx ring")?, rx.ok_or("no rx ring")?);
        let port = self.domain.bind(port).ok_or("no such port")?;
        self.connected = Some(Connected {
            tx: BackRing::new(tx, TX_SLOT).map_err(|e| e.to_string())?,
            rx: BackRing::new(rx, RX_SLOT).map_err(|e| e.to_string())?,
            refs,
            port,
        });
        self.seen.connections += 1;
        Ok(())
    }

    fn let_go(&mut self, connected: Connected<D::Page>) {
        for gref in connected.refs {
            self.domain.unmap(gref);
        }
        self.domain.unbind(connected.port);
        if self.manners != Manners::NeverAndKeeps {
            self.relent();
        }
    }
}
