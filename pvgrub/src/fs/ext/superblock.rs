//! The superblock: 1024 bytes at byte 1024 of the device (Linux:
//! Documentation/filesystems/ext4/super.rst), and the geometry it sets.

use super::error::{bad_checksum, corrupt, unsupported};
use super::feature::{self, compat, incompat, ro_compat};
use crate::disk::bytes::{le16, le32, u8_at};
use crate::disk::checksum::crc32c;
use crate::fs::FsError;
use alloc::format;
use alloc::string::String;

/// Where it is, in bytes.
pub const OFFSET: u64 = 1024;
/// How long it is.
pub const SIZE: usize = 1024;

const MAGIC: u16 = 0xef53;
/// `s_state`: errors were found.
const STATE_ERRORS: u16 = 2;

/// What the rest of the reader needs to know of it, checked.
#[derive(Debug, Clone)]
pub struct Superblock {
    /// log2 of the bytes of a block: 10 to 16.
    pub block_shift: u32,
    /// Blocks of the file system.
    pub blocks: u64,
    /// The block that group 0 starts with: 1 where blocks are of 1 KiB.
    pub first_data_block: u64,
    /// Blocks of a group.
    pub blocks_per_group: u64,
    /// Groups.
    pub groups: u64,
    /// Inodes of the file system.
    pub inodes: u32,
    /// Inodes of a group.
    pub inodes_per_group: u32,
    /// Bytes of an inode on disk.
    pub inode_size: usize,
    /// Bytes of a group descriptor.
    pub descriptor_size: usize,
    /// The first meta block group, with that feature.
    pub first_meta_group: u64,
    /// The two groups with backups, with `sparse_super2`.
    pub backup_groups: [u64; 2],
    /// The journal's inode; 0 when there is none inside.
    pub journal_inode: u32,
    /// What all checksums start from.
    pub seed: u32,
    /// The UUID.
    pub uuid: [u8; 16],
    label: [u8; 16],
    state: u16,
    compat: u32,
    incompat: u32,
    ro_compat: u32,
}

impl Superblock {
    /// Whether `bytes` is a superblock of this kind at all.
    pub fn is_one(bytes: &[u8]) -> bool {
        le16(bytes, 0x38) == MAGIC
    }

