//! The HTTP/1.1 client: GET (RFC 9110, RFC 9112). A state machine: the bytes of
//! a response go in as they come, those of the file come out; sockets are
//! elsewhere.
//!
//! Every request has its own connection. Bodies end by Content-Length, by
//! chunks, or with the connection; a body that ends before that is an error.
#![forbid(unsafe_code)]

mod request;
#[cfg(test)]
mod tests;

pub use request::{PORT, Place};

use super::NetError;
use super::error::words;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of a response's head, and its header fields, at most.
const MOST_HEAD: usize = 16 << 10;
const MOST_FIELDS: usize = 64;
/// Interim responses (1xx) at most.
const MOST_INTERIM: u32 = 8;
/// Bytes of the line before a chunk, with its extensions, and of all lines
/// after the last one, at most.
const MOST_LINE: usize = 512;
const MOST_TRAILERS: usize = 8 << 10;

/// What a server says before the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The status code (RFC 9110, section 15).
    pub status: u16,
    /// Bytes of the body, if it is told.
    pub length: Option<u64>,
    /// For a part: where it begins, and the length of the whole if told.
    pub range: Option<(u64, Option<u64>)>,
    /// Where else to look.
    pub location: Option<String>,
    reason: String,
    chunked: bool,
}

impl Head {
    /// Whether it leads elsewhere.
    pub fn redirects(&self) -> bool {
        matches!(self.status, 301 | 302 | 303 | 307 | 308)
    }

    /// The error that it stands for, if it does not come with the file.
    ///
    /// # Errors
    /// Whatever the server has against us.
    pub fn check(&self) -> Result<(), NetError> {
        let said = || {
            let text = alloc::format!("{} {}", self.status, self.reason);
            words(text.trim_end().as_bytes())
        };
        match self.status {
            200 | 206 => Ok(()),
            404 | 410 => Err(NetError::NotFound(said())),
            _ => Err(NetError::Refused(said())),
        }
    }
}

#[derive(Debug)]
enum State {
    /// In the head.
    Head,
    /// So many bytes of the body are left.
    Counted(u64),
    /// The body ends with the connection.
    Unending,
    /// In the line before a chunk.
    ChunkSize,
    /// So many bytes of the chunk are left.
    Chunk(u64),
    /// In the end of line after a chunk.
    ChunkEnd,
    /// In the lines after the last chunk.
    Trailers,
    /// Everything has come.
    Done,
}

/// A response on its way.
#[derive(Debug)]
pub struct Response {
    state: State,
    /// The beginning of a head or a line.
    line: Vec<u8>,
    trailers: usize,
    interim: u32,
    head: Option<Head>,
    received: u64,
}

/// What came of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fed {
    /// Bytes of the connection that were used.
    pub used: usize,
    /// Bytes of the file that were written.
    pub written: usize,
}

impl Default for Response {
    fn default() -> Self {
        Response {
            state: State::Head,
            line: Vec::new(),
            trailers: 0,
            interim: 0,
            head: None,
            received: 0,
        }
    }
}

