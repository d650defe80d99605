//! The window at A0000h: what IBM's document says of the data path.

use super::modes::*;
use super::*;

/// The four planes' bytes at an address, by reading each plane.
fn planes(card: &mut Card, address: u64) -> [u8; 4] {
    [0, 1, 2, 3].map(|plane| {
        card.outw(0x3ce, 4, plane);
        card.peek(address)
    })
}

/// Puts bytes into the four planes, and the latches.
fn put(card: &mut Card, address: u64, bytes: [u8; 4]) {
    let rest = [(0u8, 0u8), (1, 0), (3, 0), (5, 0), (8, 0xff)];
    for (index, value) in rest {
        card.outw(0x3ce, index, value);
    }
    for (plane, byte) in bytes.into_iter().enumerate() {
        card.outw(0x3c4, 2, 1 << plane);
        card.poke(address, byte);
    }
    card.outw(0x3c4, 2, 0x0f);
    card.peek(address);
}

const AT: u64 = 0xa_1234;
const OLD: [u8; 4] = [0x0f, 0x33, 0x55, 0xff];

/// What the planes hold after one write with these graphics registers.
fn after(registers: &[(u8, u8)], mask: u8, value: u8) -> [u8; 4] {
    let mut card = Card::new();
    card.set_mode(&PLANAR_12);
    put(&mut card, AT, OLD);
    for (index, data) in registers {
        card.outw(0x3ce, *index, *data);
    }
    card.outw(0x3c4, 2, mask);
    card.poke(AT, value);
    card.outw(0x3ce, 5, 0);
    planes(&mut card, AT)
}

#[test]
fn write_mode_0() {
    assert_eq!(after(&[], 0x0f, 0xa5), [0xa5; 4]);
    assert_eq!(after(&[], 0x05, 0xa5), [0xa5, 0x33, 0xa5, 0xff]);
    // Rotated right by three.
    assert_eq!(after(&[(3, 3)], 0x0f, 0x81), [0x30; 4]);
    // Set/reset for planes 0 and 1: one and zero.
    assert_eq!(
        after(&[(0, 0x01), (1, 0x03)], 0x0f, 0xa5),
        [0xff, 0x00, 0xa5, 0xa5]
    );
    // The upper half of the bits from the latches.
    assert_eq!(after(&[(8, 0x0f)], 0x0f, 0x00), [0x00, 0x30, 0x50, 0xf0]);
}

#[test]
fn the_four_functions() {
    for (function, expected) in [
        (0x00, [0x3c; 4]),
        (0x08, OLD.map(|old| old & 0x3c)),
        (0x10, OLD.map(|old| old | 0x3c)),
        (0x18, OLD.map(|old| old ^ 0x3c)),
    ] {
        assert_eq!(after(&[(3, function)], 0x0f, 0x3c), expected);
    }
}

#[test]
fn write_mode_1_copies_the_latches() {
    let mut card = Card::new();
    card.set_mode(&PLANAR_12);
    put(&mut card, AT, OLD);
    card.outw(0x3ce, 5, 1);
    card.outw(0x3ce, 8, 0);
    card.poke(AT + 1, 0x77);
    card.outw(0x3ce, 5, 0);
    assert_eq!(planes(&mut card, AT + 1), OLD);
}

#[test]
fn write_mode_2_takes_a_colour() {
    assert_eq!(after(&[(5, 2)], 0x0f, 0x0a), [0, 0xff, 0, 0xff]);
    assert_eq!(
        after(&[(5, 2), (8, 0xf0)], 0x0f, 0x05),
        [0xff, 0x03, 0xf5, 0x0f]
    );
}

#[test]
fn write_mode_3_takes_a_mask() {
    // Set/reset 0Ch where the byte, rotated, and the bit mask have ones.
    let registers = [(5, 3), (0, 0x0c), (3, 4), (8, 0x7e)];
    let bits = 0xc3u8.rotate_right(4) & 0x7e;
    let expected = [OLD[0] & !bits, OLD[1] & !bits, OLD[2] | bits, OLD[3] | bits];
    assert_eq!(after(&registers, 0x0f, 0xc3), expected);
}

