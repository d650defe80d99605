//! Registers as the IBM and Bochs documents describe them.

use super::modes::*;
use super::*;

#[test]
fn indexed_registers_keep_the_bits_they_have() {
    let mut card = Card::new();
    card.outb(0x3c2, 0x67);
    for (port, index, bits) in [
        (0x3c4, 0, 0x03),
        (0x3c4, 1, 0x3d),
        (0x3c4, 2, 0x0f),
        (0x3c4, 3, 0x3f),
        (0x3c4, 4, 0x0e),
        (0x3ce, 0, 0x0f),
        (0x3ce, 3, 0x1f),
        (0x3ce, 4, 0x03),
        (0x3ce, 5, 0x7b),
        (0x3ce, 8, 0xff),
        (0x3d4, 0x00, 0xff),
        (0x3d4, 0x0c, 0xff),
        (0x3d4, 0x18, 0xff),
    ] {
        card.outw(port, index, 0xff);
        assert_eq!(card.indexed(port, index), bits, "{port:#x} {index:#x}");
        card.outw(port, index, 0);
        assert_eq!(card.indexed(port, index), 0, "{port:#x} {index:#x}");
    }
    // Beyond the last register there is none.
    for (port, index) in [(0x3c4, 5), (0x3ce, 9), (0x3d4, 0x19), (0x3d4, 0xff)] {
        card.outw(port, index, 0);
        assert_eq!(card.indexed(port, index), 0xff, "{port:#x} {index:#x}");
    }
}

#[test]
fn the_crtc_is_where_the_miscellaneous_output_says() {
    let mut card = Card::new();
    card.outb(0x3c2, 0x66);
    card.outw(0x3b4, 0x0f, 0x12);
    assert_eq!(card.indexed(0x3b4, 0x0f), 0x12);
    assert_eq!(card.inb(0x3d5), 0xff);
    card.outb(0x3c2, 0x67);
    assert_eq!(card.inb(0x3cc), 0x67);
    assert_eq!(card.inb(0x3b5), 0xff);
    assert_eq!(card.indexed(0x3d4, 0x0f), 0x12);
}

#[test]
fn the_first_crtc_registers_can_be_protected() {
    let mut card = Card::new();
    card.outb(0x3c2, 0x67);
    for index in 0..8 {
        card.outw(0x3d4, index, 0x00);
    }
    card.outw(0x3d4, 0x11, 0x80);
    for index in 0..8 {
        card.outw(0x3d4, index, 0xff);
        // Bit 4 of the overflow register is bit 8 of line compare: not timing.
        let expected = if index == 7 { 0x10 } else { 0x00 };
        assert_eq!(card.indexed(0x3d4, index), expected, "{index}");
    }
    card.outw(0x3d4, 0x12, 0x55);
    assert_eq!(card.indexed(0x3d4, 0x12), 0x55);
}

#[test]
fn the_attribute_flip_flop_is_reset_by_the_status_register() {
    let mut card = Card::new();
    card.outb(0x3c2, 0x67);
    card.inb(0x3da);
    card.outb(0x3c0, 0x05);
    card.outb(0x3c0, 0x2a);
    card.outb(0x3c0, 0x06);
    card.inb(0x3da);
    card.outb(0x3c0, 0x25);
    assert_eq!(card.inb(0x3c0), 0x25);
    assert_eq!(card.inb(0x3c1), 0x2a);
    card.outb(0x3c0, 0xff);
    assert_eq!(card.inb(0x3c1), 0x3f, "colours have six bits");
}

#[test]
fn the_dac_counts_through_its_colours() {
    let mut card = Card::new();
    card.outb(0x3c8, 254);
    for value in [1, 2, 3, 4, 5, 6, 0xff, 8, 9] {
        card.outb(0x3c9, value);
    }
    assert_eq!(card.inb(0x3c7), 0, "writing");
    assert_eq!(card.inb(0x3c8), 1, "after 254, 255 and 0");
    card.outb(0x3c7, 254);
    assert_eq!(card.inb(0x3c7), 3, "reading");
    let read: Vec<u8> = (0..9).map(|_| card.inb(0x3c9)).collect();
    assert_eq!(read, [1, 2, 3, 4, 5, 6, 0x3f, 8, 9]);
}

#[test]
fn the_dac_has_eight_bits_if_the_dispi_says_so() {
    let mut card = Card::new();
    card.set_dispi(64, 64, 8, 0x20);
    card.outb(0x3c6, 0xff);
    card.outb(0x3c8, 0);
    for value in [0x12, 0xff, 0x81] {
        card.outb(0x3c9, value);
    }
    assert_eq!(card.shot().pixel(0, 0), 0x12_ff81);
    // The pixel mask comes before the palette.
    card.memory.guest_writes(0, &[0xf0]);
    card.outb(0x3c6, 0x0f);
    assert_eq!(card.shot().pixel(0, 0), 0x12_ff81);
}

