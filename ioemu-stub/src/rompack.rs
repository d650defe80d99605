//! The ROM pack: what `stubdomain_ramdisk` holds.
//!
//! libxl insists on a ramdisk for every stub domain, so ours carries what is
//! not ours to link in: the VGA BIOSes of SeaBIOS and the boot ROMs of iPXE,
//! packed from Debian's files by `cargo xtask build` ([`pack`]). The machine
//! looks them up by their file names ([`RomPack::get`]) and shows them to the
//! guest in the expansion ROM of the card they belong to.
//!
//! The format, all numbers little-endian:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `XENROMS1` |
//! | 8 | 4 | number of entries |
//! | 12 | 4 | zero |
//! | 16 | 40 each | entry: name (32 bytes, ended by NULs), offset and length of its bytes in the pack (4 bytes each) |
//!
//! The pack comes from dom0, which is trusted, but a wrong path in a
//! configuration must be told from a ROM: everything is checked.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

const MAGIC: &[u8; 8] = b"XENROMS1";
const HEADER: usize = 16;
const NAME: usize = 32;
const ENTRY: usize = NAME + 8;
/// Where files begin: the size of a block of PCI expansion ROM.
const ALIGNMENT: usize = 512;

/// Why a file is no ROM pack, or cannot become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// It does not begin like one.
    Magic,
    /// It ends before its directory does.
    Directory {
        /// How many entries it claims.
        entries: u32,
    },
    /// The name of this entry is empty, too long, or not plain ASCII.
    Name(usize),
    /// The file of this entry does not lie within the pack.
    Range {
        /// Its name.
        name: String,
    },
    /// There are two files of this name.
    Twice(String),
    /// It would be larger than 4 GiB.
    Size,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Magic => f.write_str("not a ROM pack (ioemu-stubdom.rom)"),
            Error::Directory { entries } => {
                write!(f, "the ROM pack ends within its {entries} entries")
            }
            Error::Name(n) => write!(f, "entry {n} of the ROM pack has no proper name"),
            Error::Range { name } => write!(f, "{name} does not lie within the ROM pack"),
            Error::Twice(name) => write!(f, "{name} is in the ROM pack twice"),
            Error::Size => f.write_str("the ROM pack would be too large"),
        }
    }
}

impl core::error::Error for Error {}

/// A checked ROM pack: every entry has a name and lies within it.
#[derive(Clone, Copy, Debug)]
pub struct RomPack<'a> {
    bytes: &'a [u8],
    entries: usize,
}

impl<'a> RomPack<'a> {
    /// Checks a ROM pack; what lies behind its last file is not looked at.
    pub fn new(bytes: &'a [u8]) -> Result<RomPack<'a>, Error> {
        if bytes.get(..MAGIC.len()) != Some(MAGIC) {
            return Err(Error::Magic);
        }
        let claimed = number(bytes, 8).ok_or(Error::Directory { entries: 0 })?;
        let cut = Error::Directory { entries: claimed };
        let entries = usize::try_from(claimed).map_err(|_| cut.clone())?;
        let end = entries
            .checked_mul(ENTRY)
            .and_then(|len| len.checked_add(HEADER));
        if end.is_none_or(|end| end > bytes.len()) {
            return Err(cut);
        }
        let pack = RomPack { bytes, entries };
        for n in 0..entries {
            let name = pack.name(n).ok_or(Error::Name(n))?;
            if pack.content(n).is_none() {
                return Err(Error::Range { name: name.into() });
            }
            if pack.find(name) != Some(n) {
                return Err(Error::Twice(name.into()));
            }
        }
        Ok(pack)
    }

    /// The file of this name.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.content(self.find(name)?)
    }

    /// All names, in the order of the pack.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        let pack = *self;
        (0..self.entries).filter_map(move |n| pack.name(n))
    }

    fn find(&self, name: &str) -> Option<usize> {
        (0..self.entries).find(|&n| self.name(n) == Some(name))
    }

    fn entry(&self, n: usize) -> Option<&'a [u8]> {
        let start = n.checked_mul(ENTRY)?.checked_add(HEADER)?;
        self.bytes.get(start..start.checked_add(ENTRY)?)
    }

    fn name(&self, n: usize) -> Option<&'a str> {
        let field = self.entry(n)?.get(..NAME)?;
        let len = field.iter().position(|&b| b == 0)?;
        let (name, rest) = field.split_at_checked(len)?;
        let good = !name.is_empty()
            && name.iter().all(u8::is_ascii_graphic)
            && rest.iter().all(|&b| b == 0);
        if !good {
            return None;
        }
        core::str::from_utf8(name).ok()
    }

    fn content(&self, n: usize) -> Option<&'a [u8]> {
        let entry = self.entry(n)?;
        let start = usize::try_from(number(entry, NAME)?).ok()?;
        let len = usize::try_from(number(entry, NAME + 4)?).ok()?;
        self.bytes.get(start..start.checked_add(len)?)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(field.try_into().ok()?))
}

