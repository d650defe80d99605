//! btrfs on one device, read only.
//!
//! The layout is from the kernel's `btrfs_tree.h` and btrfs' own
//! documentation of its on-disk format. Checksums of metadata are verified
//! (CRC-32C and xxhash), and a second copy is read where the first is bad.
//! What a tree log holds (files synced since the last commit) is not seen;
//! there is a warning. Paths start at the default subvolume; what is not
//! there is looked for from the top one, where GRUB's own paths start.
//!
//! The way of a read: `superblock`, `chunk` (logical addresses to the
//! device's), `tree` (nodes and keys), `file`.

mod chunk;
mod compress;
mod file;
mod superblock;
mod tree;
mod volume;

use super::tree::{MOST_ENTRIES, Mounted, Tree, uuid_text};
use super::{DirEntry, File, FileKind, FileSystem, FsError};
use crate::disk::BlockDevice;
use crate::disk::bytes::{le16, le32, le64, u8_at};
use crate::disk::checksum::crc32c;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use file::BtrfsFile;
use superblock::Superblock;
use tree::{Cursor, Key, kind};
use volume::Volume;

/// What the messages call it.
const NAME: &str = "btrfs file system";

/// The tree of the topmost subvolume.
const TOP: u64 = 5;
/// The first inode of a subvolume, its root folder.
const ROOT_FOLDER: u64 = 256;

fn corrupt(what: String) -> FsError {
    FsError::Corrupt { fs: NAME, what }
}

fn unsupported(what: String) -> FsError {
    FsError::Unsupported { fs: NAME, what }
}

/// A file, folder or link.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// Where the root of its subvolume's tree is.
    tree: u64,
    inode: u64,
    what: FileKind,
    size: u64,
}

/// A btrfs file system.
pub struct Btrfs {
    volume: Rc<Volume>,
    uuid: String,
    label: Option<String>,
    /// The subvolume where paths start.
    start: u64,
}

/// Opens the file system on `device` if it is btrfs.
///
/// # Errors
/// When it is, but cannot be read.
pub fn probe(device: Rc<dyn BlockDevice>) -> Result<Option<Box<dyn FileSystem>>, FsError> {
    let Some(superblock) = Superblock::find(&*device)? else {
        return Ok(None);
    };
    if superblock.log_root != 0 {
        log::warn!("btrfs: unmounted uncleanly: files are as they were at the last commit");
    }
    let (uuid, label) = (uuid_text(&superblock.fsid), superblock.label.clone());
    let root_folder = superblock.root_folder;
    let volume = Rc::new(Volume::open(device, superblock)?);
    let mut fs = Btrfs {
        volume,
        uuid,
        label,
        start: TOP,
    };
    // The default subvolume is a name in a folder of the tree of trees.
    let name = fs.find(fs.volume.root, root_folder, b"default")?;
    if let Some((location, _)) = name {
        fs.start = location.object;
    }
    Ok(Some(Mounted::boxed(fs)))
}

/// Each name in the item of a folder, with what it stands for.
fn names(item: &[u8]) -> impl Iterator<Item = (Key, u8, &[u8])> {
    let mut rest = item;
    core::iter::from_fn(move || {
        let data = usize::from(le16(rest, 25));
        let length = usize::from(le16(rest, 27));
        let end = length.checked_add(30)?;
        let name = rest.get(30..end)?;
        let found = (Key::parse(rest), u8_at(rest, 29), name);
        rest = rest.get(end.checked_add(data)?..)?;
        Some(found)
    })
}

impl Btrfs {
    /// What `name` stands for in the folder `folder` of the tree `tree`.
    fn find(&self, tree: u64, folder: u64, name: &[u8]) -> Result<Option<(Key, u8)>, FsError> {
        let key = Key {
            object: folder,
            kind: kind::DIR_ITEM,
            offset: u64::from(crc32c(!1, name)),
        };
        let cursor = Cursor::seek(&self.volume, tree, key)?;
        let Some((_, item)) = cursor.item()?.filter(|(found, _)| *found == key) else {
            return Ok(None);
        };
        let found = names(item).find(|(_, _, known)| *known == name);
        Ok(found.map(|(location, what, _)| (location, what)))
    }

