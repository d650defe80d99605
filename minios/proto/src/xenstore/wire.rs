//! Xenstore packets: a header of 16 bytes and at most 4096 bytes of payload.
//!
//! Source: `io/xs_wire.h` and Xen's `docs/misc/xenstore.txt`. Strings in a
//! payload end with a NUL each, except for the value of a write and of a read.

use alloc::vec::Vec;
use core::fmt;
use xen_sys::io::xs_wire::{self, XsdSockmsg};
use zerocopy::{FromBytes, IntoBytes};

/// Bytes before the payload.
pub const HEADER: usize = size_of::<XsdSockmsg>();
/// Most bytes of payload.
pub const PAYLOAD_MAX: usize = xs_wire::XENSTORE_PAYLOAD_MAX;

/// What cannot be a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The header announces more than a packet may carry.
    Length {
        /// Bytes announced.
        announced: u32,
    },
    /// The ring's indices make no sense.
    Ring(crate::ring::RingError),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { announced } => {
                write!(f, "packet announces {announced} bytes, 4096 are allowed")
            }
            Self::Ring(e) => e.fmt(f),
        }
    }
}

impl core::error::Error for WireError {}

macro_rules! kinds {
    ($($name:ident = $value:path, $what:literal;)*) => {
        /// What a packet asks or says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $(#[doc = $what] $name,)*
            /// A number this list does not have.
            Unknown(u32),
        }

        impl From<u32> for Kind {
            fn from(n: u32) -> Self {
                match n {
                    $($value => Self::$name,)*
                    n => Self::Unknown(n),
                }
            }
        }

        impl From<Kind> for u32 {
            fn from(kind: Kind) -> u32 {
                match kind {
                    $(Kind::$name => $value,)*
                    Kind::Unknown(n) => n,
                }
            }
        }
    };
}

kinds! {
    Control = xs_wire::XS_CONTROL, "Orders to the server itself.";
    Directory = xs_wire::XS_DIRECTORY, "Names of a node's children.";
    Read = xs_wire::XS_READ, "A node's value.";
    GetPerms = xs_wire::XS_GET_PERMS, "A node's permissions.";
    Watch = xs_wire::XS_WATCH, "Tell me when this changes.";
    Unwatch = xs_wire::XS_UNWATCH, "Tell me no more.";
    TransactionStart = xs_wire::XS_TRANSACTION_START, "Begin a transaction.";
    TransactionEnd = xs_wire::XS_TRANSACTION_END, "Commit or drop it.";
    Introduce = xs_wire::XS_INTRODUCE, "A new domain (dom0 only).";
    Release = xs_wire::XS_RELEASE, "A domain is gone (dom0 only).";
    GetDomainPath = xs_wire::XS_GET_DOMAIN_PATH, "Where a domain's nodes are.";
    Write = xs_wire::XS_WRITE, "Set a node's value, making it if needed.";
    Mkdir = xs_wire::XS_MKDIR, "Make a node if it is not there.";
    Rm = xs_wire::XS_RM, "Remove a node and all below it.";
    SetPerms = xs_wire::XS_SET_PERMS, "Set permissions.";
    WatchEvent = xs_wire::XS_WATCH_EVENT, "Something watched changed (from the server).";
    Error = xs_wire::XS_ERROR, "The request failed (from the server).";
    IsDomainIntroduced = xs_wire::XS_IS_DOMAIN_INTRODUCED, "Whether a domain is known.";
    Resume = xs_wire::XS_RESUME, "A domain resumed (dom0 only).";
    SetTarget = xs_wire::XS_SET_TARGET, "A stub domain's guest (dom0 only).";
    ResetWatches = xs_wire::XS_RESET_WATCHES, "Drop all my watches and transactions.";
    DirectoryPart = xs_wire::XS_DIRECTORY_PART, "Part of a long list of children.";
}