    /// Reads and checks the superblock `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, FsError> {
        let dynamic = le32(bytes, 0x4c) >= 1;
        let feature = |at| if dynamic { le32(bytes, at) } else { 0 };
        let (compat, incompat, ro_compat) = (feature(0x5c), feature(0x60), feature(0x64));
        feature::check(incompat)?;
        if ro_compat & ro_compat::METADATA_CSUM != 0 {
            verify(bytes)?;
        }
        let uuid = bytes
            .get(0x68..)
            .and_then(|b| b.first_chunk())
            .copied()
            .unwrap_or_default();
        let seed = match incompat & incompat::CSUM_SEED {
            0 => crc32c(!0, &uuid),
            _ => le32(bytes, 0x270),
        };
        let wide = incompat & incompat::BIT64 != 0;
        let mut sb = Superblock {
            block_shift: block_shift(bytes)?,
            blocks: u64::from(le32(bytes, 0x4))
                | if wide {
                    u64::from(le32(bytes, 0x150)) << 32
                } else {
                    0
                },
            first_data_block: le32(bytes, 0x14).into(),
            blocks_per_group: le32(bytes, 0x20).into(),
            groups: 0,
            inodes: le32(bytes, 0),
            inodes_per_group: le32(bytes, 0x28),
            inode_size: if dynamic {
                le16(bytes, 0x58).into()
            } else {
                128
            },
            descriptor_size: if wide { le16(bytes, 0xfe).into() } else { 32 },
            first_meta_group: le32(bytes, 0x104).into(),
            backup_groups: [le32(bytes, 0x24c).into(), le32(bytes, 0x250).into()],
            journal_inode: if compat & compat::HAS_JOURNAL != 0 {
                le32(bytes, 0xe0)
            } else {
                0
            },
            seed,
            uuid,
            label: bytes
                .get(0x78..)
                .and_then(|b| b.first_chunk())
                .copied()
                .unwrap_or_default(),
            state: le16(bytes, 0x3a),
            compat,
            incompat,
            ro_compat,
        };
        sb.check_geometry()?;
        Ok(sb)
    }

    /// Checks the numbers that everything is computed from, and counts the
    /// groups.
    fn check_geometry(&mut self) -> Result<(), FsError> {
        let wrong = |what: String| Err(corrupt(format!("superblock: {what}")));
        let size = self.inode_size;
        if !size.is_power_of_two() || size < 128 || size as u64 > self.block_size() {
            return wrong(format!("inodes of {size} bytes"));
        }
        let size = self.descriptor_size;
        let least = if self.incompat & incompat::BIT64 != 0 {
            64
        } else {
            32
        };
        if !size.is_power_of_two() || size < least || size > 1024 {
            return wrong(format!("group descriptors of {size} bytes"));
        }
        if self.inodes_per_group == 0 || self.blocks_per_group == 0 {
            return wrong("empty groups".into());
        }
        let max = u64::MAX >> self.block_shift;
        if self.blocks > max || self.blocks <= self.first_data_block || self.first_data_block > 1 {
            return wrong(format!(
                "{} blocks, the first of them {}",
                self.blocks, self.first_data_block
            ));
        }
        self.groups = self
            .blocks
            .saturating_sub(self.first_data_block)
            .div_ceil(self.blocks_per_group);
        if u64::from(self.inodes) > self.groups.saturating_mul(self.inodes_per_group.into()) {
            return wrong(format!(
                "{} inodes are more than the groups hold",
                self.inodes
            ));
        }
        Ok(())
    }

    /// Bytes of a block.
    pub fn block_size(&self) -> u64 {
        1 << self.block_shift
    }

    /// Whether an incompatible feature is on.
    pub fn has_incompat(&self, bit: u32) -> bool {
        self.incompat & bit != 0
    }

    /// Whether a read-only-compatible feature is on.
    pub fn has_ro_compat(&self, bit: u32) -> bool {
        self.ro_compat & bit != 0
    }

    /// Whether all metadata carries checksums.
    pub fn has_checksums(&self) -> bool {
        self.has_ro_compat(ro_compat::METADATA_CSUM)
    }

    /// Whether the journal has to be replayed.
    pub fn needs_recovery(&self) -> bool {
        self.compat & compat::HAS_JOURNAL != 0 && self.has_incompat(incompat::RECOVER)
    }

    /// Why nothing may be written, not even in place: what Linux would not
    /// mount for writing, or what may be wrong or in use.
    pub fn sealed(&self) -> Option<&'static str> {
        if self.state & STATE_ERRORS != 0 {
            return Some("it is marked as damaged; check it with e2fsck");
        }
        if self.has_incompat(incompat::MMP) {
            return Some("it may be mounted elsewhere (feature mmp)");
        }
        if self.ro_compat & !ro_compat::HARMLESS != 0 {
            return Some("it has a feature that forbids writing or that is unknown");
        }
        None
    }

    /// Whether group `group` carries a copy of the superblock.
    pub fn has_superblock(&self, group: u64) -> bool {
        if group == 0 {
            return true;
        }
        if self.compat & compat::SPARSE_SUPER2 != 0 {
            return self.backup_groups.contains(&group);
        }
        if group == 1 || !self.has_ro_compat(ro_compat::SPARSE_SUPER) {
            return true;
        }
        [3, 5, 7].into_iter().any(|base| is_power_of(group, base))
    }

    /// `ext2`, `ext3` or `ext4`, told apart as blkid does: by the journal,
    /// and by features that only the youngest has.
    pub fn kind(&self) -> &'static str {
        let old_incompat = incompat::FILETYPE | incompat::RECOVER | incompat::META_BG;
        let old_ro = ro_compat::SPARSE_SUPER | ro_compat::LARGE_FILE | ro_compat::BTREE_DIR;
        if self.incompat & !old_incompat != 0 || self.ro_compat & !old_ro != 0 {
            "ext4"
        } else if self.compat & compat::HAS_JOURNAL != 0 {
            "ext3"
        } else {
            "ext2"
        }
    }

    /// The label, up to its first zero.
    pub fn label(&self) -> Option<String> {
        let bytes = self
            .label
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default();
        (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
    }
}

/// log2 of the block size.
fn block_shift(bytes: &[u8]) -> Result<u32, FsError> {
    match le32(bytes, 0x18) {
        log @ 0..=6 => Ok(10 + log),
        log => Err(corrupt(format!("superblock: block size 2^{log} KiB"))),
    }
}

/// Checks the checksum in the last four bytes.
fn verify(bytes: &[u8]) -> Result<(), FsError> {
    if u8_at(bytes, 0x175) != 1 {
        return Err(unsupported(format!(
            "checksum type {}",
            u8_at(bytes, 0x175)
        )));
    }
    if crc32c(!0, bytes.get(..0x3fc).unwrap_or_default()) != le32(bytes, 0x3fc) {
        return Err(bad_checksum("the superblock".into()));
    }
    Ok(())
}

/// Whether `number` is a power of `base` (1 included).
fn is_power_of(mut number: u64, base: u64) -> bool {
    while number > 1 && number.is_multiple_of(base) {
        number /= base;
    }
    number == 1
}
