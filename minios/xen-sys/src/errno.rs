//! Error numbers of hypercalls, returned negated (`errno.h`).

/// Error number `XEN_EPERM`.
pub const XEN_EPERM: i64 = 1;
/// Error number `XEN_ENOENT`.
pub const XEN_ENOENT: i64 = 2;
/// Error number `XEN_ESRCH`.
pub const XEN_ESRCH: i64 = 3;
/// Error number `XEN_EIO`.
pub const XEN_EIO: i64 = 5;
/// Error number `XEN_ENXIO`.
pub const XEN_ENXIO: i64 = 6;
/// Error number `XEN_E2BIG`.
pub const XEN_E2BIG: i64 = 7;
/// Error number `XEN_ENOEXEC`.
pub const XEN_ENOEXEC: i64 = 8;
/// Error number `XEN_EBADF`.
pub const XEN_EBADF: i64 = 9;
/// Error number `XEN_EAGAIN`.
pub const XEN_EAGAIN: i64 = 11;
/// Error number `XEN_ENOMEM`.
pub const XEN_ENOMEM: i64 = 12;
/// Error number `XEN_EACCES`.
pub const XEN_EACCES: i64 = 13;
/// Error number `XEN_EFAULT`.
pub const XEN_EFAULT: i64 = 14;
/// Error number `XEN_EBUSY`.
pub const XEN_EBUSY: i64 = 16;
/// Error number `XEN_EEXIST`.
pub const XEN_EEXIST: i64 = 17;
/// Error number `XEN_EXDEV`.
pub const XEN_EXDEV: i64 = 18;
/// Error number `XEN_ENODEV`.
pub const XEN_ENODEV: i64 = 19;
/// Error number `XEN_ENOTDIR`.
pub const XEN_ENOTDIR: i64 = 20;
/// Error number `XEN_EISDIR`.
pub const XEN_EISDIR: i64 = 21;
/// Error number `XEN_EINVAL`.
pub const XEN_EINVAL: i64 = 22;
/// Error number `XEN_ENOSPC`.
pub const XEN_ENOSPC: i64 = 28;
/// Error number `XEN_EROFS`.
pub const XEN_EROFS: i64 = 30;
/// Error number `XEN_ERANGE`.
pub const XEN_ERANGE: i64 = 34;
/// Error number `XEN_EDEADLK`.
pub const XEN_EDEADLK: i64 = 35;
/// Error number `XEN_ENAMETOOLONG`.
pub const XEN_ENAMETOOLONG: i64 = 36;
/// Error number `XEN_ENOSYS`.
pub const XEN_ENOSYS: i64 = 38;
/// Error number `XEN_ENOTEMPTY`.
pub const XEN_ENOTEMPTY: i64 = 39;
/// Error number `XEN_ENODATA`.
pub const XEN_ENODATA: i64 = 61;
/// Error number `XEN_EBADMSG`.
pub const XEN_EBADMSG: i64 = 74;
/// Error number `XEN_EOVERFLOW`.
pub const XEN_EOVERFLOW: i64 = 75;
/// Error number `XEN_EMSGSIZE`.
pub const XEN_EMSGSIZE: i64 = 90;
/// Error number `XEN_EOPNOTSUPP`.
pub const XEN_EOPNOTSUPP: i64 = 95;
/// Error number `XEN_ENOBUFS`.
pub const XEN_ENOBUFS: i64 = 105;
/// Error number `XEN_EISCONN`.
pub const XEN_EISCONN: i64 = 106;
/// Error number `XEN_ENOTCONN`.
pub const XEN_ENOTCONN: i64 = 107;
/// Error number `XEN_ETIMEDOUT`.
pub const XEN_ETIMEDOUT: i64 = 110;
