//! Rings of request and response slots (`io/ring.h`), both ends.

use super::{Memory, RingError, ahead, passes};

/// Bytes before the first slot (`offsetof(struct …_sring, ring)`).
pub const SLOTS_AT: usize = 64;
pub(super) const REQ_PROD: usize = 0;
pub(super) const REQ_EVENT: usize = 4;
pub(super) const RSP_PROD: usize = 8;
pub(super) const RSP_EVENT: usize = 12;

/// Slots of `slot` bytes in a ring of `bytes`: the largest power of two that fits.
#[must_use]
pub const fn slots(bytes: usize, slot: usize) -> u32 {
    if slot == 0 || bytes < SLOTS_AT + slot {
        return 0;
    }
    let n = (bytes - SLOTS_AT) / slot;
    // n > 0, and no ring is near 2^31 slots.
    if n > 1 << 30 { 1 << 30 } else { 1 << n.ilog2() }
}

#[derive(Debug)]
struct Slots<M> {
    memory: M,
    count: u32,
    slot: usize,
}

impl<M: Memory> Slots<M> {
    fn new(memory: M, slot: usize) -> Result<Self, RingError> {
        let count = slots(memory.size(), slot);
        if count == 0 {
            return Err(RingError::Size {
                given: memory.size(),
                needed: SLOTS_AT.saturating_add(slot),
            });
        }
        Ok(Self {
            memory,
            count,
            slot,
        })
    }

    fn at(&self, index: u32) -> usize {
        SLOTS_AT + (index & (self.count - 1)) as usize * self.slot
    }

    fn fits(&self, entry: usize) -> Result<(), RingError> {
        if entry <= self.slot {
            Ok(())
        } else {
            Err(RingError::Size {
                given: entry,
                needed: self.slot,
            })
        }
    }
}

/// The requesting end of a ring of slots.
#[derive(Debug)]
pub struct FrontRing<M> {
    ring: Slots<M>,
    /// Requests written, published or not.
    pub(super) req_prod: u32,
    /// Requests the backend may see.
    pub(super) published: u32,
    /// Responses taken.
    pub(super) rsp_cons: u32,
}

impl<M: Memory> FrontRing<M> {
    /// Makes `memory` an empty ring of slots of `slot` bytes (`SHARED_RING_INIT`, `FRONT_RING_INIT`).
    ///
    /// # Errors
    /// [`RingError::Size`] if not one slot fits.
    pub fn new(memory: M, slot: usize) -> Result<Self, RingError> {
        let ring = Slots::new(memory, slot)?;
        ring.memory.write(0, &[0; SLOTS_AT]);
        ring.memory.store(REQ_EVENT, 1);
        ring.memory.store(RSP_EVENT, 1);
        Ok(Self {
            ring,
            req_prod: 0,
            published: 0,
            rsp_cons: 0,
        })
    }

    /// Slots in all.
    pub fn slots(&self) -> u32 {
        self.ring.count
    }

    /// Requests without a response yet.
    pub fn in_flight(&self) -> u32 {
        self.req_prod.wrapping_sub(self.rsp_cons)
    }

    /// Slots free for requests.
    pub fn free(&self) -> u32 {
        self.ring.count.saturating_sub(self.in_flight())
    }

    /// Writes a request into the next slot; the backend sees it after [`Self::publish`].
    ///
    /// # Errors
    /// [`RingError::Full`]; [`RingError::Size`] if `request` is longer than a slot.
    pub fn push(&mut self, request: &[u8]) -> Result<(), RingError> {
        self.ring.fits(request.len())?;
        if self.free() == 0 {
            return Err(RingError::Full);
        }
        self.ring.memory.write(self.ring.at(self.req_prod), request);
        self.req_prod = self.req_prod.wrapping_add(1);
        Ok(())
    }

    /// Shows all pushed requests to the backend; `true`: notify it.
    #[must_use = "the backend must be notified if this is true"]
    pub fn publish(&mut self) -> bool {
        let (old, new) = (self.published, self.req_prod);
        self.ring.memory.store(REQ_PROD, new);
        self.published = new;
        self.ring.memory.fence();
        passes(old, new, self.ring.memory.load(REQ_EVENT))
    }

