//! The ring for sending: which response belongs to which frame.

use alloc::vec;
use alloc::vec::Vec;

use xen_sys::io::netif::{
    NETIF_RSP_NULL, NETIF_RSP_OKAY, NETTXF_CSUM_BLANK, NETTXF_DATA_VALIDATED, NETTXF_EXTRA_INFO,
    NETTXF_MORE_DATA, NetifExtraInfo, NetifTxRequest, NetifTxResponse, XEN_NETIF_EXTRA_TYPE_GSO,
    XEN_NETIF_GSO_TYPE_TCPV4,
};
use zerocopy::{FromBytes, IntoBytes};

use super::{LARGEST_FRAME, MOST_SLOTS, TX_SLOT, Violation};
use crate::ring::{FrontRing, Memory, RingError};

/// A frame on its way; a number below [`Tx::slots`], free for another one afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameId(u8);

impl FrameId {
    /// As an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Some bytes of a granted page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The page.
    pub gref: u32,
    /// First byte.
    pub offset: u16,
    /// Bytes.
    pub len: u16,
}

/// What is to be done to a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    /// The checksum of TCP or UDP is to be filled in; so far it covers the pseudo header.
    pub checksum_blank: bool,
    /// A TCP frame to be cut into segments of so much payload.
    pub segment: Option<u16>,
}

/// A frame whose memory the backend has given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which.
    pub frame: FrameId,
    /// Whether it went out.
    pub ok: bool,
}

/// How often a backend did not do what was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxOddities {
    /// Frames that it refused or dropped.
    pub refused: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    /// Parts without a response.
    left: usize,
    failed: bool,
}

/// The frontend's end of the ring for sending.
#[derive(Debug)]
pub struct Tx<M> {
    ring: FrontRing<M>,
    /// Of each part under way: its id, and its frame.
    parts: Vec<Option<(u16, FrameId)>>,
    free_parts: Vec<u8>,
    frames: Vec<Frame>,
    free_frames: Vec<FrameId>,
    serial: u8,
    /// Responses without id that are still to come.
    extras: usize,
    /// What came that should not have.
    pub oddities: TxOddities,
}

impl<M: Memory> Tx<M> {
    /// Makes `memory` an empty ring.
    ///
    /// # Errors
    /// [`RingError::Size`] if it is too small for the parts of one frame, or
    /// too large for the ids there are.
    pub fn new(memory: M) -> Result<Self, RingError> {
        let given = memory.size();
        let ring = FrontRing::new(memory, TX_SLOT)?;
        let slots = ring.slots() as usize;
        if !(MOST_SLOTS..=256).contains(&slots) {
            return Err(RingError::Size {
                given,
                needed: crate::block::PAGE,
            });
        }
        Ok(Self {
            ring,
            parts: vec![None; slots],
            free_parts: (0..slots).rev().map(|n| n as u8).collect(),
            frames: vec![Frame::default(); slots],
            free_frames: (0..slots).rev().map(|n| FrameId(n as u8)).collect(),
            serial: 0,
            extras: 0,
            oddities: TxOddities::default(),
        })
    }

    /// Slots in all.
    pub fn slots(&self) -> usize {
        self.parts.len()
    }

    /// Whether a frame of any size can be sent now.
    pub fn has_room(&self) -> bool {
        self.ring.free() as usize >= MOST_SLOTS
            && self.free_parts.len() >= MOST_SLOTS
            && !self.free_frames.is_empty()
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.free_frames.len() == self.frames.len()
    }

