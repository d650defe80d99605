//! A xenstored with one guest: the tree, transactions, watches, long listings.
//!
//! Tests and mock backends use the tree directly ([`Xenstored::get`],
//! [`Xenstored::set`]), as dom0 would; the guest comes in over the ring
//! ([`Xenstored::serve`]). [`Quirks`] makes it old, busy or mad.

use crate::ring::{ByteReader, ByteWriter, Memory, RingError, XENSTORE_REQ, XENSTORE_RSP};
use crate::xenstore::path;
use crate::xenstore::wire::{self, Kind, PAYLOAD_MAX, Packet};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

/// Ways in which a server can be unlike today's C xenstored.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quirks {
    /// `XS_DIRECTORY_PART` is unknown (before Xen 4.9).
    pub no_directory_part: bool,
    /// `XS_RESET_WATCHES` is unknown.
    pub no_reset_watches: bool,
    /// This many transactions to come end with a conflict.
    pub conflicts: u32,
    /// Children are added between the parts of this many listings to come.
    pub restless_listings: u32,
    /// Answers are held back and sent last first.
    pub backwards: bool,
    /// Every answer is followed by one that nobody asked for.
    pub unasked: bool,
    /// The next answer announces more bytes than a packet may have.
    pub too_long: bool,
}

struct Watch {
    path: String,
    token: String,
    /// Paths in events are given relative to the guest's own directory.
    relative: bool,
}

struct Transaction {
    started: u64,
    nodes: BTreeMap<String, Vec<u8>>,
    changed: Vec<String>,
}

struct Inner {
    home: String,
    nodes: BTreeMap<String, Vec<u8>>,
    /// Counts changes.
    generation: u64,
    transactions: BTreeMap<u32, Transaction>,
    last_transaction: u32,
    watches: Vec<Watch>,
    out: Vec<u8>,
    input: Vec<u8>,
    quirks: Quirks,
}

/// The daemon; clones are the same one.
#[derive(Clone)]
pub struct Xenstored(Rc<RefCell<Inner>>);

/// One guest's connection.
pub struct Connection<M> {
    page: M,
    reader: ByteReader,
    writer: ByteWriter,
}

impl<M: Memory> Connection<M> {
    /// Over a ring page.
    pub fn new(page: M) -> Self {
        let (reader, writer) = (
            ByteReader::attach(XENSTORE_REQ, &page),
            ByteWriter::attach(XENSTORE_RSP, &page),
        );
        Self {
            page,
            reader,
            writer,
        }
    }
}

type Answer = Result<Vec<u8>, &'static str>;

impl Xenstored {
    /// With an empty tree but for the guest's own directory.
    pub fn new(guest: u16) -> Self {
        let home = format!("/local/domain/{guest}");
        let nodes = BTreeMap::from([(String::from("/"), Vec::new())]);
        let inner = Inner {
            home: home.clone(),
            nodes,
            generation: 1,
            transactions: BTreeMap::new(),
            last_transaction: 0,
            watches: Vec::new(),
            out: Vec::new(),
            input: Vec::new(),
            quirks: Quirks::default(),
        };
        let store = Self(Rc::new(RefCell::new(inner)));
        store.set(&home, "");
        store
    }

    /// From now on behaves so.
    pub fn quirks(&self, quirks: Quirks) {
        self.0.borrow_mut().quirks = quirks;
    }

