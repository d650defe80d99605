//! Group descriptors: where each group's inode table lies (Linux:
//! Documentation/filesystems/ext4/group_descr.rst). They are read one by one
//! as they are needed; the cache below keeps their neighbours.

use super::error::{bad_checksum, corrupt};
use super::feature::{incompat, ro_compat};
use super::superblock::Superblock;
use super::volume::Volume;
use crate::disk::bytes::{le16, le32};
use crate::disk::checksum::{crc16, crc32c};
use crate::fs::FsError;
use alloc::format;

/// The first block of the inode table of group `group`.
pub fn inode_table(volume: &Volume, group: u64) -> Result<u64, FsError> {
    let sb = &volume.sb;
    if group >= sb.groups {
        return Err(corrupt(format!("there is no group {group}")));
    }
    let mut bytes = [0; 1024];
    let descriptor = bytes.get_mut(..sb.descriptor_size).unwrap_or_default();
    let size = sb.descriptor_size as u64;
    let per_block = sb.block_size() / size;
    let block = descriptor_block(sb, group / per_block, per_block);
    volume.read(block, group % per_block * size, descriptor)?;
    verify(sb, group, descriptor)?;
    let low = u64::from(le32(descriptor, 0x8));
    let high = if sb.descriptor_size >= 64 {
        u64::from(le32(descriptor, 0x28)) << 32
    } else {
        0
    };
    Ok(low | high)
}

/// The block that holds the `index`-th block full of descriptors.
fn descriptor_block(sb: &Superblock, index: u64, per_block: u64) -> u64 {
    // The superblock is in block 1 where blocks are of 1 KiB, otherwise in
    // block 0; usually all descriptors follow it.
    let superblock = if sb.block_shift == 10 { 1 } else { 0 };
    if !sb.has_incompat(incompat::META_BG) || index < sb.first_meta_group {
        return superblock + 1 + index;
    }
    // Otherwise each block of them is in the first of the groups that it
    // describes, behind that group's copy of the superblock.
    let group = index.saturating_mul(per_block);
    let start = group
        .saturating_mul(sb.blocks_per_group)
        .saturating_add(sb.first_data_block);
    let mut skip = u64::from(sb.has_superblock(group));
    if sb.block_shift == 10 && index == 0 && sb.first_data_block == 0 {
        skip += 1;
    }
    start.saturating_add(skip)
}

/// Checks the checksum at 0x1e of a descriptor, of either kind.
fn verify(sb: &Superblock, group: u64, descriptor: &[u8]) -> Result<(), FsError> {
    let number = u32::try_from(group).unwrap_or(u32::MAX).to_le_bytes();
    let (before, rest) = descriptor.split_at_checked(0x1e).unwrap_or_default();
    let after = rest.get(2..).unwrap_or_default();
    let sum = if sb.has_checksums() {
        let sum = crc32c(crc32c(sb.seed, &number), before);
        let sum = crc32c(crc32c(sum, &[0; 2]), after);
        // Only the lower half is stored.
        u16::try_from(sum & 0xffff).unwrap_or(0)
    } else if sb.has_ro_compat(ro_compat::GDT_CSUM) {
        crc16(crc16(crc16(crc16(!0, &sb.uuid), &number), before), after)
    } else {
        return Ok(());
    };
    if sum != le16(descriptor, 0x1e) {
        return Err(bad_checksum(format!("the descriptor of group {group}")));
    }
    Ok(())
}
