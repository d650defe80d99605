//! Rings of events of one size: the frame buffer's and the keyboard's, both ends.
//!
//! An event lies at its index modulo the number of events that fit, which is no
//! power of two: where an index wraps around, both ends skip to the same place.

use super::{Memory, RingError, ahead};

/// Where in its page a ring of events lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRing {
    /// Offset of the first event.
    pub data: usize,
    /// Bytes of an event.
    pub event: usize,
    /// How many fit.
    pub len: u32,
    /// Offset of the consumer's index.
    pub cons: usize,
    /// Offset of the producer's index.
    pub prod: usize,
}

impl EventRing {
    fn at(&self, index: u32) -> usize {
        self.data + (index % self.len) as usize * self.event
    }
}

/// The writing end.
#[derive(Debug)]
pub struct EventWriter {
    ring: EventRing,
    prod: u32,
}

impl EventWriter {
    /// Goes on where the page says the last writer stopped.
    pub fn attach(ring: EventRing, memory: &impl Memory) -> Self {
        Self {
            ring,
            prod: memory.load(ring.prod),
        }
    }

    /// How many events can be written now.
    ///
    /// # Errors
    /// [`RingError::Overrun`] if the reader's index makes no sense.
    pub fn room(&self, memory: &impl Memory) -> Result<u32, RingError> {
        let used = ahead(self.prod, memory.load(self.ring.cons), self.ring.len)?;
        Ok(self.ring.len - used)
    }

    /// Writes an event, if there is room; says whether there was.
    ///
    /// # Errors
    /// As [`Self::room`].
    pub fn write(&mut self, memory: &impl Memory, event: &[u8]) -> Result<bool, RingError> {
        if self.room(memory)? == 0 {
            return Ok(false);
        }
        memory.fence(); // the reader's index is read before its event is overwritten
        let bytes = event.get(..self.ring.event).unwrap_or(event);
        memory.write(self.ring.at(self.prod), bytes);
        self.prod = self.prod.wrapping_add(1);
        memory.store(self.ring.prod, self.prod);
        Ok(true)
    }
}

/// The reading end.
#[derive(Debug)]
pub struct EventReader {
    ring: EventRing,
    cons: u32,
}

impl EventReader {
    /// Goes on where the page says the last reader stopped.
    pub fn attach(ring: EventRing, memory: &impl Memory) -> Self {
        Self {
            ring,
            cons: memory.load(ring.cons),
        }
    }

    /// Takes an event into `event`; false if there is none.
    ///
    /// # Errors
    /// [`RingError::Overrun`] if the writer's index makes no sense.
    pub fn read(&mut self, memory: &impl Memory, event: &mut [u8]) -> Result<bool, RingError> {
        if ahead(memory.load(self.ring.prod), self.cons, self.ring.len)? == 0 {
            return Ok(false);
        }
        let bytes = event.len().min(self.ring.event);
        memory.read(
            self.ring.at(self.cons),
            event.get_mut(..bytes).unwrap_or_default(),
        );
        memory.fence(); // the event is read before the writer may reuse its place
        self.cons = self.cons.wrapping_add(1);
        memory.store(self.ring.cons, self.cons);
        Ok(true)
    }
}
