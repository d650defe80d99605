//! From a path to an inode, through folders and symbolic links.

use super::dir;
use super::error::corrupt;
use super::file::ExtFile;
use super::inode::{self, Inode, flag};
use super::volume::Volume;
use crate::fs::{File, FsError, path};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// As many links as Linux follows on the way to one file.
const MAX_LINKS: u32 = 40;
/// Links shorter than this are in the inode itself.
const SHORT_LINK: u64 = 60;

/// The inode at the absolute path `path`, links followed.
pub fn resolve(volume: &Rc<Volume>, path: &str) -> Result<Inode, FsError> {
    path::check(path)?;
    let shown = || path.to_string();
    // The names still to go, the next one last.
    let mut names: Vec<String> = path::components(path).rev().map(String::from).collect();
    let mut current = Inode::read(volume, inode::ROOT)?;
    let mut links = 0;
    while let Some(name) = names.pop() {
        if !current.is_directory() {
            return Err(FsError::NotADirectory(shown()));
        }
        if current.has(flag::ENCRYPT) {
            return Err(FsError::Encrypted(shown()));
        }
        let found = dir::lookup(volume, &current, &name)?;
        let child = Inode::read(volume, found.ok_or_else(|| FsError::NotFound(shown()))?)?;
        if !child.is_symlink() {
            current = child;
            continue;
        }
        links += 1;
        if links > MAX_LINKS {
            return Err(FsError::TooManyLinks(shown()));
        }
        if child.has(flag::ENCRYPT) {
            return Err(FsError::Encrypted(shown()));
        }
        let target = target(volume, &child)?;
        names.extend(path::components(&target).rev().map(String::from));
        if names.len() > path::MAX_PATH {
            return Err(FsError::TooManyLinks(shown()));
        }
        if target.starts_with('/') {
            current = Inode::read(volume, inode::ROOT)?;
        }
    }
    Ok(current)
}

/// What the symbolic link `link` points to.
fn target(volume: &Rc<Volume>, link: &Inode) -> Result<String, FsError> {
    let wrong = |what: &str| corrupt(format!("symbolic link {}: {what}", link.number));
    if link.size == 0 || link.size > path::MAX_PATH as u64 {
        return Err(wrong("length out of range"));
    }
    let mut bytes = vec![0; usize::try_from(link.size).unwrap_or(0)];
    let inside = link.size < SHORT_LINK && !link.has(flag::EXTENTS | flag::INLINE_DATA);
    if inside {
        bytes.clear();
        bytes.extend(link.block().iter().copied().take_while(|byte| *byte != 0));
        bytes.truncate(usize::try_from(link.size).unwrap_or(0));
    } else {
        ExtFile::new(volume.clone(), link)?.read_at(0, &mut bytes)?;
    }
    String::from_utf8(bytes).map_err(|_| wrong("target is not UTF-8"))
}
