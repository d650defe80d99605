//! The MBR's partition table and the chain of extended boot records behind
//! it, numbered as GRUB does: the four slots are 0-3, logical partitions
//! 4, 5, … in the order of the chain.
//!
//! Layout of a record: four 16-byte entries from byte 446 on (status, CHS
//! start, type, CHS end, first sector u32 LE, sectors u32 LE), then 55 AA.
//! In an extended boot record the first entry is the logical partition,
//! relative to that record; the second leads to the next record, relative to
//! the start of the extended partition.

use super::bytes::{le16, le32, u8_at};
use super::table::{PartitionEntry, PartitionKind};
use super::{BlockDevice, PartitionError};
use alloc::format;
use alloc::vec::Vec;

/// How many logical partitions a disk may have before the chain is taken
/// for a loop (Linux: 252 partitions in all).
const MAX_LOGICAL: usize = 256;

const SIGNATURE: u16 = 0xaa55;
const TYPE_GPT: u8 = 0xee;

/// One slot of a record.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// Where it is, in bytes from the start of the disk.
    at: u64,
    status: u8,
    kind: u8,
    start: u32,
    sectors: u32,
}

impl Slot {
    fn parse(at: u64, entry: &[u8]) -> Self {
        Slot {
            at,
            status: u8_at(entry, 0),
            kind: u8_at(entry, 4),
            start: le32(entry, 8),
            sectors: le32(entry, 12),
        }
    }

    fn used(&self) -> bool {
        self.kind != 0 && self.sectors != 0
    }

    fn is_extended(&self) -> bool {
        // DOS, Windows (LBA) and Linux extended partitions.
        self.used() && matches!(self.kind, 0x05 | 0x0f | 0x85)
    }
}

/// The four slots of a disk's first sector.
pub struct Mbr {
    slots: [Slot; 4],
}

/// Reads the table in the first sector of `device`.
///
/// # Errors
/// [`PartitionError::NoTable`] when there is none: no signature, nothing in
/// any slot, or bytes that cannot be a table (the boot sector of a FAT
/// carries the same signature).
pub fn read(device: &dyn BlockDevice) -> Result<Mbr, PartitionError> {
    if device.len() < 512 {
        return Err(PartitionError::NoTable);
    }
    let slots = read_record(device, 0)?.ok_or(PartitionError::NoTable)?;
    let sane = slots.iter().all(|slot| matches!(slot.status, 0 | 0x80));
    let starts_inside = |slot: &Slot| {
        slot.start != 0 && sectors(device, slot.start.into()).is_some_and(|at| at < device.len())
    };
    if !sane || !slots.iter().any(|slot| slot.used() && starts_inside(slot)) {
        return Err(PartitionError::NoTable);
    }
    Ok(Mbr { slots })
}

/// The slots of the record in the sector at byte `at`, if it is one.
fn read_record(device: &dyn BlockDevice, at: u64) -> Result<Option<[Slot; 4]>, PartitionError> {
    let mut sector = [0; 512];
    device.read_at(at, &mut sector)?;
    if le16(&sector, 510) != SIGNATURE {
        return Ok(None);
    }
    let slot = |index: usize| {
        let place = 446 + 16 * index;
        let entry = sector.get(place..).unwrap_or_default();
        Slot::parse(at.saturating_add(place as u64), entry)
    };
    Ok(Some(core::array::from_fn(slot)))
}

/// `count` sectors in bytes.
fn sectors(device: &dyn BlockDevice, count: u64) -> Option<u64> {
    count.checked_mul(device.sector_size().into())
}

impl Mbr {
    /// Whether the table only protects, or mirrors in part, a GPT.
    #[must_use]
    pub fn has_gpt(&self) -> bool {
        self.slots.iter().any(|slot| slot.kind == TYPE_GPT)
    }

    /// All partitions, primary and logical. A chain of logical partitions
    /// that breaks off leaves those before the break.
    ///
    /// # Errors
    /// [`PartitionError::Disk`] when the disk cannot be read.
    pub fn partitions(
        &self,
        device: &dyn BlockDevice,
    ) -> Result<Vec<PartitionEntry>, PartitionError> {
        let mut found = Vec::new();
        for (number, slot) in (0..).zip(&self.slots) {
            if slot.used() {
                found.extend(entry(device, number, slot, 0));
            }
        }
        let mut logical = Vec::new();
        for slot in self.slots.iter().filter(|slot| slot.is_extended()) {
            if let Err(error) = follow_chain(device, slot.start.into(), &mut logical) {
                log::warn!("logical partitions after ({}): {error}", 4 + logical.len());
            }
        }
        found.append(&mut logical);
        Ok(found)
    }
}

/// The partition in `slot`, whose start counts from sector `base`; none when
/// it lies outside of the disk.
fn entry(device: &dyn BlockDevice, number: u32, slot: &Slot, base: u64) -> Option<PartitionEntry> {
    let start = sectors(device, base.checked_add(slot.start.into())?)?;
    if start >= device.len() {
        log::warn!("partition {number} starts beyond the end of the disk; ignored");
        return None;
    }
    Some(PartitionEntry {
        number,
        start,
        length: sectors(device, slot.sectors.into())?.min(device.len().saturating_sub(start)),
        kind: PartitionKind::Mbr(slot.kind),
        active: slot.status == 0x80,
        entry_at: Some(slot.at),
        name: None,
    })
}

/// Collects the logical partitions of the extended partition that starts at
/// sector `extended`.
fn follow_chain(
    device: &dyn BlockDevice,
    extended: u64,
    logical: &mut Vec<PartitionEntry>,
) -> Result<(), PartitionError> {
    let corrupt = |what| Err(PartitionError::Corrupt(what));
    let mut seen: Vec<u64> = Vec::new();
    let mut record = extended;
    loop {
        if seen.contains(&record) {
            return corrupt(format!("the extended boot records loop at sector {record}"));
        }
        if logical.len() >= MAX_LOGICAL || seen.len() >= MAX_LOGICAL {
            return corrupt(format!("more than {MAX_LOGICAL} logical partitions"));
        }
        seen.push(record);
        let Some(at) = sectors(device, record) else {
            return corrupt(format!(
                "extended boot record at sector {record} is out of reach"
            ));
        };
        let Some([own, next, ..]) = read_record(device, at)? else {
            return corrupt(format!("no extended boot record at sector {record}"));
        };
        if own.used() && !own.is_extended() {
            let number = 4u32.saturating_add(u32::try_from(logical.len()).unwrap_or(u32::MAX));
            logical.extend(entry(device, number, &own, record));
        }
        // Usually the second slot; some tools put the link first.
        let Some(link) = [next, own].into_iter().find(Slot::is_extended) else {
            return Ok(());
        };
        record = extended.saturating_add(link.start.into());
    }
}

#[cfg(test)]
mod tests;
