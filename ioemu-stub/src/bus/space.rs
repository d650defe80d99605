//! Which chip answers at which address.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::ops::Range;

use super::{Shared, Width};

/// One region of a chip, at its place.
struct Mapping {
    at: Range<u64>,
    chip: Shared,
    region: u8,
}

/// An address space: the ports, or memory.
///
/// Where nobody answers, reads are all ones and writes are lost, as on the
/// real bus. An access that only partly lies in a region belongs to nobody.
/// Of two chips at one address the later one answers, until it leaves; but
/// those that the guest moves about stand behind those that were put in place.
#[derive(Default)]
pub struct Space {
    mappings: Vec<Mapping>,
}

impl Space {
    /// An empty space.
    pub fn new() -> Self {
        Space::default()
    }

    /// Puts region `region` of `chip` at `at`.
    pub fn map(&mut self, at: Range<u64>, chip: Shared, region: u8) {
        self.mappings.push(Mapping { at, chip, region });
    }

    /// The same for a region that the guest has moved there: it answers only
    /// where nobody else does. So no guest can hide the chips that have a fixed
    /// place, and of two that it puts on one another the one that was there
    /// answers, as outside.
    pub fn map_behind(&mut self, at: Range<u64>, chip: Shared, region: u8) {
        self.mappings.insert(0, Mapping { at, chip, region });
    }

    /// Takes region `region` of `chip` away, wherever it is. Says from where.
    pub fn unmap(&mut self, chip: &Shared, region: u8) -> Vec<Range<u64>> {
        let mine =
            |mapping: &mut Mapping| mapping.region == region && Rc::ptr_eq(&mapping.chip, chip);
        let taken = self.mappings.extract_if(.., mine);
        taken.map(|mapping| mapping.at).collect()
    }

    /// Who answers an access to `bytes` bytes at `address`, and at which
    /// offset. The chip is handed out so that it may itself change the space.
    pub fn find(&self, address: u64, bytes: usize) -> Option<(Shared, u8, u64)> {
        let end = address.checked_add(bytes as u64)?;
        let answers = |mapping: &&Mapping| mapping.at.start <= address && end <= mapping.at.end;
        let mapping = self.mappings.iter().rev().find(answers)?;
        let chip = mapping.chip.clone();
        Some((chip, mapping.region, address - mapping.at.start))
    }

    /// The processor reads.
    pub fn read(&self, address: u64, width: Width) -> u64 {
        match self.find(address, width.bytes()) {
            Some((chip, region, offset)) => chip.borrow_mut().read(region, offset, width),
            None => width.ones(),
        }
    }

    /// The processor writes.
    pub fn write(&self, address: u64, width: Width, value: u64) {
        if let Some((chip, region, offset)) = self.find(address, width.bytes()) {
            chip.borrow_mut()
                .write(region, offset, width, value & width.ones());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Registers;
    use core::cell::RefCell;

    /// Remembers what it was told.
    #[derive(Default)]
    struct Probe {
        seen: Vec<(u8, u64, Width, u64)>,
    }

    impl Registers for Probe {
        fn read(&mut self, region: u8, offset: u64, _: Width) -> u64 {
            u64::from(region) << 4 | offset
        }

        fn write(&mut self, region: u8, offset: u64, width: Width, value: u64) {
            self.seen.push((region, offset, width, value));
        }
    }

    fn space_with(ranges: &[(Range<u64>, u8)]) -> (Space, Rc<RefCell<Probe>>) {
        let chip = Rc::new(RefCell::new(Probe::default()));
        let mut space = Space::new();
        for (at, region) in ranges {
            space.map(at.clone(), chip.clone(), *region);
        }
        (space, chip)
    }

    #[test]
    fn an_access_reaches_the_region_at_its_offset() {
        let (space, chip) = space_with(&[(0x1f0..0x1f8, 1), (0x3f6..0x3f7, 2)]);
        assert_eq!(space.read(0x1f7, Width::Byte), 0x17);
        space.write(0x3f6, Width::Byte, 0x1_02);
        assert_eq!(chip.borrow().seen, [(2, 0, Width::Byte, 2)]);
    }

    #[test]
    fn nobody_answers_outside_or_across_an_edge() {
        let (space, chip) = space_with(&[(0x1f0..0x1f8, 1)]);
        assert_eq!(space.read(0x1ef, Width::Byte), 0xff);
        assert_eq!(space.read(0x1f7, Width::Word), 0xffff);
        assert_eq!(space.read(u64::MAX, Width::Dword), 0xffff_ffff);
        space.write(0x1f6, Width::Dword, 0);
        assert!(chip.borrow().seen.is_empty());
    }

    #[test]
    fn the_later_chip_answers_until_it_leaves() {
        let (mut space, _first) = space_with(&[(0..16, 1)]);
        let second: Shared = Rc::new(RefCell::new(Probe::default()));
        space.map(8..12, second.clone(), 3);
        assert_eq!(space.read(9, Width::Byte), 0x31);
        assert_eq!(space.unmap(&second, 3), vec![Range { start: 8, end: 12 }]);
        assert_eq!(space.read(9, Width::Byte), 0x19);
    }

    #[test]
    fn a_block_repeats_one_register() {
        let (space, _) = space_with(&[(0..8, 2)]);
        let (chip, region, offset) = space.find(4, 2).unwrap();
        let mut data = [0; 6];
        chip.borrow_mut()
            .read_block(region, offset, Width::Word, &mut data);
        assert_eq!(data, [0x24, 0, 0x24, 0, 0x24, 0]);
    }
}
