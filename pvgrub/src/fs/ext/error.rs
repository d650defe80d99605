//! Short forms for this file system's errors.

use crate::fs::FsError;
use alloc::string::String;

/// What the messages call it.
const NAME: &str = "ext file system";

/// The file system contradicts itself.
pub fn corrupt(what: String) -> FsError {
    FsError::Corrupt { fs: NAME, what }
}

/// A checksum does not match.
pub fn bad_checksum(what: String) -> FsError {
    FsError::Checksum { fs: NAME, what }
}

/// Something that this reader does not know.
pub fn unsupported(what: String) -> FsError {
    FsError::Unsupported { fs: NAME, what }
}
