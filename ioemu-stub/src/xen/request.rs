//! What Xen asks of a device model: an ioreq, taken apart (hvm/ioreq.h).
//!
//! Xen fills these in, not the guest; but the addresses, counts and data are
//! the guest's, so all of it is taken as hostile.

use xen_sys::hvm::ioreq::*;

use crate::bus::Width;

/// What an access is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Ports.
    Port,
    /// Device memory.
    Memory,
    /// A PCI function's configuration space.
    Config,
    /// The guest set its clock.
    TimeOffset,
    /// The guest's memory map changed.
    Invalidate,
    /// What this Xen sends and we do not know.
    Unknown(u8),
}

/// One access of the guest, or a run of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Request {
    /// What it is about.
    pub kind: Kind,
    /// Where; for [`Kind::Config`] the function << 32 | register.
    pub address: u64,
    /// The value, or the guest physical address of the values.
    pub data: u64,
    /// How often.
    pub count: u32,
    /// How wide each is; `None` if no processor makes such accesses.
    pub width: Option<Width>,
    /// Whether the guest reads.
    pub read: bool,
    /// Whether `data` is an address.
    pub indirect: bool,
    /// Whether addresses go down (the direction flag).
    pub descending: bool,
}

impl From<&Ioreq> for Request {
    fn from(raw: &Ioreq) -> Self {
        Request {
            kind: match raw.type_ {
                IOREQ_TYPE_PIO => Kind::Port,
                IOREQ_TYPE_COPY => Kind::Memory,
                IOREQ_TYPE_PCI_CONFIG => Kind::Config,
                IOREQ_TYPE_TIMEOFFSET => Kind::TimeOffset,
                IOREQ_TYPE_INVALIDATE => Kind::Invalidate,
                other => Kind::Unknown(other),
            },
            address: raw.addr,
            data: raw.data,
            count: raw.count,
            width: Width::from_bytes(raw.size as usize),
            indirect: raw.bits & 1 << 4 != 0,
            read: raw.bits & 1 << 5 != 0,
            descending: raw.bits & 1 << 6 != 0,
        }
    }
}

/// The state of a request, in its bit fields.
pub fn state(bits: u8) -> u8 {
    bits & 0xf
}

/// The bit fields with another state.
pub fn with_state(bits: u8, state: u8) -> u8 {
    bits & 0xf0 | state & 0xf
}

/// A buffered request: always a write of the guest's, of one value. One of
/// eight bytes takes its upper half from the `next` slot.
pub fn buffered(slot: &BufIoreq, next: &BufIoreq) -> Request {
    let (width, data) = match slot.bits >> 10 & 3 {
        0 => (Width::Byte, slot.data.into()),
        1 => (Width::Word, slot.data.into()),
        2 => (Width::Dword, slot.data.into()),
        _ => (
            Width::Qword,
            u64::from(slot.data) | u64::from(next.data) << 32,
        ),
    };
    let raw = Ioreq {
        addr: u64::from(slot.bits >> 12),
        data,
        count: 1,
        size: width.bytes() as u32,
        type_: slot.bits as u8,
        ..Ioreq::default()
    };
    Request::from(&raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bit_fields_are_where_the_header_has_them() {
        // state:4, data_is_ptr:1, dir:1, df:1 from bit 0.
        let raw = Ioreq {
            addr: 0x1f0,
            data: 0x8000,
            count: 256,
            size: 2,
            bits: 0b0011_0001,
            type_: 0,
            ..Ioreq::default()
        };
        let request = Request::from(&raw);
        let expected = Request {
            kind: Kind::Port,
            address: 0x1f0,
            data: 0x8000,
            count: 256,
            width: Some(Width::Word),
            read: true,
            indirect: true,
            descending: false,
        };
        assert_eq!(request, expected);
        assert_eq!(state(raw.bits), 1);
        assert_eq!(with_state(raw.bits, 3), 0b0011_0011);
    }

    #[test]
    fn buffered_writes_come_apart() {
        // type:8, pad:1, dir:1, size:2, addr:20; data:32.
        let slot = BufIoreq {
            bits: 0xb8000 << 12 | 1 << 10 | 1,
            data: 0x0741,
        };
        let request = buffered(&slot, &BufIoreq::default());
        assert_eq!(request.kind, Kind::Memory);
        assert_eq!((request.address, request.data), (0xb8000, 0x0741));
        assert_eq!(request.width, Some(Width::Word));
        assert!(!request.read && !request.indirect);
        assert_eq!(request.count, 1);
    }

    #[test]
    fn eight_buffered_bytes_take_two_slots() {
        let slot = |data| BufIoreq {
            bits: 0xa0000 << 12 | 3 << 10 | 1,
            data,
        };
        let request = buffered(&slot(0x4433_2211), &slot(0x8877_6655));
        assert_eq!(request.data, 0x8877_6655_4433_2211);
        assert_eq!(request.width, Some(Width::Qword));
    }

    #[test]
    fn what_no_processor_does_has_no_width() {
        for size in [0, 3, 5, 16, u32::MAX] {
            let raw = Ioreq {
                size,
                type_: 99,
                ..Ioreq::default()
            };
            assert_eq!(Request::from(&raw).width, None);
            assert_eq!(Request::from(&raw).kind, Kind::Unknown(99));
        }
    }
}
