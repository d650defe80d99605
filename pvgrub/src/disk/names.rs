//! Names of devices and files as GRUB Legacy writes them: `(hd0)`,
//! `(hd0,1)`, `(hd0,1)/boot/vmlinuz`, `/boot/vmlinuz`, `(hd0)0+1,8+4`.
//!
//! Servers are devices too: `(http,host:8080)/linux`, as GRUB 2 writes them.
//!
//! Numbers count from 0. Beyond the classic forms, the parentheses of a lone
//! device may be left out (`hd0,1`), and GRUB 2's `msdos1`/`gpt1`, which
//! count from 1, are understood as the partition they mean.

use crate::net::{Host, Protocol};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// A device by name. Whether it exists is another matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeviceName {
    /// `(hdN)`: the whole of the N-th vbd, counted in the order of their
    /// numbers.
    Disk(u32),
    /// `(hdN,P)`: partition P of it: 0-3 primary, 4 and up logical, or the
    /// GPT entry of that index.
    Partition(u32, u32),
    /// `(fdN)`: a floppy drive, which no PV guest has.
    Floppy(u32),
    /// `(cd)`: GRUB's boot CD. A PV guest's CDs are `(hdN)` like other vbds.
    Cd,
    /// `(nd)`: the network's TFTP server.
    Network,
    /// `(http,HOST)`, `(tftp,HOST)`: this server.
    Server(Protocol, Host),
}

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameError {
    /// Not the name of a device.
    Device(String),
    /// A BSD slice, as in `(hd0,0,a)`.
    BsdSlice(String),
    /// A number that does not fit.
    Number(String),
    /// Neither an absolute path nor a list of blocks.
    File(String),
}

impl NameError {
    /// The number that GRUB Legacy gives to this kind of error.
    #[must_use]
    pub fn number(&self) -> u32 {
        match self {
            NameError::Device(_) => 11,
            NameError::BsdSlice(_) => 12,
            NameError::Number(_) => 35,
            NameError::File(_) => 1,
        }
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NameError::Device(text) => {
                write!(
                    f,
                    "`{text}` is not a device; devices look like (hd0) or (hd0,0)"
                )
            }
            NameError::BsdSlice(text) => write!(f, "`{text}`: BSD slices are not supported"),
            NameError::Number(text) => write!(f, "`{text}`: number too large"),
            NameError::File(text) => write!(
                f,
                "`{text}` is neither an absolute path nor a list of blocks; write (hd0,0)/path, /path or (hd0)0+1"
            ),
        }
    }
}

impl core::error::Error for NameError {}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceName::Disk(disk) => write!(f, "(hd{disk})"),
            DeviceName::Partition(disk, part) => write!(f, "(hd{disk},{part})"),
            DeviceName::Floppy(drive) => write!(f, "(fd{drive})"),
            DeviceName::Cd => f.write_str("(cd)"),
            DeviceName::Network => f.write_str("(nd)"),
            DeviceName::Server(protocol, host) => write!(f, "({},{host})", protocol.name()),
        }
    }
}

impl DeviceName {
    /// Reads a device name that makes up all of `text`.
    ///
    /// # Errors
    /// Any [`NameError`] but `File`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if !text.starts_with('(') {
            return parse_inner(text, text);
        }
        match Self::parse_prefix(text)? {
            (device, "") => Ok(device),
            _ => Err(NameError::Device(text.to_string())),
        }
    }

    /// Reads a device name in parentheses at the start of `text`; gives it
    /// and what follows it.
    ///
    /// # Errors
    /// Any [`NameError`] but `File`.
    pub fn parse_prefix(text: &str) -> Result<(Self, &str), NameError> {
        let (inner, rest) = text
            .strip_prefix('(')
            .and_then(|text| text.split_once(')'))
            .ok_or_else(|| NameError::Device(text.to_string()))?;
        let shown = text.get(..inner.len().saturating_add(2)).unwrap_or(text);
        Ok((parse_inner(inner, shown)?, rest))
    }

    /// The number of its disk, for a disk or a partition of one.
    #[must_use]
    pub fn disk(&self) -> Option<u32> {
        match *self {
            DeviceName::Disk(disk) | DeviceName::Partition(disk, _) => Some(disk),
            _ => None,
        }
    }
}

