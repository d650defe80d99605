//! Sending: frames are written where the backend reads them.
//!
//! The pages are granted for reading once and for all, so that a frame costs
//! no grant; they have never held anything but frames to this backend. Two
//! sizes: a page for ordinary frames, sixteen for large ones. A buffer belongs
//! to its frame until the backend has answered for every part of it.

use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use minios::grant::{GrantError, GrantedPages, ReadOnlyPages};
use xen_proto::net::{Card, ETHERNET_HEADER, LARGEST_FRAME, Outgoing, PAGE, Part, Tx};
use xen_proto::ring::Memory;

use super::checksum;
use super::state::{Failure, State};

/// Pages of a large buffer.
const LARGE: usize = LARGEST_FRAME.div_ceil(PAGE);
/// Most buffers of a page.
const MOST_SMALL: usize = 64;
/// Most large buffers.
const MOST_LARGE: usize = 8;

/// Buffers of one size.
struct Pool {
    pages: usize,
    most: usize,
    made: usize,
    free: Vec<ReadOnlyPages>,
}

impl Pool {
    /// With one buffer, so that there is always one to wait for.
    fn new(peer: u16, pages: usize, most: usize) -> Result<Pool, GrantError> {
        let mut pool = Pool {
            pages,
            most,
            made: 0,
            free: Vec::new(),
        };
        pool.make(peer)?;
        Ok(pool)
    }

    fn make(&mut self, peer: u16) -> Result<(), GrantError> {
        self.free.push(ReadOnlyPages::new(peer, self.pages * PAGE)?);
        self.made += 1;
        Ok(())
    }

    /// Whether a buffer is free, or can be made.
    fn has_room(&mut self, peer: u16) -> bool {
        if self.free.is_empty() && self.made < self.most && self.make(peer).is_err() {
            // Fewer buffers are slower, not wrong.
            self.most = self.made;
        }
        !self.free.is_empty()
    }
}

pub(super) struct Sender {
    peer: u16,
    card: Card,
    ring: Tx<Rc<dyn Memory>>,
    small: Pool,
    /// Only if there are frames larger than a page.
    large: Option<Pool>,
    /// Buffers under way, by frame.
    busy: Vec<Option<ReadOnlyPages>>,
    /// Where frames are written for which there is no room.
    nowhere: Vec<u8>,
    state: Rc<State>,
}

impl Sender {
    pub fn new(
        peer: u16,
        ring: &GrantedPages,
        card: Card,
        state: Rc<State>,
    ) -> Result<Sender, String> {
        let memory: Rc<dyn Memory> = Rc::new(ring.shared::<[u8; PAGE]>());
        let ring = Tx::new(memory).map_err(|error| error.to_string())?;
        let pool = |pages, most| Pool::new(peer, pages, most).map_err(|error| error.to_string());
        let large = card.segmentation || card.mtu + ETHERNET_HEADER > PAGE;
        Ok(Sender {
            peer,
            card,
            busy: (0..ring.slots()).map(|_| None).collect(),
            ring,
            small: pool(1, MOST_SMALL)?,
            large: large.then(|| pool(LARGE, MOST_LARGE)).transpose()?,
            nowhere: Vec::new(),
            state,
        })
    }

    pub fn state(&self) -> &Rc<State> {
        &self.state
    }

    /// Whether a frame of any size can be sent. If not, there will be an event.
    pub fn has_room(&mut self) -> bool {
        // An answer that came between the look and the request for an event
        // makes for another look; there are no more of them than slots.
        loop {
            if self.state.failed() || !self.reap() {
                return false;
            }
            let room = self.ring.has_room()
                && self.small.has_room(self.peer)
                && (self.large.as_mut()).is_none_or(|pool| pool.has_room(self.peer));
            self.state.set_full(!room);
            if room || !self.ring.arm() {
                return room;
            }
        }
    }

    /// Takes back what the backend is done with; false if it cannot be.
    fn reap(&mut self) -> bool {
        loop {
            match self.ring.reap() {
                Ok(None) => return true,
                Ok(Some(sent)) => {
                    let buffer = self.busy.get_mut(sent.frame.index());
                    if let Some(buffer) = buffer.and_then(Option::take) {
                        self.give_back(buffer);
                    }
                    self.state.returned.set(self.state.returned.get() + 1);
                    if !sent.ok {
                        self.state.counters.borrow_mut().refused += 1;
                    }
                }
                Err(violation) => {
                    self.state.fail(Failure::Violation(violation));
                    return false;
                }
            }
        }
    }

    fn give_back(&mut self, buffer: ReadOnlyPages) {
        match &mut self.large {
            Some(large) if buffer.reference(1).is_some() => large.free.push(buffer),
            _ => self.small.free.push(buffer),
        }
    }

    /// Sends the frame of `len` bytes that `write` writes.
    pub fn send<R>(
        &mut self,
        len: usize,
        segment: Option<u16>,
        write: impl FnOnce(&mut [u8]) -> R,
    ) -> R {
        let room = !self.state.failed() && self.ring.has_room();
        let pool = match &mut self.large {
            Some(large) if len > PAGE => Some(large),
            _ if len > PAGE => None,
            _ => Some(&mut self.small),
        };
        let buffer = pool.filter(|_| room).and_then(|pool| pool.free.pop());
        let Some(mut buffer) = buffer else {
            return self.lose(len, write);
        };
        let Some(frame) = buffer.bytes_mut().get_mut(..len) else {
            self.give_back(buffer);
            return self.lose(len, write);
        };
        let result = write(frame);
        let outgoing = Outgoing {
            checksum_blank: self.card.checksums && checksum::prepare(frame),
            segment,
        };
        let parts: Vec<Part> = (0..len.div_ceil(PAGE))
            .map(|page| Part {
                gref: buffer.reference(page).unwrap_or(0),
                offset: 0,
                len: (len - page * PAGE).min(PAGE) as u16,
            })
            .collect();
        let mut counters = self.state.counters.borrow_mut();
        match self.ring.send(outgoing, &parts) {
            Some(id) => {
                counters.sent += 1;
                counters.sent_bytes += len as u64;
                drop(counters);
                if let Some(place) = self.busy.get_mut(id.index()) {
                    *place = Some(buffer);
                }
                if self.ring.publish() {
                    self.state.notify();
                }
            }
            None => {
                counters.unsent += 1;
                drop(counters);
                self.give_back(buffer);
            }
        }
        result
    }

    fn lose<R>(&mut self, len: usize, write: impl FnOnce(&mut [u8]) -> R) -> R {
        self.state.counters.borrow_mut().unsent += 1;
        // Only as large as it must be, and only from now on.
        if self.nowhere.len() < len {
            self.nowhere = vec![0; len];
        }
        write(self.nowhere.get_mut(..len).unwrap_or_default())
    }
}
