//! The mistakes other display adapters were caught with, each tried here. The
//! memory behind the card panics on nothing, but counts what lies outside.

use super::modes::*;
use super::*;

/// Sets a mode and looks at all of it.
fn look_at(card: &mut Card) -> (u32, u32) {
    let shot = card.shot();
    (shot.width, shot.height)
}

/// CVE-2016-3710: the bank was checked before, and not after, the planes were
/// counted in: four times beyond the end.
#[test]
fn no_bank_reaches_beyond_display_memory() {
    let mut card = Card::with_memory(1 << 20);
    card.set_mode(&PLANAR_12);
    card.set_dispi(800, 600, 4, 0);
    for bank in [3, 4, 15, 16, 0x7fff, 0xffff] {
        card.dispi(5, bank);
        let bank = u64::from(card.read_dispi(5));
        assert!(bank < 16, "banks of 1 MiB");
        for address in [0xa_0000, 0xa_ffff] {
            card.poke(address, 0x99);
            let seen = card.peek(address);
            // Planes have four banks here; the others hold nothing.
            assert_eq!(seen, if bank < 4 { 0x99 } else { 0 }, "bank {bank}");
        }
    }
}

/// CVE-2014-3615: a resolution changed after the size of the picture had been
/// checked made the display read on behind display memory.
#[test]
fn no_order_of_writes_makes_a_picture_larger_than_its_memory() {
    let mut card = Card::with_memory(1 << 20);
    card.set_dispi(1024, 256, 32, 0);
    assert_eq!(look_at(&mut card), (1024, 256));
    for (index, value) in [(2, 12000), (1, 16000), (3, 32), (9, 0xffff), (8, 0xffff)] {
        card.dispi(index, value);
        let (width, height) = look_at(&mut card);
        assert!(width * height * 4 <= 1 << 20, "{width}x{height}");
    }
    let last = card.memory.bytes.borrow().len() - 4;
    card.memory.guest_writes(last, &[0xff; 4]);
    card.shot();
}

/// CVE-2016-3712: the VGA's registers, changed while the Bochs interface is on,
/// moved what it showed.
#[test]
fn vga_registers_do_not_move_a_dispi_picture() {
    let mut card = Card::with_memory(1 << 20);
    card.set_mode(&PLANAR_12);
    card.set_dispi(512, 512, 32, 0);
    card.memory.guest_writes(0, &[0x44; 64]);
    let before = card.shot();
    for index in (0..=0x18).filter(|index| *index != 0x11) {
        card.outw(0x3d4, index, 0xff);
    }
    for (port, index) in [(0x3c4, 4), (0x3ce, 5), (0x3ce, 6)] {
        card.outw(port, index, 0xff);
    }
    assert!(card.shot() == before);
}

/// The virtual width times the offset overflowed.
#[test]
fn virtual_width_and_offsets_do_not_overflow() {
    for bpp in [4, 8, 15, 16, 24, 32] {
        let mut card = Card::with_memory(1 << 20);
        card.set_dispi(640, 100, bpp, 0);
        for value in [0, 1, 7, 8, 0x7fff, 0x8000, 0xfff8, 0xffff] {
            for index in [6, 7, 8, 9] {
                card.dispi(index, value);
                let (width, height) = look_at(&mut card);
                assert!(width == 640 && height <= 100);
            }
        }
    }
}

/// Huge strides and start addresses in VGA's own modes: the planes wrap.
#[test]
fn huge_offsets_and_starts_wrap_in_the_planes() {
    for mode in [&TEXT_80, &TEXT_40, &CGA_4, &CGA_6, &PLANAR_12, &MODE_13] {
        // Less memory than VGA has, too: what is not there is zero.
        let mut card = Card::with_memory(64 << 10);
        card.set_mode(mode);
        for index in [
            0x01, 0x07, 0x08, 0x09, 0x0c, 0x0d, 0x12, 0x13, 0x14, 0x17, 0x18,
        ] {
            card.outw(0x3d4, index, 0xff);
            card.poke(0xb_8000, 0x12);
            card.shot();
        }
    }
}

/// A character map beyond the fonts that were there.
#[test]
fn every_character_map_is_one_of_plane_2() {
    let mut card = Card::with_memory(128 << 10);
    card.set_mode(&TEXT_80);
    for map in 0..=0xff {
        card.outw(0x3c4, 3, map);
        card.look();
    }
    card.shot();
}

/// A cursor address that no screen has, and cursor lines past the characters.
#[test]
fn a_cursor_elsewhere_is_nowhere() {
    let mut card = Card::new();
    card.set_mode(&TEXT_80);
    let without = card.shot();
    for index in [0x0e, 0x0f] {
        card.outw(0x3d4, index, 0xff);
    }
    assert!(card.shot() == without);
    for (start, end) in [(0x1f, 0xff), (0x10, 0x03), (0x00, 0xff)] {
        card.outw(0x3d4, 0x0a, start);
        card.outw(0x3d4, 0x0b, end);
        card.shot();
    }
}

/// Every width at every place of every region: nothing but values comes of it.
#[test]
fn every_access_is_answered() {
    let mut card = Card::with_memory(1 << 16);
    let widths = [Width::Byte, Width::Word, Width::Dword, Width::Qword];
    for (region, len) in [
        (0, 0x30_u64),
        (1, 4),
        (2, 0x2_0000),
        (3, 0x1000),
        (4, 0x1_0000),
    ] {
        let step = if len > 0x1000 { 509 } else { 1 };
        for width in widths {
            for offset in (0..(len + 1).saturating_sub(width.bytes() as u64)).step_by(step) {
                let value = card.vga.read(region, offset, width);
                assert_eq!(value & !width.ones(), 0);
                card.vga.write(
                    region,
                    offset,
                    width,
                    offset.wrapping_mul(0x9e37_79b9) & width.ones(),
                );
            }
        }
        card.shot();
    }
}
