//! What can go wrong below the file systems, said in words that name the
//! place on the disk.

use alloc::string::String;
use core::fmt;

/// A read that did not give its bytes, or a write that did not take them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiskError {
    /// The range is not wholly inside the device. All in bytes.
    PastEnd {
        /// Where the read would have started.
        offset: u64,
        /// How much it wanted.
        length: u64,
        /// How long the device is.
        device: u64,
    },
    /// The device reported an error.
    Io {
        /// Where the read started, in bytes.
        offset: u64,
        /// How much it wanted, in bytes.
        length: u64,
        /// What the device said.
        reason: String,
    },
    /// The bytes could not be written.
    Write {
        /// Where the write started, in bytes.
        offset: u64,
        /// How much there was to write, in bytes.
        length: u64,
        /// What the device said.
        reason: String,
    },
}

impl DiskError {
    /// The number that GRUB Legacy gives to this kind of error.
    #[must_use]
    pub fn number(&self) -> u32 {
        match self {
            DiskError::PastEnd { .. } => 24,
            DiskError::Io { .. } => 25,
            DiskError::Write { .. } => 29,
        }
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiskError::PastEnd {
                offset,
                length,
                device,
            } => write!(
                f,
                "{length} bytes at byte {offset} go past the end of the device ({device} bytes)"
            ),
            DiskError::Io {
                offset,
                length,
                reason,
            } => {
                write!(
                    f,
                    "reading {length} bytes at byte {offset} failed: {reason}"
                )
            }
            DiskError::Write {
                offset,
                length,
                reason,
            } => {
                write!(
                    f,
                    "writing {length} bytes at byte {offset} failed: {reason}"
                )
            }
        }
    }
}

impl core::error::Error for DiskError {}

/// A partition table that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionError {
    /// The disk has no partition table: the whole of it may be a file system.
    NoTable,
    /// The table could not be read.
    Disk(DiskError),
    /// The table contradicts itself or the disk; says where and what.
    Corrupt(String),
}

impl PartitionError {
    /// The number that GRUB Legacy gives to this kind of error.
    #[must_use]
    pub fn number(&self) -> u32 {
        match self {
            PartitionError::NoTable => 22,
            PartitionError::Disk(error) => error.number(),
            PartitionError::Corrupt(_) => 5,
        }
    }
}

impl fmt::Display for PartitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartitionError::NoTable => f.write_str("the disk has no partition table"),
            PartitionError::Disk(error) => write!(f, "cannot read the partition table: {error}"),
            PartitionError::Corrupt(what) => write!(f, "corrupt partition table: {what}"),
        }
    }
}

impl core::error::Error for PartitionError {}

impl From<DiskError> for PartitionError {
    fn from(error: DiskError) -> Self {
        PartitionError::Disk(error)
    }
}