    /// A node's value, as dom0 sees it.
    pub fn get(&self, path: &str) -> Option<String> {
        let inner = self.0.borrow();
        let value = inner.nodes.get(&inner.absolute(path))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Sets a node; watches fire.
    pub fn set(&self, path: &str, value: &str) {
        let mut inner = self.0.borrow_mut();
        let path = inner.absolute(path);
        let mut changed = Vec::new();
        write(&mut inner.nodes, &path, value.as_bytes(), &mut changed);
        inner.committed(&changed);
    }

    /// Removes a node and all below it; watches fire.
    pub fn remove(&self, path: &str) {
        let mut inner = self.0.borrow_mut();
        let path = inner.absolute(path);
        inner.nodes.retain(|p, _| !path::is_within(p, &path));
        inner.committed(&[path]);
    }

    /// Names of a node's children.
    pub fn list(&self, path: &str) -> Vec<String> {
        let inner = self.0.borrow();
        children(&inner.nodes, &inner.absolute(path))
    }

    /// Watches the guest has.
    pub fn watches(&self) -> usize {
        self.0.borrow().watches.len()
    }

    /// Transactions the guest has open.
    pub fn transactions(&self) -> usize {
        self.0.borrow().transactions.len()
    }

    /// Does everything the guest asks for; `true`: notify it.
    ///
    /// # Errors
    /// If the guest's ring makes no sense.
    pub fn serve<M: Memory>(&self, c: &mut Connection<M>) -> Result<bool, RingError> {
        let mut inner = self.0.borrow_mut();
        let mut moved = false;
        loop {
            let mut some = [0; 256];
            let n = c.reader.read(&c.page, &mut some)?;
            inner
                .input
                .extend_from_slice(some.get(..n).unwrap_or_default());
            inner.requests();
            let sent = c.writer.write(&c.page, &inner.out)?;
            inner.out.drain(..sent);
            if n == 0 && sent == 0 {
                return Ok(moved);
            }
            moved = true;
        }
    }
}

impl Inner {
    fn absolute(&self, at: &str) -> String {
        if at.starts_with('/') || at.starts_with('@') {
            at.into()
        } else {
            path::join(&self.home, at)
        }
    }

    /// Counts a change and fires watches.
    fn committed(&mut self, changed: &[String]) {
        self.generation += 1;
        for path in changed {
            let events: Vec<_> = self
                .watches
                .iter()
                .filter(|w| path::is_within(path, &w.path) || path::is_within(&w.path, path))
                .map(|w| {
                    // What is watched below a removed node is named itself.
                    let path = if path::is_within(path, &w.path) {
                        path
                    } else {
                        &w.path
                    };
                    (self.shown(path, w.relative), w.token.clone())
                })
                .collect();
            for (path, token) in events {
                self.event(&path, &token);
            }
        }
    }

    fn shown(&self, path: &str, relative: bool) -> String {
        let below = path
            .strip_prefix(&self.home)
            .and_then(|p| p.strip_prefix('/'));
        match below {
            Some(below) if relative => below.into(),
            _ => path.into(),
        }
    }

    fn event(&mut self, path: &str, token: &str) {
        let parts = [path.as_bytes(), &[0], token.as_bytes(), &[0]];
        let _ = Packet::emit(&mut self.out, Kind::WatchEvent, 0, 0, &parts);
    }

    fn requests(&mut self) {
        let mut answers = Vec::new();
        loop {
            let input = core::mem::take(&mut self.input);
            let Ok(Some((packet, len))) = Packet::parse(&input) else {
                self.input = input;
                break;
            };
            let answer = self.request(packet.kind, packet.tx_id, packet.payload);
            let mut bytes = Vec::new();
            let (kind, payload) = match answer {
                Ok(payload) => (packet.kind, payload),
                Err(name) => (Kind::Error, format!("{name}\0").into_bytes()),
            };
            let _ = Packet::emit(&mut bytes, kind, packet.req_id, packet.tx_id, &[&payload]);
            if core::mem::take(&mut self.quirks.too_long)
                && let Some(len) = bytes.get_mut(12..16)
            {
                len.copy_from_slice(&0xffff_0000u32.to_le_bytes());
            }
            if self.quirks.unasked {
                let _ = Packet::emit(&mut bytes, kind, packet.req_id ^ 0x5555, 0, &[b"?"]);
                self.event("no/such/watch", "w999");
            }
            answers.push(bytes);
            // Events of this request come before its answer or after; here before.
            self.input = input.get(len..).unwrap_or_default().into();
        }
        if self.quirks.backwards {
            answers.reverse();
        }
        answers.iter().for_each(|a| self.out.extend_from_slice(a));
    }

