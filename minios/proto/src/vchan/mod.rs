//! libxenvchan: a byte stream between two domains over one shared page
//! (`io/libxenvchan.h`), both ends.
//!
//! The server owns the page and outlives its clients. Each direction is a ring
//! of bytes; each end keeps its own indices to itself and only reads the
//! other's. An end that runs dry asks to be told of the other's next step
//! (*notify bits*); whoever finds such a request after a step of its own clears
//! it and signals the event channel: [`Moved::notify`].
//!
//! **One client after another.** A client writes 1 to `cli_live` when it comes
//! and 0 when it goes. One that goes and comes back faster than the server
//! looks leaves no trace of it, and would wait for a greeting that the server
//! believes to have sent. So the server replaces every 1 it sees by a value of
//! its own, which no client ever reads: the next 1 is another client, for sure.

#[cfg(test)]
mod tests;

use crate::ring::{ByteReader, ByteRing, ByteWriter, Memory, RingError};
use core::fmt;
use core::mem::offset_of;
use xen_sys::io::libxenvchan::{RingShared, VCHAN_NOTIFY_READ, VCHAN_NOTIFY_WRITE, VchanInterface};

/// Memory whose 16-bit words change whole: the state bytes are written by both ends.
pub trait Atomic: Memory {
    /// Sets the aligned word at `at` to `new` if it is `current`.
    ///
    /// # Errors
    /// The word it is instead.
    fn compare_exchange(&self, at: usize, current: u16, new: u16) -> Result<u16, u16>;
}

/// `cli_live` and `srv_live`, low byte first.
const LIVE: usize = offset_of!(VchanInterface, cli_live);
/// `cli_notify` and `srv_notify`, likewise.
const NOTIFY: usize = offset_of!(VchanInterface, cli_notify);

const GONE: u8 = 0;
const HERE: u8 = 1;
const NEVER: u8 = 2;
/// What the server makes of [`HERE`] once it has seen it.
const SEEN: u8 = 3;

/// Times a word is tried that the other end keeps changing.
const TRIES: u32 = 64;

/// A ring of 2^`order` bytes whose indices are at `indices`; 10 and 11 lie in the page.
const fn ring(indices: usize, order: u16) -> ByteRing {
    ByteRing {
        data: 1 << order,
        size: 1 << order,
        cons: indices + offset_of!(RingShared, cons),
        prod: indices + offset_of!(RingShared, prod),
    }
}

const SMALL: u16 = 10;
const LARGE: u16 = 11;

const fn left(order: u16) -> ByteRing {
    ring(offset_of!(VchanInterface, left), order)
}

const fn right(order: u16) -> ByteRing {
    ring(offset_of!(VchanInterface, right), order)
}

/// What one step moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes.
    pub bytes: usize,
    /// The other end wants to be told: signal the event channel.
    pub notify: bool,
}

/// The two bytes of an aligned word, low one first.
fn word(memory: &impl Atomic, at: usize) -> [u8; 2] {
    let mut bytes = [0; 2];
    memory.read(at, &mut bytes);
    bytes
}

/// Changes the word at `at`; false if the other end never let it be.
fn change(memory: &impl Atomic, at: usize, with: impl Fn([u8; 2]) -> [u8; 2]) -> Option<[u8; 2]> {
    let mut now = u16::from_le_bytes(word(memory, at));
    for _ in 0..TRIES {
        let new = u16::from_le_bytes(with(now.to_le_bytes()));
        match memory.compare_exchange(at, now, new) {
            Ok(old) => return Some(old.to_le_bytes()),
            Err(other) => now = other,
        }
    }
    None
}

/// What both ends have: a ring to read, one to write, and the notify bytes.
#[derive(Debug)]
struct End<M> {
    memory: M,
    reader: ByteReader,
    writer: ByteWriter,
    /// Which of the two notify bytes says what the other end wants to hear.
    asked_of_us: usize,
}

impl<M: Atomic> End<M> {
    /// Ask to be told.
    fn request(&self, bit: u8) {
        let at = 1 - self.asked_of_us;
        let set = |mut bytes: [u8; 2]| {
            bytes.iter_mut().skip(at).take(1).for_each(|b| *b |= bit);
            bytes
        };
        change(&self.memory, NOTIFY, set);
        self.memory.fence(); // the request is there before indices are read again
    }

    /// Does the other end want to be told? Its request is used up.
    fn requested(&self, bit: u8) -> bool {
        self.memory.fence(); // our index is there before the request is looked at
        let at = self.asked_of_us;
        let clear = |mut bytes: [u8; 2]| {
            bytes.iter_mut().skip(at).take(1).for_each(|b| *b &= !bit);
            bytes
        };
        // An end that keeps its word in motion is told once too often.
        change(&self.memory, NOTIFY, clear)
            .is_none_or(|old| old.get(at).is_some_and(|byte| byte & bit != 0))
    }

    fn read(&mut self, to: &mut [u8]) -> Result<Moved, RingError> {
        let mut bytes = self.reader.read(&self.memory, to)?;
        if bytes == 0 && !to.is_empty() {
            self.request(VCHAN_NOTIFY_WRITE);
            bytes = self.reader.read(&self.memory, to)?;
        }
        let notify = bytes > 0 && self.requested(VCHAN_NOTIFY_READ);
        Ok(Moved { bytes, notify })
    }

    fn write(&mut self, from: &[u8]) -> Result<Moved, RingError> {
        let mut bytes = self.writer.write(&self.memory, from)?;
        if bytes < from.len() {
            self.request(VCHAN_NOTIFY_READ);
            let rest = from.get(bytes..).unwrap_or_default();
            bytes += self.writer.write(&self.memory, rest)?;
        }
        let notify = bytes > 0 && self.requested(VCHAN_NOTIFY_WRITE);
        Ok(Moved { bytes, notify })
    }
}

