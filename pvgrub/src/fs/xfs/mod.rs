//! XFS, versions 4 and 5, read only.
//!
//! The crate `lamxfs` knows the format and replays a log that was not
//! written back, in memory; here it is given a device and paths. A log that
//! it will not replay (a version 4 one, or one of a newer kernel) is looked
//! past, with a warning: most files are readable all the same. What the
//! superblock asks for is checked here first, so that an error names it.
//! Facts are from the kernel's XFS Algorithms & Data Structures.

mod limits;
mod superblock;

use super::tree::{MOST_ENTRIES, Mounted, Tree, uuid_text};
use super::{DirEntry, File, FileKind, FileSystem, FsError, Place};
use crate::disk::{BlockDevice, DiskError};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;
use lamxfs::{EntryKind, Error, Inode, Path, SuperblockReason};
use limits::Limits;
use superblock::Superblock;

/// What the messages call it.
const NAME: &str = "XFS file system";

fn corrupt(what: String) -> FsError {
    FsError::Corrupt { fs: NAME, what }
}

fn unsupported(what: &str) -> FsError {
    FsError::Unsupported {
        fs: NAME,
        what: what.to_string(),
    }
}

/// The device as `lamxfs` wants it.
struct Reader {
    device: Rc<dyn BlockDevice>,
    /// Bytes from here to there read as zeros: a log that is not to be seen.
    hidden: core::ops::Range<u64>,
    /// The last error, since the crate does not pass it on.
    trouble: Rc<RefCell<Option<DiskError>>>,
    limits: Rc<Limits>,
}

impl lamxfs::BlockRead for Reader {
    type Error = ();

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<(), ()> {
        if !self.limits.may_read(offset, buf.len() as u64) {
            return Err(());
        }
        if self.hidden.contains(&offset) {
            buf.fill(0);
            return Ok(());
        }
        self.device.read_at(offset, buf).map_err(|error| {
            self.trouble.replace(Some(error));
        })
    }
}

/// A file, folder or link.
#[derive(Debug, Clone)]
pub struct Node {
    inode: u64,
    what: FileKind,
    size: u64,
    /// The way to it from the root, without links: the crate reads folders
    /// and links by their paths.
    path: Vec<u8>,
}

/// An XFS file system.
pub struct Xfs {
    inner: RefCell<lamxfs::Xfs<Reader>>,
    trouble: Rc<RefCell<Option<DiskError>>>,
    limits: Rc<Limits>,
    uuid: String,
    label: Option<String>,
}

/// Opens the file system on `device` if it is XFS.
///
/// # Errors
/// When it is, but cannot be read.
pub fn probe(device: Rc<dyn BlockDevice>) -> Result<Option<Box<dyn FileSystem>>, FsError> {
    let mut sector = [0; 512];
    if device.len() < 4096 {
        return Ok(None);
    }
    device.read_at(0, &mut sector)?;
    let Some(superblock) = Superblock::parse(&sector)? else {
        return Ok(None);
    };
    let trouble = Rc::new(RefCell::new(None));
    let open = |hidden, limits: &Rc<Limits>| {
        let reader = Reader {
            device: device.clone(),
            hidden,
            trouble: trouble.clone(),
            limits: limits.clone(),
        };
        lamxfs::Xfs::open(reader, device.len())
    };
    let mut limits = Rc::new(Limits::opening(superblock.log.clone()));
    let mut opened = open(0..0, &limits);
    let dirty = Error::BadSuperblock(SuperblockReason::DirtyLog);
    if limits.exceeded() || opened.as_ref().is_err_and(|error| *error == dirty) {
        log::warn!("XFS: unmounted uncleanly, and the log cannot be replayed: reading without");
        limits = Rc::new(Limits::opening(superblock.log.clone()));
        opened = open(superblock.log.clone(), &limits);
    }
    let inner = opened.map_err(|error| translate(&error, &trouble))?;
    let label = inner.label().map(String::from);
    let uuid = uuid_text(&inner.uuid());
    Ok(Some(Mounted::boxed(Xfs {
        inner: RefCell::new(inner),
        trouble,
        limits,
        uuid,
        label,
    })))
}

/// The crate's error as ours.
fn translate(error: &Error, trouble: &RefCell<Option<DiskError>>) -> FsError {
    let words = |token: &str| token.replace('_', " ");
    match error {
        Error::Io { token, offset } => match trouble.take() {
            Some(error) => FsError::Disk(error),
            None => corrupt(format!("{} at byte {offset}", words(token))),
        },
        Error::BadCrc { ag, ag_block, what } => FsError::Checksum {
            fs: NAME,
            what: format!("{} in allocation group {ag}, block {ag_block}", words(what)),
        },
        Error::BadSuperblock(SuperblockReason::BadCrc) => FsError::Checksum {
            fs: NAME,
            what: "the superblock".to_string(),
        },
        Error::UnsupportedFeature(token) => unsupported(&words(token)),
        Error::Inconsistent { token, where_ } => corrupt(format!("{} ({where_:?})", words(token))),
        Error::OutOfMemory { .. } | Error::FileTooLarge { .. } => {
            unsupported("something of this size")
        }
        other => corrupt(words(other.token())),
    }
}

