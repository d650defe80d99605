//! Which response belongs to which request.
//!
//! An id is a slot and a serial number, so that a response to a request that
//! was answered before is known from one to a request that never was, also
//! after the slot was used again.

use super::{Operation, RequestError, status};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use xen_sys::io::blkif::{BLKIF_OP_INDIRECT, BlkifResponse};
use zerocopy::FromBytes;

/// The `id` of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

const SLOT_BITS: u32 = 16;

impl RequestId {
    /// As it stands in a request.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Which of the tracker's slots it uses.
    pub const fn slot(self) -> usize {
        (self.0 & ((1 << SLOT_BITS) - 1)) as usize
    }
}

/// Responses that make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nonsense {
    /// No request had this id.
    Unknown {
        /// The id.
        id: u64,
    },
    /// The request with this id had its response already, or was given up.
    Again {
        /// The id.
        id: u64,
    },
    /// Fewer bytes than a response has.
    Short,
}

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { id } => write!(f, "response to a request that never was ({id:#x})"),
            Self::Again { id } => write!(f, "second or late response ({id:#x})"),
            Self::Short => write!(f, "response is cut short"),
        }
    }
}

impl core::error::Error for Nonsense {}

/// How often a backend sent what it should not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oddities {
    /// Responses with an id no request had.
    pub unknown: u64,
    /// Second or late responses.
    pub again: u64,
    /// Responses to another operation than was asked (the status counts all the same).
    pub other_operation: u64,
}

#[derive(Clone, Copy, Debug)]
struct Busy {
    id: RequestId,
    op: Operation,
}

/// The requests under way.
#[derive(Debug)]
pub struct Tracker {
    slots: Vec<Option<Busy>>,
    free: Vec<u16>,
    serial: u64,
    /// What came that should not have.
    pub oddities: Oddities,
}

impl Tracker {
    /// Room for `slots` requests at once (at most 65536).
    pub fn new(slots: u32) -> Self {
        let n = slots.min(1 << SLOT_BITS);
        let free = (0..n).rev().map(|slot| slot as u16).collect();
        Self {
            slots: vec![None; n as usize],
            free,
            serial: 0,
            oddities: Oddities::default(),
        }
    }

    /// Requests under way.
    pub fn under_way(&self) -> usize {
        self.slots.iter().flatten().count()
    }

    /// A new request; `None` if there is no room.
    pub fn begin(&mut self, op: Operation) -> Option<RequestId> {
        let slot = self.free.pop()?;
        self.serial += 1;
        let id = RequestId(self.serial << SLOT_BITS | u64::from(slot));
        *self.slots.get_mut(usize::from(slot))? = Some(Busy { id, op });
        Some(id)
    }

    /// Nothing will come of this request any more. Its slot is free again only
    /// if `reuse`; a backend that may still write to the request's memory keeps it.
    pub fn abandon(&mut self, id: RequestId, reuse: bool) {
        if let Some(entry) = self.slots.get_mut(id.slot())
            && entry.is_some_and(|busy| busy.id == id)
        {
            *entry = None;
            if reuse {
                self.free.push(id.slot() as u16);
            }
        }
    }

    /// Takes a response: the request it ends, and how it ended.
    ///
    /// # Errors
    /// [`Nonsense`], which is counted and changes nothing.
    pub fn finish(
        &mut self,
        response: &[u8],
    ) -> Result<(RequestId, Result<(), RequestError>), Nonsense> {
        let Ok((response, _)) = BlkifResponse::read_from_prefix(response) else {
            return Err(Nonsense::Short);
        };
        let id = RequestId(response.id);
        match self.slots.get_mut(id.slot()) {
            Some(entry) if entry.is_some_and(|busy| busy.id == id) => {
                let op = entry.take().map(|busy| busy.op.number());
                if op != Some(response.operation) && response.operation != BLKIF_OP_INDIRECT {
                    self.oddities.other_operation += 1;
                }
                self.free.push(id.slot() as u16);
                Ok((id, status(response.status)))
            }
            Some(_) if (1..=self.serial).contains(&(id.0 >> SLOT_BITS)) => {
                self.oddities.again += 1;
                Err(Nonsense::Again { id: id.0 })
            }
            _ => {
                self.oddities.unknown += 1;
                Err(Nonsense::Unknown { id: id.0 })
            }
        }
    }
}
