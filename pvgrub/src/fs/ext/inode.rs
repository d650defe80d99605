//! Inodes (Linux: Documentation/filesystems/ext4/inodes.rst).

use super::error::{bad_checksum, corrupt};
use super::feature::incompat;
use super::group;
use super::volume::Volume;
use crate::disk::bytes::{le16, le32};
use crate::disk::checksum::crc32c;
use crate::fs::{FileKind, FsError};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// The root folder's number.
pub const ROOT: u32 = 2;

/// Bytes of an inode that every revision has.
const BASE: usize = 128;

/// `i_flags`.
pub mod flag {
    /// Compressed content, which no Linux ever wrote.
    pub const COMPRESSED: u32 = 0x4;
    /// Not to be changed.
    pub const IMMUTABLE: u32 = 0x10;
    /// Only to be made longer.
    pub const APPEND: u32 = 0x20;
    /// Protected by hashes of its content.
    pub const VERITY: u32 = 0x10_0000;
    /// Encrypted content, or names in the case of a folder.
    pub const ENCRYPT: u32 = 0x800;
    /// A folder that is also a hash tree.
    pub const INDEX: u32 = 0x1000;
    /// Mapped by extents.
    pub const EXTENTS: u32 = 0x8_0000;
    /// The content is in the inode itself.
    pub const INLINE_DATA: u32 = 0x1000_0000;
    /// A folder that does not tell upper from lower case.
    pub const CASEFOLD: u32 = 0x4000_0000;
}

/// An inode, checked.
pub struct Inode {
    /// Its number.
    pub number: u32,
    /// Its bytes on disk.
    raw: Vec<u8>,
    /// What the checksums of its metadata blocks start from.
    pub seed: u32,
    /// Length in bytes, as claimed.
    pub size: u64,
}

impl Inode {
    /// Reads inode `number`.
    pub fn read(volume: &Volume, number: u32) -> Result<Self, FsError> {
        let sb = &volume.sb;
        let index = match number.checked_sub(1) {
            Some(index) if number <= sb.inodes => index,
            _ => return Err(corrupt(format!("there is no inode {number}"))),
        };
        let table = group::inode_table(volume, (index / sb.inodes_per_group).into())?;
        let offset = u64::from(index % sb.inodes_per_group).saturating_mul(sb.inode_size as u64);
        let mut raw = vec![0; sb.inode_size];
        volume.read(table, offset, &mut raw)?;
        let changed = volume.fast_commits().update_inode(number, &mut raw);
        let seed = crc32c(sb.seed, &number.to_le_bytes());
        let seed = crc32c(seed, &le32(&raw, 0x64).to_le_bytes());
        if sb.has_checksums() && !changed && !checksum_matches(&raw, seed) {
            return Err(bad_checksum(format!("inode {number}")));
        }
        let mut inode = Inode {
            number,
            raw,
            seed,
            size: 0,
        };
        let wide = inode.is_file() || sb.has_incompat(incompat::LARGEDIR);
        let high = if wide {
            u64::from(le32(&inode.raw, 0x6c)) << 32
        } else {
            0
        };
        inode.size = u64::from(le32(&inode.raw, 0x4)) | high;
        Ok(inode)
    }

    /// The file type bits of the mode.
    fn format(&self) -> u16 {
        le16(&self.raw, 0) & 0xf000
    }

    /// Whether it is a regular file.
    pub fn is_file(&self) -> bool {
        self.format() == 0x8000
    }

    /// Whether it is a folder.
    pub fn is_directory(&self) -> bool {
        self.format() == 0x4000
    }

    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.format() == 0xa000
    }

    /// What it is, for a folder's listing.
    pub fn kind(&self) -> FileKind {
        match self.format() {
            0x8000 => FileKind::File,
            0x4000 => FileKind::Directory,
            0xa000 => FileKind::Symlink,
            _ => FileKind::Other,
        }
    }

    /// What it is, for a message.
    pub fn kind_text(&self) -> &'static str {
        match self.format() {
            0x1000 => "a FIFO",
            0x2000 => "a character device",
            0x4000 => "a directory",
            0x6000 => "a block device",
            0x8000 => "a file",
            0xa000 => "a symbolic link",
            0xc000 => "a socket",
            _ => "an unused inode",
        }
    }

    /// Whether a flag of `i_flags` is set.
    pub fn has(&self, flag: u32) -> bool {
        le32(&self.raw, 0x20) & flag != 0
    }

    /// The 60 bytes that hold the block map, the root of the extents, a
    /// short link's target or the start of inline data.
    pub fn block(&self) -> &[u8] {
        self.raw.get(0x28..0x64).unwrap_or_default()
    }

    /// The bytes behind the fields, where attributes are.
    pub fn attributes(&self) -> &[u8] {
        let extra = usize::from(le16(&self.raw, BASE));
        self.raw
            .get(BASE.saturating_add(extra)..)
            .unwrap_or_default()
    }
}

/// Checks the checksum: lower half at 0x7c, upper half at 0x82 where the
/// inode is long enough; both count as zero in the sum.
fn checksum_matches(raw: &[u8], seed: u32) -> bool {
    let wide = raw.len() > BASE && le16(raw, BASE) >= 4;
    let part = |range: core::ops::Range<usize>| raw.get(range).unwrap_or_default();
    let mut sum = crc32c(seed, part(0..0x7c));
    sum = crc32c(sum, &[0; 2]);
    if wide {
        sum = crc32c(sum, part(0x7e..0x82));
        sum = crc32c(sum, &[0; 2]);
        sum = crc32c(sum, part(0x84..raw.len()));
        return sum == u32::from(le16(raw, 0x7c)) | u32::from(le16(raw, 0x82)) << 16;
    }
    sum = crc32c(sum, part(0x7e..raw.len()));
    sum & 0xffff == u32::from(le16(raw, 0x7c))
}
