//! Why a file could not be opened or read.

use crate::disk::DiskError;
use crate::net::NetError;
use alloc::string::String;
use core::fmt;

/// What a file system could not do, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FsError {
    /// The device could not be read.
    Disk(DiskError),
    /// No file system that we know is on the device.
    NoFileSystem,
    /// Something that we know by its looks only is on the device.
    Foreign(&'static str),
    /// There is no such file or folder.
    NotFound(String),
    /// A part of the path is not a folder.
    NotADirectory(String),
    /// The path names something that has no content to read.
    NotAFile {
        /// The path.
        path: String,
        /// What it is: `a directory`, `a socket`, …
        kind: &'static str,
    },
    /// More symbolic links than a sane path has; probably a loop.
    TooManyLinks(String),
    /// The path is not absolute, too long, or otherwise not a path.
    BadPath {
        /// The path.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file is encrypted; only the running system has its key.
    Encrypted(String),
    /// The file system uses something that this reader does not know.
    Unsupported {
        /// Which file system.
        fs: &'static str,
        /// What it uses.
        what: String,
    },
    /// The file system contradicts itself; says where and what.
    Corrupt {
        /// Which file system.
        fs: &'static str,
        /// What is wrong, and where.
        what: String,
    },
    /// A checksum does not match what it covers; says what and where.
    Checksum {
        /// Which file system.
        fs: &'static str,
        /// What the checksum covers, and where.
        what: String,
    },
    /// A server, or the way to it.
    Network {
        /// The path, where the error does not come from reading an open file.
        path: String,
        /// What went wrong.
        error: NetError,
    },
}

impl FsError {
    /// The number that GRUB Legacy gives to this kind of error.
    #[must_use]
    pub fn number(&self) -> u32 {
        match self {
            FsError::Disk(error) => error.number(),
            FsError::Network { error, .. } => error.number(),
            FsError::NoFileSystem | FsError::Foreign(_) => 17,
            FsError::NotFound(_) => 15,
            FsError::NotADirectory(_) | FsError::NotAFile { .. } => 2,
            FsError::TooManyLinks(_) => 26,
            FsError::BadPath { .. } => 1,
            FsError::Encrypted(_) | FsError::Unsupported { .. } => 14,
            FsError::Corrupt { .. } | FsError::Checksum { .. } => 16,
        }
    }
}

impl fmt::Display for FsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FsError::Disk(error) => error.fmt(f),
            FsError::Network { path, error } if path.is_empty() => error.fmt(f),
            FsError::Network { path, error } => write!(f, "{path}: {error}"),
            FsError::NoFileSystem => f.write_str("no known file system here"),
            FsError::Foreign(what) => {
                write!(f, "holds {what}, not a file system that this loader reads")
            }
            FsError::NotFound(path) => write!(f, "{path}: no such file"),
            FsError::NotADirectory(path) => write!(f, "{path}: not a directory"),
            FsError::NotAFile { path, kind } => write!(f, "{path}: is {kind}, not a file"),
            FsError::TooManyLinks(path) => write!(f, "{path}: too many symbolic links"),
            FsError::BadPath { path, reason } => write!(f, "{path}: {reason}"),
            FsError::Encrypted(path) => write!(f, "{path}: is encrypted"),
            FsError::Unsupported { fs, what } => write!(f, "{fs}: {what} is not supported"),
            FsError::Corrupt { fs, what } => write!(f, "{fs} is corrupt: {what}"),
            FsError::Checksum { fs, what } => write!(f, "{fs} is corrupt: bad checksum of {what}"),
        }
    }
}

impl core::error::Error for FsError {}

impl From<DiskError> for FsError {
    fn from(error: DiskError) -> Self {
        FsError::Disk(error)
    }
}
