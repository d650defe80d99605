//! What the data sheets say, and how firmware and systems set the controller
//! up.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::*;
use crate::testing::World;

fn chip() -> (Rc<World>, I8042) {
    let world = World::new(0);
    let chip = I8042::new(&world.pins(), world.clone());
    (world, chip)
}

fn status(chip: &mut I8042) -> u8 {
    chip.read(1, 0, Width::Byte) as u8
}

fn data(chip: &mut I8042) -> u8 {
    chip.read(0, 0, Width::Byte) as u8
}

fn command(chip: &mut I8042, value: u8) {
    chip.write(1, 0, Width::Byte, value.into());
}

fn write(chip: &mut I8042, value: u8) {
    chip.write(0, 0, Width::Byte, value.into());
}

fn mouse(chip: &mut I8042, value: u8) {
    command(chip, 0xd4);
    write(chip, value);
}

/// Everything there is to read, and whether each byte is the mouse's.
fn drain_with_source(chip: &mut I8042) -> Vec<(u8, bool)> {
    let mut bytes = Vec::new();
    while status(chip) & 1 != 0 {
        let aux = status(chip) & 0x20 != 0;
        bytes.push((data(chip), aux));
        assert!(bytes.len() < 200, "it never ends");
    }
    bytes
}

fn drain(chip: &mut I8042) -> Vec<u8> {
    let bytes = drain_with_source(chip).into_iter();
    bytes.map(|(byte, _)| byte).collect()
}

/// What comes back for each byte sent to the keyboard.
fn keyboard_answers(chip: &mut I8042, table: &[(u8, &[u8])]) {
    for (byte, answer) in table {
        write(chip, *byte);
        assert_eq!(drain(chip), *answer, "to {byte:#x}");
    }
}

fn mouse_answers(chip: &mut I8042, table: &[(u8, &[u8])]) {
    for (byte, answer) in table {
        mouse(chip, *byte);
        assert_eq!(drain(chip), *answer, "to {byte:#x}");
    }
}

#[test]
fn controller_commands_answer_as_the_technical_reference_says() {
    for (value, answer) in [
        (0xaa, 0x55),
        (0xab, 0x00),
        (0xa9, 0x00),
        (0xa4, 0xf1),
        (0x20, 0x03),
        (0xc0, 0x80),
        (0xd0, 0x03),
        (0xe0, 0x00),
    ] {
        let (_world, mut chip) = chip();
        assert_eq!(status(&mut chip) & 0x33, 0x10);
        command(&mut chip, value);
        assert_eq!(status(&mut chip) & 0x29, 0x09, "{value:#x}");
        assert_eq!(data(&mut chip), answer, "{value:#x}");
        assert_eq!(status(&mut chip) & 1, 0);
    }
}

#[test]
fn the_self_test_sets_the_system_flag() {
    let (_world, mut chip) = chip();
    assert_eq!(status(&mut chip) & 4, 0);
    command(&mut chip, 0xaa);
    assert_eq!(status(&mut chip) & 4, 4);
    write(&mut chip, 0xee);
    assert_eq!(status(&mut chip) & 8, 0, "that was data");
}

/// ps2_keyboard_setup of SeaBIOS.
#[test]
fn seabios_sets_the_keyboard_up() {
    let (world, mut chip) = chip();
    drain(&mut chip);
    command(&mut chip, 0xaa);
    assert_eq!(drain(&mut chip), [0x55]);
    command(&mut chip, 0xab);
    assert_eq!(drain(&mut chip), [0x00]);
    // Without interrupts, both devices off, then on for the keyboard.
    command(&mut chip, 0x60);
    write(&mut chip, 0x30);
    keyboard_answers(
        &mut chip,
        &[
            (0xff, &[0xfa, 0xaa]),
            (0xf5, &[0xfa]),
            (0xf0, &[0xfa]),
            (0x02, &[0xfa]),
        ],
    );
    command(&mut chip, 0x60);
    write(&mut chip, 0x61);
    keyboard_answers(&mut chip, &[(0xf4, &[0xfa])]);
    assert!(!world.irq(1));
    chip.key(0x1e, true);
    assert!(world.irq(1) && !world.irq(12));
    assert_eq!(data(&mut chip), 0x1e);
    assert!(!world.irq(1));
    chip.key(0x1e, false);
    assert_eq!(drain(&mut chip), [0x9e]);
}

