//! A part of a device, seen as a device of its own.

use super::{BlockDevice, DiskError, check_range};
use alloc::rc::Rc;

/// A contiguous part of another device. Neither reads nor writes leave it.
#[derive(Clone)]
pub struct Partition {
    device: Rc<dyn BlockDevice>,
    start: u64,
    length: u64,
}

impl Partition {
    /// The `length` bytes of `device` from byte `start` on. A range that
    /// reaches past the end of the device is cut there, as Linux does: the
    /// part that exists stays readable.
    #[must_use]
    pub fn new(device: Rc<dyn BlockDevice>, start: u64, length: u64) -> Self {
        let available = device.len().saturating_sub(start);
        Partition {
            start,
            length: length.min(available),
            device,
        }
    }

    /// Where the partition starts on its device, in bytes.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.start
    }
}

impl BlockDevice for Partition {
    fn sector_size(&self) -> u32 {
        self.device.sector_size()
    }

    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        check_range(offset, buf.len(), self.length)?;
        self.device.read_at(self.start.saturating_add(offset), buf)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        check_range(offset, bytes.len(), self.length)?;
        self.device
            .write_at(self.start.saturating_add(offset), bytes)
    }
}
