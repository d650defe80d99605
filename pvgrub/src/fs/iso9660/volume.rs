//! Volume descriptors: which kind of names the disc has, and where its root
//! folder is (ECMA-119, section 8).

use super::record::Record;
use super::{SECTOR, corrupt, rock};
use crate::disk::BlockDevice;
use crate::disk::bytes::{le16, u8_at};
use crate::fs::FsError;
use alloc::format;
use alloc::string::{String, ToString};

/// Where the first descriptor is, in bytes.
const FIRST: u64 = 0x8000;
/// More descriptors than any disc has.
const MOST: u64 = 64;

/// Where names come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// From Rock Ridge, after so many bytes of others in each record.
    Rock { skip: usize },
    /// From the second tree, which Joliet describes.
    Joliet,
    /// From the records themselves.
    Plain,
}

/// What the descriptors say.
#[derive(Debug)]
pub struct Volume {
    pub names: Names,
    /// First block and length of the root folder.
    pub root: (u32, u32),
    pub label: Option<String>,
    pub uuid: Option<String>,
    /// Bytes of a logical block.
    block: u64,
}

impl Volume {
    /// `None` if `device` carries no ISO 9660.
    pub fn find(device: &dyn BlockDevice) -> Result<Option<Volume>, FsError> {
        let mut sector = [0; SECTOR];
        let mut primary: Option<Volume> = None;
        let mut joliet = None;
        for number in 0..MOST {
            let at = FIRST + number * SECTOR as u64;
            if device.len() < at + SECTOR as u64 {
                break;
            }
            device.read_at(at, &mut sector)?;
            if sector.get(1..6) != Some(b"CD001") {
                break;
            }
            match u8_at(&sector, 0) {
                1 if primary.is_none() => primary = Some(Volume::parse(&sector)?),
                2 if joliet.is_none() && is_joliet(&sector) => {
                    joliet = Some(Volume::parse(&sector)?);
                }
                255 => break,
                _ => {}
            }
        }
        let Some(mut volume) = primary else {
            return Ok(None);
        };
        if let Some(skip) = rock::announced(device, &volume)? {
            volume.names = Names::Rock { skip };
        } else if let Some(joliet) = joliet {
            volume.names = Names::Joliet;
            (volume.root, volume.block) = (joliet.root, joliet.block);
        }
        Ok(Some(volume))
    }

    fn parse(sector: &[u8]) -> Result<Volume, FsError> {
        let block = u64::from(le16(sector, 128));
        if !matches!(block, 512 | 1024 | 2048) {
            return Err(corrupt(format!("logical blocks of {block} bytes")));
        }
        let mut root = sector.get(156..190).unwrap_or_default();
        let Some(root) = Record::parse(&mut root) else {
            return Err(corrupt("no root folder".to_string()));
        };
        let label = sector.get(40..72).unwrap_or_default();
        let label = label.split(|byte| *byte == 0).next().unwrap_or_default();
        let label = String::from_utf8_lossy(label.trim_ascii_end()).into_owned();
        Ok(Volume {
            names: Names::Plain,
            root: (root.block, root.length),
            label: Some(label).filter(|label| !label.is_empty()),
            // When it was changed last, else when it was made.
            uuid: date(sector, 830).or_else(|| date(sector, 813)),
            block,
        })
    }

    /// Where a block lies, in bytes.
    pub fn place(&self, block: u32) -> u64 {
        u64::from(block) * self.block
    }
}

/// Whether a supplementary descriptor is Joliet's: UCS-2 of level 1, 2 or 3.
fn is_joliet(sector: &[u8]) -> bool {
    matches!(sector.get(88..91), Some([b'%', b'/', b'@' | b'C' | b'E']))
}

/// The time at `at` as blkid makes a UUID of it.
fn date(sector: &[u8], at: usize) -> Option<String> {
    let digits = sector.get(at..)?.get(..16)?;
    let is_set = digits.iter().all(u8::is_ascii_digit) && digits.iter().any(|b| *b != b'0');
    let text = core::str::from_utf8(digits).ok().filter(|_| is_set)?;
    let (year, rest) = text.split_at_checked(4)?;
    let mut uuid = year.to_string();
    for pair in rest.as_bytes().chunks(2) {
        uuid.push('-');
        uuid.extend(pair.iter().map(|byte| char::from(*byte)));
    }
    Some(uuid)
}