    fn request(&mut self, kind: Kind, tx: u32, payload: &[u8]) -> Answer {
        let ok = Ok(b"OK\0".to_vec());
        let (first, rest) = match payload.iter().position(|b| *b == 0) {
            Some(at) => payload.split_at(at),
            None => (payload, &b""[..]),
        };
        let first = str::from_utf8(first).map_err(|_| "EINVAL")?;
        let rest = rest.get(1..).unwrap_or_default();
        match kind {
            Kind::TransactionStart => {
                self.last_transaction += 1;
                let t = Transaction {
                    started: self.generation,
                    nodes: self.nodes.clone(),
                    changed: Vec::new(),
                };
                self.transactions.insert(self.last_transaction, t);
                return Ok(format!("{}\0", self.last_transaction).into_bytes());
            }
            Kind::TransactionEnd => return self.end(tx, first == "T").and(ok),
            Kind::ResetWatches if self.quirks.no_reset_watches => return Err("ENOSYS"),
            Kind::ResetWatches => {
                self.watches.clear();
                self.transactions.clear();
                return ok;
            }
            Kind::GetDomainPath => return Ok(format!("/local/domain/{first}\0").into_bytes()),
            Kind::Watch | Kind::Unwatch => {
                return self.watch(kind == Kind::Watch, first, rest).and(ok);
            }
            _ => {}
        }
        path::check(first).map_err(|_| "EINVAL")?;
        let path = self.absolute(first);
        if kind == Kind::DirectoryPart {
            return self.directory_part(&path, rest);
        }
        let nodes = match tx {
            0 => &mut self.nodes,
            tx => &mut self.transactions.get_mut(&tx).ok_or("ENOENT")?.nodes,
        };
        let mut changed = Vec::new();
        let answer = match kind {
            Kind::Read => nodes.get(&path).cloned().ok_or("ENOENT"),
            Kind::Directory => directory(nodes, &path),
            Kind::Write => {
                write(nodes, &path, rest, &mut changed);
                ok
            }
            Kind::Mkdir => {
                if !nodes.contains_key(&path) {
                    write(nodes, &path, b"", &mut changed);
                }
                ok
            }
            Kind::Rm => rm(nodes, &path, &mut changed).and(ok),
            Kind::GetPerms => nodes.get(&path).map(|_| b"n0\0".to_vec()).ok_or("ENOENT"),
            Kind::SetPerms => nodes.get(&path).map(|_| b"OK\0".to_vec()).ok_or("ENOENT"),
            _ => Err("ENOSYS"),
        };
        match self.transactions.get_mut(&tx) {
            Some(t) => t.changed.append(&mut changed),
            None if !changed.is_empty() => self.committed(&changed),
            None => {}
        }
        answer
    }

    fn end(&mut self, tx: u32, commit: bool) -> Result<(), &'static str> {
        let t = self.transactions.remove(&tx).ok_or("ENOENT")?;
        if !commit {
            return Ok(());
        }
        if self.quirks.conflicts > 0 {
            self.quirks.conflicts -= 1;
            return Err("EAGAIN");
        }
        if t.started != self.generation {
            return Err("EAGAIN");
        }
        if !t.changed.is_empty() {
            self.nodes = t.nodes;
            self.committed(&t.changed);
        }
        Ok(())
    }

