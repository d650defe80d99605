//! Read-only file systems behind one trait, and the probe table. (The one
//! exception to read-only is in `overwrite`: bytes of a file, in place.)
//!
//! A file system is one module and one line in [`PROBES`]. It reads its
//! device through [`BlockDevice`] and expects a [`crate::disk::Cache`] below:
//! metadata is read in small pieces, file data in as few and as large pieces
//! as the layout allows, straight into the caller's buffer.
#![forbid(unsafe_code)]

mod blocks;
pub mod btrfs;
mod error;
pub mod ext;
pub mod fat;
mod foreign;
pub mod iso9660;
mod overwrite;
pub mod path;
mod runs;
pub mod squashfs;
mod storage;
mod tree;
pub mod xfs;

pub use blocks::BlockListFile;
pub use error::FsError;
pub use storage::{OpenError, Storage};

use crate::disk::BlockDevice;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

/// A file system that has been recognised and checked so far that files can
/// be looked up.
pub trait FileSystem {
    /// Its name as a user knows it: `ext4`, `xfs`, …
    fn kind(&self) -> &'static str;

    /// Opens the regular file at the absolute path `path`, following symbolic
    /// links.
    ///
    /// # Errors
    /// Any [`FsError`]; those about the path carry it.
    fn open(&self, path: &str) -> Result<Box<dyn File>, FsError>;

    /// What the folder at the absolute path `path` holds, in the order of the
    /// disk, without `.` and `..`.
    ///
    /// # Errors
    /// Any [`FsError`].
    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError>;

    /// The label its owner gave it, where it has one.
    fn label(&self) -> Option<String> {
        None
    }

    /// Its UUID as text, as `blkid` prints it, where it has one.
    fn uuid(&self) -> Option<String> {
        None
    }
}

/// An open file.
pub trait File {
    /// Its length in bytes, as the disk claims it. A hostile or sparse file
    /// may claim more than the disk holds: check before allocating.
    fn len(&self) -> u64;

    /// Whether the file has no content.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads from byte `offset` on into `buf` and gives how much was read:
    /// less than `buf` holds only when the file ends there.
    ///
    /// # Errors
    /// Any [`FsError`]; the content of `buf` is unspecified then.
    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError>;

    /// Where on the device the `length` bytes from `offset` on lie, run by
    /// run; less when the file ends before.
    ///
    /// # Errors
    /// [`FsError::Unsupported`] where a file system cannot tell, or where
    /// bytes have no place of their own; any other [`FsError`].
    fn places(&mut self, offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        let _ = (offset, length);
        Err(FsError::Unsupported {
            fs: "this file system",
            what: "telling where the bytes of a file lie".into(),
        })
    }

    /// The same, for bytes that are to be overwritten where they are: every
    /// one of them has a place that is this file's alone, holds what was
    /// written there, is covered by no checksum, and will not be replaced by
    /// a journal.
    ///
    /// # Errors
    /// [`FsError::Unsupported`], saying why this cannot be promised; any other
    /// [`FsError`].
    fn places_to_write(&mut self, offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        let _ = (offset, length);
        Err(FsError::Unsupported {
            fs: "this file system",
            what: "writing in place".into(),
        })
    }
}

/// A run of a file's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The first byte's place, in bytes from the start of the device; `None`
    /// for a hole, which reads as zeros.
    pub start: Option<u64>,
    /// How long it is, in bytes.
    pub length: u64,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// The name. Bytes that are not UTF-8 are shown as U+FFFD.
    pub name: String,
    /// What it names; a symbolic link is not followed.
    pub kind: FileKind,
}

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device node, FIFO or socket.
    Other,
    /// The folder does not say (old ext2) and asking was not worth a read.
    Unknown,
}

/// One line of the probe table.
pub struct Probe {
    /// The file system's name.
    pub name: &'static str,
    /// Opens it on a device: `Ok(None)` when the device carries something
    /// else, an error when it is this file system but cannot be read.
    pub open: ProbeFn,
}

/// Tries to open one kind of file system on a device.
pub type ProbeFn = fn(Rc<dyn BlockDevice>) -> Result<Option<Box<dyn FileSystem>>, FsError>;

/// The file systems this build knows, in the order they are tried.
pub static PROBES: &[Probe] = &[
    Probe {
        name: "ext2/3/4",
        open: ext::probe,
    },
    Probe {
        name: "XFS",
        open: xfs::probe,
    },
    Probe {
        name: "btrfs",
        open: btrfs::probe,
    },
    Probe {
        name: "squashfs",
        open: squashfs::probe,
    },
    Probe {
        name: "ISO 9660",
        open: iso9660::probe,
    },
    Probe {
        name: "FAT",
        open: fat::probe,
    },
];

/// Opens whatever file system is on `device`.
///
/// # Errors
/// [`FsError::NoFileSystem`] when nothing known is there, [`FsError::Foreign`]
/// when it is known but not readable here; the first error of
/// a file system that was recognised but could not be opened, unless another
/// one opens.
pub fn probe(device: Rc<dyn BlockDevice>) -> Result<Box<dyn FileSystem>, FsError> {
    let mut first_error = None;
    for probe in PROBES {
        match (probe.open)(device.clone()) {
            Ok(Some(fs)) => return Ok(fs),
            Ok(None) => {}
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(
        first_error.unwrap_or_else(|| match foreign::recognise(&*device) {
            Some(what) => FsError::Foreign(what),
            None => FsError::NoFileSystem,
        }),
    )
}
