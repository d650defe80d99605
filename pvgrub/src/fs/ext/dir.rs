//! Folders (Linux: Documentation/filesystems/ext4/directory.rst).
//!
//! A folder is read block by block from its first to its last; that works
//! for hash trees too, since their inner nodes look like blocks with nothing
//! in them. An entry is: inode u32, length of the entry u16, length of the
//! name u8, kind u8, name.

use super::dir_checksum;
use super::error::corrupt;
use super::feature::incompat;
use super::inline;
use super::inode::{Inode, flag};
use super::map::Map;
use super::volume::Volume;
use crate::disk::bytes::{le16, le32, u8_at};
use crate::fs::{FileKind, FsError};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::ops::ControlFlow;

/// Bytes of an entry before its name.
const HEADER: usize = 8;

/// One entry of a folder.
pub struct Entry<'a> {
    /// The inode it names.
    pub inode: u32,
    /// What that is, if the entry tells.
    pub kind: FileKind,
    /// The name, as its bytes are.
    pub name: &'a [u8],
}

/// Calls `found` for every entry of `directory`, `.` and `..` included
/// (but for those of an inline folder, where they are not on disk), until it
/// breaks.
pub fn scan<T>(
    volume: &Volume,
    directory: &Inode,
    mut found: impl FnMut(&Entry<'_>) -> ControlFlow<T>,
) -> Result<Option<T>, FsError> {
    let Some(changed) = volume.fast_commits().names(directory.number) else {
        return scan_disk(volume, directory, found);
    };
    if !volume.fast_commits().is_new_folder(directory.number) {
        let result = scan_disk(volume, directory, |entry| {
            if changed.contains_key(entry.name) {
                return ControlFlow::Continue(());
            }
            found(entry)
        })?;
        if result.is_some() {
            return Ok(result);
        }
    }
    for (name, inode) in changed {
        let Some(inode) = *inode else { continue };
        let entry = Entry {
            inode,
            kind: FileKind::Unknown,
            name,
        };
        if let ControlFlow::Break(result) = found(&entry) {
            return Ok(Some(result));
        }
    }
    Ok(None)
}

/// The same for what is on disk.
fn scan_disk<T>(
    volume: &Volume,
    directory: &Inode,
    mut found: impl FnMut(&Entry<'_>) -> ControlFlow<T>,
) -> Result<Option<T>, FsError> {
    if directory.has(flag::INLINE_DATA) {
        return scan_inline(volume, directory, found);
    }
    let block_size = volume.sb.block_size();
    let blocks = directory.size.div_ceil(block_size);
    if blocks > volume.sb.blocks {
        return Err(corrupt(format!(
            "directory {}: larger than the disk",
            directory.number
        )));
    }
    let mut map = Map::new(directory)?;
    let mut bytes = vec![0; usize::try_from(block_size).unwrap_or(0)];
    let mut block = 0;
    while block < blocks {
        let run = map.run(volume, block, blocks.saturating_sub(block))?;
        let end = block.saturating_add(run.length);
        // Holes have no entries.
        for (at, block) in run
            .start
            .into_iter()
            .flat_map(|start| start..)
            .zip(block..end)
        {
            volume.read(at, 0, &mut bytes)?;
            if volume.sb.has_checksums() {
                dir_checksum::verify(directory, block, &bytes)?;
            }
            let place = || format!("directory {}, block {block}", directory.number);
            if let ControlFlow::Break(result) = scan_bytes(volume, &bytes, place, &mut found)? {
                return Ok(Some(result));
            }
        }
        block = end;
    }
    Ok(None)
}

/// The two parts of an inline folder: the first starts with the number of
/// the folder above, and both end with an entry that fills them.
fn scan_inline<T>(
    volume: &Volume,
    directory: &Inode,
    mut found: impl FnMut(&Entry<'_>) -> ControlFlow<T>,
) -> Result<Option<T>, FsError> {
    let (first, rest) = inline::parts(directory)?;
    for part in [first.get(4..).unwrap_or_default(), rest] {
        let place = || format!("directory {} inside of its inode", directory.number);
        if let ControlFlow::Break(result) = scan_bytes(volume, part, place, &mut found)? {
            return Ok(Some(result));
        }
    }
    Ok(None)
}

/// Calls `found` for the entries in `bytes`; `place` says where they are.
fn scan_bytes<T>(
    volume: &Volume,
    bytes: &[u8],
    place: impl Fn() -> String,
    found: &mut impl FnMut(&Entry<'_>) -> ControlFlow<T>,
) -> Result<ControlFlow<T>, FsError> {
    let has_kinds = volume.sb.has_incompat(incompat::FILETYPE);
    let mut rest = bytes;
    while !rest.is_empty() {
        let inode = le32(rest, 0);
        let length = entry_length(le16(rest, 4), bytes.len());
        let name_length = usize::from(u8_at(rest, 6));
        if length < HEADER || !length.is_multiple_of(4) || length > rest.len() {
            let at = bytes.len() - rest.len();
            return Err(corrupt(format!(
                "{}: entry of {length} bytes at byte {at}",
                place()
            )));
        }
        let (entry, next) = rest.split_at(length);
        if inode != 0 {
            let Some(name) = entry
                .get(HEADER..HEADER + name_length)
                .filter(|name| !name.is_empty())
            else {
                let at = bytes.len() - rest.len();
                return Err(corrupt(format!(
                    "{}: name of {name_length} bytes at byte {at}",
                    place()
                )));
            };
            let kind = if has_kinds {
                kind(u8_at(entry, 7))
            } else {
                FileKind::Unknown
            };
            if let ControlFlow::Break(result) = found(&Entry { inode, kind, name }) {
                return Ok(ControlFlow::Break(result));
            }
        }
        rest = next;
    }
    Ok(ControlFlow::Continue(()))
}

/// How long an entry says it is. Blocks of 64 KiB do not fit into 16 bits:
/// there 0 and 65535 mean the whole block, and the two low bits are bits 16
/// and 17.
fn entry_length(raw: u16, block: usize) -> usize {
    let raw = usize::from(raw);
    match raw {
        0 | 0xffff if block >= 1 << 16 => block,
        _ if block >= 1 << 16 => (raw & 0xfffc) | (raw & 3) << 16,
        _ => raw,
    }
}

fn kind(raw: u8) -> FileKind {
    match raw {
        0 => FileKind::Unknown,
        1 => FileKind::File,
        2 => FileKind::Directory,
        7 => FileKind::Symlink,
        _ => FileKind::Other,
    }
}

/// The inode that `name` stands for in `directory`.
///
/// A folder that does not tell upper from lower case is searched for exactly
/// this name first, and for its like otherwise.
pub fn lookup(volume: &Volume, directory: &Inode, name: &str) -> Result<Option<u32>, FsError> {
    if directory.has(flag::INLINE_DATA) {
        match name {
            "." => return Ok(Some(directory.number)),
            ".." => return Ok(Some(le32(directory.block(), 0))),
            _ => {}
        }
    }
    let exact = name.as_bytes();
    let folds = directory.has(flag::CASEFOLD) && volume.sb.has_incompat(incompat::CASEFOLD);
    let folded = folds.then(|| name.to_lowercase());
    let mut similar = None;
    let found = scan(volume, directory, |entry| {
        if entry.name == exact {
            return ControlFlow::Break(entry.inode);
        }
        if let (Some(folded), None) = (&folded, similar)
            && core::str::from_utf8(entry.name).is_ok_and(|name| name.to_lowercase() == *folded)
        {
            similar = Some(entry.inode);
        }
        ControlFlow::Continue(())
    })?;
    Ok(found.or(similar))
}
