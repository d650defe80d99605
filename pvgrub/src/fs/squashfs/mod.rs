//! squashfs 4.0, read only.
//!
//! The layout is from the format's description by its users (the kernel's
//! Documentation/filesystems/squashfs and the header `squashfs_fs.h`), the
//! compressions are all that mksquashfs has but LZMA's old one. The way of a
//! read: `meta` (packed metadata), this file (inodes and folders), `file`.

mod file;
mod meta;

use super::tree::{MOST_ENTRIES, Mounted, Tree};
use super::{DirEntry, File, FileKind, FileSystem, FsError};
use crate::disk::BlockDevice;
use crate::disk::bytes::{le16, le32, le64};
use crate::image::decompress::{Bare, bare};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use file::SquashFile;
use meta::{Block, Stream};

/// What the messages call it.
const NAME: &str = "squashfs file system";
/// Longer folders are not read, in bytes.
const LONGEST_FOLDER: u32 = 64 << 20;

fn corrupt(what: String) -> FsError {
    FsError::Corrupt { fs: NAME, what }
}

fn unsupported(what: String) -> FsError {
    FsError::Unsupported { fs: NAME, what }
}

/// A file, folder or link.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// Where its inode is: a block of the table and a place in it.
    inode: u64,
    what: FileKind,
    /// Of a folder: where its names are, and their length.
    names: (u32, u16, u32),
    /// Of a link: how long its target is.
    target: u32,
}

/// A squashfs file system.
pub struct Squash {
    device: Rc<dyn BlockDevice>,
    method: Bare,
    block_size: usize,
    root: u64,
    inodes: u64,
    folders: u64,
    fragments: u64,
    fragment_count: u32,
    /// Metadata unpacked lately.
    kept: RefCell<Vec<Block>>,
}

/// Opens the file system on `device` if it is squashfs.
///
/// # Errors
/// When it is, but cannot be read.
pub fn probe(device: Rc<dyn BlockDevice>) -> Result<Option<Box<dyn FileSystem>>, FsError> {
    let mut bytes = [0; 96];
    if device.len() < bytes.len() as u64 {
        return Ok(None);
    }
    device.read_at(0, &mut bytes)?;
    if !bytes.starts_with(b"hsqs") {
        return Ok(None);
    }
    let version = (le16(&bytes, 28), le16(&bytes, 30));
    if version != (4, 0) {
        return Err(unsupported(format!("version {}.{}", version.0, version.1)));
    }
    let method = match le16(&bytes, 20) {
        1 => Bare::Zlib,
        3 => Bare::Lzo,
        4 => Bare::Xz,
        5 => Bare::Lz4,
        6 => Bare::Zstd,
        2 => return Err(unsupported("compression with LZMA".to_string())),
        other => return Err(unsupported(format!("compression {other}"))),
    };
    let block_size = le32(&bytes, 12);
    if !block_size.is_power_of_two() || !(4096..=1 << 20).contains(&block_size) {
        return Err(corrupt(format!("superblock: blocks of {block_size} bytes")));
    }
    Ok(Some(Mounted::boxed(Squash {
        device,
        method,
        block_size: usize::try_from(block_size).unwrap_or(0),
        root: le64(&bytes, 32),
        inodes: le64(&bytes, 64),
        folders: le64(&bytes, 72),
        fragments: le64(&bytes, 80),
        fragment_count: le32(&bytes, 16),
        kept: RefCell::default(),
    })))
}

impl Squash {
    /// Unpacks `packed` into the beginning of `to`; gives the length.
    fn unpack(&self, packed: &[u8], to: &mut [u8], at: u64) -> Result<usize, FsError> {
        bare(self.method, packed, to)
            .ok_or_else(|| corrupt(format!("the block at byte {at} cannot be unpacked")))
    }

