//! The superblock and its copies.

use super::{corrupt, unsupported};
use crate::disk::BlockDevice;
use crate::disk::bytes::{le16, le32, le64};
use crate::disk::checksum::crc32c;
use crate::fs::FsError;
use crate::image::decompress::xxh64;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// Where superblocks are, in bytes, as far as disks are long enough.
const PLACES: [u64; 3] = [64 << 10, 64 << 20, 256 << 30];
const SIZE: usize = 4096;
const MAGIC: &[u8; 8] = b"_BHRfS_M";

/// Features by their bits in `incompat_flags`, and whether they are read.
const FEATURES: &[(u64, &str, bool)] = &[
    (0x1, "mixed_backref", true),
    (0x2, "default_subvol", true),
    (0x4, "mixed_groups", true),
    (0x8, "compress_lzo", true),
    (0x10, "compress_zstd", true),
    (0x20, "big_metadata", true),
    (0x40, "extended_iref", true),
    (0x80, "raid56", true),
    (0x100, "skinny_metadata", true),
    (0x200, "no_holes", true),
    (0x400, "metadata_uuid", true),
    (0x800, "raid1c34", true),
    (0x1000, "zoned", false),
    (0x2000, "extent_tree_v2", false),
    (0x4000, "raid_stripe_tree", false),
    (0x1_0000, "simple_quota", true),
];

/// How metadata is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    Crc32c,
    Xxh64,
    /// SHA-256 or BLAKE2b, which are not verified.
    Other,
}

impl Sum {
    /// Whether the sum at the start of `block` is that of its rest. Under the
    /// fuzzer all are: it would never get past one.
    pub fn matches(self, block: &[u8]) -> bool {
        let body = block.get(32..).unwrap_or_default();
        cfg!(fuzzing)
            || match self {
                Sum::Crc32c => le32(block, 0) == !crc32c(!0, body),
                Sum::Xxh64 => le64(block, 0) == xxh64(body),
                Sum::Other => true,
            }
    }
}

/// What the superblock says.
pub struct Superblock {
    pub fsid: Vec<u8>,
    pub label: Option<String>,
    pub sum: Sum,
    /// Logical address of the tree of trees.
    pub root: u64,
    /// Logical address of the tree of chunks.
    pub chunk_root: u64,
    pub log_root: u64,
    /// The folder of the tree of trees that names the default subvolume.
    pub root_folder: u64,
    pub devices: u64,
    /// Which of them this is.
    pub device: u64,
    /// Bytes of a sector, in which LZO's pieces are.
    pub sector: u32,
    /// Bytes of a node of a tree.
    pub node: usize,
    /// The chunks that the tree of chunks itself is in.
    pub chunks: Vec<u8>,
}

impl Superblock {
    /// The first good superblock of `device`; `None` if there is no btrfs.
    pub fn find(device: &dyn BlockDevice) -> Result<Option<Superblock>, FsError> {
        let mut bytes = vec![0; SIZE];
        let mut trouble = None;
        for place in PLACES {
            if device.len() < place + SIZE as u64 {
                break;
            }
            device.read_at(place, &mut bytes)?;
            let is_one = bytes.get(64..72) == Some(MAGIC) && le64(&bytes, 48) == place;
            if !is_one {
                if place == PLACES[0] {
                    return Ok(None);
                }
                continue;
            }
            match Superblock::parse(&bytes, place) {
                Ok(superblock) => return Ok(Some(superblock)),
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        trouble.map_or(Ok(None), Err)
    }

    fn parse(bytes: &[u8], place: u64) -> Result<Superblock, FsError> {
        let sum = match le16(bytes, 196) {
            0 => Sum::Crc32c,
            1 => Sum::Xxh64,
            2 | 3 => Sum::Other,
            other => return Err(unsupported(format!("checksum type {other}"))),
        };
        if !sum.matches(bytes) {
            return Err(FsError::Checksum {
                fs: super::NAME,
                what: format!("the superblock at byte {place}"),
            });
        }
        features(le64(bytes, 188))?;
        let (sector, node) = (le32(bytes, 144), le32(bytes, 148));
        if !sector.is_power_of_two()
            || !(512..=65536).contains(&sector)
            || !node.is_power_of_two()
            || !(4096..=65536).contains(&node)
        {
            let what = format!("superblock: sectors of {sector} bytes, nodes of {node}");
            return Err(corrupt(what));
        }
        let count = usize::try_from(le32(bytes, 160)).unwrap_or(usize::MAX);
        let chunks = bytes.get(811..).and_then(|array| array.get(..count));
        let Some(chunks) = chunks.filter(|chunks| chunks.len() <= 2048) else {
            return Err(corrupt(format!("superblock: {count} bytes of chunks")));
        };
        let label = bytes.get(299..555).unwrap_or_default();
        let label = label.split(|byte| *byte == 0).next().unwrap_or_default();
        let label = String::from_utf8_lossy(label).into_owned();
        Ok(Superblock {
            fsid: bytes.get(32..48).unwrap_or_default().to_vec(),
            label: Some(label).filter(|label| !label.is_empty()),
            sum,
            root: le64(bytes, 80),
            chunk_root: le64(bytes, 88),
            log_root: le64(bytes, 96),
            root_folder: le64(bytes, 128),
            devices: le64(bytes, 136),
            device: le64(bytes, 201),
            sector,
            node: usize::try_from(node).unwrap_or(0),
            chunks: chunks.to_vec(),
        })
    }
}

/// Refuses features that are not read here.
fn features(bits: u64) -> Result<(), FsError> {
    for at in 0..64 {
        let bit = 1u64 << at;
        match FEATURES.iter().find(|(known, ..)| *known == bit) {
            _ if bits & bit == 0 => {}
            Some((_, _, true)) => {}
            Some((_, name, false)) => {
                return Err(unsupported(format!("feature {name} ({bit:#x})")));
            }
            None => return Err(unsupported(format!("feature {bit:#x}"))),
        }
    }
    Ok(())
}