impl Xfs {
    /// Asks the crate. It is one reader for one caller at a time.
    fn ask<T>(
        &self,
        question: impl FnOnce(&mut lamxfs::Xfs<Reader>) -> Result<T, Error>,
    ) -> Result<T, FsError> {
        self.ask_with_room(0, question)
    }

    /// The same, where the answer goes to `room` bytes of the caller's.
    fn ask_with_room<T>(
        &self,
        room: usize,
        question: impl FnOnce(&mut lamxfs::Xfs<Reader>) -> Result<T, Error>,
    ) -> Result<T, FsError> {
        let Ok(mut inner) = self.inner.try_borrow_mut() else {
            return Err(unsupported("reading two files at once"));
        };
        self.limits.question(room as u64);
        question(&mut inner).map_err(|error| match self.limits.exceeded() {
            true => unsupported("a folder, or a file in pieces, of this size"),
            false => translate(&error, &self.trouble),
        })
    }

    fn node(&self, inode: u64, path: Vec<u8>) -> Result<Node, FsError> {
        let found = self.ask(|xfs| xfs.metadata(&Inode { ino: inode }))?;
        let what = if found.is_dir() {
            FileKind::Directory
        } else if found.is_file() {
            FileKind::File
        } else if found.is_symlink() {
            FileKind::Symlink
        } else {
            FileKind::Other
        };
        Ok(Node {
            inode,
            what,
            size: found.size(),
            path,
        })
    }
}

impl Tree for Xfs {
    type Node = Node;

    fn kind(&self) -> &'static str {
        "xfs"
    }

    fn root(&self) -> Result<Node, FsError> {
        let root = self.ask(|xfs| xfs.resolve(Path::new(b"/")))?;
        self.node(root.ino, Vec::new())
    }

    fn what(&self, node: &Node) -> FileKind {
        node.what
    }

    fn lookup(&self, folder: &Node, name: &str) -> Result<Option<Node>, FsError> {
        let entries = self.ask(|xfs| xfs.read_dir(Path::new(&folder.path)))?;
        let found = entries.iter().find(|entry| entry.name == name.as_bytes());
        let Some(found) = found else {
            return Ok(None);
        };
        let mut path = folder.path.clone();
        path.push(b'/');
        path.extend_from_slice(name.as_bytes());
        self.node(found.inode_number, path).map(Some)
    }

    fn list(&self, folder: &Node) -> Result<Vec<DirEntry>, FsError> {
        let entries = self.ask(|xfs| xfs.read_dir(Path::new(&folder.path)))?;
        let entries = entries.into_iter().take(MOST_ENTRIES);
        Ok(entries
            .map(|entry| DirEntry {
                name: String::from_utf8_lossy(&entry.name).into_owned(),
                kind: match entry.kind {
                    EntryKind::Regular => FileKind::File,
                    EntryKind::Directory => FileKind::Directory,
                    EntryKind::Symlink => FileKind::Symlink,
                    EntryKind::Other => FileKind::Other,
                },
            })
            .collect())
    }

    fn target(&self, link: &Node) -> Result<Vec<u8>, FsError> {
        if link.size > super::path::MAX_PATH as u64 {
            return Err(corrupt(format!(
                "inode {}: a symbolic link of {} bytes",
                link.inode, link.size
            )));
        }
        self.ask(|xfs| xfs.read_link(Path::new(&link.path)))
    }

    fn open(self: &Rc<Self>, node: &Node) -> Result<Box<dyn File>, FsError> {
        Ok(Box::new(XfsFile {
            fs: self.clone(),
            inode: node.inode,
            size: node.size,
        }))
    }

    fn label(&self) -> Option<String> {
        self.label.clone()
    }

    fn uuid(&self) -> Option<String> {
        Some(self.uuid.clone())
    }
}

/// An open file.
struct XfsFile {
    fs: Rc<Xfs>,
    inode: u64,
    size: u64,
}

impl File for XfsFile {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        let inode = Inode { ino: self.inode };
        let room = buf.len();
        self.fs
            .ask_with_room(room, |xfs| xfs.read_file_at(&inode, offset, buf))
    }

    fn places(&mut self, _: u64, _: u64) -> Result<Vec<Place>, FsError> {
        Err(unsupported("telling where the bytes of a file lie"))
    }
}
