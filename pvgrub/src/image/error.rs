//! What can be wrong with a kernel file, said so that the person at the
//! menu knows which of it is.

use alloc::string::String;
use core::fmt;

use super::Codec;

/// Why a file cannot be booted as a Xen PV x86_64 kernel, or why a
/// compressed stream cannot be unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// Neither ELF, nor bzImage, nor any compressed format we know.
    NotAKernel,
    /// The file ends before something its headers promise.
    Truncated {
        /// What lies beyond the end.
        what: &'static str,
        /// Bytes the file would need to have.
        needed: u64,
        /// Bytes it has.
        have: u64,
    },
    /// A header field makes no sense.
    Corrupt {
        /// Which part of the file.
        what: &'static str,
        /// The offending value.
        value: u64,
    },
    /// A bzImage older than boot protocol 2.08 does not say where its payload is.
    OldBootProtocol(u16),
    /// The payload of a bzImage begins with bytes of no known format.
    UnknownPayload([u8; 4]),
    /// An ELF for 32-bit x86; `pae` tells whether it would run with PAE.
    ThirtyTwoBit {
        /// True for a PAE kernel, the only kind Xen ever ran as 32-bit PV guest on a 64-bit host.
        pae: bool,
    },
    /// An ELF for another machine (`e_machine`).
    OtherMachine(u16),
    /// An object file or module, not linked to addresses (`e_type` `ET_REL`).
    Relocatable,
    /// An ELF type that is not a program (`e_type`).
    NotExecutable(u16),
    /// No Xen ELF notes and no `__xen_guest` section: built without Xen PV support.
    NoXenNotes,
    /// The notes describe a PVH/HVM entry only.
    PvhOnly,
    /// `GUEST_OS`/`LOADER` name a loader protocol Xen does not define.
    ForeignLoader {
        /// The `LOADER` note.
        loader: String,
        /// The `GUEST_OS` note.
        guest_os: String,
    },
    /// `XEN_VERSION` is not xen-3.0.
    XenVersion(String),
    /// The kernel insists on a feature that a PV domU does not get.
    RequiredFeature(String),
    /// The notes contradict each other or the segments.
    Notes(&'static str, u64),
    /// The output does not fit where it must go.
    OutputTooSmall {
        /// Format being unpacked.
        codec: Codec,
        /// Bytes available.
        have: u64,
    },
    /// The stream ended with fewer bytes than announced.
    WrongLength {
        /// Format being unpacked.
        codec: Codec,
        /// Bytes announced.
        expected: u64,
        /// Bytes produced.
        got: u64,
    },
    /// The stream ends early.
    StreamTruncated(Codec),
    /// The stream is damaged; `what` says where it shows.
    StreamCorrupt {
        /// Format being unpacked.
        codec: Codec,
        /// Part of the format.
        what: &'static str,
    },
    /// A checksum over the unpacked bytes differs.
    Checksum {
        /// Format being unpacked.
        codec: Codec,
        /// Name of the checksum.
        what: &'static str,
    },
    /// The tables that unpacking needs could not be allocated.
    NoMemory(Codec),
    /// A valid stream that uses something we do not do.
    Unsupported {
        /// Format being unpacked.
        codec: Codec,
        /// What it uses.
        what: &'static str,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ImageError::*;
        match self {
            NotAKernel => write!(
                f,
                "not a kernel: neither ELF nor bzImage nor a known compressed format"
            ),
            Truncated { what, needed, have } => write!(
                f,
                "truncated kernel: {what} ends at byte {needed}, the file has {have}"
            ),
            Corrupt { what, value } => write!(f, "corrupt kernel: {what} is {value:#x}"),
            OldBootProtocol(v) => write!(
                f,
                "bzImage with boot protocol {}.{:02}; Xen needs 2.08 or later",
                v >> 8,
                v & 0xff
            ),
            UnknownPayload(m) => write!(f, "bzImage payload of unknown format (begins {m:02x?})"),
            ThirtyTwoBit { pae: true } => write!(
                f,
                "32-bit (PAE) kernel: this loader boots x86_64 kernels only"
            ),
            ThirtyTwoBit { pae: false } => {
                write!(f, "32-bit kernel: this loader boots x86_64 kernels only")
            }
            OtherMachine(m) => write!(
                f,
                "kernel for another processor (ELF machine {m}), not x86_64"
            ),
            Relocatable => write!(f, "relocatable object file or module, not a kernel"),
            NotExecutable(t) => write!(f, "not an executable kernel (ELF type {t})"),
            NoXenNotes => write!(
                f,
                "no Xen notes: the kernel was built without Xen PV support"
            ),
            PvhOnly => write!(
                f,
                "kernel for PVH/HVM only: it has no Xen PV entry; use type=\"pvh\""
            ),
            ForeignLoader { loader, guest_os } => write!(
                f,
                "kernel wants loader \"{loader}\" for system \"{guest_os}\"; Xen knows only \"generic\" or \"linux\""
            ),
            XenVersion(v) => write!(f, "kernel built for Xen interface \"{v}\", not xen-3.0"),
            RequiredFeature(n) => {
                write!(f, "kernel requires \"{n}\", which a PV guest does not have")
            }
            Notes(what, v) => write!(f, "contradicting Xen notes: {what} ({v:#x})"),
            OutputTooSmall { codec, have } => {
                write!(
                    f,
                    "{codec}: unpacks to more than the {have} bytes set aside"
                )
            }
            WrongLength {
                codec,
                expected,
                got,
            } => write!(f, "{codec}: {expected} bytes announced, {got} unpacked"),
            StreamTruncated(c) => write!(f, "{c}: truncated"),
            StreamCorrupt { codec, what } => write!(f, "{codec}: corrupt ({what})"),
            Checksum { codec, what } => write!(f, "{codec}: corrupt ({what} does not match)"),
            NoMemory(c) => write!(f, "{c}: no memory for its tables"),
            Unsupported { codec, what } => write!(f, "{codec}: {what} is not supported"),
        }
    }
}

impl core::error::Error for ImageError {}
