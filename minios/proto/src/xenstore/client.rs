//! A xenstore client without I/O: requests in, bytes out; bytes in, answers and events out.
//!
//! Feed [`Client::receive`] what came over the ring or socket, send what
//! [`Client::outgoing`] holds. Any number of requests may be under way;
//! [`Client::take`] gives the answer to one, in whatever order they came.
//! Watches are known by a [`WatchId`], which travels as their token.

use super::wire::{self, HEADER, Kind, PAYLOAD_MAX, Packet};
use super::{Errno, Error, path};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Events kept for one watch; when more come unread, one that names the watched path stands for all.
const EVENTS_MAX: usize = 128;

/// A request under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u32);

/// A transaction, or none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tx(u32);

impl Tx {
    /// Outside any transaction.
    pub const NONE: Self = Self(0);
}

/// A watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WatchId(u32);

impl WatchId {
    fn token(self) -> String {
        format!("w{}", self.0)
    }

    fn parse(token: &[u8]) -> Option<Self> {
        let digits = str::from_utf8(token).ok()?.strip_prefix('w')?;
        digits
            .parse()
            .ok()
            .map(Self)
            .filter(|id| id.token().as_bytes() == token)
    }
}

#[derive(Debug)]
struct Pending {
    kind: Kind,
    /// The asker is gone; drop the answer.
    forgotten: bool,
}

#[derive(Debug)]
struct Watch {
    path: String,
    events: VecDeque<String>,
}

/// Packets that fitted nothing, by kind of misfit. An honest server causes none but
/// events that crossed with an [`Client::unwatch`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Answers to requests that are not under way.
    pub unknown_ids: u64,
    /// Events with a token that is none of ours.
    pub unknown_tokens: u64,
    /// Events that do not hold a path and a token.
    pub malformed_events: u64,
}

/// The client's side of one connection.
#[derive(Debug, Default)]
pub struct Client {
    last_id: u32,
    last_watch: u32,
    out: Vec<u8>,
    input: Vec<u8>,
    pending: BTreeMap<u32, Pending>,
    answers: BTreeMap<u32, Result<Vec<u8>, Error>>,
    watches: BTreeMap<WatchId, Watch>,
    lost: Option<wire::WireError>,
    /// What came that fitted nothing.
    pub oddities: Oddities,
}

impl Client {
    /// A fresh connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes to send, in order.
    pub fn outgoing(&self) -> &[u8] {
        &self.out
    }

    /// The first `n` bytes of [`Self::outgoing`] were sent.
    pub fn sent(&mut self, n: usize) {
        self.out.drain(..n.min(self.out.len()));
    }

    /// Requests without an answer.
    pub fn under_way(&self) -> usize {
        self.pending.len()
    }

