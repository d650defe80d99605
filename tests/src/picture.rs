//! Pictures of screens: kept as PNG, compared by their broad looks, and read
//! where they are text.

use crate::packages;
use anyhow::{Context, Result};
use embedded_graphics::mono_font::{MonoTextStyle, ascii};
use embedded_graphics::pixelcolor::BinaryColor;
use embedded_graphics::prelude::*;
use embedded_graphics::text::{Baseline, Text};
use flate2::write::ZlibEncoder;
use flate2::{Compression, Crc};
use std::convert::Infallible;
use std::fs;
use std::io::Write;
use std::path::Path;

/// A picture, line by line from the top, each pixel red, green, blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// Of all lines.
    pub pixels: Vec<[u8; 3]>,
}

impl Picture {
    /// A black picture.
    pub fn new(width: usize, height: usize) -> Picture {
        Picture {
            width,
            height,
            pixels: vec![[0; 3]; width * height],
        }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels
            .get(y * self.width + x)
            .copied()
            .unwrap_or_default()
    }

    /// The share of the pixels that are of this colour, within `slack` per
    /// channel: 0 to 1.
    pub fn share(&self, colour: [u8; 3], slack: u8) -> f64 {
        let near = |p: &&[u8; 3]| p.iter().zip(colour).all(|(&a, b)| a.abs_diff(b) <= slack);
        let count = self.pixels.iter().filter(near).count();
        count as f64 / self.pixels.len().max(1) as f64
    }

    /// The picture in `columns` by `rows` patches, each with the mean of its
    /// pixels: what one sees from far away.
    pub fn patches(&self, columns: usize, rows: usize) -> Picture {
        let mut small = Picture::new(columns, rows);
        for (n, patch) in small.pixels.iter_mut().enumerate() {
            let span = |n: usize, of: usize, len: usize| n * len / of..(n + 1) * len / of;
            let (mut sum, mut count) = ([0usize; 3], 0);
            for y in span(n / columns, rows, self.height) {
                for x in span(n % columns, columns, self.width) {
                    for (sum, value) in sum.iter_mut().zip(self.at(x, y)) {
                        *sum += usize::from(value);
                    }
                    count += 1;
                }
            }
            *patch = sum.map(|sum| (sum / count.max(1)) as u8);
        }
        small
    }

    /// The mean difference of two pictures of the same size, per channel: 0 to
    /// 255; the largest if their sizes differ.
    pub fn difference(&self, other: &Picture) -> f64 {
        if (self.width, self.height) != (other.width, other.height) {
            return 255.0;
        }
        let pairs = self.pixels.iter().zip(&other.pixels);
        let sum: usize = pairs
            .flat_map(|(a, b)| a.iter().zip(b))
            .map(|(a, b)| usize::from(a.abs_diff(*b)))
            .sum();
        sum as f64 / (self.pixels.len().max(1) * 3) as f64
    }

    /// Writes it as a PNG file (RFC 2083).
    pub fn write(&self, to: &Path) -> Result<()> {
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut header = Vec::new();
        header.extend((self.width as u32).to_be_bytes());
        header.extend((self.height as u32).to_be_bytes());
        // 8 bits per channel, true colour, deflate, no interlacing.
        header.extend([8, 2, 0, 0, 0]);
        chunk(&mut file, b"IHDR", &header);
        let mut data = ZlibEncoder::new(Vec::new(), Compression::default());
        for line in self.pixels.chunks(self.width.max(1)) {
            data.write_all(&[0])?;
            data.write_all(line.as_flattened())?;
        }
        chunk(&mut file, b"IDAT", &data.finish()?);
        chunk(&mut file, b"IEND", &[]);
        fs::write(to, file).with_context(|| format!("{}", to.display()))
    }