    /// The bytes of an inode from its header on.
    fn inode(&self, inode: u64) -> Result<Stream<'_>, FsError> {
        let place = usize::try_from(inode & 0xffff).unwrap_or(0);
        Stream::open(self, self.inodes.saturating_add(inode >> 16), place)
    }

    fn node(&self, inode: u64) -> Result<Node, FsError> {
        let mut stream = self.inode(inode)?;
        let mut node = Node {
            inode,
            what: FileKind::Other,
            names: (0, 0, 0),
            target: 0,
        };
        let header: [u8; 16] = stream.take()?;
        match le16(&header, 0) {
            1 => {
                let rest: [u8; 16] = stream.take()?;
                node.what = FileKind::Directory;
                node.names = (le32(&rest, 0), le16(&rest, 10), le16(&rest, 8).into());
            }
            8 => {
                let rest: [u8; 24] = stream.take()?;
                node.what = FileKind::Directory;
                node.names = (le32(&rest, 8), le16(&rest, 18), le32(&rest, 4));
            }
            2 | 9 => node.what = FileKind::File,
            3 | 10 => {
                let rest: [u8; 8] = stream.take()?;
                node.what = FileKind::Symlink;
                node.target = le32(&rest, 4);
            }
            4..=7 | 11..=14 => {}
            other => {
                let what = format!("the inode at {inode:#x} is of the unknown kind {other}");
                return Err(corrupt(what));
            }
        }
        Ok(node)
    }

    /// Calls `visit` with each name, its kind and its inode, until it says
    /// false.
    fn scan(
        &self,
        folder: &Node,
        mut visit: impl FnMut(&[u8], u16, u64) -> bool,
    ) -> Result<(), FsError> {
        let (block, place, size) = folder.names;
        if size > LONGEST_FOLDER {
            return Err(unsupported(format!("a folder of {size} bytes")));
        }
        // Three bytes stand for the two names that are not written.
        let Some(mut left) = size.checked_sub(3).filter(|left| *left > 0) else {
            return Ok(());
        };
        let at = self.folders.saturating_add(u64::from(block));
        let mut stream = Stream::open(self, at, place.into())?;
        let mut name = vec![0; 256];
        while left > 0 {
            let header: [u8; 12] = stream.take()?;
            let (count, start) = (le32(&header, 0), le32(&header, 4));
            if count >= 256 {
                return Err(corrupt(format!("a folder with {count} names in a row")));
            }
            left = left.saturating_sub(12);
            for _ in 0..=count {
                let entry: [u8; 8] = stream.take()?;
                let length = usize::from(le16(&entry, 6)).saturating_add(1);
                let Some(name) = name.get_mut(..length) else {
                    return Err(corrupt(format!("a name of {length} bytes")));
                };
                stream.read(name)?;
                left = left
                    .saturating_sub(le16(&entry, 6).into())
                    .saturating_sub(9);
                let inode = u64::from(start) << 16 | u64::from(le16(&entry, 0));
                if !visit(name, le16(&entry, 4), inode) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

impl Tree for Squash {
    type Node = Node;

    fn kind(&self) -> &'static str {
        "squashfs"
    }

    fn root(&self) -> Result<Node, FsError> {
        self.node(self.root)
    }

    fn what(&self, node: &Node) -> FileKind {
        node.what
    }

    fn lookup(&self, folder: &Node, name: &str) -> Result<Option<Node>, FsError> {
        let mut found = None;
        self.scan(folder, |known, _, inode| {
            if known == name.as_bytes() {
                found = Some(inode);
            }
            found.is_none()
        })?;
        found.map(|inode| self.node(inode)).transpose()
    }

    fn list(&self, folder: &Node) -> Result<Vec<DirEntry>, FsError> {
        let mut entries = Vec::new();
        self.scan(folder, |name, kind, _| {
            entries.push(DirEntry {
                name: String::from_utf8_lossy(name).into_owned(),
                kind: match kind {
                    1 | 8 => FileKind::Directory,
                    2 | 9 => FileKind::File,
                    3 | 10 => FileKind::Symlink,
                    _ => FileKind::Other,
                },
            });
            entries.len() < MOST_ENTRIES
        })?;
        Ok(entries)
    }

    fn target(&self, link: &Node) -> Result<Vec<u8>, FsError> {
        let length = usize::try_from(link.target).unwrap_or(usize::MAX);
        if length > super::path::MAX_PATH {
            return Err(corrupt(format!("a symbolic link of {length} bytes")));
        }
        let mut stream = self.inode(link.inode)?;
        let _: [u8; 24] = stream.take()?;
        let mut target = vec![0; length];
        stream.read(&mut target)?;
        Ok(target)
    }

    fn open(self: &Rc<Self>, node: &Node) -> Result<Box<dyn File>, FsError> {
        Ok(Box::new(SquashFile::open(self, node.inode)?))
    }

    fn label(&self) -> Option<String> {
        None
    }

    fn uuid(&self) -> Option<String> {
        None
    }
}
