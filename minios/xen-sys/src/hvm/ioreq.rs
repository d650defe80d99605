//! Requests from Xen to a device model (`hvm/ioreq.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `IoReq::state`: nothing.
pub const STATE_IOREQ_NONE: u8 = 0;
/// `IoReq::state`: Xen asks.
pub const STATE_IOREQ_READY: u8 = 1;
/// `IoReq::state`: the device model works on it.
pub const STATE_IOREQ_INPROCESS: u8 = 2;
/// `IoReq::state`: the answer is there.
pub const STATE_IORESP_READY: u8 = 3;

/// `IoReq::type_`: a port.
pub const IOREQ_TYPE_PIO: u8 = 0;
/// `IoReq::type_`: device memory.
pub const IOREQ_TYPE_COPY: u8 = 1;
/// `IoReq::type_`: PCI configuration space.
pub const IOREQ_TYPE_PCI_CONFIG: u8 = 2;
/// `IoReq::type_`: the guest set its clock.
pub const IOREQ_TYPE_TIMEOFFSET: u8 = 7;
/// `IoReq::type_`: the guest's memory map changed; drop all mappings of it.
pub const IOREQ_TYPE_INVALIDATE: u8 = 8;

/// Slots of the buffered page.
pub const IOREQ_BUFFER_SLOT_NUM: usize = 511;

/// One request. The bit fields share [`IoReq::bits`]: state in bits 0 to 3,
/// `data_is_ptr` bit 4, `dir` (1 is a read) bit 5, `df` bit 6.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct Ioreq {
    /// Port or physical address.
    pub addr: u64,
    /// The data, or its guest physical address.
    pub data: u64,
    /// Repetitions.
    pub count: u32,
    /// Bytes of one.
    pub size: u32,
    /// The vCPU's event channel.
    pub vp_eport: u32,
    /// Padding.
    pub pad0: u16,
    /// Bit fields, see above.
    pub bits: u8,
    /// `IOREQ_TYPE_*`.
    pub type_: u8,
}

/// One slot of the buffered page: `type` in bits 0 to 7, `dir` bit 9, `size`
/// bits 10 and 11, `addr` bits 12 to 31, `data` bits 32 to 63.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct BufIoreq {
    /// Bit fields, see above.
    pub bits: u32,
    /// The data.
    pub data: u32,
}