/// Packs files with their names. A name has 1 to 31 printable ASCII characters
/// without blanks.
pub fn pack(files: &[(&str, &[u8])]) -> Result<Vec<u8>, Error> {
    let count = u32::try_from(files.len()).map_err(|_| Error::Size)?;
    let mut out = Vec::new();
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    let mut offset = (HEADER + files.len() * ENTRY).next_multiple_of(ALIGNMENT);
    for (n, (name, content)) in files.iter().enumerate() {
        let good = (1..NAME).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        if !good {
            return Err(Error::Name(n));
        }
        if files.iter().take(n).any(|(other, _)| other == name) {
            return Err(Error::Twice(name.to_string()));
        }
        let mut field = name.as_bytes().to_vec();
        field.resize(NAME, 0);
        out.extend_from_slice(&field);
        for value in [offset, content.len()] {
            let value = u32::try_from(value).map_err(|_| Error::Size)?;
            out.extend_from_slice(&value.to_le_bytes());
        }
        offset = offset
            .saturating_add(content.len())
            .next_multiple_of(ALIGNMENT);
    }
    for (_, content) in files {
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        out.extend_from_slice(content);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pack by hand, after the table above.
    fn by_hand(name: &[u8], offset: u32, len: u32) -> Vec<u8> {
        let mut out = b"XENROMS1\x01\0\0\0\0\0\0\0".to_vec();
        let mut field = name.to_vec();
        field.resize(32, 0);
        out.extend(field);
        out.extend(offset.to_le_bytes());
        out.extend(len.to_le_bytes());
        out.extend(b"content");
        out
    }

    #[test]
    fn the_format_is_the_documented_one() {
        let bytes = by_hand(b"a.rom", 56, 7);
        let pack = RomPack::new(&bytes).unwrap();
        assert_eq!(pack.get("a.rom"), Some(&b"content"[..]));
        assert_eq!(pack.get("a.ro"), None);
        assert_eq!(pack.names().collect::<Vec<_>>(), ["a.rom"]);
    }

    #[test]
    fn what_is_packed_is_found() {
        let large = [0x55; 70_000];
        let files: &[(&str, &[u8])] = &[("one", b"1"), ("none", b""), ("large.rom", &large)];
        let bytes = super::pack(files).unwrap();
        let pack = RomPack::new(&bytes).unwrap();
        for (name, content) in files {
            assert_eq!(pack.get(name), Some(*content), "{name}");
        }
        assert_eq!(pack.names().count(), 3);
        let empty = super::pack(&[]).unwrap();
        assert_eq!(RomPack::new(&empty).unwrap().names().count(), 0);
    }

    #[test]
    fn wrong_files_are_told_apart() {
        let range = |name: &str| Error::Range { name: name.into() };
        let cases: &[(Vec<u8>, Error)] = &[
            (Vec::new(), Error::Magic),
            (b"\x1f\x8b a gzipped ramdisk".to_vec(), Error::Magic),
            (b"XENROMS1\x01".to_vec(), Error::Directory { entries: 0 }),
            (
                b"XENROMS1\xff\xff\xff\xff\0\0\0\0".to_vec(),
                Error::Directory { entries: u32::MAX },
            ),
            (by_hand(b"", 56, 7), Error::Name(0)),
            (by_hand(b"a\0b", 56, 7), Error::Name(0)),
            (by_hand(b"a b", 56, 7), Error::Name(0)),
            (by_hand(&[b'x'; 32], 56, 7), Error::Name(0)),
            (by_hand(b"a", 56, 8), range("a")),
            (by_hand(b"a", u32::MAX, u32::MAX), range("a")),
        ];
        for (bytes, error) in cases {
            assert_eq!(RomPack::new(bytes).unwrap_err(), *error, "{bytes:?}");
        }
    }

    #[test]
    fn a_name_is_taken_once() {
        let files: &[(&str, &[u8])] = &[("a", b""), ("a", b"")];
        assert_eq!(super::pack(files), Err(Error::Twice("a".into())));
        let mut bytes = super::pack(&[("a", b""), ("b", b"")]).unwrap();
        bytes[16 + 40] = b'a';
        assert_eq!(
            RomPack::new(&bytes).unwrap_err(),
            Error::Twice("a".to_string())
        );
        assert_eq!(super::pack(&[("", b"")]), Err(Error::Name(0)));
    }
}
