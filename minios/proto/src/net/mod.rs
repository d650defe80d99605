//! The network protocol (`io/netif.h`): what a backend offers, and the two rings of a card.
//!
//! [`Tx`] sends frames of one or more parts and says when their memory is free
//! again; [`Rx`] keeps the backend supplied with buffers and puts the parts of
//! received frames together. A frame that makes no sense is dropped and
//! counted. What cannot be dropped, because nobody knows any more which memory
//! is meant, is a [`Violation`]: the card has failed.

use core::fmt;

use xen_sys::io::netif;

use crate::ring::RingError;

mod rx;
#[cfg(test)]
mod tests;
mod tx;

pub use rx::{Received, Rx, RxOddities};
pub use tx::{FrameId, Outgoing, Part, Sent, Tx, TxOddities};

/// Bytes of a page, and most bytes of a part of a frame.
pub const PAGE: usize = 4096;
/// Bytes of a slot of the ring for sending.
pub const TX_SLOT: usize = size_of::<netif::NetifTxRequest>();
/// Bytes of a slot of the ring for receiving.
pub const RX_SLOT: usize = size_of::<netif::NetifRxRequest>();
/// Parts of a sent frame that every backend takes, an extra slot included.
pub const MOST_SLOTS: usize = netif::XEN_NETIF_NR_SLOTS_MIN;
/// Most bytes of a frame, either way.
pub const LARGEST_FRAME: usize = netif::XEN_NETIF_MAX_TX_SIZE;
/// Bytes of an Ethernet header: no frame is shorter.
pub const ETHERNET_HEADER: usize = 14;
/// Payload bytes of a frame unless the toolstack says otherwise.
pub const DEFAULT_MTU: usize = 1500;

/// What a card's nodes say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Card {
    /// Payload bytes of a frame.
    pub mtu: usize,
    /// `feature-sg`: frames may have several parts.
    pub scatter_gather: bool,
    /// `feature-gso-tcpv4`: the backend cuts large TCP frames into segments.
    pub segmentation: bool,
    /// The backend fills in checksums of TCP and UDP.
    pub checksums: bool,
}

/// Why a card's nodes make no card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardError {
    /// A node that must be there is missing.
    Missing(&'static str),
    /// A node is not what it can be.
    Value(&'static str),
    /// The backend cannot copy received frames into our pages.
    NoCopy,
}

impl fmt::Display for CardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(node) => write!(f, "there is no node {node:?}"),
            Self::Value(node) => write!(f, "the node {node:?} makes no sense"),
            Self::NoCopy => f.write_str("the backend has no feature-rx-copy"),
        }
    }
}

impl core::error::Error for CardError {}

impl Card {
    /// Nodes of the backend that [`Self::parse`] asks for.
    pub const BACKEND_NODES: [&str; 4] = [
        "feature-rx-copy",
        "feature-sg",
        "feature-gso-tcpv4",
        "feature-no-csum-offload",
    ];

    /// Reads the backend's nodes (`node` gives a node's text) and our own node `mtu`.
    ///
    /// # Errors
    /// If a number is none or out of range, or `feature-rx-copy` is missing.
    pub fn parse<'a>(
        node: impl Fn(&str) -> Option<&'a str>,
        mtu: Option<&str>,
    ) -> Result<Self, CardError> {
        let flag = |name: &'static str| match node(name).map(str::trim) {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(_) => Err(CardError::Value(name)),
        };
        if !flag("feature-rx-copy")? {
            return Err(CardError::NoCopy);
        }
        let mtu = match mtu.map(|text| text.trim().parse()) {
            None => DEFAULT_MTU,
            // RFC 791: every host takes datagrams of 576 bytes.
            Some(Ok(mtu @ 576..=65_000)) => mtu,
            Some(_) => return Err(CardError::Value("mtu")),
        };
        let scatter_gather = flag("feature-sg")?;
        let checksums = !flag("feature-no-csum-offload")?;
        Ok(Self {
            // Without several parts a frame ends with its page.
            mtu: if scatter_gather {
                mtu
            } else {
                mtu.min(PAGE - ETHERNET_HEADER)
            },
            scatter_gather,
            // Segments need checksums, and large frames several parts.
            segmentation: flag("feature-gso-tcpv4")? && scatter_gather && checksums,
            checksums,
        })
    }
}

/// Reads a hardware address: `00:16:3e:01:02:03`.
///
/// # Errors
/// If it is none, or that of a group.
pub fn parse_mac(text: &str) -> Result<[u8; 6], CardError> {
    let bad = CardError::Value("mac");
    let mut mac = [0; 6];
    let mut parts = text.trim().split(':');
    for byte in &mut mac {
        let is_byte = |part: &&str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
        let part = parts.next().filter(is_byte).ok_or(bad)?;
        *byte = u8::from_str_radix(part, 16).map_err(|_| bad)?;
    }
    let [first, ..] = mac;
    if parts.next().is_some() || first & 1 != 0 || mac == [0; 6] {
        return Err(bad);
    }
    Ok(mac)
}

/// What a backend did that leaves no way on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// An index that cannot be.
    Ring(RingError),
    /// A response to nothing that was sent, or sent again.
    Sent {
        /// Its id.
        id: u16,
    },
    /// A response without id where no extra slot was sent.
    Nothing,
    /// A response with another id than the buffer has whose turn it is.
    Received {
        /// The buffer's.
        expected: u16,
        /// The response's.
        got: u16,
    },
    /// More extra slots than there are kinds of them.
    Extras,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring(error) => error.fmt(f),
            Self::Sent { id } => write!(f, "response to a frame that is not being sent ({id:#x})"),
            Self::Nothing => f.write_str("response to an extra slot that was not sent"),
            Self::Received { expected, got } => {
                write!(f, "received into buffer {got:#x}, not {expected:#x}")
            }
            Self::Extras => f.write_str("a received frame has too many extra slots"),
        }
    }
}

impl core::error::Error for Violation {}

impl From<RingError> for Violation {
    fn from(error: RingError) -> Self {
        Self::Ring(error)
    }
}
