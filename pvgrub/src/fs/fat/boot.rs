//! The boot sector: where everything lies (specification, section 3).

use super::corrupt;
use super::dir::oem;
use crate::disk::bytes::{le16, le32, u8_at};
use crate::fs::FsError;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// How wide an entry of the table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bits {
    Fat12,
    Fat16,
    Fat32,
}

impl Bits {
    /// The bits of a folder's entry that are a cluster: OS/2 kept other
    /// things in the upper half before FAT32.
    pub fn mask(self) -> u32 {
        match self {
            Bits::Fat32 => 0x0fff_ffff,
            _ => 0xffff,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Bits::Fat12 => "fat12",
            Bits::Fat16 => "fat16",
            Bits::Fat32 => "fat32",
        }
    }
}

/// What the boot sector says. All places and lengths in bytes.
#[derive(Debug)]
pub struct Boot {
    pub bits: Bits,
    /// Start and length of the first copy of the table.
    pub table: (u64, u64),
    /// Start and length of the root folder of FAT12 and FAT16.
    pub root_area: (u64, u64),
    /// First cluster of the root folder of FAT32, else 0.
    pub root_cluster: u32,
    /// Where cluster 2 starts.
    pub data: u64,
    pub cluster_size: u64,
    /// How many clusters there are.
    pub clusters: u32,
    pub serial: Option<u32>,
    label: Option<Vec<u8>>,
}

impl Boot {
    /// `None` if this is not the boot sector of a FAT file system.
    pub fn parse(sector: &[u8]) -> Result<Option<Boot>, FsError> {
        let sector_size = u64::from(le16(sector, 11));
        let per_cluster = u64::from(u8_at(sector, 13));
        let reserved = u64::from(le16(sector, 14));
        let copies = u64::from(u8_at(sector, 16));
        let media = u8_at(sector, 21);
        // Linux' own test, and the jump that every formatter writes.
        let is_fat = matches!(sector_size, 512 | 1024 | 2048 | 4096)
            && per_cluster.is_power_of_two()
            && reserved > 0
            && matches!(copies, 1..=4)
            && (media >= 0xf8 || media == 0xf0)
            && matches!(u8_at(sector, 0), 0xeb | 0xe9);
        if !is_fat {
            return Ok(None);
        }
        let short_table = u64::from(le16(sector, 22));
        let wide = short_table == 0;
        let table_sectors = if wide {
            u64::from(le32(sector, 36))
        } else {
            short_table
        };
        let sectors = match le16(sector, 19) {
            0 => u64::from(le32(sector, 32)),
            few => u64::from(few),
        };
        let root_bytes = u64::from(le16(sector, 17)) * 32;
        // None of these overflows: they are products of a few 32-bit numbers.
        let table_start = reserved * sector_size;
        let root_start = table_start + copies * table_sectors * sector_size;
        let data = root_start + root_bytes.next_multiple_of(sector_size);
        let cluster_size = per_cluster * sector_size;
        let there = (sectors * sector_size).saturating_sub(data) / cluster_size;
        if table_sectors == 0 || there == 0 {
            return Err(corrupt(format!(
                "boot sector: {sectors} sectors, {table_sectors} of each table, no room for files"
            )));
        }
        let bits = match there {
            _ if wide => Bits::Fat32,
            0..4085 => Bits::Fat12,
            _ => Bits::Fat16,
        };
        let more = if wide { 66 } else { 38 };
        let signature = u8_at(sector, more);
        let serial =
            matches!(signature, 0x28 | 0x29).then(|| le32(sector, if wide { 67 } else { 39 }));
        let label = sector.get(more.saturating_add(5)..more.saturating_add(16));
        Ok(Some(Boot {
            bits,
            table: (table_start, table_sectors * sector_size),
            root_area: (root_start, root_bytes),
            root_cluster: if wide {
                le32(sector, 44) & 0x0fff_ffff
            } else {
                0
            },
            data,
            cluster_size,
            clusters: u32::try_from(there).unwrap_or(u32::MAX).min(0x0fff_fff5),
            serial,
            label: label.filter(|_| signature == 0x29).map(<[u8]>::to_vec),
        }))
    }

    /// The label of the boot sector, which counts where the root folder has
    /// none.
    pub fn label(&self) -> Option<String> {
        let bytes = self.label.as_deref()?;
        (bytes != b"NO NAME    ").then(|| oem(bytes.trim_ascii_end()))
    }
}
