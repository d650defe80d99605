//! Overwriting some bytes of an existing file where they are: the one way in
//! which this loader ever writes to a disk.
//!
//! Nothing is allocated and no metadata changes. Bytes are written only to
//! places that the file system promises to be the file's alone
//! ([`File::places_to_write`]), that hold there what the file reads as, and
//! what came of it is read again.

use super::{File, FsError, Place};
use crate::disk::{BlockDevice, DiskError, check_range};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// How much may be overwritten at a time, in bytes.
const MOST: usize = 1 << 20;

/// Makes `bytes` the content of `file`, which is on `device`, from byte
/// `offset` on.
///
/// # Errors
/// [`DiskError::Write`] with the reason; the file is then as it was, unless
/// the device failed on the way.
pub fn overwrite(
    device: &dyn BlockDevice,
    file: &mut dyn File,
    offset: u64,
    bytes: &[u8],
) -> Result<(), FsError> {
    let length = bytes.len() as u64;
    let refused = |reason: String| {
        FsError::Disk(DiskError::Write {
            offset,
            length,
            reason,
        })
    };
    if bytes.len() > MOST {
        return Err(refused(format!("more than {MOST} bytes at a time")));
    }
    if offset
        .checked_add(length)
        .is_none_or(|end| end > file.len())
    {
        return Err(refused(format!(
            "the file has only {} bytes, and cannot be made longer here",
            file.len()
        )));
    }
    let mut old = vec![0; bytes.len()];
    if file.read_at(offset, &mut old)? != old.len() {
        return Err(refused("the file ends before its length".into()));
    }
    if old == bytes {
        return Ok(());
    }
    let places = match file.places_to_write(offset, length) {
        Ok(places) => places,
        Err(FsError::Unsupported { fs, what }) => return Err(refused(format!("{fs}: {what}"))),
        Err(error) => return Err(error),
    };
    let patches = patches(device, &places, &old, bytes)?
        .ok_or_else(|| refused("what lies on the disk is not what the file holds".into()))?;
    for (start, sectors) in &patches {
        device.write_at(*start, sectors)?;
    }
    let read = file.read_at(offset, &mut old)?;
    if read != bytes.len() || old != bytes {
        return Err(refused("what was written does not read as such".into()));
    }
    Ok(())
}

/// Whole sectors, and the byte of the device where they belong.
type Patch = (u64, Vec<u8>);