    fn watch(&mut self, on: bool, path: &str, token: &[u8]) -> Result<(), &'static str> {
        let token = token.strip_suffix(&[0]).ok_or("EINVAL")?;
        let token = str::from_utf8(token).map_err(|_| "EINVAL")?;
        path::check(path).map_err(|_| "EINVAL")?;
        let absolute = self.absolute(path);
        let found = self
            .watches
            .iter()
            .position(|w| w.path == absolute && w.token == token);
        match (on, found) {
            (true, Some(_)) => Err("EEXIST"),
            (false, None) => Err("ENOENT"),
            (false, Some(at)) => {
                self.watches.remove(at);
                Ok(())
            }
            (true, None) => {
                let relative = !path.starts_with('/');
                self.watches.push(Watch {
                    path: absolute,
                    token: token.into(),
                    relative,
                });
                self.event(path, token);
                Ok(())
            }
        }
    }

    fn directory_part(&mut self, path: &str, rest: &[u8]) -> Answer {
        if self.quirks.no_directory_part {
            return Err("ENOSYS");
        }
        let offset = rest
            .strip_suffix(&[0])
            .and_then(|o| str::from_utf8(o).ok())
            .and_then(|o| o.parse().ok());
        let offset: usize = offset.ok_or("EINVAL")?;
        if offset > 0 && self.quirks.restless_listings > 0 {
            self.quirks.restless_listings -= 1;
            let new = path::join(path, &format!("new{}", self.generation));
            let mut changed = Vec::new();
            write(&mut self.nodes, &new, b"", &mut changed);
            self.committed(&changed);
        }
        if !self.nodes.contains_key(path) {
            return Err("ENOENT");
        }
        let all: String = children(&self.nodes, path)
            .into_iter()
            .flat_map(|c| [c, "\0".into()])
            .collect();
        let mut answer = self.generation.to_string().into_bytes();
        answer.push(0);
        let mut at = offset.min(all.len());
        for name in all.get(offset..).unwrap_or_default().split_inclusive('\0') {
            if answer.len() + name.len() + 1 > PAYLOAD_MAX {
                break;
            }
            answer.extend_from_slice(name.as_bytes());
            at += name.len();
        }
        if at == all.len() {
            answer.push(0);
        }
        Ok(answer)
    }
}

fn children(nodes: &BTreeMap<String, Vec<u8>>, path: &str) -> Vec<String> {
    let prefix = path::join(path, "");
    let below = nodes
        .range(prefix.clone()..)
        .map_while(|(p, _)| p.strip_prefix(&prefix));
    below
        .filter(|n| !n.is_empty() && !n.contains('/'))
        .map(String::from)
        .collect()
}

fn directory(nodes: &BTreeMap<String, Vec<u8>>, path: &str) -> Answer {
    if !nodes.contains_key(path) {
        return Err("ENOENT");
    }
    let mut answer = Vec::new();
    for name in children(nodes, path) {
        answer.extend_from_slice(name.as_bytes());
        answer.push(0);
    }
    if answer.len() > PAYLOAD_MAX {
        Err("E2BIG")
    } else {
        Ok(answer)
    }
}

fn write(
    nodes: &mut BTreeMap<String, Vec<u8>>,
    path: &str,
    value: &[u8],
    changed: &mut Vec<String>,
) {
    for (at, _) in path.match_indices('/').skip(1) {
        let parent = path.get(..at).unwrap_or_default();
        nodes.entry(parent.into()).or_default();
    }
    nodes.insert(path.into(), value.to_vec());
    changed.push(path.into());
}

fn rm(
    nodes: &mut BTreeMap<String, Vec<u8>>,
    path: &str,
    changed: &mut Vec<String>,
) -> Result<(), &'static str> {
    if path == "/" {
        return Err("EINVAL");
    }
    if !nodes.contains_key(path) {
        let parent = path.rsplit_once('/').map_or("", |(p, _)| p);
        return if nodes.contains_key(parent) {
            Ok(())
        } else {
            Err("ENOENT")
        };
    }
    nodes.retain(|p, _| !path::is_within(p, path));
    changed.push(path.into());
    Ok(())
}

/// Says something as the server would, to a client without a ring.
pub fn packet(kind: Kind, req_id: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![];
    let _ = Packet::emit(&mut bytes, kind, req_id, 0, &[payload]);
    debug_assert!(bytes.len() >= wire::HEADER || payload.len() > PAYLOAD_MAX);
    bytes
}
