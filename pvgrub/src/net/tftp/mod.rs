//! The TFTP client: RFC 1350 with block size and transfer size (RFC 2348,
//! 2349) and windows (RFC 7440). A state machine: packets and time go in,
//! packets and the file's bytes come out, in order; sockets are elsewhere.
//!
//! The server chooses; what it says is held against what was asked. A block
//! that was seen before is answered with care: a client and a server that both
//! answer each repetition double them for ever (the sorcerer's apprentice,
//! RFC 1123, section 4.2.3.1).
#![forbid(unsafe_code)]

mod packet;
#[cfg(test)]
mod tests;

use super::NetError;
use super::error::words;
use alloc::string::String;
use alloc::vec::Vec;
use packet::{Options, Packet};

/// The port of servers (RFC 1350, section 4).
pub const PORT: u16 = 69;

/// Bytes of a block unless another size is agreed (RFC 1350, section 2).
const PLAIN_BLOCK: u16 = 512;

/// The first wait for an answer; each next one is twice as long, up to the
/// longest; after so many requests in vain it is over.
const FIRST_WAIT: u64 = 1_000_000_000;
const LONGEST_WAIT: u64 = 8_000_000_000;
const TRIES: u32 = 6;

/// How long nothing is sent after an acknowledgement just because an old block
/// comes once more.
const CALM: u64 = 100_000_000;

/// What to ask a server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wishes {
    /// Bytes of a block: as many as fit a frame.
    pub block: u16,
    /// Blocks that may come without an answer between them.
    pub window: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Asked, with options or without; nothing has come yet.
    Asking { options: bool },
    /// Blocks come.
    Receiving,
    /// The last block has come.
    Done,
}

/// A file on its way.
#[derive(Debug)]
pub struct Client {
    state: State,
    path: String,
    wishes: Wishes,
    /// The port that the server serves this transfer from.
    port: Option<u16>,
    block: u16,
    window: u16,
    size: Option<u64>,
    received: u64,
    /// The number of the block that comes next.
    expected: u16,
    /// Blocks since the last acknowledgement.
    unanswered: u16,
    /// A gap was told; the blocks behind it are not to tell it again.
    told: bool,
    sent_at: u64,
    tries: u32,
    deadline: u64,
    /// What is to be sent, and to which port.
    out: Option<(u16, Vec<u8>)>,
}

impl Client {
    /// Asks for `path` at time `now` (nanoseconds).
    pub fn new(path: &str, wishes: Wishes, now: u64) -> Self {
        let mut client = Client {
            state: State::Asking { options: true },
            path: path.into(),
            wishes,
            port: None,
            block: PLAIN_BLOCK,
            window: 1,
            size: None,
            received: 0,
            expected: 1,
            unanswered: 0,
            told: false,
            sent_at: now,
            tries: 0,
            deadline: 0,
            out: None,
        };
        client.ask(now);
        client
    }

    /// Whether the server has agreed to send: from now on blocks come.
    pub fn begun(&self) -> bool {
        !matches!(self.state, State::Asking { .. })
    }

    /// Whether the last block has come.
    pub fn done(&self) -> bool {
        self.state == State::Done
    }

    /// The file's length, where the server tells it.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Bytes that have come.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The packet to send now, and the server's port for it.
    pub fn take_packet(&mut self) -> Option<(u16, Vec<u8>)> {
        self.out.take()
    }

    /// The packet that tells the server that nobody wants the rest.
    pub fn farewell(&self) -> Option<(u16, Vec<u8>)> {
        let port = self.port.filter(|_| !self.done())?;
        Some((port, packet::error(0, "cancelled")))
    }