/// What [`Server::look`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The same client as before, or still none.
    None,
    /// A client that was not there before: everything starts anew.
    Connected,
    /// The client went.
    Gone,
}

/// The server's end.
#[derive(Debug)]
pub struct Server<M> {
    end: End<M>,
    connected: bool,
}

impl<M: Atomic> Server<M> {
    /// Makes a page of zeros a vchan: 1 KiB from clients, 2 KiB to them.
    pub fn new(memory: M) -> Self {
        let orders = offset_of!(VchanInterface, left_order);
        memory.store(orders, u32::from(SMALL) | u32::from(LARGE) << 16);
        memory.write(LIVE, &[NEVER, HERE, VCHAN_NOTIFY_WRITE, VCHAN_NOTIFY_WRITE]);
        let end = End {
            reader: ByteReader::attach(left(SMALL), &memory),
            writer: ByteWriter::attach(right(LARGE), &memory),
            memory,
            asked_of_us: 1,
        };
        Self {
            end,
            connected: false,
        }
    }

    /// Looks who is there; after every event, and before waiting for one.
    ///
    /// A new client finds both rings empty. What it wrote before it was seen is
    /// dropped, for nobody can tell it from what those before it left: a client
    /// waits for a greeting.
    pub fn look(&mut self) -> Change {
        for _ in 0..TRIES {
            let live = word(&self.end.memory, LIVE);
            match live {
                [SEEN, _] => return Change::None,
                [HERE, server] => {
                    let seen = u16::from_le_bytes([SEEN, server]);
                    let now = u16::from_le_bytes(live);
                    if self.end.memory.compare_exchange(LIVE, now, seen).is_err() {
                        continue;
                    }
                    self.connected = true;
                    self.empty();
                    return Change::Connected;
                }
                _ => break,
            }
        }
        if !core::mem::take(&mut self.connected) {
            return Change::None;
        }
        self.empty();
        Change::Gone
    }

    fn empty(&mut self) {
        self.end.reader.skip_all(&self.end.memory);
        self.end.writer.take_back(&self.end.memory);
        // As at first: the next client's first word must reach us.
        self.end.request(VCHAN_NOTIFY_WRITE);
    }

    /// Takes what the client wrote; with nothing there, an event will tell.
    ///
    /// # Errors
    /// [`RingError::Overrun`] if the client's index makes no sense: nothing more
    /// can be said to it, until the next client comes.
    pub fn read(&mut self, to: &mut [u8]) -> Result<Moved, RingError> {
        self.end.read(to)
    }

    /// Writes as much as fits; if that is not all, an event will tell of room.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn write(&mut self, from: &[u8]) -> Result<Moved, RingError> {
        self.end.write(from)
    }

    /// Tells the client that nobody is here any more; signal the event channel.
    pub fn close(&mut self) {
        change(&self.end.memory, LIVE, |[client, _]| [client, GONE]);
    }
}

/// Why a page is no vchan for [`Client::attach`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoVchan {
    /// The rings do not lie in the page: these are their sizes, as logarithms.
    Orders(u16, u16),
    /// The server is gone.
    Closed,
}

impl fmt::Display for NoVchan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orders(left, right) => write!(
                f,
                "vchan: rings of 2^{left} and 2^{right} bytes, not one of 2^10 and one of 2^11"
            ),
            Self::Closed => f.write_str("vchan: the server is gone"),
        }
    }
}

impl core::error::Error for NoVchan {}

/// The client's end.
#[derive(Debug)]
pub struct Client<M> {
    end: End<M>,
}

impl<M: Atomic> Client<M> {
    /// Connects; then signal the event channel.
    ///
    /// # Errors
    /// [`NoVchan`]: only rings within the page are known here.
    pub fn attach(memory: M) -> Result<Self, NoVchan> {
        let orders = word(&memory, offset_of!(VchanInterface, left_order));
        let orders = (
            u16::from_le_bytes(orders),
            u16::from_le_bytes(word(&memory, offset_of!(VchanInterface, right_order))),
        );
        let ((SMALL, LARGE) | (LARGE, SMALL)) = orders else {
            return Err(NoVchan::Orders(orders.0, orders.1));
        };
        if word(&memory, LIVE)[1] == GONE {
            return Err(NoVchan::Closed);
        }
        let mut end = End {
            reader: ByteReader::attach(right(orders.1), &memory),
            writer: ByteWriter::attach(left(orders.0), &memory),
            memory,
            asked_of_us: 0,
        };
        if word(&end.memory, LIVE)[0] != NEVER {
            // Written for the client before this one.
            end.reader.skip_all(&end.memory);
        }
        end.request(VCHAN_NOTIFY_WRITE);
        change(&end.memory, LIVE, |[_, server]| [HERE, server]);
        Ok(Self { end })
    }

    /// Is the server still there?
    pub fn is_open(&self) -> bool {
        word(&self.end.memory, LIVE)[1] != GONE
    }

    /// As [`Server::read`].
    ///
    /// # Errors
    /// [`RingError::Overrun`] if the server's index makes no sense.
    pub fn read(&mut self, to: &mut [u8]) -> Result<Moved, RingError> {
        self.end.read(to)
    }

    /// As [`Server::write`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn write(&mut self, from: &[u8]) -> Result<Moved, RingError> {
        self.end.write(from)
    }

    /// Goes; then signal the event channel.
    pub fn close(&mut self) {
        change(&self.end.memory, LIVE, |[_, server]| [GONE, server]);
    }
}
