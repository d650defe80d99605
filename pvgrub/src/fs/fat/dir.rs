//! Folders: entries of 32 bytes, a long name in those before its short one
//! (specification, sections 6 and 7).

use crate::disk::bytes::{le16, le32, u8_at};
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::ControlFlow;

/// Bits of an entry's attributes.
pub mod attribute {
    /// The volume's label, or a piece of a long name.
    pub const LABEL: u8 = 0x08;
    pub const FOLDER: u8 = 0x10;
    /// All of these together mark a piece of a long name.
    pub const LONG: u8 = 0x0f;
}

/// The upper half of code page 437, in which short names are.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

/// Bytes of a short name or label as text.
pub fn oem(bytes: &[u8]) -> String {
    let upper = |byte: u8| CP437.chars().nth(usize::from(byte & 0x7f));
    let text = bytes.iter().map(|byte| match byte {
        0..0x80 => char::from(*byte),
        _ => upper(*byte).unwrap_or(char::REPLACEMENT_CHARACTER),
    });
    text.collect()
}

/// A name with what it names.
pub struct Entry {
    short: [u8; 11],
    /// Which parts of the short name are to be shown in lower case.
    lower: u8,
    long: Option<String>,
    pub attributes: u8,
    pub cluster: u32,
    pub size: u32,
}

impl Entry {
    /// The name to show.
    pub fn name(&self) -> String {
        match &self.long {
            Some(name) => name.clone(),
            None => self.short_name(),
        }
    }

    fn short_name(&self) -> String {
        let (base, extension) = self.short.split_at(8);
        let part = |bytes: &[u8], bit: u8| {
            let text = oem(bytes.trim_ascii_end());
            if self.lower & bit == 0 {
                text
            } else {
                text.to_lowercase()
            }
        };
        let mut name = part(base, 0x08);
        let extension = part(extension, 0x10);
        if !extension.is_empty() {
            name.push('.');
            name.push_str(&extension);
        }
        name
    }

    /// The name as that of a label, which has no dot.
    pub fn label(&self) -> String {
        oem(self.short.trim_ascii_end())
    }

    /// Whether it is `.` or `..`.
    pub fn is_dots(&self) -> bool {
        matches!(&self.short, b".          " | b"..         ")
    }

    /// Whether this is what `name` means, by its long or its short name.
    pub fn is_called(&self, name: &str) -> bool {
        let same = |known: &str| {
            let fold = |text: &str| {
                text.chars()
                    .flat_map(char::to_lowercase)
                    .collect::<String>()
            };
            known == name || fold(known) == fold(name)
        };
        self.long.as_deref().is_some_and(same) || same(&self.short_name())
    }
}

/// Puts long names together, entry by entry.
#[derive(Default)]
pub struct Scanner {
    /// The pieces so far, the last one first, in UTF-16.
    pieces: Vec<[u16; 13]>,
    /// The piece that must come next, and the short name's checksum.
    expected: u8,
    checksum: u8,
}

impl Scanner {
    /// Takes the next entry of a folder: breaks at the folder's end, and
    /// gives what the entry completes.
    pub fn take(&mut self, raw: &[u8]) -> ControlFlow<(), Option<Entry>> {
        let first = u8_at(raw, 0);
        let attributes = u8_at(raw, 11);
        if first == 0 {
            return ControlFlow::Break(());
        }
        if first == 0xe5 {
            self.pieces.clear();
            return ControlFlow::Continue(None);
        }
        if attributes & 0x3f == attribute::LONG {
            self.piece(raw);
            return ControlFlow::Continue(None);
        }
        let mut short: [u8; 11] = raw.first_chunk().copied().unwrap_or_default();
        let long = self.long(&short);
        if let Some(first) = short.first_mut()
            && *first == 0x05
        {
            *first = 0xe5;
        }
        ControlFlow::Continue(Some(Entry {
            short,
            lower: u8_at(raw, 12),
            long,
            attributes,
            cluster: u32::from(le16(raw, 20)) << 16 | u32::from(le16(raw, 26)),
            size: le32(raw, 28),
        }))
    }

    /// A piece of a long name; one out of order drops what came before.
    fn piece(&mut self, raw: &[u8]) {
        let (order, checksum) = (u8_at(raw, 0), u8_at(raw, 13));
        let number = order & 0x3f;
        if order & 0x40 != 0 {
            self.pieces.clear();
            self.checksum = checksum;
            self.expected = number;
        }
        if number == 0 || number > 20 || number != self.expected || checksum != self.checksum {
            self.pieces.clear();
            self.expected = 0;
            return;
        }
        self.expected = number.saturating_sub(1);
        let places = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
        self.pieces.push(places.map(|at| le16(raw, at)));
    }

    /// The long name, if all of it came and it belongs to `short`.
    fn long(&mut self, short: &[u8; 11]) -> Option<String> {
        let sum = short
            .iter()
            .fold(0u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte));
        let pieces = core::mem::take(&mut self.pieces);
        if pieces.is_empty() || self.expected != 0 || sum != self.checksum {
            return None;
        }
        let units = pieces.iter().rev().flatten().copied();
        let units = units.take_while(|unit| *unit != 0);
        let text =
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER));
        Some(text.collect::<String>()).filter(|name| !name.is_empty())
    }
}