    /// Takes bytes from the server; answers and events can then be taken.
    ///
    /// # Errors
    /// If the stream is no longer one of packets: the connection is lost and
    /// every request, now and later, fails with the same error.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Some(e) = self.lost {
            return Err(Error::Lost(e));
        }
        // A packet is handled as soon as it is whole, so at most one is ever kept.
        self.input.extend_from_slice(bytes);
        let input = core::mem::take(&mut self.input);
        let mut rest = &input[..];
        loop {
            match Packet::parse(rest) {
                Ok(Some((packet, len))) => {
                    self.packet(&packet);
                    rest = rest.get(len..).unwrap_or_default();
                }
                Ok(None) => break,
                Err(e) => return Err(self.lose(e)),
            }
        }
        debug_assert!(rest.len() < HEADER + PAYLOAD_MAX);
        self.input = rest.to_vec();
        Ok(())
    }

    /// The connection is lost (also for reasons outside the stream): everything under way fails.
    pub fn lose(&mut self, why: wire::WireError) -> Error {
        self.lost = Some(why);
        for (id, pending) in core::mem::take(&mut self.pending) {
            if !pending.forgotten {
                self.answers.insert(id, Err(Error::Lost(why)));
            }
        }
        self.out.clear();
        Error::Lost(why)
    }

    fn packet(&mut self, packet: &Packet) {
        if packet.kind == Kind::WatchEvent {
            return self.event(packet.payload);
        }
        let Some(pending) = self.pending.remove(&packet.req_id) else {
            self.oddities.unknown_ids += 1;
            return;
        };
        if pending.forgotten {
            // A transaction that nobody knows of would stay open.
            if packet.kind == Kind::TransactionStart
                && let Ok(tx) = transaction(packet.payload)
                && let Ok(end) = self.end(tx, false)
            {
                self.forget(end);
            }
            return;
        }
        let answer = match packet.kind {
            Kind::Error => {
                let name = packet.payload.strip_suffix(&[0]).unwrap_or(packet.payload);
                Err(Error::Server(Errno::from_name(&String::from_utf8_lossy(
                    name,
                ))))
            }
            kind if kind == pending.kind => Ok(packet.payload.to_vec()),
            _ => Err(Error::Answer("of another kind than the request")),
        };
        self.answers.insert(packet.req_id, answer);
    }

    fn event(&mut self, payload: &[u8]) {
        let mut parts = wire::strings(payload);
        let (Some(path), Some(token)) = (parts.next(), parts.next()) else {
            self.oddities.malformed_events += 1;
            return;
        };
        let Ok(path) = str::from_utf8(path) else {
            self.oddities.malformed_events += 1;
            return;
        };
        let Some(watch) = WatchId::parse(token).and_then(|id| self.watches.get_mut(&id)) else {
            self.oddities.unknown_tokens += 1;
            return;
        };
        if watch.events.iter().any(|p| p == path) {
            return; // not read yet: once is enough
        }
        if watch.events.len() >= EVENTS_MAX {
            watch.events.clear();
            watch.events.push_back(watch.path.clone());
        } else {
            watch.events.push_back(path.into());
        }
    }

    /// Queues a request of any kind.
    ///
    /// # Errors
    /// [`Error::TooLong`]; [`Error::Lost`].
    pub fn request(&mut self, kind: Kind, tx: Tx, parts: &[&[u8]]) -> Result<Ticket, Error> {
        if let Some(e) = self.lost {
            return Err(Error::Lost(e));
        }
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            let id = self.last_id;
            if id != 0 && !self.pending.contains_key(&id) && !self.answers.contains_key(&id) {
                break;
            }
        }
        let id = self.last_id;
        Packet::emit(&mut self.out, kind, id, tx.0, parts)
            .map_err(|bytes| Error::TooLong { bytes })?;
        self.pending.insert(
            id,
            Pending {
                kind,
                forgotten: false,
            },
        );
        Ok(Ticket(id))
    }

    fn path_request(
        &mut self,
        kind: Kind,
        tx: Tx,
        at: &str,
        rest: &[&[u8]],
    ) -> Result<Ticket, Error> {
        path::check(at)?;
        let mut parts: Vec<&[u8]> = alloc::vec![at.as_bytes(), &[0]];
        parts.extend_from_slice(rest);
        self.request(kind, tx, &parts)
    }

    /// The answer to a request, once it is there.
    pub fn take(&mut self, ticket: Ticket) -> Option<Result<Vec<u8>, Error>> {
        self.answers.remove(&ticket.0)
    }

    /// Nobody waits for this answer any more.
    pub fn forget(&mut self, ticket: Ticket) {
        self.answers.remove(&ticket.0);
        if let Some(pending) = self.pending.get_mut(&ticket.0) {
            pending.forgotten = true;
        }
    }

    /// Reads a node's value. See [`Self::request`] for errors of all that follow; also [`Error::Path`].
    #[allow(clippy::missing_errors_doc)]
    pub fn read(&mut self, tx: Tx, path: &str) -> Result<Ticket, Error> {
        self.path_request(Kind::Read, tx, path, &[])
    }

    /// Sets a node's value, making the node and its parents if need be.
    #[allow(clippy::missing_errors_doc)]
    pub fn write(&mut self, tx: Tx, path: &str, value: &[u8]) -> Result<Ticket, Error> {
        self.path_request(Kind::Write, tx, path, &[value])
    }

    /// Makes a node if it is not there.
    #[allow(clippy::missing_errors_doc)]
    pub fn mkdir(&mut self, tx: Tx, path: &str) -> Result<Ticket, Error> {
        self.path_request(Kind::Mkdir, tx, path, &[])
    }

    /// Removes a node and all below it; that it was not there is an error only if its parent was not either.
    #[allow(clippy::missing_errors_doc)]
    pub fn rm(&mut self, tx: Tx, path: &str) -> Result<Ticket, Error> {
        self.path_request(Kind::Rm, tx, path, &[])
    }

    /// A request of a [`super::listing::Listing`].
    #[allow(clippy::missing_errors_doc)]
    pub fn list(&mut self, tx: Tx, listing: &super::listing::Listing) -> Result<Ticket, Error> {
        let (kind, payload) = listing.request();
        path::check(payload.split('\0').next().unwrap_or_default())?;
        self.request(kind, tx, &[payload.as_bytes()])
    }

    /// A node's permissions: parse the answer with [`perms`].
    #[allow(clippy::missing_errors_doc)]
    pub fn get_perms(&mut self, tx: Tx, path: &str) -> Result<Ticket, Error> {
        self.path_request(Kind::GetPerms, tx, path, &[])
    }

    /// Sets permissions, each like `n0`, `r5`, `b7`; the first names the owner and what all others may.
    #[allow(clippy::missing_errors_doc)]
    pub fn set_perms(&mut self, tx: Tx, path: &str, perms: &[&str]) -> Result<Ticket, Error> {
        let list: String = perms.iter().flat_map(|p| [*p, "\0"]).collect();
        self.path_request(Kind::SetPerms, tx, path, &[list.as_bytes()])
    }

    /// Where a domain's nodes are.
    #[allow(clippy::missing_errors_doc)]
    pub fn domain_path(&mut self, domain: u16) -> Result<Ticket, Error> {
        self.request(
            Kind::GetDomainPath,
            Tx::NONE,
            &[domain.to_string().as_bytes(), &[0]],
        )
    }

    /// Drops every watch and transaction the server still has of this connection (after a previous owner).
    #[allow(clippy::missing_errors_doc)]
    pub fn reset_watches(&mut self) -> Result<Ticket, Error> {
        self.request(Kind::ResetWatches, Tx::NONE, &[&[0]])
    }

    /// Begins a transaction: parse the answer with [`transaction`].
    #[allow(clippy::missing_errors_doc)]
    pub fn start(&mut self) -> Result<Ticket, Error> {
        self.request(Kind::TransactionStart, Tx::NONE, &[&[0]])
    }

    /// Ends a transaction, with effect or without.
    #[allow(clippy::missing_errors_doc)]
    pub fn end(&mut self, tx: Tx, commit: bool) -> Result<Ticket, Error> {
        self.request(
            Kind::TransactionEnd,
            tx,
            &[if commit { b"T\0" } else { b"F\0" }],
        )
    }

    /// Watches a node and all below it. The server sends one event at once.
    #[allow(clippy::missing_errors_doc)]
    pub fn watch(&mut self, path: &str) -> Result<(Ticket, WatchId), Error> {
        self.last_watch = self.last_watch.wrapping_add(1);
        let id = WatchId(self.last_watch);
        let token = id.token();
        let ticket = self.path_request(Kind::Watch, Tx::NONE, path, &[token.as_bytes(), &[0]])?;
        self.watches.insert(
            id,
            Watch {
                path: path.into(),
                events: VecDeque::new(),
            },
        );
        Ok((ticket, id))
    }

    /// Watches no more; `None` if it was no watch. Events not taken are dropped.
    #[allow(clippy::missing_errors_doc)]
    pub fn unwatch(&mut self, id: WatchId) -> Option<Result<Ticket, Error>> {
        let watch = self.watches.remove(&id)?;
        let token = id.token();
        Some(self.path_request(
            Kind::Unwatch,
            Tx::NONE,
            &watch.path,
            &[token.as_bytes(), &[0]],
        ))
    }

    /// The next path that changed, of this watch.
    pub fn take_event(&mut self, id: WatchId) -> Option<String> {
        self.watches.get_mut(&id)?.events.pop_front()
    }
}

