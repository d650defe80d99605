//! All disks of the guest, found by their GRUB names.

use super::{
    BlockDevice, Cache, DeviceName, Partition, PartitionEntry, PartitionError, Pool, partitions,
};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;

/// Why a named device cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceError {
    /// There is no such disk; the second number is how many there are.
    NoDisk(DeviceName, usize),
    /// The disk has no partition of this number.
    NoPartition(DeviceName),
    /// A kind of device that a PV guest does not have.
    NotHere(DeviceName, &'static str),
    /// The partition table of the disk could not be used.
    Table(DeviceName, PartitionError),
}

impl DeviceError {
    /// The number that GRUB Legacy gives to this kind of error.
    #[must_use]
    pub fn number(&self) -> u32 {
        match self {
            DeviceError::NoDisk(..) | DeviceError::NotHere(..) => 21,
            DeviceError::NoPartition(_) => 22,
            DeviceError::Table(_, error) => error.number(),
        }
    }
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceError::NoDisk(name, 0) => write!(f, "{name}: this guest has no disk"),
            DeviceError::NoDisk(name, 1) => write!(f, "{name}: this guest has only (hd0)"),
            DeviceError::NoDisk(name, count) => {
                write!(
                    f,
                    "{name}: this guest has only (hd0) to (hd{})",
                    count.saturating_sub(1)
                )
            }
            DeviceError::NoPartition(name) => write!(f, "{name}: no such partition"),
            DeviceError::NotHere(name, why) => write!(f, "{name}: {why}"),
            DeviceError::Table(name, error) => write!(f, "{name}: {error}"),
        }
    }
}

impl core::error::Error for DeviceError {}

/// The guest's disks in GRUB's order: `(hd0)` is the first.
#[derive(Default)]
pub struct Disks {
    disks: Vec<Rc<dyn BlockDevice>>,
}

impl Disks {
    /// Takes the disks and puts a [`Cache`] in front of each, all
    /// with the same pages.
    pub fn new(disks: impl IntoIterator<Item = Rc<dyn BlockDevice>>) -> Self {
        let pool = Pool::default();
        let cached = |disk| -> Rc<dyn BlockDevice> { Rc::new(Cache::in_pool(disk, &pool)) };
        Disks {
            disks: disks.into_iter().map(cached).collect(),
        }
    }

    /// How many disks there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.disks.len()
    }

    /// The whole of disk `number`.
    ///
    /// # Errors
    /// [`DeviceError::NoDisk`].
    pub fn disk(&self, number: u32) -> Result<Rc<dyn BlockDevice>, DeviceError> {
        let found = usize::try_from(number)
            .ok()
            .and_then(|at| self.disks.get(at));
        let missing = || DeviceError::NoDisk(DeviceName::Disk(number), self.disks.len());
        found.cloned().ok_or_else(missing)
    }

    /// The partitions of disk `number`.
    ///
    /// # Errors
    /// [`DeviceError::NoDisk`] or [`DeviceError::Table`].
    pub fn partitions(&self, number: u32) -> Result<Vec<PartitionEntry>, DeviceError> {
        let disk = self.disk(number)?;
        check_present(&*disk)
            .and_then(|()| partitions(&*disk))
            .map_err(|error| DeviceError::Table(DeviceName::Disk(number), error))
    }

    /// The device called `name`.
    ///
    /// On a disk without a partition table `(hdN,0)` is the whole disk, like
    /// `(hdN)`: a vbd that is a single partition (`xvda1`) looks like that,
    /// and the same menu then works whether the disk is partitioned or not.
    ///
    /// # Errors
    /// Any [`DeviceError`].
    pub fn device(&self, name: DeviceName) -> Result<Rc<dyn BlockDevice>, DeviceError> {
        let (number, part) = match name {
            DeviceName::Disk(number) => (number, None),
            DeviceName::Partition(number, part) => (number, Some(part)),
            DeviceName::Floppy(_) => {
                return Err(DeviceError::NotHere(name, "a PV guest has no floppy drive"));
            }
            DeviceName::Cd => {
                return Err(DeviceError::NotHere(
                    name,
                    "CDs of a PV guest are called (hdN)",
                ));
            }
            DeviceName::Network | DeviceName::Server(..) => {
                return Err(DeviceError::NotHere(name, "the network holds no disk"));
            }
        };
        let disk = self.disk(number)?;
        check_present(&*disk).map_err(|error| DeviceError::Table(name, error))?;
        let Some(part) = part else {
            return Ok(disk);
        };
        match partitions(&*disk) {
            Ok(table) => {
                let entry = table.into_iter().find(|entry| entry.number == part);
                let entry = entry.ok_or(DeviceError::NoPartition(name))?;
                Ok(Rc::new(Partition::new(disk, entry.start, entry.length)))
            }
            Err(PartitionError::NoTable) if part == 0 => Ok(disk),
            Err(error) => Err(DeviceError::Table(name, error)),
        }
    }
}

