//! The GUID partition table (UEFI specification 2.10, chapter 5).
//!
//! The header lies in sector 1, its backup in the last sector; each has a
//! CRC-32 over itself (with that field zero) and one over the array of
//! entries. The backup is used when the primary is damaged. Since images are
//! carried between disks of 512- and 4096-byte sectors, a header that is not
//! where the device's own sector size puts it is looked for with the other.

use super::bytes::{le16, le32, le64};
use super::checksum::Crc32;
use super::table::{PartitionEntry, PartitionKind};
use super::{BlockDevice, PartitionError};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Entries beyond this many are not read (128 is what everyone makes).
const MAX_ENTRIES: u32 = 4096;

struct Header {
    sector_size: u64,
    entries_sector: u64,
    entry_count: u32,
    entry_size: u32,
    entries_crc: u32,
}

/// The partitions of `device`, by index.
///
/// # Errors
/// [`PartitionError::Corrupt`] when neither the header nor its backup is
/// sound.
pub fn read(device: &dyn BlockDevice) -> Result<Vec<PartitionEntry>, PartitionError> {
    let own = u64::from(device.sector_size());
    let other = if own == 4096 { 512 } else { 4096 };
    let mut reason = None;
    for sector_size in [own, other] {
        let last = (device.len() / sector_size).saturating_sub(1);
        for sector in [1, last] {
            match read_at_sector(device, sector_size, sector) {
                Ok(found) => {
                    if sector != 1 {
                        log::warn!("the primary GPT is damaged; using its backup");
                    }
                    return Ok(found);
                }
                Err(PartitionError::Disk(error)) if reason.is_none() => {
                    reason = Some(PartitionError::Disk(error));
                }
                // What is wrong with the primary says most.
                Err(error) => reason = reason.or(Some(error)),
            }
        }
    }
    Err(reason.unwrap_or(PartitionError::NoTable))
}

/// The partitions by the header in `sector`.
fn read_at_sector(
    device: &dyn BlockDevice,
    sector_size: u64,
    sector: u64,
) -> Result<Vec<PartitionEntry>, PartitionError> {
    let header = read_header(device, sector_size, sector)?;
    read_entries(device, &header)
}

fn corrupt(what: String) -> PartitionError {
    PartitionError::Corrupt(what)
}

/// Reads and checks the header in `sector`.
fn read_header(
    device: &dyn BlockDevice,
    sector_size: u64,
    sector: u64,
) -> Result<Header, PartitionError> {
    let mut bytes = [0; 512];
    let at = sector
        .checked_mul(sector_size)
        .ok_or_else(|| corrupt(format!("no GPT header in sector {sector}")))?;
    device.read_at(at, &mut bytes)?;
    if bytes.first_chunk() != Some(b"EFI PART") {
        return Err(corrupt(format!("no GPT header in sector {sector}")));
    }
    let size = usize::try_from(le32(&bytes, 12)).unwrap_or(0);
    if size < 92 {
        return Err(corrupt(format!(
            "GPT header in sector {sector} is {size} bytes long"
        )));
    }
    // A header longer than 512 bytes would have reserved bytes of zero there.
    let mut sum = Crc32::new();
    let (before, stored_sum, after) = (bytes.get(..16), le32(&bytes, 16), bytes.get(20..size));
    sum.update(before.unwrap_or_default());
    sum.update(&[0; 4]);
    sum.update(after.ok_or_else(|| corrupt(format!("GPT header of {size} bytes")))?);
    if sum.finish() != stored_sum {
        return Err(corrupt(format!(
            "bad checksum of the GPT header in sector {sector}"
        )));
    }
    if le64(&bytes, 24) != sector {
        return Err(corrupt(format!(
            "the GPT header in sector {sector} belongs elsewhere"
        )));
    }
    let header = Header {
        sector_size,
        entries_sector: le64(&bytes, 72),
        entry_count: le32(&bytes, 80),
        entry_size: le32(&bytes, 84),
        entries_crc: le32(&bytes, 88),
    };
    if !(128..=4096).contains(&header.entry_size) || !header.entry_size.is_multiple_of(8) {
        return Err(corrupt(format!(
            "GPT entries of {} bytes",
            header.entry_size
        )));
    }
    if header.entry_count > MAX_ENTRIES {
        return Err(corrupt(format!("{} GPT entries", header.entry_count)));
    }
    Ok(header)
}

/// Reads the array of entries, entry by entry; the cache below makes large
/// reads of it.
fn read_entries(
    device: &dyn BlockDevice,
    header: &Header,
) -> Result<Vec<PartitionEntry>, PartitionError> {
    let mut found = Vec::new();
    let mut sum = Crc32::new();
    let mut entry = [0; 4096];
    let size = usize::try_from(header.entry_size).unwrap_or(0);
    let entry = entry.get_mut(..size).unwrap_or_default();
    let mut at = header
        .entries_sector
        .checked_mul(header.sector_size)
        .ok_or_else(|| corrupt(format!("GPT entries in sector {}", header.entries_sector)))?;
    for number in 0..header.entry_count {
        device.read_at(at, entry)?;
        sum.update(entry);
        found.extend(parse_entry(entry, number, header.sector_size, device.len()));
        at = at.saturating_add(header.entry_size.into());
    }
    if sum.finish() != header.entries_crc {
        return Err(corrupt(format!(
            "bad checksum of the GPT entries in sector {}",
            header.entries_sector
        )));
    }
    Ok(found)
}

/// One entry: type GUID, own GUID, first and last sector (u64 LE),
/// attributes, name of 36 UTF-16 units. Unused ones have a type of zero.
fn parse_entry(entry: &[u8], number: u32, sector_size: u64, end: u64) -> Option<PartitionEntry> {
    let kind: [u8; 16] = *entry.first_chunk()?;
    if kind == [0; 16] {
        return None;
    }
    let (first, last) = (le64(entry, 32), le64(entry, 40));
    let start = first.checked_mul(sector_size)?;
    let length = last
        .checked_sub(first)?
        .checked_add(1)?
        .checked_mul(sector_size)?;
    if start >= end {
        log::warn!("partition {number} starts beyond the end of the disk; ignored");
        return None;
    }
    let units = (0..36)
        .map(|index| le16(entry, 56 + 2 * index))
        .take_while(|unit| *unit != 0);
    let name: String = char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    Some(PartitionEntry {
        number,
        start,
        length: length.min(end.saturating_sub(start)),
        kind: PartitionKind::Gpt(kind),
        // Bit 2: "legacy BIOS bootable".
        active: le64(entry, 48) & 4 != 0,
        entry_at: None,
        name: Some(name),
    })
}

#[cfg(test)]
mod tests;
