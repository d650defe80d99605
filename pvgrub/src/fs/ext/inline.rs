//! Files and folders small enough to lie inside of their inodes
//! (`inline_data`; Linux: Documentation/filesystems/ext4/inlinedata.rst):
//! the first 60 bytes where the block map would be, the rest as the value of
//! the attribute `system.data` behind the inode's fields.

use super::error::{corrupt, unsupported};
use super::inode::Inode;
use crate::disk::bytes::{le16, le32, u8_at};
use crate::fs::FsError;
use alloc::format;
use alloc::vec::Vec;

/// What attributes inside of an inode start with.
const MAGIC: u32 = 0xea02_0000;
/// The number that stands for the prefix `system.`.
const SYSTEM: u8 = 7;

/// The content of `inode`, up to its size; a file may be longer than what is
/// in its inode, and is zeros from there on (as Linux reads it, and mke2fs
/// makes empty sparse files).
pub fn data(inode: &Inode) -> Result<Vec<u8>, FsError> {
    let (first, rest) = parts(inode)?;
    let mut bytes = [first, rest].concat();
    bytes.truncate(usize::try_from(inode.size).unwrap_or(usize::MAX));
    Ok(bytes)
}

/// The two parts of the content, as long as there is room for them.
pub fn parts(inode: &Inode) -> Result<(&[u8], &[u8]), FsError> {
    Ok((inode.block(), system_data(inode)?.unwrap_or_default()))
}

/// The value of the attribute `system.data`.
///
/// Entries are: length of the name u8, prefix u8, where the value starts
/// (counted from the first entry) u16, inode of the value u32, its length
/// u32, hash u32, then the name; each starts at a multiple of four. Four
/// zero bytes end them.
fn system_data(inode: &Inode) -> Result<Option<&[u8]>, FsError> {
    let area = inode.attributes();
    if le32(area, 0) != MAGIC {
        return Ok(None);
    }
    let entries = area.get(4..).unwrap_or_default();
    let mut at = 0usize;
    while le32(entries, at) != 0 {
        let entry = entries.get(at..).unwrap_or_default();
        let length = usize::from(u8_at(entry, 0));
        let name = entry
            .get(16..)
            .and_then(|name| name.get(..length))
            .unwrap_or_default();
        if u8_at(entry, 1) == SYSTEM && name == b"data" {
            if le32(entry, 4) != 0 {
                return Err(unsupported(format!(
                    "inode {}: content in an inode of attributes",
                    inode.number
                )));
            }
            let start = usize::from(le16(entry, 2));
            let size = usize::try_from(le32(entry, 8)).unwrap_or(usize::MAX);
            let value = entries.get(start..).and_then(|value| value.get(..size));
            return value.map(Some).ok_or_else(|| {
                corrupt(format!(
                    "inode {}: system.data outside of the inode",
                    inode.number
                ))
            });
        }
        at = at
            .saturating_add(length.next_multiple_of(4))
            .saturating_add(16);
    }
    Ok(None)
}
