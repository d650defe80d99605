//! The partitions of a disk, whatever kind of table it carries.

use super::{BlockDevice, PartitionError, gpt, mbr};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionEntry {
    /// Its number in GRUB's way of counting: MBR primaries 0-3 by their
    /// slot, logical ones from 4 on; GPT entries by their index.
    pub number: u32,
    /// Where it starts, in bytes from the start of the disk.
    pub start: u64,
    /// How long it is, in bytes.
    pub length: u64,
    /// What its table says is in it.
    pub kind: PartitionKind,
    /// Whether it is marked as the one to boot.
    pub active: bool,
    /// Where its 16-byte entry in an MBR (or an extended boot record) is, in
    /// bytes from the start of the disk.
    pub entry_at: Option<u64>,
    /// Its name, which only GPT has.
    pub name: Option<String>,
}

/// What a partition is said to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartitionKind {
    /// The type byte of an MBR entry, 0x83 for Linux.
    Mbr(u8),
    /// The type GUID of a GPT entry, as its bytes are on disk.
    Gpt([u8; 16]),
}

impl fmt::Display for PartitionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PartitionKind::Mbr(kind) => write!(f, "{kind:#x}"),
            PartitionKind::Gpt(guid) => {
                let [a, b, c, d, e, g, h, i, rest @ ..] = guid;
                write!(
                    f,
                    "{d:02x}{c:02x}{b:02x}{a:02x}-{g:02x}{e:02x}-{i:02x}{h:02x}-"
                )?;
                for (at, byte) in rest.iter().enumerate() {
                    write!(f, "{}{byte:02x}", if at == 2 { "-" } else { "" })?;
                }
                Ok(())
            }
        }
    }
}

/// The partitions of `device`, sorted by number. A protective (or hybrid)
/// MBR leads to the GPT behind it.
///
/// # Errors
/// [`PartitionError::NoTable`] when the disk carries no table (or an empty
/// one): then the whole of it may be a file system.
pub fn partitions(device: &dyn BlockDevice) -> Result<Vec<PartitionEntry>, PartitionError> {
    let table = mbr::read(device)?;
    if table.has_gpt() {
        return gpt::read(device);
    }
    table.partitions(device)
}
