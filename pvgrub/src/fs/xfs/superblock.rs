//! What is looked at in the superblock before the crate sees it: features, by
//! their names, and where the log is.

use super::{corrupt, unsupported};
use crate::disk::bytes::{be16, be32, u8_at};
use crate::fs::FsError;
use alloc::format;
use alloc::string::ToString;
use core::ops::Range;

/// Features that a reader must know, by their bits in `sb_features_incompat`.
const FEATURES: &[(u32, &str, bool)] = &[
    (0x01, "ftype", true),
    (0x02, "spinodes", true),
    (0x04, "meta_uuid", true),
    (0x08, "bigtime", true),
    (0x10, "needsrepair", false),
    (0x20, "nrext64", true),
    (0x40, "exchange", true),
    (0x80, "parent", true),
    (0x100, "metadir", true),
    (0x200, "zoned", false),
    (0x400, "zone_gaps", false),
];

/// The superblock's part that matters here.
pub struct Superblock {
    /// Where the log is, in bytes of the device.
    pub log: Range<u64>,
}

impl Superblock {
    /// `None` if this is not XFS.
    pub fn parse(sector: &[u8]) -> Result<Option<Superblock>, FsError> {
        if be32(sector, 0) != 0x5846_5342 {
            return Ok(None);
        }
        let version = be16(sector, 100) & 0xf;
        if !matches!(version, 4 | 5) {
            return Err(unsupported(&format!("version {version}")));
        }
        if version == 5 {
            features(be32(sector, 216))?;
        }
        if be16(sector, 100) & 0x4000 != 0 {
            return Err(unsupported("feature ascii-ci (0x4000)"));
        }
        let block = u64::from(be32(sector, 4));
        let number = u64::from(be32(sector, 48)) << 32 | u64::from(be32(sector, 52));
        if number == 0 {
            return Err(unsupported("a log on another device"));
        }
        // A block's number is its group and its place there.
        let shift = u32::from(u8_at(sector, 124));
        let group = number.checked_shr(shift).unwrap_or(0);
        let inside = number.checked_sub(group.checked_shl(shift).unwrap_or(0));
        let start = group
            .checked_mul(u64::from(be32(sector, 84)))
            .and_then(|blocks| blocks.checked_add(inside?))
            .and_then(|blocks| blocks.checked_mul(block));
        let length = u64::from(be32(sector, 96)).checked_mul(block);
        match (start, length) {
            (Some(start), Some(length)) => Ok(Some(Superblock {
                log: start..start.saturating_add(length),
            })),
            _ => Err(corrupt("superblock: the log lies nowhere".to_string())),
        }
    }
}

/// Refuses features that are not read here.
fn features(bits: u32) -> Result<(), FsError> {
    for at in 0..32 {
        let bit = 1 << at;
        let known = FEATURES.iter().find(|(known, ..)| *known == bit);
        match known {
            _ if bits & bit == 0 => {}
            Some((_, _, true)) => {}
            Some((_, name, false)) => {
                return Err(unsupported(&format!("feature {name} ({bit:#x})")));
            }
            None => return Err(unsupported(&format!("feature {bit:#x}"))),
        }
    }
    Ok(())
}
