//! What a viewer's user does, as it comes out of the i8042.

use alloc::vec::Vec;

use super::keymap::{Key, Keymap, Level};
use super::*;
use crate::bus::{Registers, Width};
use crate::testing::World;

/// A controller as after power-on, which translates nothing: what the keyboard
/// says in set 2 comes through; with the mouse reporting, and a viewer.
fn pc() -> (Rc<RefCell<I8042>>, Input) {
    let world = World::new(0);
    let mut chip = I8042::new(&world.pins(), world.clone());
    chip.write(1, 0, Width::Byte, 0x60);
    chip.write(0, 0, Width::Byte, 0x00);
    chip.write(0, 0, Width::Byte, 0xf4);
    chip.write(1, 0, Width::Byte, 0xd4);
    chip.write(0, 0, Width::Byte, 0xf4);
    let chip = Rc::new(RefCell::new(chip));
    drain(&chip);
    let input = Input::new(chip.clone());
    (chip, input)
}

/// Everything there is to read: the keyboard's, and the mouse's.
fn drain(chip: &RefCell<I8042>) -> (Vec<u8>, Vec<u8>) {
    let (mut keyboard, mut mouse) = (Vec::new(), Vec::new());
    let mut chip = chip.borrow_mut();
    for _ in 0..1000 {
        let status = chip.read(1, 0, Width::Byte);
        if status & 1 == 0 {
            return (keyboard, mouse);
        }
        let byte = chip.read(0, 0, Width::Byte) as u8;
        if status & 0x20 == 0 {
            keyboard.push(byte);
        } else {
            mouse.push(byte);
        }
    }
    panic!("it never ends");
}

/// Linux' code of a key, and what an IBM keyboard sends for it in set 2.
#[test]
fn keys_send_what_the_keyboard_sends() {
    for (code, make, release) in [
        (30, &[0x1c][..], &[0xf0, 0x1c][..]),
        (1, &[0x76], &[0xf0, 0x76]),
        (28, &[0x5a], &[0xf0, 0x5a]),
        (57, &[0x29], &[0xf0, 0x29]),
        (65, &[0x83], &[0xf0, 0x83]),
        (87, &[0x78], &[0xf0, 0x78]),
        (88, &[0x07], &[0xf0, 0x07]),
        (86, &[0x61], &[0xf0, 0x61]),
        (69, &[0x77], &[0xf0, 0x77]),
        (70, &[0x7e], &[0xf0, 0x7e]),
        (42, &[0x12], &[0xf0, 0x12]),
        (96, &[0xe0, 0x5a], &[0xe0, 0xf0, 0x5a]),
        (97, &[0xe0, 0x14], &[0xe0, 0xf0, 0x14]),
        (100, &[0xe0, 0x11], &[0xe0, 0xf0, 0x11]),
        (98, &[0xe0, 0x4a], &[0xe0, 0xf0, 0x4a]),
        (125, &[0xe0, 0x1f], &[0xe0, 0xf0, 0x1f]),
        (127, &[0xe0, 0x2f], &[0xe0, 0xf0, 0x2f]),
        (105, &[0xe0, 0x6b], &[0xe0, 0xf0, 0x6b]),
        (111, &[0xe0, 0x71], &[0xe0, 0xf0, 0x71]),
        // Print Screen, and Pause, which is never let go.
        (
            99,
            &[0xe0, 0x12, 0xe0, 0x7c],
            &[0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12],
        ),
        (119, &[0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77], &[]),
        // Multimedia.
        (113, &[0xe0, 0x23], &[0xe0, 0xf0, 0x23]),
        (115, &[0xe0, 0x32], &[0xe0, 0xf0, 0x32]),
        (114, &[0xe0, 0x21], &[0xe0, 0xf0, 0x21]),
        (164, &[0xe0, 0x34], &[0xe0, 0xf0, 0x34]),
        (172, &[0xe0, 0x3a], &[0xe0, 0xf0, 0x3a]),
        (116, &[0xe0, 0x37], &[0xe0, 0xf0, 0x37]),
    ] {
        let (chip, mut input) = pc();
        input.key(code, true);
        assert_eq!(drain(&chip).0, make, "key {code}");
        input.key(code, false);
        assert_eq!(drain(&chip).0, release, "key {code}");
    }
}

#[test]
fn a_keyboard_of_105_keys_has_each_of_them_once() {
    // Linux' codes of all keys of a 105-key keyboard.
    let others = [86, 87, 88, 96, 97, 98, 99, 100, 119, 125, 126, 127];
    let keys = (1..=83).chain(others).chain(102..=111);
    let mut seen: Vec<u16> = keys.map(|code| scan_code(code).expect("a key")).collect();
    assert_eq!(seen.len(), 105);
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 105);
    assert_eq!(scan_code(0), None);
    assert_eq!(scan_code(u32::MAX), None);
}

