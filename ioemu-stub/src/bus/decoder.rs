//! Puts chips where the guest reaches them.
//!
//! A range of addresses is of use only if this machine knows whose it is (a
//! [`Space`]) and the outside sends us the accesses (a [`Claim`]). A
//! [`Decoder`] does both, for chips at fixed places as for those that the
//! guest moves about.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ops::Range;

use super::{Shared, Space};
use crate::surroundings::{Claim, Ranges};

/// One region at its place.
struct Placed {
    chip: Shared,
    region: u8,
    at: Claim,
    /// Whether the outside sends it to us. It does not while another region
    /// is at the same place, or if it has no room.
    claimed: bool,
}

/// Where every region of every chip is. All clones are one.
#[derive(Clone)]
pub struct Decoder {
    ports: Rc<RefCell<Space>>,
    memory: Rc<RefCell<Space>>,
    ranges: Rc<dyn Ranges>,
    placed: Rc<RefCell<Vec<Placed>>>,
}

impl Decoder {
    /// A decoder for spaces that are empty yet.
    pub fn new(ranges: Rc<dyn Ranges>) -> Self {
        Decoder {
            ports: Rc::default(),
            memory: Rc::default(),
            ranges,
            placed: Rc::default(),
        }
    }

    /// The I/O ports.
    pub fn ports(&self) -> &Rc<RefCell<Space>> {
        &self.ports
    }

    /// The device memory.
    pub fn memory(&self) -> &Rc<RefCell<Space>> {
        &self.memory
    }

    /// Shows region `region` of `chip` at ports `at`.
    pub fn place_ports(&self, chip: &Shared, region: u8, at: Range<u64>) {
        self.ports
            .borrow_mut()
            .map(at.clone(), chip.clone(), region);
        self.place(chip, region, Claim::Ports(at));
    }

    /// Shows region `region` of `chip` at guest physical addresses `at`.
    pub fn place_memory(&self, chip: &Shared, region: u8, at: Range<u64>) {
        self.memory
            .borrow_mut()
            .map(at.clone(), chip.clone(), region);
        self.place(chip, region, Claim::Memory(at));
    }

    /// Shows it at ports `at`, where the guest wants it: behind all others.
    pub fn move_to_ports(&self, chip: &Shared, region: u8, at: Range<u64>) {
        self.ports
            .borrow_mut()
            .map_behind(at.clone(), chip.clone(), region);
        self.place(chip, region, Claim::Ports(at));
    }

    /// Shows it at guest physical addresses `at`, where the guest wants it:
    /// behind all others.
    pub fn move_to_memory(&self, chip: &Shared, region: u8, at: Range<u64>) {
        self.memory
            .borrow_mut()
            .map_behind(at.clone(), chip.clone(), region);
        self.place(chip, region, Claim::Memory(at));
    }

    fn place(&self, chip: &Shared, region: u8, at: Claim) {
        let claimed = self.ranges.claim(at.clone()).is_ok();
        self.placed.borrow_mut().push(Placed {
            chip: chip.clone(),
            region,
            at,
            claimed,
        });
    }

    /// Lets go of all chips.
    pub fn clear(&self) {
        self.placed.take();
        self.ports.take();
        self.memory.take();
    }

    /// Takes region `region` of `chip` away from wherever it is.
    pub fn remove(&self, chip: &Shared, region: u8) {
        let mut placed = self.placed.borrow_mut();
        let mine = |placed: &mut Placed| placed.region == region && Rc::ptr_eq(&placed.chip, chip);
        let mut gone = false;
        for taken in placed.extract_if(.., mine) {
            gone = true;
            if taken.claimed {
                self.ranges.release(taken.at);
            }
        }
        if !gone {
            return;
        }
        self.ports.borrow_mut().unmap(chip, region);
        self.memory.borrow_mut().unmap(chip, region);
        // Somebody may have stood in the shade of the one that left.
        for waiting in placed.iter_mut().filter(|placed| !placed.claimed) {
            waiting.claimed = self.ranges.claim(waiting.at.clone()).is_ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::{Registers, Width};
    use crate::surroundings::NoRange;

    struct Nothing;

    impl Registers for Nothing {
        fn read(&mut self, region: u8, _: u64, _: Width) -> u64 {
            region.into()
        }

        fn write(&mut self, _: u8, _: u64, _: Width, _: u64) {}
    }

    /// Refuses what overlaps, as Xen does, and what it does not know.
    #[derive(Default)]
    struct Strict(RefCell<Vec<Range<u64>>>);

    impl Ranges for Strict {
        fn claim(&self, range: Claim) -> Result<(), NoRange> {
            let Claim::Ports(at) = range else {
                return Err(NoRange);
            };
            let mut known = self.0.borrow_mut();
            if known.iter().any(|k| at.start < k.end && k.start < at.end) {
                return Err(NoRange);
            }
            known.push(at);
            Ok(())
        }

        fn release(&self, range: Claim) {
            let Claim::Ports(at) = range else {
                panic!("released what was never claimed");
            };
            let mut known = self.0.borrow_mut();
            let i = known.iter().position(|k| *k == at).expect("was claimed");
            known.swap_remove(i);
        }
    }

    #[test]
    fn what_is_placed_is_claimed_and_what_goes_is_released() {
        let ranges = Rc::new(Strict::default());
        let decoder = Decoder::new(ranges.clone());
        let chip: Shared = Rc::new(RefCell::new(Nothing));
        decoder.place_ports(&chip, 1, 0x60..0x61);
        decoder.place_ports(&chip, 1, 0x64..0x65);
        assert_eq!(ranges.0.borrow().len(), 2);
        assert_eq!(decoder.ports().borrow().read(0x64, Width::Byte), 1);
        decoder.remove(&chip, 1);
        assert!(ranges.0.borrow().is_empty());
        assert_eq!(decoder.ports().borrow().read(0x64, Width::Byte), 0xff);
    }

    #[test]
    fn one_in_the_shade_of_another_comes_out_when_that_leaves() {
        let ranges = Rc::new(Strict::default());
        let decoder = Decoder::new(ranges.clone());
        let chip: Shared = Rc::new(RefCell::new(Nothing));
        decoder.place_ports(&chip, 1, 0xc000..0xc010);
        decoder.place_ports(&chip, 2, 0xc008..0xc018);
        assert_eq!(*ranges.0.borrow(), vec![0xc000..0xc010]);
        decoder.remove(&chip, 1);
        assert_eq!(*ranges.0.borrow(), vec![0xc008..0xc018]);
        decoder.remove(&chip, 2);
        assert!(ranges.0.borrow().is_empty());
    }

    #[test]
    fn without_room_outside_the_machine_goes_on() {
        let decoder = Decoder::new(Rc::new(Strict::default()));
        let chip: Shared = Rc::new(RefCell::new(Nothing));
        decoder.place_memory(&chip, 3, 0xa0000..0xc0000);
        assert_eq!(decoder.memory().borrow().read(0xa0000, Width::Byte), 3);
        decoder.remove(&chip, 3);
        assert_eq!(decoder.memory().borrow().read(0xa0000, Width::Byte), 0xff);
    }
}
