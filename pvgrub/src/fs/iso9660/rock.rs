//! Rock Ridge: names, kinds and links of POSIX, in what ECMA-119 leaves to
//! extensions (IEEE P1281 and P1282).

use super::corrupt;
use super::record::Record;
use super::volume::Volume;
use crate::disk::BlockDevice;
use crate::disk::bytes::{le32, u8_at};
use crate::fs::{FsError, path};
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// Continuations that one record may have; real ones have a few.
const MOST_AREAS: u32 = 32;
/// The longest continuation, in bytes: a sector.
const LONGEST_AREA: u32 = 2048;

/// What the entries of one record say.
#[derive(Debug, Default)]
pub struct Rock {
    pub name: Option<Vec<u8>>,
    pub mode: Option<u32>,
    /// Where a symbolic link points.
    pub target: Vec<u8>,
    /// The block of the folder that stands here, moved elsewhere.
    pub child: Option<u32>,
    /// Whether this is the folder that holds moved ones, or a moved one seen
    /// where it was moved to.
    pub relocated: bool,
    /// Whether its content is compressed.
    pub compressed: bool,
    /// Whether a further piece of the link joins its last name.
    joins: bool,
}

/// Whether the disc has Rock Ridge: the root folder's own record says so, and
/// how many bytes to skip in others.
pub fn announced(device: &dyn BlockDevice, volume: &Volume) -> Result<Option<usize>, FsError> {
    let mut bytes = [0; 255];
    if device
        .read_at(volume.place(volume.root.0), &mut bytes)
        .is_err()
    {
        // The root folder will be missed when it is read.
        return Ok(None);
    }
    let mut rest = bytes.as_slice();
    let Some(record) = Record::parse(&mut rest) else {
        return Ok(None);
    };
    Ok(match record.system_use(0) {
        [b'S', b'P', 7, 1, 0xbe, 0xef, skip, ..] => Some(usize::from(*skip)),
        _ => None,
    })
}

impl Rock {
    /// Reads the entries in `area` and in its continuations.
    pub fn read(device: &dyn BlockDevice, volume: &Volume, area: &[u8]) -> Result<Rock, FsError> {
        let mut rock = Rock::default();
        let mut next = rock.area(area);
        let mut areas = 0;
        while let Some((block, skip, length)) = next {
            areas += 1;
            if areas > MOST_AREAS || length > LONGEST_AREA {
                return Err(corrupt(format!(
                    "Rock Ridge continues at block {block} too often"
                )));
            }
            let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
            let at = volume.place(block).saturating_add(u64::from(skip));
            device.read_at(at, &mut bytes)?;
            next = rock.area(&bytes);
        }
        Ok(rock)
    }

    /// Reads the entries in `area`; gives block, offset and length of its
    /// continuation.
    fn area(&mut self, mut area: &[u8]) -> Option<(u32, u32, u32)> {
        let mut next = None;
        loop {
            let length = usize::from(u8_at(area, 2));
            let Some(entry) = area.get(..length).filter(|entry| entry.len() >= 4) else {
                return next;
            };
            area = area.get(length..).unwrap_or_default();
            let content = entry.get(4..).unwrap_or_default();
            match entry {
                [b'C', b'E', ..] => {
                    next = Some((le32(content, 0), le32(content, 8), le32(content, 16)));
                }
                [b'N', b'M', ..] if u8_at(content, 0) & 6 == 0 => {
                    let name = self.name.get_or_insert_default();
                    // It is as long as all areas together at most.
                    name.extend_from_slice(content.get(1..).unwrap_or_default());
                }
                [b'P', b'X', ..] => self.mode = Some(le32(content, 0)),
                [b'S', b'L', ..] => self.link(content.get(1..).unwrap_or_default()),
                [b'C', b'L', ..] => self.child = Some(le32(content, 0)),
                [b'R', b'E', ..] => self.relocated = true,
                [b'Z', b'F', ..] => self.compressed = true,
                [b'S', b'T', ..] => return next,
                _ => {}
            }
        }
    }

    /// Adds the components of a link's entry.
    fn link(&mut self, mut components: &[u8]) {
        while let [flags, length, rest @ ..] = components {
            let Some(text) = rest.get(..usize::from(*length)) else {
                return;
            };
            components = rest.get(usize::from(*length)..).unwrap_or_default();
            let text = match flags & 0x0e {
                0x02 => &b"."[..],
                0x04 => b"..",
                0x08 => b"",
                _ => text,
            };
            if flags & 0x08 != 0 {
                self.target.clear();
                self.target.push(b'/');
            } else if self.target.len() <= path::MAX_PATH {
                let apart = !self.target.is_empty() && !self.target.ends_with(b"/");
                if apart && !self.joins {
                    self.target.push(b'/');
                }
                self.target.extend_from_slice(text);
            }
            self.joins = flags & 0x01 != 0;
        }
    }
}
