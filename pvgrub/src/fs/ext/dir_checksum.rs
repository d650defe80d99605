//! Checksums of a folder's blocks (`metadata_csum`).
//!
//! A block of entries ends in twelve bytes that look like an unused entry of
//! kind 0xde, with the checksum of all before it. A node of a hash tree has
//! it behind the last place for an entry instead: a table of (hash u32,
//! block u32), whose first eight bytes are its capacity u16, its length u16
//! and the first block.

use super::error::{bad_checksum, corrupt};
use super::inode::{Inode, flag};
use crate::disk::bytes::{le16, le32};
use crate::disk::checksum::crc32c;
use crate::fs::FsError;
use alloc::format;

/// Bytes of the end of a block of entries.
const TAIL: usize = 12;

/// Checks block `block` of `directory`.
///
/// A node of a hash tree may still end in what made it a block of entries
/// once, so what it is now is looked at first.
pub fn verify(directory: &Inode, block: u64, bytes: &[u8]) -> Result<(), FsError> {
    let end = bytes.len().saturating_sub(TAIL);
    let (entries, tail) = bytes.split_at_checked(end).unwrap_or_default();
    let table = table(directory, block, bytes);
    if table.is_some_and(|table| node_matches(directory.seed, bytes, table)) {
        return Ok(());
    }
    if is_tail(tail) && crc32c(directory.seed, entries) == le32(tail, 8) {
        return Ok(());
    }
    let place = format!("directory {}, block {block}", directory.number);
    if table.is_none() && !is_tail(tail) {
        return Err(corrupt(format!("{place}: no place for a checksum")));
    }
    Err(bad_checksum(place))
}

/// Whether a block's last bytes are those of a block of entries.
fn is_tail(tail: &[u8]) -> bool {
    // Inode 0, length 12, no name, kind 0xde.
    le32(tail, 0) == 0 && le32(tail, 4) == 0xde00_000c
}

/// Where a hash tree node's table is, if the block is such a node.
fn table(directory: &Inode, block: u64, bytes: &[u8]) -> Option<usize> {
    if !directory.has(flag::INDEX) {
        return None;
    }
    // One entry that fills the block is an inner node's; the root has `.`,
    // and `..` to the end of the block, then eight bytes about the tree.
    let whole = bytes.len();
    let spans = |at: usize, rest: usize| {
        let length = usize::from(le16(bytes, at + 4));
        length == rest || (whole >= 1 << 16 && entry_fills(length, rest))
    };
    if block == 0 && le16(bytes, 4) == 12 && spans(12, whole.saturating_sub(12)) {
        return Some(32);
    }
    (le32(bytes, 0) == 0 && spans(0, whole)).then_some(8)
}

/// Whether a length as stored in a block of 64 KiB means `rest` bytes.
fn entry_fills(stored: usize, rest: usize) -> bool {
    let decoded = if stored == 0 || stored == 0xffff {
        1 << 16
    } else {
        (stored & 0xfffc) | (stored & 3) << 16
    };
    decoded == rest
}

/// Checks the checksum behind the table at byte `table`.
fn node_matches(seed: u32, bytes: &[u8], table: usize) -> bool {
    let capacity = usize::from(le16(bytes, table));
    let length = usize::from(le16(bytes, table + 2));
    let used = bytes.get(..table + length * 8);
    let tail = bytes
        .get(table + capacity * 8..)
        .filter(|tail| tail.len() >= 8);
    let (Some(used), Some(tail)) = (used, tail) else {
        return false;
    };
    if length > capacity {
        return false;
    }
    // The tail is four reserved bytes and the sum, which counts as zero.
    let sum = crc32c(seed, used);
    let sum = crc32c(sum, tail.get(..4).unwrap_or_default());
    crc32c(sum, &[0; 4]) == le32(tail, 4)
}