/// A whole packet in some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What it is.
    pub kind: Kind,
    /// The request it belongs to.
    pub req_id: u32,
    /// Its transaction, 0 for none.
    pub tx_id: u32,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// The first packet of a stream and its length in bytes; `None` if it is not all there yet.
    ///
    /// # Errors
    /// [`WireError::Length`]: the stream cannot be followed any further.
    pub fn parse(stream: &'a [u8]) -> Result<Option<(Self, usize)>, WireError> {
        let Ok((header, rest)) = XsdSockmsg::read_from_prefix(stream) else {
            return Ok(None);
        };
        let len = header.len as usize;
        if len > PAYLOAD_MAX {
            return Err(WireError::Length {
                announced: header.len,
            });
        }
        let Some(payload) = rest.get(..len) else {
            return Ok(None);
        };
        let packet = Self {
            kind: header.type_.into(),
            req_id: header.req_id,
            tx_id: header.tx_id,
            payload,
        };
        Ok(Some((packet, HEADER + len)))
    }

    /// Appends a packet whose payload is `parts` one after the other.
    ///
    /// # Errors
    /// The payload's length if it is more than [`PAYLOAD_MAX`].
    pub fn emit(
        to: &mut Vec<u8>,
        kind: Kind,
        req_id: u32,
        tx_id: u32,
        parts: &[&[u8]],
    ) -> Result<(), usize> {
        let len: usize = parts.iter().map(|p| p.len()).sum();
        if len > PAYLOAD_MAX {
            return Err(len);
        }
        let header = XsdSockmsg {
            type_: kind.into(),
            req_id,
            tx_id,
            len: len as u32,
        };
        to.extend_from_slice(header.as_bytes());
        for part in parts {
            to.extend_from_slice(part);
        }
        Ok(())
    }
}

/// The strings of a payload, each ended by a NUL (or by the end).
pub fn strings(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = payload.strip_suffix(&[0]).unwrap_or(payload);
    let mut parts = body.split(|b| *b == 0);
    if payload.is_empty() {
        parts.next();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `XS_READ` of `a/b`, request 7, no transaction, byte for byte.
    const READ: [u8; 20] = [
        2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, b'a', b'/', b'b', 0,
    ];

    #[test]
    fn construct_and_parse() {
        let mut bytes = Vec::new();
        Packet::emit(&mut bytes, Kind::Read, 7, 0, &[b"a/b", b"\0"]).unwrap();
        assert_eq!(bytes, READ);
        let (packet, len) = Packet::parse(&READ).unwrap().unwrap();
        assert_eq!(
            packet,
            Packet {
                kind: Kind::Read,
                req_id: 7,
                tx_id: 0,
                payload: b"a/b\0"
            }
        );
        assert_eq!(len, 20);
        for short in 0..READ.len() {
            assert_eq!(Packet::parse(&READ[..short]), Ok(None), "{short} bytes");
        }
    }

    #[test]
    fn limits() {
        let mut bytes = Vec::new();
        assert_eq!(
            Packet::emit(&mut bytes, Kind::Write, 1, 0, &[&[b'x'; 4000], &[0; 97]]),
            Err(4097)
        );
        assert!(bytes.is_empty());
        Packet::emit(&mut bytes, Kind::Write, 1, 0, &[&[b'x'; 4096]]).unwrap();
        assert!(Packet::parse(&bytes).unwrap().is_some());
        let mut long = READ;
        long[12..16].copy_from_slice(&4097u32.to_le_bytes());
        assert_eq!(
            Packet::parse(&long),
            Err(WireError::Length { announced: 4097 })
        );
        assert_eq!(
            Packet::parse(&long[..16]),
            Err(WireError::Length { announced: 4097 })
        );
    }

    #[test]
    fn string_lists() {
        let list = |p| strings(p).collect::<Vec<_>>();
        assert_eq!(list(b""), [b""; 0]);
        assert_eq!(list(b"\0"), [b""]);
        assert_eq!(list(b"a\0bc\0"), [&b"a"[..], b"bc"]);
        assert_eq!(list(b"a\0bc"), [&b"a"[..], b"bc"]);
        assert_eq!(list(b"a\0\0"), [&b"a"[..], b""]);
    }

    #[test]
    fn kinds_keep_their_numbers() {
        for n in 0..30 {
            assert_eq!(u32::from(Kind::from(n)), n);
        }
        assert_eq!(Kind::from(15), Kind::WatchEvent);
        assert_eq!(Kind::from(20), Kind::Unknown(20));
    }
}
