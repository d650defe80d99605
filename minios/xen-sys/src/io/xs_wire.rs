//! The xenstore protocol's packets and ring (`io/xs_wire.h`).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Packet type `XS_CONTROL`.
pub const XS_CONTROL: u32 = 0;
/// Packet type `XS_DIRECTORY`.
pub const XS_DIRECTORY: u32 = 1;
/// Packet type `XS_READ`.
pub const XS_READ: u32 = 2;
/// Packet type `XS_GET_PERMS`.
pub const XS_GET_PERMS: u32 = 3;
/// Packet type `XS_WATCH`.
pub const XS_WATCH: u32 = 4;
/// Packet type `XS_UNWATCH`.
pub const XS_UNWATCH: u32 = 5;
/// Packet type `XS_TRANSACTION_START`.
pub const XS_TRANSACTION_START: u32 = 6;
/// Packet type `XS_TRANSACTION_END`.
pub const XS_TRANSACTION_END: u32 = 7;
/// Packet type `XS_INTRODUCE`.
pub const XS_INTRODUCE: u32 = 8;
/// Packet type `XS_RELEASE`.
pub const XS_RELEASE: u32 = 9;
/// Packet type `XS_GET_DOMAIN_PATH`.
pub const XS_GET_DOMAIN_PATH: u32 = 10;
/// Packet type `XS_WRITE`.
pub const XS_WRITE: u32 = 11;
/// Packet type `XS_MKDIR`.
pub const XS_MKDIR: u32 = 12;
/// Packet type `XS_RM`.
pub const XS_RM: u32 = 13;
/// Packet type `XS_SET_PERMS`.
pub const XS_SET_PERMS: u32 = 14;
/// Packet type `XS_WATCH_EVENT`.
pub const XS_WATCH_EVENT: u32 = 15;
/// Packet type `XS_ERROR`.
pub const XS_ERROR: u32 = 16;
/// Packet type `XS_IS_DOMAIN_INTRODUCED`.
pub const XS_IS_DOMAIN_INTRODUCED: u32 = 17;
/// Packet type `XS_RESUME`.
pub const XS_RESUME: u32 = 18;
/// Packet type `XS_SET_TARGET`.
pub const XS_SET_TARGET: u32 = 19;
/// Packet type `XS_RESET_WATCHES`.
pub const XS_RESET_WATCHES: u32 = 21;
/// Packet type `XS_DIRECTORY_PART`.
pub const XS_DIRECTORY_PART: u32 = 22;

/// Bytes of each of the two rings (`XENSTORE_RING_SIZE`).
pub const XENSTORE_RING_SIZE: usize = 1024;

/// Most payload bytes in one packet, either way (`XENSTORE_PAYLOAD_MAX`).
pub const XENSTORE_PAYLOAD_MAX: usize = 4096;

/// Longest path in bytes (`XENSTORE_ABS_PATH_MAX`).
pub const XENSTORE_ABS_PATH_MAX: usize = 3072;
/// Longest path in bytes (`XENSTORE_REL_PATH_MAX`).
pub const XENSTORE_REL_PATH_MAX: usize = 2048;

/// `server_features` bit `XENSTORE_SERVER_FEATURE_RECONNECTION`.
pub const XENSTORE_SERVER_FEATURE_RECONNECTION: u32 = 1;
/// `server_features` bit `XENSTORE_SERVER_FEATURE_ERROR`.
pub const XENSTORE_SERVER_FEATURE_ERROR: u32 = 2;

/// `connection` state `XENSTORE_CONNECTED`.
pub const XENSTORE_CONNECTED: u32 = 0;
/// `connection` state `XENSTORE_RECONNECT`.
pub const XENSTORE_RECONNECT: u32 = 1;

/// `error` value `XENSTORE_ERROR_NONE`.
pub const XENSTORE_ERROR_NONE: u32 = 0;
/// `error` value `XENSTORE_ERROR_COMM`.
pub const XENSTORE_ERROR_COMM: u32 = 1;
/// `error` value `XENSTORE_ERROR_RINGIDX`.
pub const XENSTORE_ERROR_RINGIDX: u32 = 2;
/// `error` value `XENSTORE_ERROR_PROTO`.
pub const XENSTORE_ERROR_PROTO: u32 = 3;

/// The head of every packet.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XsdSockmsg {
    /// `XS_*`.
    pub type_: u32,
    /// Chosen by the asker, echoed in the answer.
    pub req_id: u32,
    /// Transaction, 0 for none.
    pub tx_id: u32,
    /// Payload bytes that follow.
    pub len: u32,
}

/// The ring page.
#[repr(C)]
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable)]
pub struct XenstoreDomainInterface {
    /// Requests, guest to xenstored.
    pub req: [u8; 1024],
    /// Answers and watch events.
    pub rsp: [u8; 1024],
    /// Bytes of `req` taken.
    pub req_cons: u32,
    /// Bytes of `req` put.
    pub req_prod: u32,
    /// Bytes of `rsp` taken.
    pub rsp_cons: u32,
    /// Bytes of `rsp` put.
    pub rsp_prod: u32,
    /// `XENSTORE_SERVER_FEATURE_*`.
    pub server_features: u32,
    /// `XENSTORE_CONNECTED` or `XENSTORE_RECONNECT`.
    pub connection: u32,
    /// `XENSTORE_ERROR_*`.
    pub error: u32,
}

/// Names that an `XS_ERROR` payload may carry, with their numbers (`xsd_errors`).
pub const XSD_ERRORS: [(u32, &str); 16] = [
    (22, "EINVAL"),
    (13, "EACCES"),
    (17, "EEXIST"),
    (21, "EISDIR"),
    (2, "ENOENT"),
    (12, "ENOMEM"),
    (28, "ENOSPC"),
    (5, "EIO"),
    (39, "ENOTEMPTY"),
    (38, "ENOSYS"),
    (30, "EROFS"),
    (16, "EBUSY"),
    (11, "EAGAIN"),
    (106, "EISCONN"),
    (7, "E2BIG"),
    (1, "EPERM"),
];