/// The sectors to write; `None` if the places do not hold
/// `old`.
fn patches(
    device: &dyn BlockDevice,
    places: &[Place],
    mut old: &[u8],
    mut new: &[u8],
) -> Result<Option<Vec<Patch>>, FsError> {
    let sector = u64::from(device.sector_size()).max(1);
    let mut patches = Vec::new();
    for place in places {
        let here = usize::try_from(place.length).unwrap_or(usize::MAX);
        let (Some(start), Some((now, rest)), Some((put, later))) = (
            place.start,
            old.split_at_checked(here),
            new.split_at_checked(here),
        ) else {
            return Ok(None);
        };
        check_range(start, here, device.len())?;
        let first = start - start % sector;
        let end = start.saturating_add(place.length).next_multiple_of(sector);
        let mut sectors = vec![0; usize::try_from(end - first).unwrap_or(0)];
        device.read_at(first, &mut sectors)?;
        let skip = usize::try_from(start - first).unwrap_or(0);
        let part = sectors
            .get_mut(skip..)
            .and_then(|tail| tail.get_mut(..here));
        match part {
            Some(part) if part == now => part.copy_from_slice(put),
            _ => return Ok(None),
        }
        patches.push((first, sectors));
        (old, new) = (rest, later);
    }
    Ok(old.is_empty().then_some(patches))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::BlockRange;
    use crate::fs::BlockListFile;
    use alloc::rc::Rc;
    use core::cell::RefCell;

    /// A disk that takes whole sectors, or refuses.
    struct Disk(RefCell<Vec<u8>>, bool);

    impl BlockDevice for Disk {
        fn sector_size(&self) -> u32 {
            512
        }
        fn len(&self) -> u64 {
            self.0.borrow().len() as u64
        }
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
            self.0.borrow().read_at(offset, buf)
        }
        fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
            check_range(offset, bytes.len(), self.len())?;
            assert!(offset.is_multiple_of(512) && bytes.len().is_multiple_of(512));
            let (length, reason) = (bytes.len() as u64, "the disk is read-only".into());
            if self.1 {
                return Err(DiskError::Write {
                    offset,
                    length,
                    reason,
                });
            }
            self.0.borrow_mut()[offset as usize..][..bytes.len()].copy_from_slice(bytes);
            Ok(())
        }
    }

    #[test]
    fn only_what_was_meant_changes() {
        let disk = Rc::new(Disk(
            RefCell::new((0..16u8).flat_map(|n| [n; 512]).collect()),
            false,
        ));
        let before = disk.0.borrow().clone();
        let ranges = [(3, 1), (9, 2)].map(|(start, count)| BlockRange { start, count });
        let mut file = BlockListFile::new(disk.clone(), &ranges).unwrap();
        overwrite(&*disk, &mut file, 510, b"four").unwrap();
        let mut expected = before.clone();
        expected[3 * 512 + 510..][..2].copy_from_slice(b"fo");
        expected[9 * 512..][..2].copy_from_slice(b"ur");
        assert!(*disk.0.borrow() == expected);
        let error = overwrite(&*disk, &mut file, 3 * 512 - 3, b"four").unwrap_err();
        assert_eq!(error.number(), 29);
        assert!(error.to_string().contains("only 1536 bytes"), "{error}");
        let error = overwrite(&*disk, &mut file, u64::MAX, b"x").unwrap_err();
        assert_eq!(error.number(), 29);
        assert!(*disk.0.borrow() == expected);
    }

    #[test]
    fn a_disk_that_is_only_read_says_so() {
        for disk in [
            Rc::new(Disk(RefCell::new(vec![7; 4096]), true)) as Rc<dyn BlockDevice>,
            Rc::new(vec![7u8; 4096]),
        ] {
            let range = BlockRange { start: 1, count: 1 };
            let mut file = BlockListFile::new(disk.clone(), &[range]).unwrap();
            let error = overwrite(&*disk, &mut file, 0, b"x").unwrap_err();
            assert_eq!(error.number(), 29);
            assert!(error.to_string().contains("read"), "{error}");
            // What is there already needs no writing.
            overwrite(&*disk, &mut file, 0, &[7]).unwrap();
        }
    }

    /// A file system that errs about where its bytes are.
    struct Liar(Vec<Place>);

    impl File for Liar {
        fn len(&self) -> u64 {
            8
        }
        fn read_at(&mut self, _: u64, buf: &mut [u8]) -> Result<usize, FsError> {
            buf.fill(1);
            Ok(buf.len())
        }
        fn places_to_write(&mut self, _: u64, _: u64) -> Result<Vec<Place>, FsError> {
            Ok(self.0.clone())
        }
    }

    #[test]
    fn places_that_cannot_be_are_refused() {
        let image: Vec<u8> = [[1u8; 512], [2; 512]].concat();
        let place = |start, length| Place { start, length };
        for places in [
            vec![],
            vec![place(None, 4)],
            vec![place(Some(512), 4)],
            vec![place(Some(0), 2)],
            vec![place(Some(0), 5)],
            vec![place(Some(1023), 4)],
            vec![place(Some(u64::MAX), 4)],
            vec![place(Some(0), u64::MAX)],
        ] {
            let disk = Disk(RefCell::new(image.clone()), false);
            let result = overwrite(&disk, &mut Liar(places.clone()), 0, b"abcd");
            assert!(result.is_err(), "{places:?}");
            assert!(*disk.0.borrow() == image, "{places:?}");
        }
        // The writing went well, and yet the file reads as before.
        let disk = Disk(RefCell::new(image), false);
        let result = overwrite(&disk, &mut Liar(vec![place(Some(0), 4)]), 0, b"abcd");
        assert!(result.unwrap_err().to_string().contains("does not read"));
    }
}
