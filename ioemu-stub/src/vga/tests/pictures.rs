//! Pictures, each worked out again from what was written and how the mode is
//! described to programmers: no counters, no planes in doublewords.

use alloc::vec::Vec;

use super::super::Blink;
use super::modes::*;
use super::*;

/// A pseudo-random sequence, to draw with.
struct Noise(u32);

impl Noise {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 24) as u8
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.byte()).collect()
    }
}

/// Compares each pixel with `expected(x, y)`.
fn assert_picture(shot: &Screenshot, size: (u32, u32), expected: impl Fn(u32, u32) -> u32) {
    assert_eq!((shot.width, shot.height), size);
    for y in 0..size.1 {
        for x in 0..size.0 {
            let (seen, wanted) = (shot.pixel(x, y), expected(x, y));
            assert_eq!(seen, wanted, "({x}, {y}): {seen:06x}, not {wanted:06x}");
        }
    }
}

/// Loads a font at `base` of plane 2, as the BIOS does.
fn load_font(card: &mut Card, base: u64, glyphs: &[u8]) {
    card.outw(0x3c4, 2, 0x04);
    card.outw(0x3c4, 4, 0x07);
    card.outw(0x3ce, 5, 0x00);
    card.outw(0x3ce, 6, 0x04);
    for (i, byte) in (0..).zip(glyphs) {
        card.poke(0xa_0000 + base + i, *byte);
    }
    card.outw(0x3c4, 2, 0x03);
    card.outw(0x3c4, 4, 0x02);
    card.outw(0x3ce, 5, 0x10);
    card.outw(0x3ce, 6, 0x0e);
}

/// The DAC index of text colour `index` with the BIOS's palette.
fn text_color(index: u8) -> u32 {
    let palette = [
        0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f,
    ];
    color(palette[usize::from(index)])
}

/// A text screen: font bytes (32 for each character), cells.
struct Screen {
    font: Vec<u8>,
    cells: Vec<u8>,
    columns: u32,
    double: u32,
}

impl Screen {
    fn draw(card: &mut Card, mode: &Mode, columns: u32, double: u32) -> Self {
        let mut noise = Noise(7);
        let font = noise.bytes(256 * 32);
        let cells = noise.bytes(columns as usize * 25 * 2);
        card.set_mode(mode);
        load_font(card, 0, &font);
        for (i, byte) in (0..).zip(&cells) {
            card.poke(0xb_8000 + i, *byte);
        }
        Screen {
            font,
            cells,
            columns,
            double,
        }
    }

    fn pixel(&self, x: u32, y: u32) -> u32 {
        let x = x / self.double;
        let (column, row) = (x / 9, y / 16);
        let cell = ((row * self.columns + column) * 2) as usize;
        let (character, attribute) = (self.cells[cell], self.cells[cell + 1]);
        let bits = self.font[usize::from(character) * 32 + (y % 16) as usize];
        let dot = x % 9;
        let set = match dot {
            8 => (0xc0..=0xdf).contains(&character) && bits & 1 != 0,
            _ => bits >> (7 - dot) & 1 != 0,
        };
        // Bit 7 blinks.
        text_color(if set {
            attribute & 15
        } else {
            attribute >> 4 & 7
        })
    }
}

#[test]
fn text_of_80_columns() {
    let mut card = Card::new();
    let screen = Screen::draw(&mut card, &TEXT_80, 80, 1);
    card.outw(0x3d4, 0x0a, 0x20);
    assert_picture(&card.shot(), (720, 400), |x, y| screen.pixel(x, y));
}

#[test]
fn text_of_40_columns() {
    let mut card = Card::new();
    let screen = Screen::draw(&mut card, &TEXT_40, 40, 2);
    card.outw(0x3d4, 0x0a, 0x20);
    assert_picture(&card.shot(), (720, 400), |x, y| screen.pixel(x, y));
}