#[test]
fn read_mode_1_compares_colours() {
    let mut card = Card::new();
    card.set_mode(&PLANAR_12);
    put(&mut card, AT, OLD);
    card.outw(0x3ce, 5, 0x08);
    for (compare, care) in [(0x0f, 0x0f), (0x0d, 0x0f), (0x0a, 0x0a), (0, 0)] {
        card.outw(0x3ce, 2, compare);
        card.outw(0x3ce, 7, care);
        let expected = (0..8).fold(0u8, |byte, bit| {
            let color = (0..4).fold(0, |color, plane| color | (OLD[plane] >> bit & 1) << plane);
            byte | u8::from((color ^ compare) & care == 0) << bit
        });
        assert_eq!(card.peek(AT), expected, "{compare:#x} {care:#x}");
    }
}

#[test]
fn the_window_lies_where_the_memory_map_says() {
    for (map, first, last) in [
        (0x00, 0xa_0000, 0xb_ffff),
        (0x04, 0xa_0000, 0xa_ffff),
        (0x08, 0xb_0000, 0xb_7fff),
        (0x0c, 0xb_8000, 0xb_ffff),
    ] {
        let mut card = Card::new();
        card.set_mode(&PLANAR_12);
        card.outw(0x3ce, 6, map | 1);
        for address in [first, last] {
            card.poke(address, 0x5a);
            assert_eq!(card.peek(address), 0x5a, "{map:#x} {address:#x}");
        }
        for outside in [first.wrapping_sub(1), last + 1] {
            if (0xa_0000..=0xb_ffff).contains(&outside) {
                card.poke(outside, 0x5a);
                assert_eq!(card.peek(outside), 0xff, "{map:#x} {outside:#x}");
            }
        }
    }
}

#[test]
fn text_has_characters_in_plane_0_and_attributes_in_plane_1() {
    let mut card = Card::new();
    card.set_mode(&TEXT_80);
    let word = u64::from(b'A') | 0x1f << 8;
    card.vga.write(WINDOW, 0x1_8010, Width::Word, word);
    assert_eq!(card.vga.read(WINDOW, 0x1_8010, Width::Word), word);
    // Plane by plane, at the even address.
    card.outw(0x3c4, 4, 0x06);
    card.outw(0x3ce, 5, 0x00);
    assert_eq!(planes(&mut card, 0xb_8010), [b'A', 0x1f, 0, 0]);
    assert_eq!(planes(&mut card, 0xb_8011), [0; 4]);
}

#[test]
fn chain_4_has_four_pixels_at_an_address() {
    let mut card = Card::new();
    card.set_mode(&MODE_13);
    let four = 0x4433_2211;
    card.vga.write(WINDOW, 0x40, Width::Dword, four);
    assert_eq!(card.vga.read(WINDOW, 0x40, Width::Dword), four);
    card.outw(0x3c4, 4, 0x06);
    assert_eq!(planes(&mut card, 0xa_0040), [0x11, 0x22, 0x33, 0x44]);
}

#[test]
fn the_window_shows_a_bank_of_the_frame_buffer() {
    let mut card = Card::new();
    card.set_mode(&MODE_13);
    card.set_dispi(800, 600, 8, 0);
    card.dispi(5, 3);
    card.vga.write(WINDOW, 0xfffc, Width::Dword, 0x0403_0201);
    assert_eq!(card.memory.bytes.borrow()[0x3_fffc..0x4_0000], [1, 2, 3, 4]);
    assert_eq!(card.vga.read(WINDOW, 0xfffd, Width::Byte), 2);
    // The next bank does not begin at the end of this one.
    card.vga.write(WINDOW, 0xffff, Width::Word, 0x0605);
    assert_eq!(card.memory.bytes.borrow()[0x4_0000], 0);
}
