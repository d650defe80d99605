//! Receiving: buffers that the backend copies into, and the frame they make.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use minios::grant::GrantedPages;
use xen_proto::net::{LARGEST_FRAME, PAGE, Rx, Violation};
use xen_proto::ring::Memory;

use super::checksum;
use super::state::{Failure, State};

/// Pages that are granted together.
const CHUNK: usize = 16;

/// Fewest pages to receive into: what the largest frame takes, twice.
const FEWEST: usize = 32;

/// How often buffers are given back and found filled again before smoltcp, and
/// everybody else, gets its turn.
const ROUNDS: usize = 4;

pub(super) struct Receiver {
    ring: Rx<Rc<dyn Memory>>,
    chunks: Vec<Rc<dyn Memory>>,
    /// The frame, copied out of what the backend can write.
    frame: Box<[u8]>,
    state: Rc<State>,
    /// The grants end with it.
    _granted: Vec<GrantedPages>,
}

impl Receiver {
    pub fn new(
        peer: u16,
        ring: &GrantedPages,
        buffers: usize,
        state: Rc<State>,
    ) -> Result<Receiver, String> {
        let (mut granted, mut chunks, mut grefs) = (Vec::new(), Vec::new(), Vec::new());
        let buffers = buffers.clamp(FEWEST, 256);
        while grefs.len() < buffers {
            match GrantedPages::new(peer, CHUNK * PAGE) {
                Ok(pages) => {
                    grefs.extend(pages.references());
                    chunks.push(Rc::new(pages.shared::<[[u8; PAGE]; CHUNK]>()) as Rc<dyn Memory>);
                    granted.push(pages);
                }
                // Fewer buffers are slower, not wrong.
                Err(_) if grefs.len() >= FEWEST => break,
                Err(error) => return Err(error.to_string()),
            }
        }
        let memory: Rc<dyn Memory> = Rc::new(ring.shared::<[u8; PAGE]>());
        let mut ring = Rx::new(memory, grefs).map_err(|error| error.to_string())?;
        if ring.publish() {
            state.notify();
        }
        Ok(Receiver {
            ring,
            chunks,
            frame: vec![0; LARGEST_FRAME].into_boxed_slice(),
            state,
            _granted: granted,
        })
    }

    /// The next frame.
    pub fn receive(&mut self) -> Option<&[u8]> {
        if self.state.failed() {
            return None;
        }
        for _ in 0..ROUNDS {
            if let Some(len) = self.good()? {
                return self.frame.get(..len);
            }
            self.state.counters.borrow_mut().dropped = self.ring.oddities;
            if self.ring.publish() {
                self.state.notify();
            }
            if !self.ring.arm() {
                return None;
            }
        }
        // There is more, but others want to live, too.
        self.state.again();
        None
    }

    /// The length of the next frame that may be used, if there is one; `None`
    /// if there will be no more.
    fn good(&mut self) -> Option<Option<usize>> {
        loop {
            match self.next() {
                Ok(None) => return Some(None),
                Ok(Some((len, true))) => return Some(Some(len)),
                Ok(Some((_, false))) => {}
                Err(violation) => {
                    self.state.fail(Failure::Violation(violation));
                    return None;
                }
            }
        }
    }

    /// The length of the next frame, and whether it may be used.
    fn next(&mut self) -> Result<Option<(usize, bool)>, Violation> {
        let (chunks, frame) = (&self.chunks, &mut self.frame);
        let received = self.ring.next(|buffer, offset, at, len| {
            let to = at.checked_add(len).and_then(|end| frame.get_mut(at..end));
            if let (Some(chunk), Some(to)) = (chunks.get(buffer / CHUNK), to) {
                chunk.read(buffer % CHUNK * PAGE + offset, to);
            }
        })?;
        if self.ring.publish_many() {
            self.state.notify();
        }
        let Some(received) = received else {
            return Ok(None);
        };
        let bytes = self.frame.get(..received.len).unwrap_or_default();
        let good = received.checked || checksum::is_right(bytes);
        let mut counters = self.state.counters.borrow_mut();
        if good {
            counters.received += 1;
            counters.received_bytes += received.len as u64;
        } else {
            counters.checksum += 1;
        }
        Ok(Some((received.len, good)))
    }
}