    /// Copies the next response into `response`; `false`: there is none.
    ///
    /// # Errors
    /// [`RingError::Overrun`] if the backend claims more responses than it had
    /// requests; [`RingError::Size`] if `response` is longer than a slot.
    pub fn pop(&mut self, response: &mut [u8]) -> Result<bool, RingError> {
        self.ring.fits(response.len())?;
        let asked = self.published.wrapping_sub(self.rsp_cons);
        let theirs = self.ring.memory.load(RSP_PROD);
        if ahead(theirs, self.rsp_cons, asked)? == 0 {
            return Ok(false);
        }
        self.ring.memory.read(self.ring.at(self.rsp_cons), response);
        self.rsp_cons = self.rsp_cons.wrapping_add(1);
        Ok(true)
    }

    /// Asks to be notified of the next response; `true`: one is there already
    /// (`RING_FINAL_CHECK_FOR_RESPONSES`). An overrun counts as one, so that
    /// [`Self::pop`] gets to report it.
    #[must_use = "responses that are there already give no event"]
    pub fn arm(&self) -> bool {
        self.ring
            .memory
            .store(RSP_EVENT, self.rsp_cons.wrapping_add(1));
        self.ring.memory.fence();
        self.ring.memory.load(RSP_PROD) != self.rsp_cons
    }
}

/// The answering end of a ring of slots.
#[derive(Debug)]
pub struct BackRing<M> {
    ring: Slots<M>,
    pub(super) req_cons: u32,
    pub(super) rsp_prod: u32,
    pub(super) published: u32,
}

impl<M: Memory> BackRing<M> {
    /// Takes up the ring in `memory` from its start (`BACK_RING_INIT`).
    ///
    /// # Errors
    /// [`RingError::Size`] if not one slot fits.
    pub fn new(memory: M, slot: usize) -> Result<Self, RingError> {
        Ok(Self {
            ring: Slots::new(memory, slot)?,
            req_cons: 0,
            rsp_prod: 0,
            published: 0,
        })
    }

    /// Slots in all.
    pub fn slots(&self) -> u32 {
        self.ring.count
    }

    /// The shared memory, for a mock that misbehaves.
    pub fn memory(&self) -> &M {
        &self.ring.memory
    }

    /// Requests that are there to be taken.
    ///
    /// # Errors
    /// [`RingError::Overrun`] as [`Self::pop`].
    pub fn waiting(&self) -> Result<u32, RingError> {
        let unanswered = self.req_cons.wrapping_sub(self.rsp_prod);
        let room = self.ring.count.saturating_sub(unanswered);
        ahead(self.ring.memory.load(REQ_PROD), self.req_cons, room)
    }

    /// Copies the next request into `request`; `false`: there is none.
    ///
    /// # Errors
    /// [`RingError::Overrun`] if the frontend claims more requests than there are
    /// slots; [`RingError::Size`] if `request` is longer than a slot.
    pub fn pop(&mut self, request: &mut [u8]) -> Result<bool, RingError> {
        self.ring.fits(request.len())?;
        if self.waiting()? == 0 {
            return Ok(false);
        }
        self.ring.memory.read(self.ring.at(self.req_cons), request);
        self.req_cons = self.req_cons.wrapping_add(1);
        Ok(true)
    }

    /// Writes a response into the next slot; the frontend sees it after [`Self::publish`].
    ///
    /// # Errors
    /// [`RingError::Full`] if every request has its response.
    pub fn push(&mut self, response: &[u8]) -> Result<(), RingError> {
        self.ring.fits(response.len())?;
        if self.rsp_prod == self.req_cons {
            return Err(RingError::Full);
        }
        self.ring
            .memory
            .write(self.ring.at(self.rsp_prod), response);
        self.rsp_prod = self.rsp_prod.wrapping_add(1);
        Ok(())
    }

    /// Shows all pushed responses to the frontend; `true`: notify it.
    #[must_use = "the frontend must be notified if this is true"]
    pub fn publish(&mut self) -> bool {
        let (old, new) = (self.published, self.rsp_prod);
        self.ring.memory.store(RSP_PROD, new);
        self.published = new;
        self.ring.memory.fence();
        passes(old, new, self.ring.memory.load(RSP_EVENT))
    }

    /// Asks to be notified of the next request; `true`: one is there already.
    #[must_use = "requests that are there already give no event"]
    pub fn arm(&self) -> bool {
        self.ring
            .memory
            .store(REQ_EVENT, self.req_cons.wrapping_add(1));
        self.ring.memory.fence();
        self.ring.memory.load(REQ_PROD) != self.req_cons
    }
}
