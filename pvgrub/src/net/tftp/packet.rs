//! TFTP's packets (RFC 1350, RFC 2347).

use alloc::vec::Vec;

/// The opcodes (RFC 1350, section 5; RFC 2347).
const RRQ: u16 = 1;
const DATA: u16 = 3;
const ACK: u16 = 4;
const ERROR: u16 = 5;
const OACK: u16 = 6;

/// A packet of a server.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Bytes of the file.
    Data {
        /// Its number, counted from 1 and round after 65535.
        block: u16,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The transfer ends.
    Error {
        /// Why (RFC 1350, appendix).
        code: u16,
        /// In words.
        words: &'a [u8],
    },
    /// Options that the server agrees to.
    Options(Options<'a>),
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` if a server sends no such thing.
    pub fn parse(packet: &'a [u8]) -> Option<Self> {
        let (opcode, rest) = number(packet)?;
        match opcode {
            DATA => number(rest).map(|(block, bytes)| Packet::Data { block, bytes }),
            ERROR => number(rest).map(|(code, words)| Packet::Error {
                code,
                words: words.split(|&b| b == 0).next().unwrap_or_default(),
            }),
            OACK => Some(Packet::Options(Options(rest))),
            _ => None,
        }
    }
}

fn number(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u16::from_be_bytes(*number), rest))
}

/// Names and values of an OACK, each ended by NUL.
#[derive(Debug, PartialEq, Eq)]
pub struct Options<'a>(&'a [u8]);

impl<'a> Iterator for Options<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut fields = self.0.splitn(3, |&byte| byte == 0);
        let (name, value) = (fields.next()?, fields.next()?);
        // Without a third field the value has no end.
        self.0 = fields.next()?;
        Some((name, value))
    }
}

/// A request for `path` with these options.
pub fn request<'a>(path: &str, options: impl IntoIterator<Item = (&'a str, u64)>) -> Vec<u8> {
    let mut packet = RRQ.to_be_bytes().to_vec();
    let mut field = |text: &str| {
        packet.extend_from_slice(text.as_bytes());
        packet.push(0);
    };
    field(path);
    field("octet");
    for (name, value) in options {
        field(name);
        field(&alloc::format!("{value}"));
    }
    packet
}

/// The acknowledgement of `block` and all before it.
pub fn acknowledgement(block: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (ACK.to_be_bytes(), block.to_be_bytes());
    [a, b, c, d]
}

/// An end of the transfer.
pub fn error(code: u16, words: &str) -> Vec<u8> {
    let mut packet = ERROR.to_be_bytes().to_vec();
    packet.extend(code.to_be_bytes());
    packet.extend_from_slice(words.as_bytes());
    packet.push(0);
    packet
}