#[test]
fn colours_go_through_palette_and_colour_select() {
    let mut card = Card::new();
    card.set_mode(&PLANAR_12);
    card.outw(0x3c4, 2, 0x0f);
    card.poke(0xa_0000, 0x80);
    // Palette entry 15 is 3Fh; bits 6 and 7 come from colour select 2 and 3.
    card.attribute(0x14, 0x0c);
    assert_eq!(card.shot().pixel(0, 0), color(0xff));
    card.attribute(0x14, 0x05);
    assert_eq!(card.shot().pixel(0, 0), color(0x7f));
    // With bit 7 of the mode, bits 4 and 5 as well.
    card.attribute(0x10, 0x81);
    assert_eq!(card.shot().pixel(0, 0), color(0x5f));
    // Planes can be left out of the colour.
    card.attribute(0x12, 0x07);
    assert_eq!(card.shot().pixel(0, 0), color(0x57));
}

#[test]
fn the_retrace_follows_the_clock() {
    let mut card = Card::new();
    card.set_mode(&PLANAR_12);
    // 25.175 MHz, 800 dots, 525 lines; the retrace is lines 490 and 491.
    let line = 800.0 / 25.175e6 * 1e9;
    for (at, status) in [
        (10.1, 0),
        (10.9, 1),
        (479.1, 0),
        (480.1, 1),
        (490.1, 9),
        (491.9, 9),
        (492.1, 1),
        (525.0 + 0.2, 0),
        (525.0 * 7.0 + 490.5, 9),
    ] {
        card.time.0.set((at * line) as u64);
        assert_eq!(card.inb(0x3da) & 9, status, "line {at}");
    }
}

#[test]
fn the_dispi_has_its_registers() {
    let mut card = Card::new();
    assert_eq!(card.read_dispi(0), 0xb0c5);
    for (id, kept) in [(0xb0c0, 0xb0c0), (0xb0c4, 0xb0c4), (0xb0c6, 0xb0c4)] {
        card.dispi(0, id);
        assert_eq!(card.read_dispi(0), kept);
    }
    assert_eq!(card.read_dispi(10), 256, "16 MiB in units of 64 KiB");
    // GETCAPS: the most there can be.
    card.dispi(4, 2);
    let limits = [1, 2, 3].map(|index| card.read_dispi(index));
    assert_eq!(limits[2], 32);
    assert!(limits[0] >= 2560 && limits[1] >= 1600);
    card.set_dispi(800, 600, 32, 0);
    let mode = [1, 2, 3, 6, 7, 8, 9].map(|index| card.read_dispi(index));
    assert_eq!(mode, [800, 600, 32, 800, 5242, 0, 0]);
    // The virtual screen, and where the display is on it.
    card.dispi(6, 1024);
    card.dispi(8, 300);
    card.dispi(9, 20000);
    let down = 4096; // 16 MiB of 4096-byte lines
    let virt = [6, 7, 8, 9].map(|index| card.read_dispi(index));
    assert_eq!(virt, [1024, down, 1024 - 800, down - 600]);
}

#[test]
fn turning_the_dispi_on_clears_memory_unless_told_not_to() {
    let mut card = Card::new();
    card.memory.guest_writes(1234, &[0x55]);
    card.set_dispi(64, 64, 32, 0x80);
    assert_eq!(card.memory.bytes.borrow()[1234], 0x55);
    card.set_dispi(64, 64, 32, 0x00);
    assert_eq!(card.memory.bytes.borrow()[1234], 0);
}

#[test]
fn the_registers_are_in_memory_too() {
    let mut card = Card::new();
    card.vga.write(MMIO, 0x504, Width::Word, 240);
    card.vga.write(MMIO, 0x502, Width::Word, 320);
    assert_eq!(card.read_dispi(1), 320);
    assert_eq!(card.mmio(0x500, Width::Dword), 320 << 16 | 0xb0c5);
    // Port 3C2h and, read back, 3CCh.
    card.vga.write(MMIO, 0x402, Width::Byte, 0x67);
    assert_eq!(card.mmio(0x40c, Width::Byte), 0x67);
    // QEMU's own: eight bytes of registers, little-endian frame buffer.
    assert_eq!(card.mmio(0x600, Width::Dword), 8);
    assert_eq!(card.mmio(0x604, Width::Dword), 0x1e1e_1e1e);
}

#[test]
fn the_edid_is_one_that_a_driver_believes() {
    let mut card = Card::new();
    let edid: Vec<u8> = (0..128)
        .map(|at| card.mmio(at, Width::Byte) as u8)
        .collect();
    assert_eq!(edid[..8], [0, 255, 255, 255, 255, 255, 255, 0]);
    let sum = edid.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    assert_eq!(sum, 0);
    assert_eq!(edid[126], 0, "no extension");
    // The preferred timing: 1024x768, 65 MHz.
    let at = |i: usize| u32::from(edid[54 + i]);
    assert_eq!(at(0) | at(1) << 8, 6500);
    assert_eq!(at(2) | (at(4) & 0xf0) << 4, 1024);
    assert_eq!(at(5) | (at(7) & 0xf0) << 4, 768);
    // The size in it is that of the block: 270 x 200 mm.
    assert_eq!(at(12) | (at(14) & 0xf0) << 4, 10 * u32::from(edid[21]));
    assert_eq!(at(13) | (at(14) & 0x0f) << 8, 10 * u32::from(edid[22]));
}

#[test]
fn the_rom_is_read_and_not_written() {
    let mut card = Card::new();
    card.vga.write(super::super::ROM, 0, Width::Dword, 0);
    let word = card.vga.read(super::super::ROM, 0, Width::Dword);
    assert_eq!(word, 0xff01_aa55);
}
