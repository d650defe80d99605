//! Rings of bytes: the console's and xenstore's, both ends.

use super::{Memory, RingError, ahead};

/// Where in its page a ring of bytes lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRing {
    /// Offset of the data.
    pub data: usize,
    /// Bytes of data, a power of two.
    pub size: u32,
    /// Offset of the consumer's index.
    pub cons: usize,
    /// Offset of the producer's index.
    pub prod: usize,
}

/// Console input: the backend writes, the guest reads.
pub const CONSOLE_IN: ByteRing = ByteRing {
    data: 0,
    size: 1024,
    cons: 3072,
    prod: 3076,
};
/// Console output: the guest writes, the backend reads.
pub const CONSOLE_OUT: ByteRing = ByteRing {
    data: 1024,
    size: 2048,
    cons: 3080,
    prod: 3084,
};
/// Xenstore requests: the guest writes.
pub const XENSTORE_REQ: ByteRing = ByteRing {
    data: 0,
    size: 1024,
    cons: 2048,
    prod: 2052,
};
/// Xenstore answers: the guest reads.
pub const XENSTORE_RSP: ByteRing = ByteRing {
    data: 1024,
    size: 1024,
    cons: 2056,
    prod: 2060,
};

impl ByteRing {
    /// Runs `part(offset in memory, range of the bytes)` over `n` bytes from `index`, in two parts if they wrap.
    fn parts(&self, index: u32, n: usize, mut part: impl FnMut(usize, core::ops::Range<usize>)) {
        let start = (index & (self.size - 1)) as usize;
        let first = n.min(self.size as usize - start);
        part(self.data + start, 0..first);
        if first < n {
            part(self.data, first..n);
        }
    }
}

/// The writing end of a ring of bytes.
#[derive(Debug)]
pub struct ByteWriter {
    ring: ByteRing,
    prod: u32,
}

impl ByteWriter {
    /// Goes on where the page says the last writer stopped.
    pub fn attach(ring: ByteRing, memory: &impl Memory) -> Self {
        Self {
            ring,
            prod: memory.load(ring.prod),
        }
    }

    /// Bytes that can be written now.
    ///
    /// # Errors
    /// [`RingError::Overrun`] if the reader's index makes no sense.
    pub fn room(&self, memory: &impl Memory) -> Result<usize, RingError> {
        // Counted from the reader up to us: at most a whole ring.
        let used = ahead(self.prod, memory.load(self.ring.cons), self.ring.size)?;
        Ok((self.ring.size - used) as usize)
    }

    /// Bytes not yet taken by the reader.
    ///
    /// # Errors
    /// As [`Self::room`].
    pub fn queued(&self, memory: &impl Memory) -> Result<usize, RingError> {
        Ok(self.ring.size as usize - self.room(memory)?)
    }

    /// Writes as much of `bytes` as there is room for and says how much that was
    /// (the reader should then be notified, if more than 0).
    ///
    /// # Errors
    /// As [`Self::room`].
    pub fn write(&mut self, memory: &impl Memory, bytes: &[u8]) -> Result<usize, RingError> {
        let n = self.room(memory)?.min(bytes.len());
        if n == 0 {
            return Ok(0);
        }
        memory.fence(); // the reader's index is read before its bytes are overwritten
        self.ring.parts(self.prod, n, |at, range| {
            memory.write(at, bytes.get(range).unwrap_or_default());
        });
        self.prod = self.prod.wrapping_add(n as u32);
        memory.store(self.ring.prod, self.prod);
        Ok(n)
    }

    /// Empties the ring: what the reader has not taken is taken back. Only for
    /// when nobody reads, or what is read makes no difference any more.
    pub fn take_back(&mut self, memory: &impl Memory) {
        self.prod = memory.load(self.ring.cons);
        memory.store(self.ring.prod, self.prod);
    }
}

/// The reading end of a ring of bytes.
#[derive(Debug)]
pub struct ByteReader {
    ring: ByteRing,
    cons: u32,
}

impl ByteReader {
    /// Goes on where the page says the last reader stopped.
    pub fn attach(ring: ByteRing, memory: &impl Memory) -> Self {
        Self {
            ring,
            cons: memory.load(ring.cons),
        }
    }

    /// Bytes that can be read now.
    ///
    /// # Errors
    /// [`RingError::Overrun`] if the writer's index makes no sense.
    pub fn available(&self, memory: &impl Memory) -> Result<usize, RingError> {
        Ok(ahead(memory.load(self.ring.prod), self.cons, self.ring.size)? as usize)
    }

    /// Takes as many bytes as are there and fit into `to`; says how many
    /// (the writer should then be notified, if more than 0: it may wait for room).
    ///
    /// # Errors
    /// As [`Self::available`].
    pub fn read(&mut self, memory: &impl Memory, to: &mut [u8]) -> Result<usize, RingError> {
        let n = self.available(memory)?.min(to.len());
        if n == 0 {
            return Ok(0);
        }
        self.ring.parts(self.cons, n, |at, range| {
            memory.read(at, to.get_mut(range).unwrap_or_default());
        });
        memory.fence(); // the bytes are read before the writer may reuse their room
        self.cons = self.cons.wrapping_add(n as u32);
        memory.store(self.ring.cons, self.cons);
        Ok(n)
    }

    /// Gives up everything that is there, unread.
    pub fn skip_all(&mut self, memory: &impl Memory) {
        self.cons = memory.load(self.ring.prod);
        memory.store(self.ring.cons, self.cons);
    }
}
