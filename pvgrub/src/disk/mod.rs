//! Disks, partition tables and device names.
//!
//! Everything above (file systems, commands) sees a disk only through
//! [`BlockDevice`]; the unikernel implements it over its block frontend, the
//! tests over a file or a byte vector. Layers stack as
//! `file system -> Partition -> Cache -> vbd`. All bytes read here come from
//! the guest's own disk and are taken as hostile: they give errors, never
//! panics.
#![forbid(unsafe_code)]

pub(crate) mod bytes;
mod cache;
pub mod checksum;
mod error;
pub mod gpt;
pub mod mbr;
pub mod names;
mod partition;
mod set;
mod table;

pub use cache::{Cache, Pool};
pub use error::{DiskError, PartitionError};
pub use names::{BlockRange, DeviceName, FileSpec, FileTarget, NameError};
pub use partition::Partition;
pub use set::{DeviceError, Disks};
pub use table::{PartitionEntry, PartitionKind, partitions};

/// A vbd, or a part of one, that can be read.
pub trait BlockDevice {
    /// Bytes per sector of the medium: 512 or 4096.
    fn sector_size(&self) -> u32;

    /// Length of the device in bytes.
    fn len(&self) -> u64;

    /// Whether the device holds nothing at all.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `buf` with the bytes from `offset` (in bytes) on, whatever their
    /// alignment, and blocks until they are there.
    ///
    /// # Errors
    /// [`DiskError::PastEnd`] when the range is not wholly inside the
    /// device; otherwise what the device reported. The content of `buf` is
    /// unspecified then.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError>;

    /// Writes `bytes`, which are whole sectors, from `offset` (in bytes) on,
    /// and blocks until they are on the medium. Only what is known to belong
    /// to whoever asks may be written: see [`File::places`](crate::fs::File::places).
    ///
    /// # Errors
    /// [`DiskError::Write`], also where nothing can be written at all; any
    /// part may have been written then.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        Err(DiskError::Write {
            offset,
            length: bytes.len() as u64,
            reason: "this device is only read".into(),
        })
    }
}

/// Refuses a range that is not wholly inside a device of `device` bytes.
///
/// # Errors
/// [`DiskError::PastEnd`].
pub fn check_range(offset: u64, length: usize, device: u64) -> Result<(), DiskError> {
    match offset.checked_add(length as u64) {
        Some(end) if end <= device => Ok(()),
        _ => Err(DiskError::PastEnd {
            offset,
            length: length as u64,
            device,
        }),
    }
}

/// A disk held in memory: the tests' disk, and a ramdisk's.
impl BlockDevice for alloc::vec::Vec<u8> {
    fn sector_size(&self) -> u32 {
        512
    }

    fn len(&self) -> u64 {
        alloc::vec::Vec::len(self) as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        check_range(offset, buf.len(), BlockDevice::len(self))?;
        let source = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..)?.get(..buf.len()));
        match source {
            Some(bytes) => buf.copy_from_slice(bytes),
            None => buf.fill(0),
        }
        Ok(())
    }
}