    /// The root folder of the subvolume `id`.
    fn subvolume(&self, id: u64) -> Result<Option<Node>, FsError> {
        let key = Key {
            object: id,
            kind: kind::ROOT_ITEM,
            offset: 0,
        };
        let cursor = Cursor::seek(&self.volume, self.volume.root, key)?;
        let is_it = |found: Key| found.object == id && found.kind == kind::ROOT_ITEM;
        let Some((_, item)) = cursor.item()?.filter(|(found, _)| is_it(*found)) else {
            return Ok(None);
        };
        Ok(Some(Node {
            tree: le64(item, 176),
            inode: ROOT_FOLDER,
            what: FileKind::Directory,
            size: 0,
        }))
    }

    /// The inode `inode` of the tree `tree`.
    fn node(&self, tree: u64, inode: u64) -> Result<Node, FsError> {
        let key = Key {
            object: inode,
            kind: kind::INODE_ITEM,
            offset: 0,
        };
        let cursor = Cursor::seek(&self.volume, tree, key)?;
        let Some((_, item)) = cursor.item()?.filter(|(found, _)| *found == key) else {
            return Err(corrupt(format!("no inode {inode} in the tree at {tree}")));
        };
        let what = match le32(item, 52) & 0o170_000 {
            0o100_000 => FileKind::File,
            0o040_000 => FileKind::Directory,
            0o120_000 => FileKind::Symlink,
            _ => FileKind::Other,
        };
        Ok(Node {
            tree,
            inode,
            what,
            size: le64(item, 16),
        })
    }
}

impl Tree for Btrfs {
    type Node = Node;

    fn kind(&self) -> &'static str {
        "btrfs"
    }

    fn root(&self) -> Result<Node, FsError> {
        let root = self.subvolume(self.start)?;
        root.ok_or_else(|| corrupt(format!("no subvolume {}, where paths start", self.start)))
    }

    fn other_root(&self) -> Result<Option<Node>, FsError> {
        if self.start == TOP {
            return Ok(None);
        }
        self.subvolume(TOP)
    }

    fn what(&self, node: &Node) -> FileKind {
        node.what
    }

    fn lookup(&self, folder: &Node, name: &str) -> Result<Option<Node>, FsError> {
        let found = self.find(folder.tree, folder.inode, name.as_bytes())?;
        match found {
            Some((location, _)) if location.kind == kind::ROOT_ITEM => {
                self.subvolume(location.object)
            }
            Some((location, _)) => self.node(folder.tree, location.object).map(Some),
            None => Ok(None),
        }
    }

    fn list(&self, folder: &Node) -> Result<Vec<DirEntry>, FsError> {
        let key = Key {
            object: folder.inode,
            kind: kind::DIR_INDEX,
            offset: 0,
        };
        let mut entries = Vec::new();
        let mut cursor = Cursor::seek(&self.volume, folder.tree, key)?;
        while let Some((found, item)) = cursor.item()? {
            let here = found.object == key.object && found.kind == key.kind;
            if !here || entries.len() >= MOST_ENTRIES {
                break;
            }
            entries.extend(names(item).map(|(_, what, name)| DirEntry {
                name: String::from_utf8_lossy(name).into_owned(),
                kind: match what {
                    1 => FileKind::File,
                    2 => FileKind::Directory,
                    7 => FileKind::Symlink,
                    _ => FileKind::Other,
                },
            }));
            cursor.next(&self.volume)?;
        }
        Ok(entries)
    }

    fn target(&self, link: &Node) -> Result<Vec<u8>, FsError> {
        let length = usize::try_from(link.size).unwrap_or(usize::MAX);
        if length > super::path::MAX_PATH {
            let what = format!("inode {}: a symbolic link of {length} bytes", link.inode);
            return Err(corrupt(what));
        }
        let mut target = alloc::vec![0; length];
        self.file(link)?.read_at(0, &mut target)?;
        Ok(target)
    }

    fn open(self: &Rc<Self>, node: &Node) -> Result<Box<dyn File>, FsError> {
        Ok(Box::new(self.file(node)?))
    }

    fn label(&self) -> Option<String> {
        self.label.clone()
    }

    fn uuid(&self) -> Option<String> {
        Some(self.uuid.to_string())
    }
}

impl Btrfs {
    fn file(&self, node: &Node) -> Result<BtrfsFile, FsError> {
        BtrfsFile::open(self.volume.clone(), node.tree, node.inode, node.size)
    }
}
