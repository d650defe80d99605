//! DATA SET MANAGEMENT with the TRIM bit (ACS-2, 7.10): sectors whose content
//! nobody needs any more.

use alloc::vec::Vec;

use super::super::engine::{Core, Way};
use super::super::registers::error;
use super::{Ata, Job, SECTOR};
use crate::surroundings::Request;

/// Most blocks of ranges in one command.
pub(super) const MOST_BLOCKS: u16 = 8;

const TRIM: u8 = 0x01;

pub(super) fn data_set_management(ata: &mut Ata, core: &mut Core) {
    // The command has a 48-bit count; some send it as if it had not.
    let blocks = core.registers.count.now;
    let fits = (1..=MOST_BLOCKS).contains(&u16::from(blocks));
    if core.registers.features.now != TRIM || !ata.can_discard || !fits {
        core.fail(error::ABRT);
        return;
    }
    ata.job = Job::TrimList;
    core.ask(usize::from(blocks) * SECTOR, Way::Dma, true);
}

/// The list is here: if all of it makes sense, it is done range by range.
pub(super) fn listed(ata: &mut Ata, core: &mut Core) {
    match parse(&core.take_data(), ata.total) {
        Some(mut ranges) => {
            ranges.reverse();
            next(ata, core, ranges);
        }
        None => core.fail(error::ABRT),
    }
}

pub(super) fn next(ata: &mut Ata, core: &mut Core, mut ranges: Vec<(u64, u64)>) {
    let Some((sector, count)) = ranges.pop() else {
        core.done();
        return;
    };
    ata.job = Job::Trim(ranges);
    core.wait(Request::Discard { sector, count });
}

/// The ranges of a list, those that touch joined. `None` if one is not on the
/// disk of `total` sectors.
fn parse(list: &[u8], total: u64) -> Option<Vec<(u64, u64)>> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    let (entries, _) = list.as_chunks::<8>();
    for entry in entries {
        // 48 bits of address, 16 of length; no length is no range.
        let entry = u64::from_le_bytes(*entry);
        let (sector, count) = (entry & ((1 << 48) - 1), entry >> 48);
        if count == 0 {
            continue;
        }
        if sector + count > total {
            return None;
        }
        match ranges.last_mut() {
            Some((start, length)) if *start + *length == sector => *length += count,
            _ => ranges.push((sector, count)),
        }
    }
    Some(ranges)
}