#[test]
fn buttons_movement_and_wheel_reach_the_mouse() {
    let (chip, mut input) = pc();
    input.key(0x110, true);
    assert_eq!(drain(&chip).1, [0x09, 0, 0]);
    // Up is positive for the mouse.
    input.moved(5, 7, 0);
    assert_eq!(drain(&chip).1, [0x29, 5, 0xf9]);
    input.key(0x110, false);
    input.key(0x111, true);
    assert_eq!(drain(&chip).1, [0x08, 0, 0, 0x0a, 0, 0]);
    input.key(0x112, true);
    assert_eq!(drain(&chip).1, [0x0e, 0, 0]);
    // A button that no mouse has.
    input.key(0x117, true);
    assert_eq!(drain(&chip).1, []);
}

/// The sum of the movements that the mouse reported.
fn travelled(packets: &[u8]) -> (i32, i32) {
    packets.chunks(3).fold((0, 0), |(x, y), packet| {
        let nine = |low: u8, sign: u8| i32::from(low) - if sign != 0 { 256 } else { 0 };
        (
            x + nine(packet[1], packet[0] & 0x10),
            y - nine(packet[2], packet[0] & 0x20),
        )
    })
}

#[test]
fn places_become_movements_that_add_up() {
    let (chip, mut input) = pc();
    let raw = (0x7fff, 0x7fff);
    // Where it is at first is where it is.
    input.placed((0x4000, 0x4000), raw, (800, 600), 0);
    assert_eq!(drain(&chip).1, []);
    let mut total = (0, 0);
    for step in 0..=1000 {
        let place = (0x4000 + step * 0x3fff / 1000, 0x4000 - step * 0x4000 / 1000);
        input.placed(place, raw, (800, 600), 0);
        let (dx, dy) = travelled(&drain(&chip).1);
        total = (total.0 + dx, total.1 + dy);
    }
    assert!(
        (total.0 - 400).abs() <= 1 && (total.1 + 300).abs() <= 1,
        "{total:?}"
    );
    // Nonsense is inside the picture.
    for nonsense in [i32::MIN, -1, 0x8000, i32::MAX] {
        input.placed((nonsense, nonsense), raw, (u32::MAX, 0), 0);
        input.placed((1, 1), (i32::MIN, 0), (800, 600), 0);
        drain(&chip);
    }
}

#[test]
fn a_viewer_that_goes_lets_go_of_everything() {
    let (chip, mut input) = pc();
    input.key(30, true);
    input.key(42, true);
    input.key(0x111, true);
    drain(&chip);
    drop(input);
    let (keyboard, mouse) = drain(&chip);
    assert_eq!(keyboard, [0xf0, 0x1c, 0xf0, 0x12]);
    assert_eq!(mouse, [0x08, 0, 0]);
}

#[test]
fn a_key_that_is_up_does_not_go_up() {
    let (chip, mut input) = pc();
    input.key(30, false);
    assert_eq!(drain(&chip).0, []);
    // Held down, it repeats.
    input.key(30, true);
    input.key(30, true);
    assert_eq!(drain(&chip).0, [0x1c, 0x1c]);
}

#[test]
fn keysyms_find_their_keys() {
    for (name, keysym, scan, level) in [
        ("en-us", u32::from('a'), 0x1e, Level::Plain),
        ("en-us", u32::from('A'), 0x1e, Level::Shift),
        ("en-us", u32::from('@'), 0x03, Level::Shift),
        ("en-us", 0xff0d, 0x1c, Level::Any),
        ("en-us", 0xff51, 0xe04b, Level::Any),
        ("en-us", 0xffc9, 0x58, Level::Any),
        ("en-gb", u32::from('@'), 0x28, Level::Shift),
        ("en-gb", 0x20ac, 0x05, Level::AltGr),
        ("de", u32::from('z'), 0x15, Level::Plain),
        ("de", u32::from('y'), 0x2c, Level::Plain),
        ("de", u32::from('@'), 0x10, Level::AltGr),
        ("de", 0xfe52, 0x29, Level::Plain),
        ("de", 0xdf, 0x0c, Level::Plain),
        ("fr", u32::from('a'), 0x10, Level::Plain),
        ("fr", u32::from('1'), 0x02, Level::Shift),
        ("fr", u32::from('m'), 0x27, Level::Plain),
        // By its Unicode number.
        ("de", 0x0100_00e4, 0x28, Level::Plain),
    ] {
        let map = Keymap::named(name).expect("a layout");
        assert_eq!(
            map.key(keysym),
            Some(Key { scan, level }),
            "{name} {keysym:#x}"
        );
    }
    let map = Keymap::named("en-us").unwrap();
    assert_eq!(map.key(0xdf), None);
    assert_eq!(map.key(u32::MAX), None);
    assert!(Keymap::named("klingon").is_none());
}

#[test]
fn every_layout_types_all_of_ascii() {
    for name in Keymap::NAMES {
        let map = Keymap::named(name).unwrap();
        for keysym in 0x20..0x7f {
            assert!(map.key(keysym).is_some(), "{name}: {keysym:#x}");
        }
    }
}
