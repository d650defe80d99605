//! The network device protocol (`io/netif.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Slots of a frame that every backend takes: `XEN_NETIF_NR_SLOTS_MIN`.
pub const XEN_NETIF_NR_SLOTS_MIN: usize = 18;
/// Most bytes of a sent frame: `XEN_NETIF_MAX_TX_SIZE`.
pub const XEN_NETIF_MAX_TX_SIZE: usize = 0xffff;

/// [`NetifTxRequest::flags`] `NETTXF_csum_blank`: the checksum is the backend's to fill in.
pub const NETTXF_CSUM_BLANK: u16 = 1;
/// [`NetifTxRequest::flags`] `NETTXF_data_validated`.
pub const NETTXF_DATA_VALIDATED: u16 = 2;
/// [`NetifTxRequest::flags`] `NETTXF_more_data`: the frame goes on in the next request.
pub const NETTXF_MORE_DATA: u16 = 4;
/// [`NetifTxRequest::flags`] `NETTXF_extra_info`: a [`NetifExtraInfo`] follows.
pub const NETTXF_EXTRA_INFO: u16 = 8;

/// [`NetifRxResponse::flags`] `NETRXF_data_validated`: the checksum is known to be right.
pub const NETRXF_DATA_VALIDATED: u16 = 1;
/// [`NetifRxResponse::flags`] `NETRXF_csum_blank`: the checksum was never filled in.
pub const NETRXF_CSUM_BLANK: u16 = 2;
/// [`NetifRxResponse::flags`] `NETRXF_more_data`: the frame goes on in the next response.
pub const NETRXF_MORE_DATA: u16 = 4;
/// [`NetifRxResponse::flags`] `NETRXF_extra_info`: a [`NetifExtraInfo`] follows.
pub const NETRXF_EXTRA_INFO: u16 = 8;
/// [`NetifRxResponse::flags`] `NETRXF_gso_prefix`: an older form of GSO information.
pub const NETRXF_GSO_PREFIX: u16 = 16;

/// [`NetifExtraInfo::type_`] `XEN_NETIF_EXTRA_TYPE_GSO`.
pub const XEN_NETIF_EXTRA_TYPE_GSO: u8 = 1;
/// One more than the largest [`NetifExtraInfo::type_`]: `XEN_NETIF_EXTRA_TYPE_MAX`.
pub const XEN_NETIF_EXTRA_TYPE_MAX: u8 = 5;
/// [`NetifExtraInfo::flags`] `XEN_NETIF_EXTRA_FLAG_MORE`: another one follows.
pub const XEN_NETIF_EXTRA_FLAG_MORE: u8 = 1;
/// [`NetifExtraInfo::gso_type`] `XEN_NETIF_GSO_TYPE_TCPV4`.
pub const XEN_NETIF_GSO_TYPE_TCPV4: u8 = 1;

/// Status `NETIF_RSP_DROPPED`.
pub const NETIF_RSP_DROPPED: i16 = -2;
/// Status `NETIF_RSP_ERROR`.
pub const NETIF_RSP_ERROR: i16 = -1;
/// Status `NETIF_RSP_OKAY`.
pub const NETIF_RSP_OKAY: i16 = 0;
/// Status `NETIF_RSP_NULL`: the slot was a [`NetifExtraInfo`]; there is no id.
pub const NETIF_RSP_NULL: i16 = 1;

/// Part of a frame to send.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct NetifTxRequest {
    /// The page.
    pub gref: u32,
    /// Where in the page it starts.
    pub offset: u16,
    /// `NETTXF_*`.
    pub flags: u16,
    /// Echoed in the response.
    pub id: u16,
    /// Of a frame's first request: bytes of the whole frame. Of others: of this part.
    pub size: u16,
}

/// A slot that tells more about the frame whose slot came before; here as GSO fills it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct NetifExtraInfo {
    /// `XEN_NETIF_EXTRA_TYPE_*`.
    pub type_: u8,
    /// `XEN_NETIF_EXTRA_FLAG_*`.
    pub flags: u8,
    /// Payload bytes of each segment.
    pub gso_size: u16,
    /// `XEN_NETIF_GSO_TYPE_*`.
    pub gso_type: u8,
    /// Padding; zero.
    pub gso_pad: u8,
    /// Zero.
    pub gso_features: u16,
}

/// What became of a [`NetifTxRequest`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct NetifTxResponse {
    /// The request's.
    pub id: u16,
    /// `NETIF_RSP_*`.
    pub status: i16,
}

/// A page to receive into.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct NetifRxRequest {
    /// Echoed in the response.
    pub id: u16,
    /// Padding; zero.
    pub pad: u16,
    /// The page.
    pub gref: u32,
}

/// Part of a received frame.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct NetifRxResponse {
    /// The request's.
    pub id: u16,
    /// Where in the page it starts.
    pub offset: u16,
    /// `NETRXF_*`.
    pub flags: u16,
    /// Its bytes, or `NETIF_RSP_*`.
    pub status: i16,
}
