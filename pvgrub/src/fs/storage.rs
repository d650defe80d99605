//! Files by their full names: disks, partitions, file systems and the network
//! together.

use super::overwrite::overwrite;
use super::{BlockListFile, DirEntry, File, FileSystem, FsError, Place, probe};
use crate::disk::{DeviceError, DeviceName, Disks, FileSpec, FileTarget};
use crate::net::{NetError, Network, Remote};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;

/// Why a named file cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenError {
    /// Its device cannot.
    Device(DeviceError),
    /// The device is there, the file is not.
    Fs(DeviceName, FsError),
}

impl OpenError {
    /// The number that GRUB Legacy gives to this kind of error.
    #[must_use]
    pub fn number(&self) -> u32 {
        match self {
            OpenError::Device(error) => error.number(),
            OpenError::Fs(_, error) => error.number(),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Device(error) => error.fmt(f),
            OpenError::Fs(device, FsError::Network { path, error }) if path.is_empty() => {
                write!(f, "{device}: {error}")
            }
            OpenError::Fs(
                device,
                error @ (FsError::NotFound(_)
                | FsError::NotADirectory(_)
                | FsError::NotAFile { .. }
                | FsError::TooManyLinks(_)
                | FsError::BadPath { .. }
                | FsError::Encrypted(_)
                | FsError::Network { .. }),
            ) => write!(f, "{device}{error}"),
            OpenError::Fs(device, error) => write!(f, "{device}: {error}"),
        }
    }
}

impl core::error::Error for OpenError {}

impl From<DeviceError> for OpenError {
    fn from(error: DeviceError) -> Self {
        OpenError::Device(error)
    }
}

/// The guest's disks with the file systems found on them so far, and its
/// network.
#[derive(Default)]
pub struct Storage {
    disks: Disks,
    network: Option<Rc<dyn Network>>,
    /// The file systems opened last, newest at the end.
    mounted: RefCell<Vec<(DeviceName, Rc<dyn FileSystem>)>>,
}

/// How many file systems stay open.
const MOUNTED: usize = 4;

impl Storage {
    /// Files on `disks`.
    #[must_use]
    pub fn new(disks: Disks) -> Self {
        Storage {
            disks,
            network: None,
            mounted: RefCell::default(),
        }
    }

    /// With files of `network`, too.
    #[must_use]
    pub fn with_network(mut self, network: Option<Rc<dyn Network>>) -> Self {
        self.network = network;
        self
    }

    /// The network, if the guest has one.
    #[must_use]
    pub fn network(&self) -> Option<&dyn Network> {
        self.network.as_deref()
    }

    /// The server that `name` stands for, if it does for one.
    fn remote(&self, name: DeviceName) -> Result<Option<Rc<dyn FileSystem>>, OpenError> {
        if !matches!(name, DeviceName::Network | DeviceName::Server(..)) {
            return Ok(None);
        }
        match &self.network {
            Some(network) => Ok(Some(Rc::new(Remote::new(network.clone(), name)))),
            None => {
                let (path, error) = (alloc::string::String::new(), NetError::NoCard);
                Err(OpenError::Fs(name, FsError::Network { path, error }))
            }
        }
    }

    /// The disks themselves.
    #[must_use]
    pub fn disks(&self) -> &Disks {
        &self.disks
    }

    /// The file system on the device `name`.
    ///
    /// # Errors
    /// Any [`OpenError`].
    pub fn file_system(&self, name: DeviceName) -> Result<Rc<dyn FileSystem>, OpenError> {
        if let Some(remote) = self.remote(name)? {
            return Ok(remote);
        }
        let known = self
            .mounted
            .borrow()
            .iter()
            .find(|(at, _)| *at == name)
            .cloned();
        if let Some((_, fs)) = known {
            return Ok(fs);
        }
        let device = self.disks.device(name)?;
        let fs: Rc<dyn FileSystem> = probe(device)
            .map_err(|error| OpenError::Fs(name, error))?
            .into();
        let mut mounted = self.mounted.borrow_mut();
        if mounted.len() >= MOUNTED {
            mounted.remove(0);
        }
        mounted.push((name, fs.clone()));
        Ok(fs)
    }

    /// Opens the file called `spec`; without a device in the name it is on
    /// `root`.
    ///
    /// # Errors
    /// Any [`OpenError`].
    pub fn open(&self, spec: &FileSpec, root: DeviceName) -> Result<Box<dyn File>, OpenError> {
        let name = spec.device.unwrap_or(root);
        match &spec.target {
            FileTarget::Path(path) => self
                .file_system(name)?
                .open(path)
                .map_err(|error| OpenError::Fs(name, error)),
            FileTarget::Blocks(ranges) => {
                let device = self.disks.device(name)?;
                match BlockListFile::new(device, ranges) {
                    Ok(file) => Ok(Box::new(file)),
                    Err(error) => Err(OpenError::Fs(name, error)),
                }
            }
        }
    }

    /// Where the bytes of the file called `spec` lie on its device.
    ///
    /// # Errors
    /// Any [`OpenError`].
    pub fn places(&self, spec: &FileSpec, root: DeviceName) -> Result<Vec<Place>, OpenError> {
        let mut file = self.open(spec, root)?;
        let length = file.len();
        file.places(0, length)
            .map_err(|error| OpenError::Fs(spec.device.unwrap_or(root), error))
    }

    /// Overwrites bytes of the file called `spec` from byte `offset` on, in
    /// place: the file neither moves nor changes its length.
    ///
    /// # Errors
    /// Any [`OpenError`]; the file is as it was unless the disk failed.
    pub fn overwrite(
        &self,
        spec: &FileSpec,
        root: DeviceName,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), OpenError> {
        let name = spec.device.unwrap_or(root);
        let mut file = self.open(spec, root)?;
        let device = self.disks.device(name)?;
        let result = overwrite(&*device, &mut *file, offset, bytes);
        if let FileTarget::Blocks(_) = spec.target {
            // Whatever was known of what is on the disk may be wrong now.
            self.mounted.borrow_mut().clear();
        }
        result.map_err(|error| OpenError::Fs(name, error))
    }

    /// What the folder `path` on `name` holds.
    ///
    /// # Errors
    /// Any [`OpenError`].
    pub fn read_dir(&self, name: DeviceName, path: &str) -> Result<Vec<DirEntry>, OpenError> {
        self.file_system(name)?
            .read_dir(path)
            .map_err(|error| OpenError::Fs(name, error))
    }
}