/// The answer to a request that has nothing to say.
///
/// # Errors
/// [`Error::Answer`] unless it is `OK`.
pub fn ok(answer: &[u8]) -> Result<(), Error> {
    if answer == b"OK\0" {
        Ok(())
    } else {
        Err(Error::Answer("not OK"))
    }
}

/// The answer as one string, without the NUL.
///
/// # Errors
/// [`Error::Answer`] if it is not UTF-8.
pub fn string(answer: &[u8]) -> Result<&str, Error> {
    let text = answer.strip_suffix(&[0]).unwrap_or(answer);
    str::from_utf8(text).map_err(|_| Error::Answer("not text"))
}

/// The answer to [`Client::start`].
///
/// # Errors
/// [`Error::Answer`] if it is no number other than 0.
pub fn transaction(answer: &[u8]) -> Result<Tx, Error> {
    match string(answer)?.parse() {
        Ok(0) | Err(_) => Err(Error::Answer("no transaction number")),
        Ok(n) => Ok(Tx(n)),
    }
}

/// The answer to [`Client::get_perms`].
///
/// # Errors
/// [`Error::Answer`] if it is not text.
pub fn perms(answer: &[u8]) -> Result<Vec<String>, Error> {
    wire::strings(answer)
        .map(|p| string(p).map(String::from))
        .collect()
}