    /// Takes a packet that came from the server's `port`; gives the bytes that
    /// are next in the file.
    ///
    /// # Errors
    /// The transfer is over; a packet for the server may wait to be sent.
    pub fn receive<'a>(
        &mut self,
        port: u16,
        bytes: &'a [u8],
        now: u64,
    ) -> Result<&'a [u8], NetError> {
        if self.port.is_some_and(|known| known != port) {
            // Somebody else's, or a second answer to a request that was sent
            // twice: that one is told off, and this transfer goes on.
            self.out = Some((port, packet::error(5, "unknown transfer")));
            return Ok(&[]);
        }
        let Some(packet) = Packet::parse(bytes) else {
            return Ok(&[]);
        };
        match (packet, self.state) {
            (_, State::Done) => Ok(&[]),
            (
                Packet::Error {
                    code: 0 | 4 | 8,
                    words,
                },
                State::Asking { options: true },
            ) => {
                // An old server may not know options, or not like these.
                log::debug!("tftp: refused with options: {}", super::error::words(words));
                self.state = State::Asking { options: false };
                self.tries = 0;
                self.ask(now);
                Ok(&[])
            }
            (Packet::Error { code, words }, _) => Err(refusal(code, words)),
            (Packet::Options(options), State::Asking { options: true }) => {
                self.port = Some(port);
                self.agree(options)?;
                self.state = State::Receiving;
                self.tries = 0;
                self.answer(0, now);
                Ok(&[])
            }
            (Packet::Options(_), _) => {
                if self.expected == 1 && self.received == 0 {
                    self.repeat_calmly(now);
                }
                Ok(&[])
            }
            (Packet::Data { block, bytes }, _) => {
                self.port = Some(port);
                // A server that does not know options sends the first block at once.
                self.state = State::Receiving;
                self.data(block, bytes, now)
            }
        }
    }

    /// Does what is due at `now`.
    ///
    /// # Errors
    /// [`NetError::Silent`] once enough was tried.
    pub fn tick(&mut self, now: u64) -> Result<(), NetError> {
        if self.done() || now < self.deadline {
            return Ok(());
        }
        self.tries = self.tries.saturating_add(1);
        if self.tries >= TRIES {
            return Err(NetError::Silent);
        }
        match self.state {
            State::Asking { .. } => self.ask(now),
            _ => self.answer(self.expected.wrapping_sub(1), now),
        }
        Ok(())
    }

    fn ask(&mut self, now: u64) {
        let Wishes { block, window } = self.wishes;
        let options = [
            ("tsize", 0),
            ("blksize", block.into()),
            ("windowsize", window.into()),
        ];
        let with = matches!(self.state, State::Asking { options: true });
        let options = options.into_iter().filter(|_| with);
        self.port = None;
        self.send(PORT, packet::request(&self.path, options), now);
    }

    fn answer(&mut self, block: u16, now: u64) {
        self.unanswered = 0;
        if let Some(port) = self.port {
            self.send(port, packet::acknowledgement(block).to_vec(), now);
        }
    }

    fn send(&mut self, port: u16, packet: Vec<u8>, now: u64) {
        let doubled = FIRST_WAIT.checked_shl(self.tries).unwrap_or(LONGEST_WAIT);
        self.deadline = now.saturating_add(doubled.min(LONGEST_WAIT));
        self.sent_at = now;
        self.out = Some((port, packet));
    }

    /// Says once more up to where everything has come, unless that was said
    /// only just now.
    fn repeat_calmly(&mut self, now: u64) {
        if now.saturating_sub(self.sent_at) >= CALM {
            self.answer(self.expected.wrapping_sub(1), now);
        }
    }

    /// Holds what the server agrees to against what was asked.
    fn agree(&mut self, options: Options<'_>) -> Result<(), NetError> {
        for (name, value) in options {
            let value = decimal(value);
            let agreed = if name.eq_ignore_ascii_case(b"tsize") {
                self.size = value;
                value.is_some()
            } else if name.eq_ignore_ascii_case(b"blksize") {
                let within = |&size: &u16| (8..=self.wishes.block).contains(&size);
                let size = value.and_then(|v| u16::try_from(v).ok()).filter(within);
                self.block = size.unwrap_or(self.block);
                size.is_some()
            } else if name.eq_ignore_ascii_case(b"windowsize") {
                let within = |&size: &u16| (1..=self.wishes.window).contains(&size);
                let size = value.and_then(|v| u16::try_from(v).ok()).filter(within);
                self.window = size.unwrap_or(self.window);
                size.is_some()
            } else {
                false
            };
            if !agreed {
                self.give_up(8, "not what was asked for");
                return Err(NetError::Protocol("it agrees to options not asked for"));
            }
        }
        Ok(())
    }

    fn give_up(&mut self, code: u16, words: &str) {
        if let Some(port) = self.port {
            self.out = Some((port, packet::error(code, words)));
        }
    }

    fn data<'a>(&mut self, block: u16, bytes: &'a [u8], now: u64) -> Result<&'a [u8], NetError> {
        if block != self.expected {
            // Less than half of the numbers ahead is the future, the rest the past.
            let ahead = block.wrapping_sub(self.expected) < 1 << 15;
            if !ahead {
                self.repeat_calmly(now);
            } else if !self.told {
                // A block was lost: the server goes on behind the last one that came.
                self.told = true;
                self.answer(self.expected.wrapping_sub(1), now);
            }
            return Ok(&[]);
        }
        if bytes.len() > usize::from(self.block) {
            self.give_up(4, "block too large");
            return Err(NetError::Protocol("a block is larger than agreed"));
        }
        let received = self.received.saturating_add(bytes.len() as u64);
        let last = bytes.len() < usize::from(self.block);
        if let Some(size) = self.size {
            if received > size {
                self.give_up(4, "larger than announced");
                return Err(NetError::Long(size));
            }
            if last && received < size {
                self.give_up(4, "smaller than announced");
                return Err(NetError::Short(received, size));
            }
        }
        self.received = received;
        self.expected = block.wrapping_add(1);
        self.unanswered = self.unanswered.saturating_add(1);
        self.told = false;
        self.tries = 0;
        self.deadline = now.saturating_add(FIRST_WAIT);
        if last || self.unanswered >= self.window {
            self.answer(block, now);
        }
        if last {
            self.state = State::Done;
        }
        Ok(bytes)
    }
}

/// Why a server refuses (RFC 1350, appendix).
fn refusal(code: u16, said: &[u8]) -> NetError {
    match code {
        1 => NetError::NotFound(words(said)),
        _ => NetError::Refused(words(said)),
    }
}

fn decimal(bytes: &[u8]) -> Option<u64> {
    let digits = core::str::from_utf8(bytes).ok()?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}