    /// Puts a frame into the ring; the backend sees it after [`Self::publish`].
    /// `None`, and nothing done: there is no room, or the frame cannot be.
    pub fn send(&mut self, frame: Outgoing, parts: &[Part]) -> Option<FrameId> {
        let total: usize = parts.iter().map(|part| usize::from(part.len)).sum();
        let extra = usize::from(frame.segment.is_some());
        let fits = parts.len() + extra <= MOST_SLOTS && total <= LARGEST_FRAME;
        if parts.is_empty() || !fits || !self.has_room() {
            return None;
        }
        let id = self.free_frames.pop()?;
        if let Some(state) = self.frames.get_mut(id.index()) {
            *state = Frame {
                left: parts.len(),
                failed: false,
            };
        }
        for (at, part) in parts.iter().enumerate() {
            let mut flags = 0;
            if at + 1 < parts.len() {
                flags |= NETTXF_MORE_DATA;
            }
            if at == 0 {
                if frame.checksum_blank {
                    flags |= NETTXF_CSUM_BLANK | NETTXF_DATA_VALIDATED;
                }
                if frame.segment.is_some() {
                    flags |= NETTXF_EXTRA_INFO;
                }
            }
            let size = if at == 0 { total as u16 } else { part.len };
            self.push_part(id, part, flags, size)?;
            if let Some(size) = frame.segment.filter(|_| at == 0) {
                let extra = NetifExtraInfo {
                    type_: XEN_NETIF_EXTRA_TYPE_GSO,
                    gso_size: size,
                    gso_type: XEN_NETIF_GSO_TYPE_TCPV4,
                    ..NetifExtraInfo::default()
                };
                self.ring.push(extra.as_bytes()).ok()?;
                self.extras += 1;
            }
        }
        Some(id)
    }

    fn push_part(&mut self, frame: FrameId, part: &Part, flags: u16, size: u16) -> Option<()> {
        let slot = self.free_parts.pop()?;
        self.serial = self.serial.wrapping_add(1);
        let id = u16::from(self.serial) << 8 | u16::from(slot);
        *self.parts.get_mut(usize::from(slot))? = Some((id, frame));
        let request = NetifTxRequest {
            gref: part.gref,
            offset: part.offset,
            flags,
            id,
            size,
        };
        self.ring.push(request.as_bytes()).ok()
    }

    /// Shows the backend what was sent; `true`: notify it.
    #[must_use = "the backend must be notified if this is true"]
    pub fn publish(&mut self) -> bool {
        self.ring.publish()
    }

    /// The next frame whose memory is free again.
    ///
    /// # Errors
    /// [`Violation`]: which memory is free is not known any more.
    pub fn reap(&mut self) -> Result<Option<Sent>, Violation> {
        loop {
            let mut bytes = [0; size_of::<NetifTxResponse>()];
            if !self.ring.pop(&mut bytes)? {
                return Ok(None);
            }
            let response = NetifTxResponse::read_from_bytes(&bytes).unwrap_or_default();
            if response.status == NETIF_RSP_NULL {
                self.extras = self.extras.checked_sub(1).ok_or(Violation::Nothing)?;
                continue;
            }
            if let Some(sent) = self.response(response)? {
                return Ok(Some(sent));
            }
        }
    }

    fn response(&mut self, response: NetifTxResponse) -> Result<Option<Sent>, Violation> {
        let NetifTxResponse { id, status } = response;
        let slot = id as u8;
        let frame = match self.parts.get_mut(usize::from(slot)) {
            Some(part) if part.is_some_and(|(expected, _)| expected == id) => part.take(),
            _ => None,
        };
        let (_, frame) = frame.ok_or(Violation::Sent { id })?;
        self.free_parts.push(slot);
        let Some(state) = self.frames.get_mut(frame.index()) else {
            return Ok(None);
        };
        state.failed |= status != NETIF_RSP_OKAY;
        state.left = state.left.saturating_sub(1);
        if state.left > 0 {
            return Ok(None);
        }
        let ok = !state.failed;
        self.oddities.refused += u64::from(!ok);
        self.free_frames.push(frame);
        Ok(Some(Sent { frame, ok }))
    }

    /// Asks to be notified of the next response; `true`: one is there already.
    #[must_use = "responses that are there already give no event"]
    pub fn arm(&self) -> bool {
        self.ring.arm()
    }
}