/// Decides whether a transaction is tried again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempts(u32);

impl Attempts {
    /// Conflicts after which a transaction gives up.
    pub const MAX: u32 = 64;

    /// What the end of an attempt means: `Ok(true)` done, `Ok(false)` do it all again.
    ///
    /// # Errors
    /// Any error but `EAGAIN`; [`Error::Conflict`] after [`Self::MAX`] of those.
    pub fn ended(&mut self, end: Result<(), Error>) -> Result<bool, Error> {
        match end {
            Ok(()) => Ok(true),
            Err(Error::Server(Errno::EAGAIN)) => {
                self.0 += 1;
                if self.0 >= Self::MAX {
                    Err(Error::Conflict { attempts: self.0 })
                } else {
                    Ok(false)
                }
            }
            Err(e) => Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u32, id: u32, payload: &[u8]) -> Vec<u8> {
        let mut bytes: Vec<u8> = [kind, id, 0, payload.len() as u32]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect();
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn answers_in_any_order_and_any_pieces() {
        let mut c = Client::new();
        let a = c.read(Tx::NONE, "a").unwrap();
        let b = c.read(Tx::NONE, "b").unwrap();
        assert_eq!(
            c.outgoing(),
            [packet(2, 1, b"a\0"), packet(2, 2, b"b\0")].concat()
        );
        c.sent(18);
        assert_eq!(c.outgoing(), packet(2, 2, b"b\0"));
        c.sent(99);
        assert_eq!((c.outgoing(), c.under_way()), (&b""[..], 2));
        let stream = [packet(2, 2, b"vb"), packet(16, 1, b"ENOENT\0")].concat();
        for byte in stream {
            c.receive(&[byte]).unwrap();
        }
        assert_eq!(c.take(b), Some(Ok(b"vb".to_vec())));
        assert!(c.take(a).unwrap().unwrap_err().is_not_found());
        assert_eq!((c.take(a), c.under_way()), (None, 0));
    }

    #[test]
    fn misfits_are_counted_or_errors() {
        let mut c = Client::new();
        let a = c.read(Tx::NONE, "a").unwrap();
        c.receive(&packet(2, 99, b"?")).unwrap();
        c.receive(&packet(1, 1, b"?")).unwrap();
        assert_eq!(
            c.take(a),
            Some(Err(Error::Answer("of another kind than the request")))
        );
        c.receive(&packet(2, 1, b"again")).unwrap();
        c.receive(&packet(15, 0, b"path\0w1\0")).unwrap();
        c.receive(&packet(15, 0, b"")).unwrap();
        c.receive(&packet(15, 0, b"\xff\0w1\0")).unwrap();
        let odd = Oddities {
            unknown_ids: 2,
            unknown_tokens: 1,
            malformed_events: 2,
        };
        assert_eq!(c.oddities, odd);
        let b = c.read(Tx::NONE, "b").unwrap();
        c.receive(&packet(16, 2, b"EWEIRD\0")).unwrap();
        assert_eq!(
            c.take(b),
            Some(Err(Error::Server(Errno::Other("EWEIRD".into()))))
        );
        // A forgotten request's answer goes nowhere.
        let d = c.read(Tx::NONE, "d").unwrap();
        c.forget(d);
        c.receive(&packet(2, 3, b"x")).unwrap();
        assert_eq!((c.take(d), c.under_way()), (None, 0));
    }

    #[test]
    fn a_broken_stream_fails_everything() {
        let mut c = Client::new();
        let a = c.read(Tx::NONE, "a").unwrap();
        let header: Vec<u8> = [2u32, 1, 0, 5000]
            .iter()
            .flat_map(|n| n.to_le_bytes())
            .collect();
        let lost = Error::Lost(wire::WireError::Length { announced: 5000 });
        assert_eq!(c.receive(&header), Err(lost.clone()));
        assert_eq!(c.take(a), Some(Err(lost.clone())));
        assert_eq!(c.read(Tx::NONE, "b"), Err(lost.clone()));
        assert_eq!((c.receive(b""), c.outgoing()), (Err(lost), &b""[..]));
    }

    #[test]
    fn limits_of_requests() {
        let mut c = Client::new();
        assert_eq!(
            c.write(Tx::NONE, "a", &[0; 4095]),
            Err(Error::TooLong { bytes: 4097 })
        );
        assert!(c.outgoing().is_empty() && c.under_way() == 0);
        assert!(c.write(Tx::NONE, "a", &[0; 4094]).is_ok());
        assert!(matches!(c.read(Tx::NONE, "a//b"), Err(Error::Path(_))));
    }

    #[test]
    fn watches() {
        let mut c = Client::new();
        let (t, w) = c.watch("backend").unwrap();
        assert_eq!(c.outgoing(), packet(4, 1, b"backend\0w1\0"));
        // The first event may come before the answer.
        c.receive(&packet(15, 0, b"backend\0w1\0")).unwrap();
        c.receive(&packet(4, 1, b"OK\0")).unwrap();
        assert_eq!(ok(&c.take(t).unwrap().unwrap()), Ok(()));
        c.receive(&packet(15, 0, b"backend/state\0w1\0")).unwrap();
        c.receive(&packet(15, 0, b"backend/state\0w1\0")).unwrap();
        assert_eq!(c.take_event(w).as_deref(), Some("backend"));
        assert_eq!(c.take_event(w).as_deref(), Some("backend/state"));
        assert_eq!(c.take_event(w), None);
        // A flood is bounded.
        for i in 0..10_000 {
            c.receive(&packet(15, 0, format!("backend/{i}\0w1\0").as_bytes()))
                .unwrap();
        }
        let mut n = 0;
        while c.take_event(w).is_some() {
            n += 1;
        }
        assert!(n <= EVENTS_MAX);
        c.sent(usize::MAX);
        assert!(c.unwatch(w).unwrap().is_ok() && c.unwatch(w).is_none());
        assert_eq!(c.outgoing(), packet(5, 2, b"backend\0w1\0"));
        for token in ["w01", "w+1", "w", "x1", ""] {
            assert_eq!(WatchId::parse(token.as_bytes()), None, "{token}");
        }
    }

    #[test]
    fn transactions() {
        assert_eq!(transaction(b"12\0"), Ok(Tx(12)));
        assert!(
            transaction(b"0\0").is_err()
                && transaction(b"x\0").is_err()
                && transaction(b"").is_err()
        );
        let mut c = Client::new();
        c.end(Tx(12), true).unwrap();
        assert_eq!(c.outgoing()[8..], [12, 0, 0, 0, 2, 0, 0, 0, b'T', 0]);
        let mut tries = Attempts::default();
        let again = || Err(Error::Server(Errno::EAGAIN));
        assert_eq!(tries.ended(again()), Ok(false));
        assert_eq!(tries.ended(Ok(())), Ok(true));
        assert!(tries.ended(Err(Error::Server(Errno::ENOENT))).is_err());
        let end = (0..100).find_map(|_| tries.ended(again()).err());
        assert_eq!(end, Some(Error::Conflict { attempts: 64 }));
    }

    #[test]
    fn ids_in_use_are_passed_over() {
        let mut c = Client::new();
        let first = c.read(Tx::NONE, "a").unwrap();
        c.last_id = u32::MAX;
        let second = c.read(Tx::NONE, "b").unwrap();
        assert_eq!((first, second), (Ticket(1), Ticket(2)), "neither 0 nor 1");
    }
}