impl Response {
    /// The head, once it has come.
    pub fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Whether the whole body has come.
    pub fn done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Bytes of the body that have come.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Takes bytes of the connection; body bytes go to `out`. Stops after the
    /// head, when `out` is full, and at the end.
    ///
    /// # Errors
    /// [`NetError::Protocol`].
    pub fn feed(&mut self, input: &[u8], out: &mut [u8]) -> Result<Fed, NetError> {
        let mut fed = Fed {
            used: 0,
            written: 0,
        };
        while let Some(rest) = input.get(fed.used..).filter(|rest| !rest.is_empty()) {
            match self.state {
                State::Done => break,
                State::Counted(left) | State::Chunk(left) => {
                    let count = self.copy(rest, out, &mut fed, left);
                    if count == 0 {
                        break;
                    }
                    let left = left.saturating_sub(count as u64);
                    self.state = match (&self.state, left) {
                        (State::Chunk(_), 0) => State::ChunkEnd,
                        (State::Chunk(_), left) => State::Chunk(left),
                        (_, 0) => State::Done,
                        (_, left) => State::Counted(left),
                    };
                }
                State::Unending => {
                    if self.copy(rest, out, &mut fed, u64::MAX) == 0 {
                        break;
                    }
                }
                State::Head => {
                    fed.used = fed.used.saturating_add(self.head_bytes(rest)?);
                    if self.head.is_some() {
                        break;
                    }
                }
                State::ChunkSize | State::ChunkEnd | State::Trailers => {
                    fed.used = fed.used.saturating_add(self.line_bytes(rest)?);
                }
            }
        }
        Ok(fed)
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// That came too early.
    pub fn end(&mut self) -> Result<(), NetError> {
        match self.state {
            State::Done => Ok(()),
            State::Unending => {
                self.state = State::Done;
                Ok(())
            }
            State::Counted(left) => {
                let said = self.received.saturating_add(left);
                Err(NetError::Short(self.received, said))
            }
            State::Head => Err(NetError::Protocol("its answer ends before the file begins")),
            _ => Err(NetError::Protocol("the file ends within a chunk")),
        }
    }

    /// Copies what there is, has room and belongs to the body.
    fn copy(&mut self, from: &[u8], out: &mut [u8], fed: &mut Fed, left: u64) -> usize {
        let room = out.get_mut(fed.written..).unwrap_or_default();
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let count = from.len().min(room.len()).min(most);
        if let (Some(to), Some(from)) = (room.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
        fed.used = fed.used.saturating_add(count);
        fed.written = fed.written.saturating_add(count);
        self.received = self.received.saturating_add(count as u64);
        count
    }

    /// Gathers the head; gives how many bytes belong to it.
    fn head_bytes(&mut self, bytes: &[u8]) -> Result<usize, NetError> {
        for (at, &byte) in bytes.iter().enumerate() {
            self.line.push(byte);
            if self.line.ends_with(b"\n\r\n") || self.line.ends_with(b"\n\n") {
                let head = parse_head(&self.line)?;
                self.line.clear();
                self.begin_body(head)?;
                return Ok(at.saturating_add(1));
            }
            if self.line.len() >= MOST_HEAD {
                return Err(NetError::Protocol("the head of its answer is too long"));
            }
        }
        Ok(bytes.len())
    }

    fn begin_body(&mut self, head: Head) -> Result<(), NetError> {
        if (100..200).contains(&head.status) {
            self.interim = self.interim.saturating_add(1);
            return match self.interim {
                0..=MOST_INTERIM => Ok(()),
                _ => Err(NetError::Protocol("it never comes to an answer")),
            };
        }
        self.state = match (head.chunked, head.length) {
            (true, _) => State::ChunkSize,
            (false, Some(0)) => State::Done,
            (false, Some(length)) => State::Counted(length),
            (false, None) => State::Unending,
        };
        self.head = Some(head);
        Ok(())
    }

    /// Gathers a line between chunks; gives how many bytes belong to it.
    fn line_bytes(&mut self, bytes: &[u8]) -> Result<usize, NetError> {
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
        if self.line.len().saturating_add(part.len()) > MOST_LINE {
            return Err(NetError::Protocol("a line between chunks is too long"));
        }
        self.line.extend_from_slice(part);
        let Some(end) = end else {
            return Ok(bytes.len());
        };
        let mut line = core::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        self.state = self.after_line(&line)?;
        Ok(end.saturating_add(1))
    }

    fn after_line(&mut self, line: &[u8]) -> Result<State, NetError> {
        match self.state {
            State::ChunkSize => match chunk_size(line) {
                Some(0) => Ok(State::Trailers),
                Some(size) => Ok(State::Chunk(size)),
                None => Err(NetError::Protocol("a chunk has no size")),
            },
            State::ChunkEnd if line.is_empty() => Ok(State::ChunkSize),
            State::ChunkEnd => Err(NetError::Protocol("a chunk is longer than it says")),
            _ if line.is_empty() => Ok(State::Done),
            _ => {
                self.trailers = self.trailers.saturating_add(line.len().max(1));
                if self.trailers > MOST_TRAILERS {
                    return Err(NetError::Protocol("too much follows the last chunk"));
                }
                Ok(State::Trailers)
            }
        }
    }
}

/// Hexadecimal digits, and extensions that mean nothing here.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii();
    let digits = core::str::from_utf8(digits).ok()?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(digits, 16).ok().filter(|_| plain)
}

fn parse_head(bytes: &[u8]) -> Result<Head, NetError> {
    let nonsense = NetError::Protocol("its answer is not HTTP");
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut parsed = httparse::Response::new(&mut fields);
    match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(nonsense),
        Err(httparse::Error::TooManyHeaders) => {
            return Err(NetError::Protocol("its answer has too many header fields"));
        }
        Err(_) => return Err(nonsense),
    }
    let mut head = Head {
        status: parsed.code.ok_or(nonsense)?,
        reason: parsed.reason.unwrap_or_default().into(),
        ..Head::default()
    };
    for field in parsed.headers.iter() {
        head.take_field(field.name, field.value.trim_ascii())?;
    }
    // RFC 9112, section 6.3: chunks count, whatever else is said.
    if head.chunked {
        head.length = None;
    }
    Ok(head)
}

impl Head {
    fn take_field(&mut self, name: &str, value: &[u8]) -> Result<(), NetError> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("content-length") {
            let length = decimal(value);
            // Two that differ are a trap (RFC 9112, section 6.3).
            if length.is_none() || self.length.is_some_and(|known| Some(known) != length) {
                return Err(NetError::Protocol("its Content-Length makes no sense"));
            }
            self.length = length;
        } else if is("transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(NetError::Protocol(
                    "it encodes the file in a way not asked for",
                ));
            }
            self.chunked = true;
        } else if is("content-encoding") {
            if !value.is_empty() && !value.eq_ignore_ascii_case(b"identity") {
                // Not asked for; .gz files come so from some servers, and are what is meant.
                log::debug!("http: encoded as {}", words(value));
            }
        } else if is("location") {
            self.location = core::str::from_utf8(value).ok().map(String::from);
        } else if is("content-range") {
            self.range = range(value);
        }
        Ok(())
    }
}

/// `bytes 5-9/10` or `bytes 5-9/*` (RFC 9110, section 14.4).
fn range(value: &[u8]) -> Option<(u64, Option<u64>)> {
    let value = value.strip_prefix(b"bytes ")?;
    let mut fields = value.split(|&byte| matches!(byte, b'-' | b'/'));
    let (first, _last, whole) = (fields.next()?, fields.next()?, fields.next()?);
    Some((decimal(first)?, decimal(whole)))
}

fn decimal(bytes: &[u8]) -> Option<u64> {
    let digits = core::str::from_utf8(bytes).ok()?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}
