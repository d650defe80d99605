//! ext2, ext3 and ext4, read only.
//!
//! All that Linux mounts is read, in every block size; what only matters to
//! writers (bitmaps, quotas, orphans) is not looked at. A journal that was
//! not replayed is replayed in memory, fast commits included: the blocks it
//! would have written are read from it instead, and nothing is ever written.
//! Checksums are verified wherever the file system has them, and a bad one is
//! an error that names what it covers.
//!
//! Facts are from the kernel's Documentation/filesystems/ext4 and from what
//! e2fsprogs writes. The way of a read: `walk` (path to inode) over `dir`
//! and `inode`; `file` over `map` (`extent` or `blockmap`); all of them over
//! `volume`, which knows what the journal replaces.

mod blockmap;
mod dir;
mod dir_checksum;
mod error;
mod extent;
mod feature;
mod file;
mod group;
mod inline;
mod inode;
mod journal;
mod map;
mod superblock;
mod volume;
mod walk;

#[cfg(test)]
mod tests;

use super::tree::uuid_text;
use super::{DirEntry, File, FileSystem, FsError};
use crate::disk::BlockDevice;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::ControlFlow;
use file::ExtFile;
use inode::{Inode, flag};
use superblock::Superblock;
use volume::Volume;

/// Names that a listing may have; looking one up knows no limit.
const MOST_ENTRIES: usize = 100_000;

/// An ext2, ext3 or ext4 file system.
pub struct Ext {
    volume: Rc<Volume>,
}

/// Opens the file system on `device` if it is ext2, ext3 or ext4.
///
/// # Errors
/// When it is, but cannot be read.
pub fn probe(device: Rc<dyn BlockDevice>) -> Result<Option<Box<dyn FileSystem>>, FsError> {
    let mut bytes = [0; superblock::SIZE];
    let end = superblock::OFFSET + superblock::SIZE as u64;
    if device.len() < end {
        return Ok(None);
    }
    device.read_at(superblock::OFFSET, &mut bytes)?;
    if !Superblock::is_one(&bytes) {
        return Ok(None);
    }
    let sb = Superblock::parse(&bytes)?;
    let (claimed, there) = (sb.blocks << sb.block_shift, device.len());
    if claimed > there {
        log::warn!(
            "{}: {claimed} bytes long on a device of {there} bytes",
            sb.kind()
        );
    }
    let volume = if sb.needs_recovery() {
        recover(device, sb)?
    } else {
        Volume::new(device, sb)
    };
    Ok(Some(Box::new(Ext {
        volume: Rc::new(volume),
    })))
}

/// Looks at the file system through its journal. One that cannot be replayed
/// is left out, with a warning: most files are readable all the same, and
/// checksums tell where not.
fn recover(device: Rc<dyn BlockDevice>, sb: Superblock) -> Result<Volume, FsError> {
    let plain = Volume::new(device.clone(), sb.clone());
    let journal = match journal::replay(&plain, &*device) {
        Ok(journal) => journal,
        Err(error) => {
            log::warn!("{}: journal not replayed: {error}", sb.kind());
            return Ok(plain.stale());
        }
    };
    let mut volume = Volume::with_journal(device, sb, journal);
    // The superblock itself may be in the journal.
    let mut bytes = [0; superblock::SIZE];
    let block = superblock::OFFSET >> volume.sb.block_shift;
    let skip = superblock::OFFSET & (volume.sb.block_size() - 1);
    volume.read(block, skip, &mut bytes)?;
    volume.sb = Superblock::parse(&bytes)?;
    Ok(volume)
}

impl FileSystem for Ext {
    fn kind(&self) -> &'static str {
        self.volume.sb.kind()
    }

    fn open(&self, path: &str) -> Result<Box<dyn File>, FsError> {
        let inode = walk::resolve(&self.volume, path)?;
        if !inode.is_file() {
            return Err(FsError::NotAFile {
                path: path.to_string(),
                kind: inode.kind_text(),
            });
        }
        if inode.has(flag::ENCRYPT) {
            return Err(FsError::Encrypted(path.to_string()));
        }
        Ok(Box::new(ExtFile::new(self.volume.clone(), &inode)?))
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let inode = walk::resolve(&self.volume, path)?;
        if !inode.is_directory() {
            return Err(FsError::NotADirectory(path.to_string()));
        }
        if inode.has(flag::ENCRYPT) {
            return Err(FsError::Encrypted(path.to_string()));
        }
        let mut entries = Vec::new();
        let too_many = dir::scan(&self.volume, &inode, |entry| {
            if entries.len() >= MOST_ENTRIES {
                return ControlFlow::Break(());
            }
            if entry.name != b"." && entry.name != b".." {
                let name = String::from_utf8_lossy(entry.name).into_owned();
                entries.push((
                    entry.inode,
                    DirEntry {
                        name,
                        kind: entry.kind,
                    },
                ));
            }
            ControlFlow::Continue(())
        })?;
        if too_many.is_some() {
            let what = format!("{path}: a directory of more than {MOST_ENTRIES} names");
            return Err(error::unsupported(what));
        }
        // Folders of old file systems do not tell what their entries are.
        let with_kind = |(number, mut entry): (u32, DirEntry)| {
            if entry.kind == super::FileKind::Unknown
                && let Ok(inode) = Inode::read(&self.volume, number)
            {
                entry.kind = inode.kind();
            }
            entry
        };
        Ok(entries.into_iter().map(with_kind).collect())
    }

    fn label(&self) -> Option<String> {
        self.volume.sb.label()
    }

    fn uuid(&self) -> Option<String> {
        Some(uuid_text(&self.volume.sb.uuid))
    }
}