/// `hd0,1` and the like, without parentheses; errors show `shown`.
fn parse_inner(text: &str, shown: &str) -> Result<DeviceName, NameError> {
    let bad = || NameError::Device(shown.to_string());
    for protocol in [Protocol::Http, Protocol::Tftp] {
        let host = text.strip_prefix(protocol.name());
        if let Some(host) = host.and_then(|rest| rest.strip_prefix(',')) {
            let host = Host::new(host.trim()).ok_or_else(bad)?;
            return Ok(DeviceName::Server(protocol, host));
        }
    }
    let mut fields = text.split(',').map(str::trim);
    let drive = fields.next().unwrap_or_default();
    let partition = fields.next();
    let slice = fields.next();
    if fields.next().is_some() {
        return Err(bad());
    }
    match (drive, partition) {
        ("nd", None) => return Ok(DeviceName::Network),
        ("cd", None) => return Ok(DeviceName::Cd),
        _ => {}
    }
    if let Some(number) = drive.strip_prefix("fd") {
        let number = parse_number(number, shown)?.ok_or_else(bad)?;
        return if partition.is_none() {
            Ok(DeviceName::Floppy(number))
        } else {
            Err(bad())
        };
    }
    let disk = drive.strip_prefix("hd").ok_or_else(bad)?;
    let disk = parse_number(disk, shown)?.ok_or_else(bad)?;
    let Some(partition) = partition else {
        return Ok(DeviceName::Disk(disk));
    };
    let is_slice = |text: &str| matches!(text.as_bytes(), [letter] if letter.is_ascii_lowercase());
    if slice.is_some_and(is_slice) || (slice.is_none() && is_slice(partition)) {
        return Err(NameError::BsdSlice(shown.to_string()));
    }
    if slice.is_some() {
        return Err(bad());
    }
    let from_one = partition
        .strip_prefix("msdos")
        .or_else(|| partition.strip_prefix("gpt"));
    let number = parse_number(from_one.unwrap_or(partition), shown)?.ok_or_else(bad)?;
    match from_one {
        None => Ok(DeviceName::Partition(disk, number)),
        Some(_) => number
            .checked_sub(1)
            .map(|n| DeviceName::Partition(disk, n))
            .ok_or_else(bad),
    }
}

/// A decimal number; `None` when `text` is not one at all.
fn parse_number<T: core::str::FromStr>(text: &str, shown: &str) -> Result<Option<T>, NameError> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|_| NameError::Number(shown.to_string()))
}

/// A run of sectors of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRange {
    /// The first sector, counted from the start of the device.
    pub start: u64,
    /// How many sectors.
    pub count: u64,
}

/// What a file name names on its device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileTarget {
    /// A file by its absolute path.
    Path(String),
    /// The bytes of these sectors, one after the other.
    Blocks(Vec<BlockRange>),
}

/// A file name as a command takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSpec {
    /// The device, where the name gives one; otherwise the current root.
    pub device: Option<DeviceName>,
    /// What is meant on it.
    pub target: FileTarget,
}

impl FileSpec {
    /// Reads a file name that makes up all of `text`.
    ///
    /// # Errors
    /// Any [`NameError`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let (device, rest) = if text.starts_with('(') {
            let (device, rest) = DeviceName::parse_prefix(text)?;
            (Some(device), rest)
        } else {
            (None, text)
        };
        let target = if rest.starts_with('/') {
            FileTarget::Path(rest.to_string())
        } else {
            FileTarget::Blocks(parse_blocks(rest, text)?)
        };
        Ok(FileSpec { device, target })
    }
}

/// `[START]+COUNT[,[START]+COUNT]…`
fn parse_blocks(text: &str, shown: &str) -> Result<Vec<BlockRange>, NameError> {
    let bad = || NameError::File(shown.to_string());
    text.split(',')
        .map(|range| {
            let (start, count) = range.split_once('+').ok_or_else(bad)?;
            let start = match start {
                "" => 0,
                digits => parse_number(digits, shown)?.ok_or_else(bad)?,
            };
            let count = parse_number(count, shown)?.ok_or_else(bad)?;
            Ok(BlockRange { start, count })
        })
        .collect()
}

