//! Changing a byte or two of an MBR's partition table, with care: for `hide`,
//! `makeactive`, `partnew` and `parttype`.
//!
//! Only the four entries of a record that is there and says so (55 AA) are
//! ever touched, on disks without a GPT, one entry at a time and no other
//! byte of the sector.

use super::{Context, Error, ErrorKind};
use crate::disk::{BlockRange, DeviceName, FileSpec, FileTarget, PartitionEntry, PartitionKind};
use alloc::format;
use alloc::string::ToString;
use alloc::vec;

/// Bytes of an entry.
pub const ENTRY: usize = 16;
/// Where the first of the four entries of a record is.
pub const FIRST: u64 = 446;
/// The type of an entry that stands for a GPT.
const TYPE_GPT: u8 = 0xee;

/// The partition called `name`, of a disk with an MBR.
pub fn partition(context: &Context<'_, '_>, name: &str) -> Result<(u32, PartitionEntry), Error> {
    let device = DeviceName::parse(name)?;
    let bad = |reason: &str| Err(Error::because(ErrorKind::BadArgument, reason).about(name));
    let DeviceName::Partition(disk, number) = device else {
        return bad("is no partition");
    };
    let partitions = context.files.partitions(disk)?;
    let found = partitions.into_iter().find(|entry| entry.number == number);
    let Some(entry) = found else {
        return Err(Error::new(ErrorKind::NoSuchPartition, device.to_string()));
    };
    match entry.kind {
        PartitionKind::Mbr(_) => Ok((disk, entry)),
        PartitionKind::Gpt(_) => bad("is in a GPT, whose partitions have no such byte"),
    }
}

/// Lets `change` have the entry at byte `at` of disk `disk`, and writes what
/// it makes of it.
pub fn edit(
    context: &Context<'_, '_>,
    disk: u32,
    at: u64,
    change: impl FnOnce(&mut [u8; ENTRY]),
) -> Result<(), Error> {
    let device = DeviceName::Disk(disk);
    let sector = u64::from(context.files.size(device)?.1).max(512);
    let spec = FileSpec {
        device: Some(device),
        target: FileTarget::Blocks(vec![BlockRange {
            start: at / sector,
            count: 1,
        }]),
    };
    let place = at % sector;
    let wrong =
        |reason| Error::because(ErrorKind::BadPartitionTable, reason).about(&spec.to_string());
    if !(FIRST..FIRST + 4 * ENTRY as u64).contains(&place)
        || !(place - FIRST).is_multiple_of(ENTRY as u64)
    {
        return Err(wrong("no partition's entry would be there"));
    }
    let mut record = [0; 512];
    let mut file = context.open(&spec)?;
    if file.read_at(0, &mut record)? != record.len() || !record.ends_with(&[0x55, 0xaa]) {
        return Err(wrong("has no partition table"));
    }
    if at < sector && types(&record).contains(&TYPE_GPT) {
        return Err(wrong("only stands before a GPT, and is not changed here"));
    }
    let entry = usize::try_from(place)
        .ok()
        .and_then(|place| record.get_mut(place..));
    let Some(entry) = entry.and_then(|tail| tail.first_chunk_mut::<ENTRY>()) else {
        return Err(wrong("is too short"));
    };
    change(entry);
    let entry = *entry;
    context.files.overwrite(&spec, device, place, &entry)
}

/// The types in the four entries of a record.
fn types(record: &[u8; 512]) -> [u8; 4] {
    core::array::from_fn(|slot| record.get(450 + 16 * slot).copied().unwrap_or(0))
}

/// A partition's place in its table.
pub fn place(entry: &PartitionEntry) -> Result<u64, Error> {
    let reason = format!("partition {} has no entry in an MBR", entry.number);
    entry
        .entry_at
        .ok_or_else(|| Error::because(ErrorKind::BadArgument, reason))
}
