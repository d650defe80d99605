//! Xenstore: packets ([`wire`]), paths ([`path`]), and a client without I/O ([`client`]).

pub mod client;
pub mod listing;
pub mod path;
pub mod wire;

use alloc::boxed::Box;
use core::fmt;

pub use client::{Client, Ticket, Tx, WatchId};
pub use path::PathError;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Xenstored said no.
    Server(Errno),
    /// The path is not one.
    Path(PathError),
    /// The request's payload would be longer than a packet may be.
    TooLong {
        /// Bytes of payload.
        bytes: usize,
    },
    /// Xenstored answered with something that is no answer to the question.
    Answer(&'static str),
    /// A transaction met a conflict at every attempt.
    Conflict {
        /// How many attempts.
        attempts: u32,
    },
    /// The connection is lost: what came over it was not the protocol.
    Lost(wire::WireError),
}

impl Error {
    /// The error's number if the server gave one.
    pub fn errno(&self) -> Option<&Errno> {
        if let Self::Server(e) = self {
            Some(e)
        } else {
            None
        }
    }

    /// Whether a node does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Server(Errno::ENOENT))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(e) => write!(f, "xenstore: {e}"),
            Self::Path(e) => write!(f, "xenstore: {e}"),
            Self::TooLong { bytes } => {
                write!(f, "xenstore: request of {bytes} bytes, 4096 are allowed")
            }
            Self::Answer(what) => write!(f, "xenstore: unfitting answer: {what}"),
            Self::Conflict { attempts } => {
                write!(f, "xenstore: transaction failed {attempts} times")
            }
            Self::Lost(e) => write!(f, "xenstore: connection lost: {e}"),
        }
    }
}

impl core::error::Error for Error {}

impl From<PathError> for Error {
    fn from(e: PathError) -> Self {
        Self::Path(e)
    }
}

macro_rules! errnos {
    ($($name:ident $what:literal,)*) => {
        /// Errors by the name the protocol gives them (`xsd_errors` in `io/xs_wire.h`).
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[allow(clippy::upper_case_acronyms)]
        pub enum Errno {
            $(#[doc = $what] $name,)*
            /// A name this list does not have.
            Other(Box<str>),
        }

        impl Errno {
            /// From the name in an error packet.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $(stringify!($name) => Self::$name,)*
                    _ => Self::Other(name.chars().take(32).collect()),
                }
            }

            /// The name in an error packet.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    Self::Other(name) => name,
                }
            }
        }

        impl fmt::Display for Errno {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$name => f.write_str(concat!(stringify!($name), " (", $what, ")")),)*
                    Self::Other(name) => write!(f, "{name:?}"),
                }
            }
        }
    };
}

errnos! {
    EINVAL "invalid argument",
    EACCES "permission denied",
    EEXIST "exists already",
    EISDIR "is a directory",
    ENOENT "no such node",
    ENOMEM "out of memory",
    ENOSPC "quota exceeded",
    EIO "input/output error",
    ENOTEMPTY "not empty",
    ENOSYS "not implemented",
    EROFS "read-only",
    EBUSY "busy",
    EAGAIN "conflict, try again",
    EISCONN "connected already",
    E2BIG "too big",
    EPERM "not permitted",
}

#[cfg(test)]
mod tests;
