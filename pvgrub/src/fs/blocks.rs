//! A "file" that is a list of sectors of a device: `(hd0)0+1`.

use super::{File, FsError, Place};
use crate::disk::{BlockDevice, BlockRange, DiskError};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The bytes of some runs of sectors, one after the other.
pub struct BlockListFile {
    device: Rc<dyn BlockDevice>,
    /// Start on the device and length of each run, in bytes.
    runs: Vec<(u64, u64)>,
    length: u64,
}

impl BlockListFile {
    /// The sectors `ranges` of `device`, counted in its own sector size.
    ///
    /// # Errors
    /// [`DiskError::PastEnd`] when a range is not wholly inside the device.
    pub fn new(device: Rc<dyn BlockDevice>, ranges: &[BlockRange]) -> Result<Self, FsError> {
        let sector = u64::from(device.sector_size());
        let mut runs = Vec::new();
        let mut length = 0u64;
        for range in ranges {
            let start = range.start.saturating_mul(sector);
            let bytes = range.count.saturating_mul(sector);
            if start
                .checked_add(bytes)
                .is_none_or(|end| end > device.len())
            {
                let past = DiskError::PastEnd {
                    offset: start,
                    length: bytes,
                    device: device.len(),
                };
                return Err(past.into());
            }
            runs.push((start, bytes));
            length = length.saturating_add(bytes);
        }
        Ok(BlockListFile {
            device,
            runs,
            length,
        })
    }
}

impl File for BlockListFile {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&mut self, mut offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        let mut filled = 0;
        for (start, length) in &self.runs {
            let Some(left) = length.checked_sub(offset).filter(|left| *left > 0) else {
                offset = offset.saturating_sub(*length);
                continue;
            };
            let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) else {
                break;
            };
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
            let part = rest.get_mut(..here).unwrap_or_default();
            self.device.read_at(start.saturating_add(offset), part)?;
            filled = filled.saturating_add(here);
            offset = 0;
        }
        Ok(filled)
    }

    fn places(&mut self, mut offset: u64, mut length: u64) -> Result<Vec<Place>, FsError> {
        let mut places = Vec::new();
        for (start, run) in &self.runs {
            let Some(left) = run.checked_sub(offset).filter(|left| *left > 0) else {
                offset = offset.saturating_sub(*run);
                continue;
            };
            let here = left.min(length);
            if here == 0 {
                break;
            }
            places.push(Place {
                start: Some(start.saturating_add(offset)),
                length: here,
            });
            length = length.saturating_sub(here);
            offset = 0;
        }
        Ok(places)
    }

    /// Who names sectors means them.
    fn places_to_write(&mut self, offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        self.places(offset, length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_joined() {
        let image: Vec<u8> = (0..16u8).flat_map(|sector| [sector; 512]).collect();
        let device: Rc<dyn BlockDevice> = Rc::new(image);
        let range = |start, count| BlockRange { start, count };
        let mut file =
            BlockListFile::new(device.clone(), &[range(3, 2), range(0, 1), range(9, 1)]).unwrap();
        assert_eq!(file.len(), 4 * 512);
        let mut all = vec![0xff; 5 * 512];
        assert_eq!(file.read_at(0, &mut all), Ok(4 * 512));
        let sectors: Vec<u8> = all.chunks(512).map(|sector| sector[511]).collect();
        assert_eq!(sectors, [3, 4, 0, 9, 0xff]);
        let mut few = [0; 4];
        assert_eq!(file.read_at(1022, &mut few), Ok(4));
        assert_eq!(few, [4, 4, 0, 0]);
        assert_eq!(file.read_at(4 * 512, &mut few), Ok(0));
        let place = |start, length| Place {
            start: Some(start),
            length,
        };
        assert_eq!(
            file.places(1000, 600),
            Ok(vec![
                place(4 * 512 + 488, 24),
                place(0, 512),
                place(9 * 512, 64)
            ])
        );
        assert_eq!(file.places(4 * 512, 9), Ok(vec![]));
        for bad in [range(15, 2), range(u64::MAX, 1), range(1, u64::MAX)] {
            assert!(BlockListFile::new(device.clone(), &[bad]).is_err());
        }
    }
}