/// A disk without any content is one that cannot be read, or an empty drive:
/// reading it tells.
fn check_present(disk: &dyn BlockDevice) -> Result<(), PartitionError> {
    if disk.is_empty() {
        disk.read_at(0, &mut [0; 512])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::DiskError;

    /// A disk that is not there says why, whatever is asked of it.
    #[test]
    fn unreachable_disk() {
        struct Gone;
        impl BlockDevice for Gone {
            fn sector_size(&self) -> u32 {
                512
            }
            fn len(&self) -> u64 {
                0
            }
            fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
                let (length, reason) = (buf.len() as u64, "the backend is gone".into());
                Err(DiskError::Io {
                    offset,
                    length,
                    reason,
                })
            }
        }
        let disks = Disks::new([Rc::new(Gone) as Rc<dyn BlockDevice>]);
        for name in [DeviceName::Disk(0), DeviceName::Partition(0, 0)] {
            let error = disks.device(name).err().unwrap();
            assert_eq!(error.number(), 25);
            assert!(error.to_string().contains("the backend is gone"), "{error}");
        }
        assert_eq!(disks.partitions(0).err().unwrap().number(), 25);
    }

    #[test]
    fn bare_disk_is_its_own_first_partition() {
        let disks = Disks::new([Rc::new(vec![7u8; 4096]) as Rc<dyn BlockDevice>]);
        for name in ["(hd0)", "(hd0,0)"] {
            let device = disks.device(DeviceName::parse(name).unwrap()).unwrap();
            assert_eq!(device.len(), 4096);
        }
        for (name, number) in [
            ("(hd0,1)", 22),
            ("(hd1)", 21),
            ("(hd1,0)", 21),
            ("(fd0)", 21),
            ("(nd)", 21),
        ] {
            let error = disks
                .device(DeviceName::parse(name).unwrap())
                .err()
                .unwrap();
            assert_eq!(error.number(), number, "{error}");
            assert!(error.to_string().starts_with("(") && error.to_string().contains(':'));
        }
    }

    #[test]
    fn partition_found() {
        let mut image = vec![0u8; 64 * 512];
        image[446 + 16..446 + 32]
            .copy_from_slice(&[0x80, 0, 0, 0, 0x83, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0, 0]);
        image[510..512].copy_from_slice(&[0x55, 0xaa]);
        image[8 * 512] = 42;
        let disks = Disks::new([Rc::new(image) as Rc<dyn BlockDevice>]);
        let device = disks.device(DeviceName::Partition(0, 1)).unwrap();
        let mut byte = [0];
        device.read_at(0, &mut byte).unwrap();
        assert_eq!((device.len(), byte), (2048, [42]));
        assert!(device.read_at(2048, &mut byte).is_err());
        assert_eq!(
            disks
                .device(DeviceName::Partition(0, 0))
                .err()
                .unwrap()
                .number(),
            22
        );
        assert_eq!(disks.partitions(0).unwrap().len(), 1);
    }
}