/// i8042_check_aux and i8042_check_mux of Linux: a byte looped back with the
/// mouse's flag, and a multiplexer that is not there.
#[test]
fn linux_finds_a_mouse_port_and_no_multiplexer() {
    let (world, mut chip) = chip();
    for value in [0x5a, 0xf0, 0x56, 0xa4] {
        command(&mut chip, 0xd3);
        write(&mut chip, value);
        assert_eq!(drain_with_source(&mut chip), [(value, true)]);
    }
    for (value, bit) in [(0xa7, 0x20), (0xa8, 0x00)] {
        command(&mut chip, value);
        command(&mut chip, 0x20);
        assert_eq!(data(&mut chip) & 0x20, bit);
    }
    // The interrupt test: enable it, loop A5 back, and be interrupted.
    command(&mut chip, 0x60);
    write(&mut chip, 0x02);
    command(&mut chip, 0xd3);
    write(&mut chip, 0xa5);
    assert!(world.irq(12) && !world.irq(1));
    assert_eq!(data(&mut chip), 0xa5);
    assert!(!world.irq(12));
    command(&mut chip, 0xd2);
    write(&mut chip, 0x77);
    assert_eq!(drain_with_source(&mut chip), [(0x77, false)]);
}

/// atkbd_probe and atkbd_set_leds of Linux.
#[test]
fn linux_probes_the_keyboard() {
    let (_world, mut chip) = chip();
    keyboard_answers(
        &mut chip,
        &[
            (0xf2, &[0xfa, 0xab, 0x83]),
            (0xf5, &[0xfa]),
            (0xed, &[0xfa]),
            (0x02, &[0xfa]),
            (0xf3, &[0xfa]),
            (0x00, &[0xfa]),
            (0xf4, &[0xfa]),
        ],
    );
    assert_eq!(chip.leds(), 2);
    // With translation, the second byte of the identity is translated, too.
    command(&mut chip, 0x60);
    write(&mut chip, 0x47);
    keyboard_answers(&mut chip, &[(0xf2, &[0xfa, 0xab, 0x41])]);
}

#[test]
fn keyboard_commands() {
    let (_world, mut chip) = chip();
    keyboard_answers(
        &mut chip,
        &[
            (0xee, &[0xee]),
            (0xfe, &[0xee]),
            (0xf0, &[0xfa]),
            (0x00, &[0xfa, 0x02]),
            (0xf0, &[0xfa]),
            (0x04, &[0xfe]),
            (0xef, &[0xfe]),
            (0x12, &[0xfe]),
            // A command where an argument was due.
            (0xed, &[0xfa]),
            (0xf4, &[0xfa]),
            (0x07, &[0xfe]),
            (0xf0, &[0xfa]),
            (0x03, &[0xfa]),
            (0xfc, &[0xfa]),
            (0x1c, &[0xfa]),
            (0x32, &[0xfa]),
            (0xf4, &[0xfa]),
            (0xf0, &[0xfa]),
            (0x00, &[0xfa, 0x03]),
        ],
    );
}