impl fmt::Display for FileSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(device) = &self.device {
            device.fmt(f)?;
        }
        match &self.target {
            FileTarget::Path(path) => f.write_str(path),
            FileTarget::Blocks(ranges) => {
                for (i, range) in ranges.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    write!(f, "{comma}{}+{}", range.start, range.count)?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DeviceName::*;

    #[test]
    fn devices() {
        for (text, device, printed) in [
            ("(hd0)", Disk(0), "(hd0)"),
            ("(hd0,0)", Partition(0, 0), "(hd0,0)"),
            ("(hd12,4)", Partition(12, 4), "(hd12,4)"),
            ("hd1,2", Partition(1, 2), "(hd1,2)"),
            ("hd1", Disk(1), "(hd1)"),
            (" (hd0, 1) ", Partition(0, 1), "(hd0,1)"),
            ("(hd0,msdos1)", Partition(0, 0), "(hd0,0)"),
            ("(hd0,gpt3)", Partition(0, 2), "(hd0,2)"),
            ("(fd0)", Floppy(0), "(fd0)"),
            ("(nd)", Network, "(nd)"),
            ("(cd)", Cd, "(cd)"),
            (
                "(http,boot.example:8080)",
                Server(Protocol::Http, Host::new("boot.example:8080").unwrap()),
                "(http,boot.example:8080)",
            ),
            (
                "(tftp, 10.0.0.1)",
                Server(Protocol::Tftp, Host::new("10.0.0.1").unwrap()),
                "(tftp,10.0.0.1)",
            ),
        ] {
            assert_eq!(DeviceName::parse(text), Ok(device), "{text}");
            assert_eq!(device.to_string(), printed);
        }
    }

    #[test]
    fn not_devices() {
        for (text, number) in [
            ("", 11),
            ("(hd)", 11),
            ("(hd0", 11),
            ("(hd0)x", 11),
            ("(hd-1)", 11),
            ("(hd0,)", 11),
            ("(hd0,0,a,b)", 11),
            ("(hd0,gpt0)", 11),
            ("(sda)", 11),
            ("(fd0,1)", 11),
            ("(http)", 11),
            ("(http,)", 11),
            ("(http,a b)", 11),
            ("(http,a/b)", 11),
            ("(ftp,a)", 11),
            ("(hd0,0,a)", 12),
            ("(hd0,a)", 12),
            ("(hd99999999999)", 35),
        ] {
            let error = DeviceName::parse(text).unwrap_err();
            assert_eq!(error.number(), number, "{text}: {error}");
        }
        let slice = DeviceName::parse("(hd0,0,a)").unwrap_err().to_string();
        assert!(
            slice.contains("(hd0,0,a)") && slice.contains("BSD"),
            "{slice}"
        );
    }

    #[test]
    fn files() {
        let range = |start, count| BlockRange { start, count };
        for (text, device, target) in [
            ("/boot/x", None, FileTarget::Path("/boot/x".into())),
            (
                "(hd0,1)/a b",
                Some(Partition(0, 1)),
                FileTarget::Path("/a b".into()),
            ),
            (
                "(hd0)0+1",
                Some(Disk(0)),
                FileTarget::Blocks(vec![range(0, 1)]),
            ),
            (
                "(hd0,0)123+4,200+8",
                Some(Partition(0, 0)),
                FileTarget::Blocks(vec![range(123, 4), range(200, 8)]),
            ),
            ("8+4", None, FileTarget::Blocks(vec![range(8, 4)])),
        ] {
            let spec = FileSpec::parse(text).unwrap();
            assert_eq!(spec, FileSpec { device, target });
            assert_eq!(spec.to_string(), text);
        }
        assert_eq!(FileSpec::parse("+1").unwrap().to_string(), "0+1");
    }

    #[test]
    fn not_files() {
        for (text, number) in [
            ("", 1),
            ("boot/x", 1),
            ("(hd0)", 1),
            ("(hd0)boot", 1),
            ("1+", 1),
            ("1+2,", 1),
            ("1+99999999999999999999", 35),
            ("(hdx)/a", 11),
        ] {
            let error = FileSpec::parse(text).unwrap_err();
            assert_eq!(error.number(), number, "{text}: {error}");
        }
    }
}
