//! The unplug protocol, as its document and the drivers have it.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::*;

type Told = Rc<RefCell<Vec<Unplug>>>;

fn chip(refuses: bool) -> (Platform, Told) {
    let told = Told::default();
    let hears = told.clone();
    let tell: Box<dyn Fn(Unplug)> = Box::new(move |what| hears.borrow_mut().push(what));
    let unpluggable = Rc::new(RefCell::new(Vec::from([tell])));
    (Platform::new(unpluggable, refuses), told)
}

/// check_platform_magic of Linux, then its unplug of everything.
fn linux(chip: &mut Platform) -> bool {
    assert_eq!(chip.read(0, 0, Width::Word), 0x49d2);
    assert_eq!(chip.read(0, 2, Width::Byte), 1);
    chip.write(0, 2, Width::Word, 3);
    chip.write(0, 0, Width::Dword, 0x0006_01b4);
    if chip.read(0, 0, Width::Word) != 0x49d2 {
        return false;
    }
    chip.write(0, 0, Width::Word, 0x3);
    true
}

#[test]
fn linux_unplugs() {
    let (mut chip, told) = chip(false);
    assert!(linux(&mut chip));
    assert_eq!(*told.borrow(), [Unplug::Disks, Unplug::NetworkCards]);
}

#[test]
fn a_refused_guest_learns_it_and_could_not_anyway() {
    let (mut chip, told) = chip(true);
    assert!(!linux(&mut chip));
    chip.write(0, 0, Width::Word, 7);
    chip.write(1, 4, Width::Dword, 1);
    chip.write(1, 8, Width::Dword, 1);
    assert_eq!(*told.borrow(), []);
}

#[test]
fn each_bit_and_each_old_way_unplugs_its_own() {
    use Unplug::*;
    for (region, offset, width, value, expected) in [
        (0, 0, Width::Word, 1, &[Disks][..]),
        (0, 0, Width::Word, 2, &[NetworkCards]),
        (0, 0, Width::Word, 4, &[AuxiliaryDisks]),
        (0, 0, Width::Word, 0xfff8, &[]),
        (0, 0, Width::Byte, 3, &[]),
        (1, 4, Width::Dword, 1, &[Disks, NetworkCards]),
        (1, 4, Width::Dword, 2, &[]),
        (1, 8, Width::Dword, 1, &[Disks]),
        (1, 8, Width::Dword, 2, &[NetworkCards]),
        (2, 4, Width::Dword, 1, &[]),
    ] {
        let (mut chip, told) = chip(false);
        chip.write(region, offset, width, value);
        assert_eq!(*told.borrow(), expected, "{value} to {region}:{offset}");
    }
}

#[test]
fn other_sizes_and_places_are_ones() {
    let (mut chip, _) = chip(false);
    for (offset, width) in [
        (0, Width::Dword),
        (1, Width::Byte),
        (2, Width::Word),
        (4, Width::Byte),
        (15, Width::Byte),
    ] {
        assert_eq!(chip.read(0, offset, width), width.ones(), "{offset}");
    }
    assert_eq!(chip.read(1, 17, Width::Byte), 0xff);
    assert_eq!(chip.read(2, 17, Width::Byte), 0);
}

#[test]
fn the_rom_lock_is_one_bit() {
    let (mut chip, _) = chip(false);
    chip.write(0, 0, Width::Byte, 0xff);
    assert_eq!(chip.read(0, 0, Width::Byte), 1);
    assert_eq!(chip.read(1, 0, Width::Byte), 1);
    chip.write(1, 0, Width::Byte, 0);
    assert_eq!(chip.read(0, 0, Width::Byte), 0);
}

/// A guest cannot fill dom0's disk.
#[test]
fn a_guest_that_writes_without_end_is_cut_off() {
    let (mut chip, _) = chip(false);
    for i in 0..200_000u64 {
        chip.write(0, 2, Width::Byte, b'a' as u64 + i % 26);
        assert!(chip.line.len() < LOG_LINE);
    }
    assert_eq!(chip.log_left, 0);
}

/// Nor by introducing itself and unplugging again and again.
#[test]
fn what_is_logged_of_a_guest_has_an_end() {
    let (mut chip, told) = chip(false);
    for _ in 0..10_000 {
        chip.write(0, 0, Width::Dword, 1);
        chip.write(0, 0, Width::Word, 1);
    }
    assert!(chip.log_left < LOG_LINE);
    assert_eq!(told.borrow().len(), 10_000, "it works all the same");
}