#[test]
fn text_with_eight_dots_and_a_second_font() {
    let mut card = Card::new();
    let mut screen = Screen::draw(&mut card, &TEXT_80, 80, 1);
    let second = Noise(99).bytes(256 * 32);
    // The font at 16 KiB for attribute bit 3 set: map A, bits 2 and 3.
    load_font(&mut card, 0x4000, &second);
    card.outw(0x3c4, 3, 0x04);
    card.outw(0x3c4, 1, 0x01);
    card.outw(0x3d4, 0x0a, 0x20);
    screen.font.extend(second);
    assert_picture(&card.shot(), (640, 400), |x, y| {
        let cell = ((y / 16 * 80 + x / 8) * 2) as usize;
        let (character, attribute) = (screen.cells[cell], screen.cells[cell + 1]);
        let font = usize::from(attribute >> 3 & 1) * 256;
        let bits = screen.font[(font + usize::from(character)) * 32 + (y % 16) as usize];
        let set = bits >> (7 - x % 8) & 1 != 0;
        text_color(if set {
            attribute & 15
        } else {
            attribute >> 4 & 7
        })
    });
}

#[test]
fn the_cursor_is_lines_of_the_foreground_at_its_address() {
    let mut card = Card::new();
    let screen = Screen::draw(&mut card, &TEXT_80, 80, 1);
    // Lines 13 and 14 of the cell in column 5 of row 3.
    card.outw(0x3d4, 0x0e, (245u16 >> 8) as u8);
    card.outw(0x3d4, 0x0f, 245);
    let attribute = screen.cells[245 * 2 + 1];
    assert_picture(&card.shot(), (720, 400), |x, y| {
        let inside = (45..54).contains(&x) && (61..63).contains(&y);
        if inside {
            text_color(attribute & 15)
        } else {
            screen.pixel(x, y)
        }
    });
}

#[test]
fn blinking_characters_vanish_and_the_cursor_does() {
    let mut card = Card::new();
    let screen = Screen::draw(&mut card, &TEXT_80, 80, 1);
    card.look();
    assert!(card.vga.blinks());
    card.vga.collect(Blink {
        characters: false,
        cursor: false,
    });
    assert_picture(&Screenshot::of(&card.vga), (720, 400), |x, y| {
        let attribute = screen.cells[((y / 16 * 80 + x / 9) * 2 + 1) as usize];
        if attribute & 0x80 != 0 {
            text_color(attribute >> 4 & 7)
        } else {
            screen.pixel(x, y)
        }
    });
    // What is dark just now still blinks.
    assert!(card.vga.blinks());
    for cell in 0..2000 {
        card.poke(0xb_8000 + 2 * cell + 1, 0x07);
    }
    card.vga.collect(Blink {
        characters: false,
        cursor: false,
    });
    assert!(card.vga.blinks(), "the cursor alone");
    // Without blinking bit 7 is a colour.
    card.attribute(0x10, 0x04);
    card.outw(0x3d4, 0x0a, 0x20);
    card.look();
    assert!(!card.vga.blinks());
}

#[test]
fn planar_modes() {
    for (mode, width, height, across, down) in [
        (&PLANAR_0D, 320, 200, 2, 2),
        (&PLANAR_0E, 640, 200, 1, 2),
        (&PLANAR_10, 640, 350, 1, 1),
        (&PLANAR_12, 640, 480, 1, 1),
    ] {
        let mut card = Card::new();
        card.set_mode(mode);
        let mut noise = Noise(width + height);
        let bytes = (width / 8 * height) as usize;
        let planes: Vec<Vec<u8>> = (0..4).map(|_| noise.bytes(bytes)).collect();
        for (plane, data) in planes.iter().enumerate() {
            card.outw(0x3c4, 2, 1 << plane);
            for (i, byte) in (0..).zip(data) {
                card.poke(0xa_0000 + i, *byte);
            }
        }
        let shot = card.shot();
        assert_picture(&shot, (width * across, height * down), |x, y| {
            let (x, y) = (x / across, y / down);
            let at = (y * width + x) as usize;
            let bit = |plane: usize| planes[plane][at / 8] >> (7 - at % 8) & 1;
            let pixel = bit(3) << 3 | bit(2) << 2 | bit(1) << 1 | bit(0);
            color(mode.attribute[usize::from(pixel)])
        });
    }
}

