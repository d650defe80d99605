//! The machine that the commands act on, and its files: two traits.
//!
//! [`Machine`] is the loader proper; the unikernel implements it, the tests
//! record what is asked of it. [`Files`] is what commands see of disks;
//! [`Storage`] is the real one, so the unikernel only hands over its disks.

use super::error::Error;
use crate::disk::{DeviceError, DeviceName, FileSpec, PartitionEntry, PartitionError};
use crate::fs::{DirEntry, File, Storage};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// The loader: takes a kernel and its ramdisk, and starts them.
///
/// Its errors are best made by [`Error::because`]: the command that called
/// adds the file's name, the session the place in the menu.
pub trait Machine {
    /// Memory of this guest in KiB, for the version line of the menu.
    fn memory_kib(&self) -> u64;

    /// Reads and checks `file` as the kernel to start, with `command_line`
    /// (verbatim). Forgets the kernel and initrd loaded before, also when this
    /// fails. `name` is the file's full name, `(hd0,0)/vmlinuz`, for logs.
    ///
    /// Returns what was loaded in a line to print, e.g. `Linux 6.1.0, xz,
    /// 66 MiB`.
    ///
    /// # Errors
    /// Whatever is wrong with the file or lacks for it; nothing is loaded
    /// then.
    fn load_kernel(
        &mut self,
        name: &str,
        file: &mut dyn File,
        command_line: &str,
    ) -> Result<String, Error>;

    /// Reads the `files` one behind the other as the loaded kernel's initrd,
    /// each padded with zeros to a multiple of 4 bytes when another follows
    /// (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
    /// Replaces the initrd loaded before. Called only after a kernel was
    /// loaded. Returns a line to print.
    ///
    /// # Errors
    /// A file that cannot be read, or memory that does not suffice; the
    /// kernel stays loaded, without an initrd.
    fn load_initrd(&mut self, files: &mut [Box<dyn File>]) -> Result<String, Error>;

    /// Starts the loaded kernel. A real machine never comes back with `Ok` (a
    /// test double does, and that ends the session with
    /// [`Exit::Booted`](crate::session::Exit::Booted)). Called only after a
    /// kernel was loaded.
    ///
    /// # Errors
    /// Why it could not be started. What is loaded counts as gone.
    fn boot(&mut self) -> Result<(), Error>;
}

/// The disks and files of the guest.
pub trait Files {
    /// How many disks there are: `(hd0)` up to that number, not including it.
    fn disks(&self) -> u32;

    /// The partitions of disk `disk`; none if it has no partition table.
    ///
    /// # Errors
    /// No such disk, or a table that is damaged or cannot be read.
    fn partitions(&self, disk: u32) -> Result<Vec<PartitionEntry>, Error>;

    /// The kind of the file system on `device`.
    ///
    /// # Errors
    /// No such device, or none or a broken file system on it.
    fn file_system(&self, device: DeviceName) -> Result<&'static str, Error>;

    /// Opens the file called `spec`, on `root` if it names no device.
    ///
    /// # Errors
    /// Why it cannot be had, naming it.
    fn open(&self, spec: &FileSpec, root: DeviceName) -> Result<Box<dyn File>, Error>;

    /// What the folder `path` on `device` holds.
    ///
    /// # Errors
    /// Why it cannot be had, naming it.
    fn read_dir(&self, device: DeviceName, path: &str) -> Result<Vec<DirEntry>, Error>;
}

impl Files for Storage {
    fn disks(&self) -> u32 {
        u32::try_from(Storage::disks(self).count()).unwrap_or(u32::MAX)
    }

    fn partitions(&self, disk: u32) -> Result<Vec<PartitionEntry>, Error> {
        match Storage::disks(self).partitions(disk) {
            Err(DeviceError::Table(_, PartitionError::NoTable)) => Ok(Vec::new()),
            result => Ok(result?),
        }
    }

    fn file_system(&self, device: DeviceName) -> Result<&'static str, Error> {
        Ok(Storage::file_system(self, device)?.kind())
    }

    fn open(&self, spec: &FileSpec, root: DeviceName) -> Result<Box<dyn File>, Error> {
        Ok(Storage::open(self, spec, root)?)
    }

    fn read_dir(&self, device: DeviceName, path: &str) -> Result<Vec<DirEntry>, Error> {
        Ok(Storage::read_dir(self, device, path)?)
    }
}
