//! The ring for receiving: buffers for the backend, and frames out of their parts.
//!
//! A backend fills the buffers in the order in which it got them, and a slot of
//! extra information uses one up without naming it; so the order says which
//! buffer is meant, and the id must agree. A buffer goes back into the ring as
//! soon as it has been looked at.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use xen_sys::io::netif::{
    NETRXF_CSUM_BLANK, NETRXF_DATA_VALIDATED, NETRXF_EXTRA_INFO, NETRXF_GSO_PREFIX,
    NETRXF_MORE_DATA, NetifExtraInfo, NetifRxRequest, NetifRxResponse, XEN_NETIF_EXTRA_FLAG_MORE,
    XEN_NETIF_EXTRA_TYPE_GSO, XEN_NETIF_EXTRA_TYPE_MAX,
};
use zerocopy::{FromBytes, IntoBytes};

use super::{ETHERNET_HEADER, LARGEST_FRAME, PAGE, RX_SLOT, Violation};
use crate::ring::{FrontRing, Memory, RingError};

/// Buffers given back before the backend is shown them, if it is not waited for.
const BATCH: u32 = 32;

/// Parts of a frame: more are only ever sent to keep us busy.
const MOST_PARTS: usize = 64;

/// A frame that has been received whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its bytes.
    pub len: usize,
    /// Its checksum of TCP or UDP need not be looked at: the backend did, or it
    /// never left this machine and has none.
    pub checked: bool,
}

/// How often a backend sent what makes no sense; each time a frame was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RxOddities {
    /// A part reaches beyond its page.
    pub outside: u64,
    /// The backend said that it failed to fill a buffer.
    pub failed: u64,
    /// Frames larger or of more parts than a frame can be.
    pub oversize: u64,
    /// Frames shorter than their header.
    pub short: u64,
    /// Extra information of no known kind, or in an old form.
    pub extra: u64,
}

impl RxOddities {
    /// Frames dropped.
    pub const fn dropped(&self) -> u64 {
        self.outside + self.failed + self.oversize + self.short + self.extra
    }
}

/// The frame whose parts are coming in.
#[derive(Clone, Copy, Debug, Default)]
struct Assembly {
    parts: usize,
    len: usize,
    checked: bool,
    /// It will be dropped, and has been counted.
    bad: bool,
    /// Extra slots so far; not 0 only while another one is due.
    extras: u8,
    extra_due: bool,
    more: bool,
}

/// The frontend's end of the ring for receiving.
#[derive(Debug)]
pub struct Rx<M> {
    ring: FrontRing<M>,
    grefs: Vec<u32>,
    /// The buffers in the ring, in order, by their ids.
    posted: VecDeque<u16>,
    serial: u16,
    unpublished: u32,
    assembly: Assembly,
    /// What came that should not have.
    pub oddities: RxOddities,
}

impl<M: Memory> Rx<M> {
    /// Makes `memory` an empty ring and fills it with buffers: pages, by their
    /// grants. Those that do not fit are left out.
    ///
    /// # Errors
    /// [`RingError::Size`] if it is too small for one slot.
    pub fn new(memory: M, grefs: Vec<u32>) -> Result<Self, RingError> {
        let ring = FrontRing::new(memory, RX_SLOT)?;
        let buffers = grefs.len().min(ring.slots() as usize).min(256);
        let mut rx = Self {
            ring,
            grefs,
            posted: VecDeque::with_capacity(buffers),
            serial: 0,
            unpublished: 0,
            assembly: Assembly::default(),
            oddities: RxOddities::default(),
        };
        for buffer in 0..buffers {
            rx.post(buffer as u8)?;
        }
        Ok(rx)
    }

    fn post(&mut self, buffer: u8) -> Result<(), RingError> {
        self.serial = self.serial.wrapping_add(1);
        let id = self.serial << 8 | u16::from(buffer);
        let request = NetifRxRequest {
            id,
            pad: 0,
            gref: self.grefs.get(usize::from(buffer)).copied().unwrap_or(0),
        };
        self.ring.push(request.as_bytes())?;
        self.posted.push_back(id);
        self.unpublished += 1;
        Ok(())
    }

    /// Shows the backend all buffers; `true`: notify it.
    #[must_use = "the backend must be notified if this is true"]
    pub fn publish(&mut self) -> bool {
        if self.unpublished == 0 {
            return false;
        }
        self.unpublished = 0;
        self.ring.publish()
    }

