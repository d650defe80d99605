//! Records of a folder (ECMA-119, section 9.1).

use crate::disk::bytes::{le32, u8_at};
use alloc::string::String;

/// Bits of a record's flags.
pub mod flag {
    pub const FOLDER: u8 = 0x02;
    pub const ASSOCIATED: u8 = 0x04;
    /// The file goes on in the next record.
    pub const GOES_ON: u8 = 0x80;
}

/// One record.
#[derive(Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    name: &'a [u8],
    /// First block of the content.
    pub block: u32,
    /// Bytes of the content.
    pub length: u32,
    pub flags: u8,
    /// Whether the content has gaps.
    pub interleaved: bool,
}

impl<'a> Record<'a> {
    /// The record at the start of `rest`, which is moved behind it; `None`
    /// at the end of what a sector holds.
    pub fn parse(rest: &mut &'a [u8]) -> Option<Record<'a>> {
        let length = usize::from(u8_at(rest, 0));
        let bytes = rest.get(..length).filter(|bytes| bytes.len() > 33)?;
        *rest = rest.get(length..).unwrap_or_default();
        let name = bytes.get(33..)?.get(..usize::from(u8_at(bytes, 32)))?;
        Some(Record {
            bytes,
            name,
            // Attributes that some records have come before the content.
            block: le32(bytes, 2).saturating_add(u32::from(u8_at(bytes, 1))),
            length: le32(bytes, 10),
            flags: u8_at(bytes, 25),
            interleaved: u8_at(bytes, 26) != 0 || u8_at(bytes, 27) != 0,
        })
    }

    /// Whether it is the folder itself or the one above.
    pub fn is_dots(&self) -> bool {
        matches!(self.name, [0] | [1])
    }

    /// The name as it is, without its version, in lower case.
    pub fn plain_name(&self) -> String {
        let name = self.name.split(|byte| *byte == b';').next();
        let name = name.unwrap_or_default();
        let name = name.strip_suffix(b".").unwrap_or(name);
        String::from_utf8_lossy(name).to_ascii_lowercase()
    }

    /// The name as Joliet writes it, without a version.
    pub fn joliet_name(&self) -> String {
        let pairs = self.name.chunks_exact(2);
        let units = pairs.map(|pair| u16::from_be_bytes([u8_at(pair, 0), u8_at(pair, 1)]));
        let mut name: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        if let Some((short, version)) = name.rsplit_once(';')
            && version.bytes().all(|byte| byte.is_ascii_digit())
        {
            name.truncate(short.len());
        }
        name
    }

    /// What lies behind the name, for extensions, `skip` bytes left out.
    pub fn system_use(&self, skip: usize) -> &'a [u8] {
        // A name of even length is followed by a byte that fills up.
        let start = 33 + self.name.len() + (self.name.len() + 1) % 2;
        let start = start.saturating_add(skip);
        self.bytes.get(start..).unwrap_or_default()
    }
}