#[test]
fn cga_modes() {
    for (mode, width, across, bits) in [(&CGA_4, 320, 2, 2), (&CGA_6, 640, 1, 1)] {
        let mut card = Card::new();
        card.set_mode(mode);
        let data = Noise(bits).bytes(0x4000);
        for (i, byte) in (0..).zip(&data) {
            card.poke(0xb_8000 + i, *byte);
        }
        assert_picture(&card.shot(), (640, 400), |x, y| {
            let (x, y) = (x / across, y / 2);
            // Odd lines are 8 KiB further on; leftmost pixels have the highest bits.
            let at = (y & 1) * 0x2000 + y / 2 * 80 + x * 80 / width;
            let per_byte = 8 / bits;
            let shift = (per_byte - 1 - x % per_byte) * bits;
            let pixel = data[at as usize] >> shift & ((1 << bits) - 1);
            color(mode.attribute[usize::from(pixel)])
        });
    }
}

#[test]
fn mode_13h() {
    let mut card = Card::new();
    card.set_mode(&MODE_13);
    let data = Noise(13).bytes(64000);
    for (i, byte) in (0..).zip(&data) {
        card.poke(0xa_0000 + i, *byte);
    }
    assert_picture(&card.shot(), (640, 400), |x, y| {
        color(data[(y / 2 * 320 + x / 2) as usize])
    });
    let read = card.peek(0xa_0000 + 12345);
    assert_eq!(read, data[12345]);
}

#[test]
fn mode_x_has_a_plane_for_each_fourth_pixel() {
    let mut card = Card::new();
    card.set_mode(&MODE_13);
    card.outw(0x3c4, 4, 0x06);
    card.outw(0x3d4, 0x14, 0x00);
    card.outw(0x3d4, 0x17, 0xe3);
    let data = Noise(10).bytes(320 * 200);
    for (i, byte) in data.iter().enumerate() {
        card.outw(0x3c4, 2, 1 << (i % 4));
        card.poke(0xa_0000 + i as u64 / 4, *byte);
    }
    assert_picture(&card.shot(), (640, 400), |x, y| {
        color(data[(y / 2 * 320 + x / 2) as usize])
    });
}

#[test]
fn dispi_modes() {
    for (bpp, bytes) in [(8, 1), (15, 2), (16, 2), (24, 3), (32, 4)] {
        let mut card = Card::new();
        card.set_mode(&MODE_13);
        card.set_dispi(64, 48, bpp, 0);
        // A wider screen, looked at from (8, 5).
        card.dispi(6, 80);
        card.dispi(8, 8);
        card.dispi(9, 5);
        let data = Noise(bpp.into()).bytes(80 * 60 * bytes);
        card.memory.guest_writes(0, &data);
        assert_picture(&card.shot(), (64, 48), |x, y| {
            let at = ((y + 5) * 80 + x + 8) as usize * bytes;
            let word = u32::from(data[at]) | u32::from(*data.get(at + 1).unwrap_or(&0)) << 8;
            let five = |v: u32| (v & 31) << 3 | (v & 31) >> 2;
            match bpp {
                8 => color(data[at]),
                15 => five(word >> 10) << 16 | five(word >> 5) << 8 | five(word),
                16 => {
                    let green = word >> 5 & 63;
                    five(word >> 11) << 16 | (green << 2 | green >> 4) << 8 | five(word)
                }
                _ => word | u32::from(data[at + 2]) << 16,
            }
        });
    }
}

#[test]
fn a_dispi_mode_of_four_planes() {
    let mut card = Card::new();
    card.set_mode(&PLANAR_12);
    card.set_dispi(800, 600, 4, 0);
    let data = Noise(4).bytes(100 * 600);
    for plane in 0..4u8 {
        card.outw(0x3c4, 2, 1 << plane);
        for (i, byte) in (0..).zip(&data) {
            card.poke(0xa_0000 + i, byte.rotate_left(plane.into()));
        }
    }
    assert_picture(&card.shot(), (800, 600), |x, y| {
        let byte = data[(y * 100 + x / 8) as usize];
        let bit = |plane: u32| byte.rotate_left(plane) >> (7 - x % 8) & 1;
        let pixel = bit(3) << 3 | bit(2) << 2 | bit(1) << 1 | bit(0);
        color(PLANAR_12.attribute[usize::from(pixel)])
    });
}

