//! The machine that the commands act on, and its files: two traits.
//!
//! [`Machine`] is the loader proper; the unikernel implements it, the tests
//! record what is asked of it. [`Files`] is what commands see of disks;
//! [`Storage`] is the real one, so the unikernel only hands over its disks.

use super::error::{Error, ErrorKind};
use crate::disk::{DeviceError, DeviceName, FileSpec, FileTarget, PartitionEntry, PartitionError};
use crate::fs::{DirEntry, File, Place, Storage};
use crate::net::Network;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
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
    /// or behind what was loaded as such before,
    /// each padded with zeros to a multiple of 4 bytes when another follows
    /// (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
    /// Forgets modules. Called only after a kernel was loaded. Returns a line
    /// to print.
    ///
    /// # Errors
    /// A file that cannot be read, or memory that does not suffice; the
    /// kernel stays loaded, without an initrd.
    fn load_initrd(&mut self, files: &mut [Box<dyn File>]) -> Result<String, Error>;

    /// Reads `file` as one more module for the loaded kernel, with
    /// `command_line` (verbatim); a gzipped one is unpacked if `unzip`. Forgets
    /// an initrd. `name` is the file's full name. Called only after a kernel
    /// was loaded. Returns a line to print.
    ///
    /// # Errors
    /// A file that cannot be read, or memory that does not suffice; the
    /// modules loaded before stay.
    fn load_module(
        &mut self,
        name: &str,
        file: &mut dyn File,
        command_line: &str,
        unzip: bool,
    ) -> Result<String, Error> {
        let _ = (name, file, command_line, unzip);
        let reason = "modules cannot be loaded here";
        Err(Error::because(ErrorKind::UnsupportedKernel, reason))
    }

    /// Starts the loaded kernel. A real machine never comes back with `Ok` (a
    /// test double does, and that ends the session with
    /// [`Exit::Booted`](crate::session::Exit::Booted)). Called only after a
    /// kernel was loaded.
    ///
    /// # Errors
    /// Why it could not be started. What is loaded counts as gone.
    fn boot(&mut self) -> Result<(), Error>;
}

/// What a file system says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Volume {
    /// The label its owner gave it.
    pub label: Option<String>,
    /// Its UUID, as `blkid` prints it.
    pub uuid: Option<String>,
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

    /// Label and UUID of the file system on `device`; none where it has none.
    ///
    /// # Errors
    /// No such device, or none or a broken file system on it.
    fn volume(&self, device: DeviceName) -> Result<Volume, Error> {
        self.file_system(device).map(|_| Volume::default())
    }

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

    /// The network, if the guest has one.
    fn network(&self) -> Option<&dyn Network> {
        None
    }

    /// How long `device` is and how long its sectors are, in bytes.
    ///
    /// # Errors
    /// No such device, or one that has no length.
    fn size(&self, device: DeviceName) -> Result<(u64, u32), Error> {
        Err(Error::new(ErrorKind::NoSuchDisk, device.to_string()))
    }

    /// Where the bytes of the file called `spec` lie on its device.
    ///
    /// # Errors
    /// Why they cannot be had, or why they have no place of their own.
    fn places(&self, spec: &FileSpec, root: DeviceName) -> Result<Vec<Place>, Error> {
        let _ = root;
        let reason = "has no place on a disk";
        Err(Error::because(ErrorKind::BadDevice, reason).about(&spec.to_string()))
    }

    /// Overwrites bytes of the file called `spec` from byte `offset` on, where
    /// they are.
    ///
    /// # Errors
    /// Why this cannot be done; the file is as it was unless the disk failed.
    fn overwrite(
        &self,
        spec: &FileSpec,
        root: DeviceName,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let _ = (root, offset, bytes);
        Err(Error::because(ErrorKind::WriteError, "cannot be written").about(&spec.to_string()))
    }
}

/// Names the file in an error that does not yet.
fn about(error: Error, spec: &FileSpec) -> Error {
    let name = match &spec.target {
        FileTarget::Path(path) => path.clone(),
        FileTarget::Blocks(_) => spec.to_string(),
    };
    match error.reason.contains(&name) {
        true => error,
        false => error.about(&name),
    }
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

    fn volume(&self, device: DeviceName) -> Result<Volume, Error> {
        let fs = Storage::file_system(self, device)?;
        Ok(Volume {
            label: fs.label(),
            uuid: fs.uuid(),
        })
    }

    fn open(&self, spec: &FileSpec, root: DeviceName) -> Result<Box<dyn File>, Error> {
        Ok(Storage::open(self, spec, root)?)
    }

    fn read_dir(&self, device: DeviceName, path: &str) -> Result<Vec<DirEntry>, Error> {
        Ok(Storage::read_dir(self, device, path)?)
    }

    fn network(&self) -> Option<&dyn Network> {
        Storage::network(self)
    }

    fn size(&self, device: DeviceName) -> Result<(u64, u32), Error> {
        let device = Storage::disks(self).device(device)?;
        Ok((device.len(), device.sector_size()))
    }

    fn places(&self, spec: &FileSpec, root: DeviceName) -> Result<Vec<Place>, Error> {
        Storage::places(self, spec, root).map_err(|error| about(error.into(), spec))
    }

    fn overwrite(
        &self,
        spec: &FileSpec,
        root: DeviceName,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let result = Storage::overwrite(self, spec, root, offset, bytes);
        result.map_err(|error| about(error.into(), spec))
    }
}