#[test]
fn a_key_in_each_set() {
    // Code, then what set 1, 2 and 3 say of make and break.
    type Row = (u16, &'static [u8], &'static [u8], &'static [u8]);
    const ROWS: &[Row] = &[
        // A
        (0x1e, &[0x1e, 0x9e], &[0x1c, 0xf0, 0x1c], &[0x1c]),
        // left shift
        (
            0x2a,
            &[0x2a, 0xaa],
            &[0x12, 0xf0, 0x12],
            &[0x12, 0xf0, 0x12],
        ),
        // F7
        (0x41, &[0x41, 0xc1], &[0x83, 0xf0, 0x83], &[0x37]),
        // left arrow
        (
            0xe04b,
            &[0xe0, 0x4b, 0xe0, 0xcb],
            &[0xe0, 0x6b, 0xe0, 0xf0, 0x6b],
            &[0x61],
        ),
        // right control
        (
            0xe01d,
            &[0xe0, 0x1d, 0xe0, 0x9d],
            &[0xe0, 0x14, 0xe0, 0xf0, 0x14],
            &[0x58],
        ),
        // the number pad's Enter
        (
            0xe01c,
            &[0xe0, 0x1c, 0xe0, 0x9c],
            &[0xe0, 0x5a, 0xe0, 0xf0, 0x5a],
            &[0x79],
        ),
        // Print Screen
        (
            0xe037,
            &[0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa],
            &[0xe0, 0x12, 0xe0, 0x7c, 0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12],
            &[0x57],
        ),
        // Pause
        (
            0xe046,
            &[0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5],
            &[0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77],
            &[0x62],
        ),
        // no such key
        (0x80, &[], &[], &[]),
        (0x1234, &[], &[], &[]),
    ];
    for (code, set1, set2, set3) in ROWS {
        for (set, expected) in [(1, set1), (2, set2), (3, set3)] {
            let (_world, mut chip) = chip();
            write(&mut chip, 0xf0);
            write(&mut chip, set);
            drain(&mut chip);
            chip.key(*code, true);
            chip.key(*code, false);
            assert_eq!(drain(&mut chip), *expected, "{code:#x} in set {set}");
        }
    }
}

/// Set 2 translated is set 1, for every key: what all systems rely on.
#[test]
fn translation_makes_set_1_of_set_2() {
    for code in (1..=0x58).chain(0xe001..=0xe07f) {
        let known = !(0x54..=0x55).contains(&code);
        let (_world, mut plain) = chip();
        write(&mut plain, 0xf0);
        write(&mut plain, 1);
        drain(&mut plain);
        let (_world, mut translated) = chip();
        command(&mut translated, 0x60);
        write(&mut translated, 0x43);
        for pressed in [true, true, false] {
            plain.key(code, pressed);
            translated.key(code, pressed);
        }
        if known {
            assert_eq!(drain(&mut translated), drain(&mut plain), "{code:#x}");
        }
    }
}

#[test]
fn a_held_key_repeats_as_its_type_says() {
    let (_world, mut chip) = chip();
    write(&mut chip, 0xf0);
    write(&mut chip, 3);
    drain(&mut chip);
    for (set_all, says) in [
        (0xf7, &[0x1c, 0x1c][..]),
        (0xf8, &[0x1c, 0xf0, 0x1c]),
        (0xf9, &[0x1c]),
        (0xfa, &[0x1c, 0x1c, 0xf0, 0x1c]),
    ] {
        write(&mut chip, set_all);
        drain(&mut chip);
        for pressed in [true, true, false] {
            chip.key(0x1e, pressed);
        }
        assert_eq!(drain(&mut chip), says, "{set_all:#x}");
    }
}

#[test]
fn a_keyboard_that_is_off_says_nothing() {
    let (_world, mut chip) = chip();
    write(&mut chip, 0xf5);
    drain(&mut chip);
    chip.key(0x1e, true);
    assert_eq!(drain(&mut chip), []);
    // Held back by the controller, it says it later.
    write(&mut chip, 0xf4);
    drain(&mut chip);
    command(&mut chip, 0xad);
    chip.key(0x1e, false);
    assert_eq!(status(&mut chip) & 1, 0);
    command(&mut chip, 0xae);
    assert_eq!(drain(&mut chip), [0xf0, 0x1c]);
}

/// A class of faults elsewhere: a queue that runs over while nobody reads.
#[test]
fn a_full_keyboard_says_so_once_and_keeps_whole_keys() {
    for (set, overrun) in [(1, 0xff), (2, 0x00)] {
        let (_world, mut chip) = chip();
        write(&mut chip, 0xf0);
        write(&mut chip, set);
        drain(&mut chip);
        for _ in 0..100 {
            chip.key(0xe04b, true);
        }
        let said = drain(&mut chip);
        // One byte was in the controller already.
        assert!((17..=18).contains(&said.len()), "{}", said.len());
        let (last, keys) = said.split_last().unwrap();
        assert_eq!(*last, overrun);
        let key = if set == 1 { [0xe0, 0x4b] } else { [0xe0, 0x6b] };
        assert!(keys.len().is_multiple_of(2));
        assert!(keys.chunks(2).all(|pair| pair == key), "{keys:x?}");
        chip.key(0x1e, true);
        assert_eq!(drain(&mut chip).len(), 1, "it goes on");
    }
}

/// Answers nobody reads do not pile up either.
#[test]
fn commands_without_end_leave_one_answer() {
    let (_world, mut chip) = chip();
    for _ in 0..10_000 {
        write(&mut chip, 0xf2);
        write(&mut chip, 0xfe);
        mouse(&mut chip, 0xe9);
        mouse(&mut chip, 0xfe);
        command(&mut chip, 0xaa);
    }
    assert!(drain(&mut chip).len() <= 16);
}

#[test]
fn an_empty_buffer_reads_as_the_last_byte() {
    let (_world, mut chip) = chip();
    chip.key(0x1e, true);
    assert_eq!(data(&mut chip), 0x1c);
    assert_eq!(data(&mut chip), 0x1c);
}

/// psmouse of Linux and the driver of Windows: reset, knock, identify.
#[test]
fn a_mouse_becomes_what_is_asked_for() {
    let (_world, mut chip) = chip();
    mouse_answers(
        &mut chip,
        &[
            (0xff, &[0xfa, 0xaa, 0x00]),
            (0xf2, &[0xfa, 0x00]),
            (0xf3, &[0xfa]),
            (200, &[0xfa]),
            (0xf3, &[0xfa]),
            (100, &[0xfa]),
            (0xf3, &[0xfa]),
            (80, &[0xfa]),
            (0xf2, &[0xfa, 0x03]),
            (0xf3, &[0xfa]),
            (200, &[0xfa]),
            (0xf3, &[0xfa]),
            (200, &[0xfa]),
            (0xf3, &[0xfa]),
            (80, &[0xfa]),
            (0xf2, &[0xfa, 0x04]),
            (0xff, &[0xfa, 0xaa, 0x00]),
            (0xf2, &[0xfa, 0x00]),
        ],
    );
}

#[test]
fn mouse_commands() {
    let (_world, mut chip) = chip();
    mouse_answers(
        &mut chip,
        &[
            (0xe9, &[0xfa, 0x00, 0x02, 100]),
            (0xe8, &[0xfa]),
            (0x03, &[0xfa]),
            (0xe7, &[0xfa]),
            (0xf4, &[0xfa]),
            (0xf0, &[0xfa]),
            (0xe9, &[0xfa, 0x70, 0x03, 100]),
            (0xeb, &[0xfa, 0x08, 0x00, 0x00]),
            (0xee, &[0xfa]),
            (0xe9, &[0xe9]),
            (0x00, &[0x00]),
            (0xec, &[0xfa]),
            (0xf6, &[0xfa]),
            (0xe9, &[0xfa, 0x00, 0x02, 100]),
            // Wrong twice is an error, then all is forgiven.
            (0xe8, &[0xfa]),
            (0x04, &[0xfe]),
            (0x01, &[0xfc]),
            (0x01, &[0xfe]),
            (0xf3, &[0xfa]),
            (0x55, &[0xfe]),
            (0xe6, &[0xfa]),
        ],
    );
}

#[test]
fn movement_is_a_packet() {
    let (world, mut chip) = chip();
    chip.mouse_moved(1, 1, 0);
    assert_eq!(drain(&mut chip), [], "not told to report");
    mouse_answers(&mut chip, &[(0xf4, &[0xfa])]);
    chip.mouse_moved(3, 5, 0);
    assert!(world.irq(12) && !world.irq(1));
    assert_eq!(
        drain_with_source(&mut chip),
        [(0x28, true), (3, true), (0xfb, true)]
    );
    chip.mouse_buttons(Buttons::from_bits(5));
    chip.mouse_buttons(Buttons::from_bits(5));
    chip.mouse_moved(-1, 0, 9);
    assert_eq!(drain(&mut chip), [0x0d, 0, 0, 0x1d, 0xff, 0]);
    mouse_answers(&mut chip, &[(0xe9, &[0xfa, 0x26, 2, 100])]);
}

#[test]
fn a_wheel_and_two_buttons_more() {
    let (_world, mut chip) = chip();
    for rate in [200, 100, 80] {
        mouse(&mut chip, 0xf3);
        mouse(&mut chip, rate);
    }
    mouse(&mut chip, 0xf4);
    drain(&mut chip);
    chip.mouse_moved(0, 0, -1);
    assert_eq!(drain(&mut chip), [0x08, 0, 0, 0xff]);
    for rate in [200, 200, 80] {
        mouse(&mut chip, 0xf3);
        mouse(&mut chip, rate);
    }
    drain(&mut chip);
    chip.mouse_moved(0, 0, -2);
    chip.mouse_buttons(Buttons::from_bits(0x18));
    assert_eq!(drain(&mut chip), [0x08, 0, 0, 0x0e, 0x08, 0, 0, 0x30]);
}

#[test]
fn scaling_doubles_by_the_table() {
    let (_world, mut chip) = chip();
    mouse(&mut chip, 0xe7);
    mouse(&mut chip, 0xf4);
    drain(&mut chip);
    for (moved, said) in [(1, 1), (2, 1), (3, 3), (4, 6), (5, 9), (6, 12), (100, 200)] {
        chip.mouse_moved(moved, 0, 0);
        assert_eq!(drain(&mut chip)[1], said, "{moved}");
    }
}

/// A class of faults elsewhere: movement that nobody reads.
#[test]
fn movement_that_nobody_reads_overflows_and_ends() {
    let (_world, mut chip) = chip();
    mouse_answers(&mut chip, &[(0xf4, &[0xfa])]);
    for _ in 0..100 {
        chip.mouse_moved(i32::MAX, i32::MIN, i32::MIN);
    }
    let said = drain(&mut chip);
    assert!(
        said.len().is_multiple_of(3) && said.len() <= 24,
        "{}",
        said.len()
    );
    assert_eq!(said[..3], [0x08, 255, 255]);
    assert_eq!(said[said.len() - 3..], [0xc8, 255, 255], "both overflowed");
    chip.mouse_moved(2, 0, 0);
    assert_eq!(drain(&mut chip), [0x08, 2, 0]);
}

#[test]
fn a_long_way_is_several_packets() {
    let (_world, mut chip) = chip();
    mouse_answers(&mut chip, &[(0xf4, &[0xfa])]);
    chip.mouse_moved(-600, 0, 0);
    let said = drain(&mut chip);
    let sum: i32 = said.chunks(3).map(|p| i32::from(p[1]) - 256).sum();
    assert_eq!((said.len(), sum), (9, -600));
}

#[test]
fn the_controller_resets_the_machine() {
    for (value, resets) in [(0xfe, true), (0xf0, true), (0xff, false), (0xf1, false)] {
        let (world, mut chip) = chip();
        command(&mut chip, value);
        let expected: &[PowerState] = if resets { &[PowerState::Reset] } else { &[] };
        assert_eq!(world.take_power(), expected, "{value:#x}");
    }
    let (world, mut chip) = chip();
    command(&mut chip, 0xd1);
    write(&mut chip, 0xdf);
    assert_eq!(world.take_power(), []);
    command(&mut chip, 0xd1);
    write(&mut chip, 0xde);
    assert_eq!(world.take_power(), [PowerState::Reset]);
}
