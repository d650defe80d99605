//! Reading ahead, as the buffer of a real drive does: who reads one piece after
//! the other in small steps (a BIOS, a boot loader) finds the next ones here.
//!
//! For media that nobody writes only: what lies here would not follow a change.

use alloc::vec::Vec;
use core::ops::Range;

/// Bytes of a sector.
const SECTOR: usize = 512;
/// Sectors that are read at once for a reader in sequence: 128 KiB, which a
/// backend gives in one request.
const WINDOW: u32 = 256;

/// The sectors that were read last.
#[derive(Default, Debug)]
pub struct ReadAhead {
    start: u64,
    data: Vec<u8>,
    /// Where the last reader stopped.
    next: u64,
}

impl ReadAhead {
    /// Sectors `sector..sector + count`, if they are all here.
    pub fn find(&mut self, sector: u64, count: u32) -> Option<Vec<u8>> {
        let from = usize::try_from(sector.checked_sub(self.start)?).ok()?;
        let from = from.checked_mul(SECTOR)?;
        let to = from.checked_add(count as usize * SECTOR)?;
        let found = self.data.get(from..to)?.to_vec();
        self.next = sector + u64::from(count);
        Some(found)
    }

    /// How many sectors to read from `sector` on for one who wants `count`, of a
    /// medium of `total` sectors: more if that is where the last one stopped.
    pub fn plan(&self, sector: u64, count: u32, total: u64) -> u32 {
        let left = total.saturating_sub(sector);
        match u32::try_from(left) {
            _ if sector != self.next => count,
            Ok(left) => count.max(WINDOW.min(left)),
            Err(_) => count.max(WINDOW),
        }
    }

    /// Takes what was read from `sector` on, and gives the `count` sectors that
    /// were wanted.
    pub fn keep(&mut self, sector: u64, count: u32, data: Vec<u8>) -> Vec<u8> {
        self.next = sector.saturating_add(count.into());
        let wanted: Range<usize> = 0..count as usize * SECTOR;
        if data.len() <= wanted.end {
            return data;
        }
        self.start = sector;
        self.data = data;
        self.data.get(wanted).unwrap_or_default().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sectors each filled with the low byte of their number.
    fn medium(sectors: Range<u64>) -> Vec<u8> {
        sectors.flat_map(|n| [n as u8; 512]).collect()
    }

    /// Reads as a drive would; how many sectors the medium was asked for.
    fn read(ahead: &mut ReadAhead, sector: u64, count: u32) -> u32 {
        let total = 1000;
        let expected = medium(sector..sector + u64::from(count));
        if let Some(found) = ahead.find(sector, count) {
            assert_eq!(found, expected, "sector {sector}");
            return 0;
        }
        let planned = ahead.plan(sector, count, total);
        assert!(planned >= count && sector + u64::from(planned) <= total);
        let data = medium(sector..sector + u64::from(planned));
        assert_eq!(ahead.keep(sector, count, data), expected);
        planned
    }

    #[test]
    fn a_reader_in_sequence_asks_the_medium_seldom() {
        let mut ahead = ReadAhead::default();
        assert_eq!(read(&mut ahead, 64, 4), 4, "the first one");
        assert_eq!(read(&mut ahead, 68, 4), 256);
        for sector in (72..320).step_by(4) {
            assert_eq!(read(&mut ahead, sector, 4), 0, "sector {sector}");
        }
        assert_eq!(read(&mut ahead, 320, 4), 0, "up to the end");
        // Half of it here is not enough.
        assert_eq!(read(&mut ahead, 323, 4), 4);
        assert_eq!(read(&mut ahead, 327, 4), 256);
    }

    #[test]
    fn one_who_jumps_gets_what_he_asks_for_and_no_more() {
        let mut ahead = ReadAhead::default();
        for sector in [900, 16, 500, 20, 17, 16] {
            assert_eq!(read(&mut ahead, sector, 4), 4);
        }
        // And what was read in sequence is not lost by it.
        assert_eq!(read(&mut ahead, 20, 4), 256);
        assert_eq!(read(&mut ahead, 600, 4), 4);
        assert_eq!(read(&mut ahead, 24, 4), 0);
    }

    #[test]
    fn nothing_is_read_behind_the_end_and_large_reads_pass_through() {
        let mut ahead = ReadAhead::default();
        assert_eq!(read(&mut ahead, 984, 8), 8);
        assert_eq!(read(&mut ahead, 992, 4), 8);
        assert_eq!(read(&mut ahead, 0, 512), 512);
        assert_eq!(read(&mut ahead, 512, 300), 300);
        assert_eq!(ahead.find(u64::MAX, 4), None);
        assert_eq!(ahead.plan(u64::MAX, 4, 10), 4);
    }
}
