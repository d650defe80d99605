//! Files that are runs of bytes of the device, one after the other.

use super::{File, FsError, Place};
use crate::disk::BlockDevice;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// A stretch of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Where it starts in the file, in bytes.
    pub at: u64,
    /// Where it lies on the device, in bytes.
    pub device: u64,
    /// How long it is, in bytes.
    pub length: u64,
}

/// Runs of a file; adjacent ones are joined as they come.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    runs: Vec<Run>,
    length: u64,
}

/// More pieces than any file has that a boot loader reads; the memory for
/// them is bounded by this.
const MOST_RUNS: usize = 1 << 18;

impl Runs {
    /// Adds `length` bytes at `device`; false when there are too many pieces.
    #[must_use]
    pub fn push(&mut self, device: u64, length: u64) -> bool {
        let at = self.length;
        self.length = self.length.saturating_add(length);
        if let Some(last) = self.runs.last_mut()
            && last.device.checked_add(last.length) == Some(device)
        {
            last.length = last.length.saturating_add(length);
            return true;
        }
        self.runs.push(Run { at, device, length });
        self.runs.len() <= MOST_RUNS
    }

    /// Bytes that all runs have together.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Reads `buf` from byte `offset` on, which must lie inside.
    fn read(
        &self,
        device: &dyn BlockDevice,
        mut offset: u64,
        mut buf: &mut [u8],
    ) -> Result<(), FsError> {
        let first = self.runs.partition_point(|run| run.at <= offset);
        for run in self.runs.get(first.saturating_sub(1)..).unwrap_or_default() {
            if buf.is_empty() {
                break;
            }
            let skip = offset.saturating_sub(run.at);
            let here = run.length.saturating_sub(skip).min(buf.len() as u64);
            let (now, rest) = buf.split_at_mut(usize::try_from(here).unwrap_or(0));
            device.read_at(run.device.saturating_add(skip), now)?;
            offset = offset.saturating_add(here);
            buf = rest;
        }
        buf.fill(0);
        Ok(())
    }

    /// Where the `length` bytes from `offset` on lie.
    fn places(&self, mut offset: u64, mut length: u64) -> Vec<Place> {
        let mut places = Vec::new();
        let first = self.runs.partition_point(|run| run.at <= offset);
        for run in self.runs.get(first.saturating_sub(1)..).unwrap_or_default() {
            let skip = offset.saturating_sub(run.at);
            let here = run.length.saturating_sub(skip).min(length);
            if here == 0 {
                break;
            }
            places.push(Place {
                start: Some(run.device.saturating_add(skip)),
                length: here,
            });
            offset = offset.saturating_add(here);
            length = length.saturating_sub(here);
        }
        if length > 0 {
            places.push(Place {
                start: None,
                length,
            });
        }
        places
    }
}

/// A file in [`Runs`].
pub struct RunFile {
    device: Rc<dyn BlockDevice>,
    runs: Runs,
    length: u64,
}

impl RunFile {
    /// The first `length` bytes of `runs`; what they lack reads as zeros.
    #[must_use]
    pub fn new(device: Rc<dyn BlockDevice>, runs: Runs, length: u64) -> Self {
        RunFile {
            device,
            runs,
            length,
        }
    }
}

impl File for RunFile {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(buf.len());
        let buf = buf.get_mut(..wanted).unwrap_or_default();
        self.runs.read(&*self.device, offset, buf)?;
        Ok(wanted)
    }

    fn places(&mut self, offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        let length = length.min(self.length.saturating_sub(offset));
        Ok(self.runs.places(offset, length))
    }
}