#[test]
fn line_compare_splits_the_screen() {
    let mut card = Card::new();
    let screen = Screen::draw(&mut card, &TEXT_80, 80, 1);
    card.outw(0x3d4, 0x0a, 0x20);
    // The upper part starts at row 10; line 160 is the last of it.
    card.outw(0x3d4, 0x0c, (800u16 >> 8) as u8);
    card.outw(0x3d4, 0x0d, (800u16 & 0xff) as u8);
    card.outw(0x3d4, 0x18, 159);
    card.outw(0x3d4, 0x07, 0x0f);
    card.outw(0x3d4, 0x09, 0x0f);
    assert_picture(&card.shot(), (720, 400), |x, y| {
        screen.pixel(x, if y < 160 { y + 160 } else { y - 160 })
    });
}

#[test]
fn panning_and_preset_row_scan_move_text_by_pixels() {
    let mut card = Card::new();
    let screen = Screen::draw(&mut card, &TEXT_80, 80, 1);
    card.outw(0x3d4, 0x0a, 0x20);
    card.outw(0x3d4, 0x08, 0x05);
    // With nine dots 8 is none, 2 is three.
    card.attribute(0x13, 0x02);
    let shot = card.shot();
    for (x, y) in [(0, 0), (100, 50), (711, 394), (9, 11)] {
        assert_eq!(shot.pixel(x, y), screen.pixel(x + 3, y + 5), "({x}, {y})");
    }
}

#[test]
fn a_blanked_screen_is_black_and_keeps_its_size() {
    let mut card = Card::new();
    card.set_dispi(320, 200, 32, 0x80);
    card.memory.guest_writes(0, &[0xff; 4096]);
    assert_eq!(card.shot().pixel(1, 1), 0xff_ffff);
    card.inb(0x3da);
    card.outb(0x3c0, 0);
    assert_picture(&card.shot(), (320, 200), |_, _| 0);
    card.outb(0x3c0, 0x20);
    // The flip-flop: that was data. Once more.
    card.outb(0x3c0, 0x20);
    assert_eq!(card.shot().pixel(1, 1), 0xff_ffff);
}

#[test]
fn what_is_reported_is_all_that_changed() {
    let mut card = Card::new();
    Screen::draw(&mut card, &TEXT_80, 80, 1);
    let mut kept = card.shot();
    assert_eq!(card.look(), []);
    let mut noise = Noise(3);
    for round in 0..200 {
        match noise.byte() % 8 {
            0 => card.outw(0x3d4, 0x0f, noise.byte()),
            1 => card.outw(0x3d4, 0x0d, noise.byte()),
            2 => card.attribute(noise.byte() & 15, noise.byte()),
            3 => load_font(&mut card, u64::from(noise.byte()) * 32, &noise.bytes(32)),
            _ => {
                let at = u64::from(noise.byte()) << 4 | u64::from(noise.byte());
                card.poke(0xb_8000 + at, noise.byte());
            }
        }
        for rect in card.look() {
            kept.update(&card.vga, rect);
        }
        assert!(kept == Screenshot::of(&card.vga), "round {round}");
        // And all of it is what a fresh look sees.
        card.vga.changes.saw_all();
        assert!(kept == card.shot(), "round {round}: missed");
    }
}

#[test]
fn a_typed_character_damages_its_cell_alone() {
    let mut card = Card::new();
    Screen::draw(&mut card, &TEXT_80, 80, 1);
    card.look();
    let old = card.peek(0xb_8000 + (2 * 80 + 10) * 2);
    card.poke(0xb_8000 + (2 * 80 + 10) * 2, !old);
    let rects = card.look();
    assert_eq!(rects.len(), 1);
    assert!(rects[0].y == 32 && rects[0].height == 16, "{rects:?}");
    assert!(rects[0].x <= 90 && rects[0].x + rects[0].width >= 99);
    assert!(rects[0].width <= 27, "{rects:?}");
}

#[test]
fn a_write_to_the_frame_buffer_damages_the_lines_of_its_page() {
    let mut card = Card::new();
    card.set_dispi(1024, 768, 32, 0);
    card.look();
    assert_eq!(card.look(), []);
    card.memory.guest_writes(4096 * 100 + 7, &[1]);
    let one = Rect {
        x: 0,
        y: 100,
        width: 1024,
        height: 1,
    };
    assert_eq!(card.look(), [one]);
    assert_eq!(card.look(), []);
    // Outside the picture.
    card.memory.guest_writes(4096 * 800, &[1]);
    assert_eq!(card.look(), []);
}