    /// As [`Self::publish`], once it is worth while.
    #[must_use = "the backend must be notified if this is true"]
    pub fn publish_many(&mut self) -> bool {
        self.unpublished >= BATCH && self.publish()
    }

    /// Asks to be notified of the next response; `true`: one is there already.
    #[must_use = "responses that are there already give no event"]
    pub fn arm(&self) -> bool {
        self.ring.arm()
    }

    /// The next frame that is there whole. `copy(buffer, offset, at, len)` is
    /// to copy `len` bytes at `offset` of a buffer to byte `at` of the frame;
    /// all of it lies within a page, and within [`LARGEST_FRAME`].
    ///
    /// # Errors
    /// [`Violation`]: whose turn it is is not known any more.
    pub fn next(
        &mut self,
        mut copy: impl FnMut(usize, usize, usize, usize),
    ) -> Result<Option<Received>, Violation> {
        loop {
            let mut bytes = [0; size_of::<NetifRxResponse>()];
            if !self.ring.pop(&mut bytes)? {
                return Ok(None);
            }
            // As many responses as requests: the ring has seen to it.
            let id = self.posted.pop_front().unwrap_or_default();
            let buffer = id as u8;
            if self.assembly.extra_due {
                self.extra(&bytes)?;
            } else {
                let response = NetifRxResponse::read_from_bytes(&bytes).unwrap_or_default();
                if response.id != id {
                    return Err(Violation::Received {
                        expected: id,
                        got: response.id,
                    });
                }
                self.part(&response, |offset, at, len| {
                    copy(usize::from(buffer), offset, at, len);
                });
            }
            self.post(buffer)?;
            if !self.assembly.extra_due && !self.assembly.more {
                let frame = core::mem::take(&mut self.assembly);
                if let Some(frame) = self.whole(frame) {
                    return Ok(Some(frame));
                }
            }
        }
    }

    fn part(&mut self, response: &NetifRxResponse, copy: impl FnOnce(usize, usize, usize)) {
        let (frame, flags) = (&mut self.assembly, response.flags);
        if frame.parts == 0 {
            frame.checked = flags & (NETRXF_CSUM_BLANK | NETRXF_DATA_VALIDATED) != 0;
        }
        frame.parts = frame.parts.saturating_add(1);
        frame.more = flags & NETRXF_MORE_DATA != 0;
        frame.extra_due = flags & NETRXF_EXTRA_INFO != 0;
        if frame.bad {
            return;
        }
        let offset = usize::from(response.offset);
        let len = usize::try_from(response.status);
        let why = match len {
            Err(_) => Some(&mut self.oddities.failed),
            _ if flags & NETRXF_GSO_PREFIX != 0 => Some(&mut self.oddities.extra),
            Ok(len) if offset + len > PAGE => Some(&mut self.oddities.outside),
            Ok(len) if frame.len + len > LARGEST_FRAME || frame.parts > MOST_PARTS => {
                Some(&mut self.oddities.oversize)
            }
            Ok(len) => {
                copy(offset, frame.len, len);
                frame.len += len;
                None
            }
        };
        if let Some(count) = why {
            *count += 1;
            frame.bad = true;
        }
    }

    fn extra(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        let extra = NetifExtraInfo::read_from_bytes(bytes).unwrap_or_default();
        let frame = &mut self.assembly;
        frame.extras += 1;
        frame.extra_due = extra.flags & XEN_NETIF_EXTRA_FLAG_MORE != 0;
        if frame.extra_due && frame.extras >= XEN_NETIF_EXTRA_TYPE_MAX {
            return Err(Violation::Extras);
        }
        if !frame.extra_due {
            frame.extras = 0;
        }
        // How a frame was to be cut matters to nobody who has it whole.
        let known = (XEN_NETIF_EXTRA_TYPE_GSO..XEN_NETIF_EXTRA_TYPE_MAX).contains(&extra.type_);
        if !known && !frame.bad {
            frame.bad = true;
            self.oddities.extra += 1;
        }
        Ok(())
    }

    fn whole(&mut self, frame: Assembly) -> Option<Received> {
        if frame.bad {
            return None;
        }
        if frame.len < ETHERNET_HEADER {
            self.oddities.short += 1;
            return None;
        }
        Some(Received {
            len: frame.len,
            checked: frame.checked,
        })
    }
}