    /// The text of a screen in a PC's text mode, line by line: every cell whose
    /// shape is a letter of `font`. A cell is as wide as the screen has columns
    /// of 80, and as high as a letter.
    pub fn text(&self, font: &Font) -> String {
        let (columns, width) = (80, self.width / 80);
        let mut text = String::new();
        for row in 0..self.height / GLYPH {
            let line: String = (0..columns)
                .map(|column| font.read(self, column * width, row * GLYPH))
                .collect();
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let mut crc = Crc::new();
    crc.update(kind);
    crc.update(data);
    file.extend((data.len() as u32).to_be_bytes());
    file.extend(kind);
    file.extend(data);
    file.extend(crc.sum().to_be_bytes());
}

/// Lines of a letter.
const GLYPH: usize = 16;

/// The letters of a PC's text mode, 8 by 16 pixels each.
pub struct Font(Vec<[u8; GLYPH]>);

/// The letter A in the font of the VGA, by which the font is found in a ROM.
const LETTER_A: [u8; GLYPH] = [
    0, 0, 0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6, 0, 0, 0, 0,
];

impl Font {
    /// The font in Debian's VGA BIOS.
    pub fn vga() -> Result<Font> {
        let rom = packages::root()?.path("usr/share/seabios/vgabios-stdvga.bin");
        let rom = fs::read(&rom).with_context(|| format!("{}", rom.display()))?;
        Font::in_rom(&rom).context("the VGA BIOS has no font of 8x16")
    }

    /// The font of PV-GRUB's frame buffer: 8 by 13, one line below the top of
    /// its cells.
    pub fn pv_grub() -> Font {
        let glyphs = (0..=255u8).map(|code| {
            let mut glyph = Glyph([0; GLYPH]);
            let mut utf8 = [0; 4];
            let text = char::from(code).encode_utf8(&mut utf8);
            let style = MonoTextStyle::new(&ascii::FONT_8X13, BinaryColor::On);
            let Ok(_) =
                Text::with_baseline(text, Point::new(0, 1), style, Baseline::Top).draw(&mut glyph);
            glyph.0
        });
        Font(glyphs.collect())
    }

    fn in_rom(rom: &[u8]) -> Option<Font> {
        let place = rom.windows(GLYPH).position(|w| w == LETTER_A)?;
        let start = place.checked_sub(usize::from(b'A') * GLYPH)?;
        let glyphs = rom.get(start..start + 256 * GLYPH)?;
        Some(Font(glyphs.as_chunks::<GLYPH>().0.to_vec()))
    }

    /// The letter at this place; a blank if it is none of ASCII. What is not
    /// the colour of the cell's last line's corner is ink; both ways are tried.
    fn read(&self, picture: &Picture, x: usize, y: usize) -> char {
        let paper = picture.at(x, y + GLYPH - 1);
        let mut shape = [0; GLYPH];
        for (line, bits) in shape.iter_mut().enumerate() {
            for column in 0..8 {
                if picture.at(x + column, y + line) != paper {
                    *bits |= 0x80 >> column;
                }
            }
        }
        let find = |same: &dyn Fn(&[u8; GLYPH]) -> bool| {
            let glyph = |c: &u8| self.0.get(usize::from(*c)).is_some_and(same);
            (b' '..=b'~').find(glyph)
        };
        // A blinking cursor covers the lowest lines; but an underscore, which
        // has nothing else, is one.
        let covered = |glyph: &[u8; GLYPH]| glyph.iter().zip(shape).take(13).all(|(a, b)| *a == b);
        let letter = find(&|glyph| *glyph == shape).or_else(|| find(&covered));
        letter.map_or(' ', char::from)
    }
}

/// A letter while it is drawn.
struct Glyph([u8; GLYPH]);

impl OriginDimensions for Glyph {
    fn size(&self) -> Size {
        Size::new(8, GLYPH as u32)
    }
}

impl DrawTarget for Glyph {
    type Color = BinaryColor;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<BinaryColor>>,
    {
        for Pixel(place, colour) in pixels {
            let line = usize::try_from(place.y)
                .ok()
                .and_then(|y| self.0.get_mut(y));
            if let Some(line) = line.filter(|_| colour.is_on() && (0..8).contains(&place.x)) {
                *line |= 0x80 >> place.x;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_from_the_letters_of_a_rom() {
        let mut rom = vec![0; 3 + 256 * GLYPH];
        let place = |c: u8| 3 + usize::from(c) * GLYPH;
        rom[place(b'A')..][..GLYPH].copy_from_slice(&LETTER_A);
        rom[place(b'-') + 7] = 0xfe;
        rom[place(b'_') + 13] = 0xff;
        let font = Font::in_rom(&rom).unwrap();
        let mut picture = Picture::new(720, 32);
        // "A" at column 1 of the second line, "-" behind it.
        for (line, bits) in LETTER_A.iter().enumerate() {
            for column in (0..8).filter(|c| bits & (0x80 >> c) != 0) {
                picture.pixels[(16 + line) * 720 + 9 + column] = [170; 3];
            }
        }
        for column in 0..7 {
            picture.pixels[(16 + 7) * 720 + 18 + column] = [9, 9, 9];
        }
        // An underscore, and a cursor of two lines behind it.
        for column in 0..8 {
            picture.pixels[(16 + 13) * 720 + 27 + column] = [170; 3];
            picture.pixels[(16 + 13) * 720 + 36 + column] = [170; 3];
            picture.pixels[(16 + 14) * 720 + 36 + column] = [170; 3];
        }
        assert_eq!(picture.text(&font), "\n A-_\n");
    }

    #[test]
    fn patches_are_means_and_differences_are_seen() {
        let mut picture = Picture::new(4, 2);
        picture.pixels[0] = [100, 0, 40];
        let small = picture.patches(2, 1);
        assert_eq!(small.pixels, [[25, 0, 10], [0; 3]]);
        assert_eq!(small.difference(&Picture::new(2, 1)), 35.0 / 6.0);
        assert_eq!(small.difference(&picture), 255.0);
        assert_eq!(picture.share([99, 1, 40], 1), 1.0 / 8.0);
    }

    #[test]
    fn a_png_file_is_the_specification_s() {
        let file = tempfile::NamedTempFile::new().unwrap();
        Picture::new(3, 2).write(file.path()).unwrap();
        let bytes = fs::read(file.path()).unwrap();
        assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(bytes[8..16], *b"\0\0\0\x0dIHDR");
        assert_eq!(bytes[16..26], [0, 0, 0, 3, 0, 0, 0, 2, 8, 2]);
        // The last chunk is always these bytes.
        assert!(bytes.ends_with(b"\0\0\0\0IEND\xae\x42\x60\x82"));
    }
}
