//! Cells as pixels: the terminal's text over a picture or a plain colour.
//!
//! One row of cells, or a part of one, is drawn at a time, and comes out line
//! by line as a frame buffer has it: blue, green, red and a byte of nothing.

use super::colour::{Colour, Pair, Rgb};
use super::picture::Picture;
use super::vt::{Cell, Style};
use alloc::vec::Vec;
use core::convert::Infallible;
use embedded_graphics::mono_font::{
    MonoFont, MonoTextStyle, ascii, iso_8859_1, iso_8859_2, iso_8859_5, iso_8859_7, iso_8859_9,
    iso_8859_13, iso_8859_15,
};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};

/// Pixels across.
pub const WIDTH: usize = 640;
/// Lines.
pub const HEIGHT: usize = 480;
/// Bytes from one line to the next.
pub const STRIDE: usize = WIDTH * 4;
/// Pixels of a cell across.
pub const CELL_WIDTH: usize = 8;
/// Lines of a cell.
pub const CELL_HEIGHT: usize = 16;
/// Rows of cells on the screen.
pub const ROWS: usize = HEIGHT / CELL_HEIGHT;
/// Columns of cells on the screen.
pub const COLUMNS: usize = WIDTH / CELL_WIDTH;

/// Lines of a cell above its letter, which has 13.
const ABOVE: i32 = 1;
/// The cursor is these lines of a cell.
const CURSOR: (i32, u32) = (14, 2);

/// Where letters are looked for, in this order.
const FONTS: &[&MonoFont<'_>] = &[
    &ascii::FONT_8X13,
    &iso_8859_1::FONT_8X13,
    &iso_8859_15::FONT_8X13,
    &iso_8859_2::FONT_8X13,
    &iso_8859_9::FONT_8X13,
    &iso_8859_13::FONT_8X13,
    &iso_8859_5::FONT_8X13,
    &iso_8859_7::FONT_8X13,
];

/// How the screen is dressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Plain text, if that was chosen.
    pub ink: Option<Rgb>,
    /// What is behind it.
    pub paper: Rgb,
    /// What is around a picture that is smaller than the screen.
    pub border: Rgb,
    /// Text over a picture has a shadow.
    pub shade: bool,
    /// The colours of plain text on terminals that have just so many.
    pub normal: Option<Pair>,
    /// What is behind the text.
    pub picture: Option<Picture>,
    /// Rows of the screen above the text.
    pub above: usize,
    /// Rows of the text.
    pub rows: usize,
}

impl Default for Look {
    fn default() -> Self {
        Look {
            ink: None,
            paper: [0; 3],
            border: [0; 3],
            shade: true,
            normal: None,
            picture: None,
            above: 0,
            rows: ROWS,
        }
    }
}

/// What is behind a letter.
enum Behind {
    /// The picture, or the plain colour in its place.
    Picture,
    Colour(Rgb),
}

impl Look {
    fn ink(&self) -> Rgb {
        let plain = Colour::LIGHT_GRAY;
        let usual = || match &self.picture {
            Some(_) => plain.bright().rgb(),
            None => plain.rgb(),
        };
        self.ink.unwrap_or_else(usual)
    }

    /// The colours of a cell. Over a picture, those of `color` only tell plain
    /// text from highlighted text.
    fn colours(&self, style: Style) -> (Rgb, Behind) {
        let (ink, paper) = (self.ink(), self.paper);
        let normal = self.normal.is_some_and(|normal| style.is(normal));
        if style == Style::default() || (normal && self.picture.is_some()) {
            return (ink, Behind::Picture);
        }
        if self.picture.is_some() {
            return (paper, Behind::Colour(ink));
        }
        let ink = style.ink().map_or(ink, Colour::rgb);
        let paper = style.paper.map_or(paper, Colour::rgb);
        match style.inverse {
            true => (paper, Behind::Colour(ink)),
            false => (ink, Behind::Colour(paper)),
        }
    }

    /// The colour of a place of the screen without text.
    fn backdrop(&self, x: usize, y: usize) -> Rgb {
        let Some(picture) = &self.picture else {
            return self.paper;
        };
        // In the middle.
        let place = |at: usize, of: usize, all: usize| at.checked_sub(all.saturating_sub(of) / 2);
        let x = place(x, picture.width(), WIDTH);
        let y = place(y, picture.height(), HEIGHT);
        let colour = x.zip(y).and_then(|(x, y)| picture.at(x, y));
        colour.unwrap_or(self.border)
    }
}

/// A part of a row of cells, as pixels.
#[derive(Debug, Default)]
pub struct Painter {
    width: usize,
    pixels: Vec<u8>,
}

impl Painter {
    /// Draws `cells`, the first of which is at this row and column of the
    /// screen.
    pub fn draw(&mut self, look: &Look, row: usize, column: usize, cells: &[Cell]) {
        self.width = cells.len().saturating_mul(CELL_WIDTH);
        self.pixels.clear();
        let bytes = self.width.saturating_mul(CELL_HEIGHT).saturating_mul(4);
        self.pixels.resize(bytes, 0);
        let place = (
            column.saturating_mul(CELL_WIDTH),
            row.saturating_mul(CELL_HEIGHT),
        );
        for (at, cell) in cells.iter().enumerate() {
            self.cell(look, at.saturating_mul(CELL_WIDTH), place, cell);
        }
    }

    /// What was drawn, line by line.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.pixels.chunks(self.width.saturating_mul(4).max(1))
    }

    /// Draws a cell `x` pixels from the left, of what is at `place` of the
    /// screen.
    fn cell(&mut self, look: &Look, x: usize, place: (usize, usize), cell: &Cell) {
        let (ink, behind) = look.colours(cell.style);
        let origin = Point::new(i32::try_from(x).unwrap_or(i32::MAX), 0);
        let area = Rectangle::new(origin, Size::new(CELL_WIDTH as u32, CELL_HEIGHT as u32));
        let shadow = match behind {
            Behind::Colour(paper) => {
                let _ = self.fill_solid(&area, rgb888(paper));
                None
            }
            Behind::Picture => {
                for (line, column) in
                    (0..CELL_HEIGHT).flat_map(|l| (0..CELL_WIDTH).map(move |c| (l, c)))
                {
                    let across = x.saturating_add(column);
                    let colour =
                        look.backdrop(place.0.saturating_add(across), place.1.saturating_add(line));
                    self.set(across, line, colour);
                }
                (look.shade && look.picture.is_some()).then_some(look.paper)
            }
        };
        let letter = origin + Point::new(0, ABOVE);
        let mut within = self.clipped(&area);
        if cell.text != ' ' {
            if let Some(shadow) = shadow {
                for aside in [(-1, 0), (1, 0), (0, -1), (0, 1), (1, 1)] {
                    glyph(
                        &mut within,
                        cell.text,
                        letter + Point::new(aside.0, aside.1),
                        shadow,
                    );
                }
            }
            glyph(&mut within, cell.text, letter, ink);
        }
        if cell.cursor {
            let line = Rectangle::new(
                origin + Point::new(0, CURSOR.0),
                Size::new(CELL_WIDTH as u32, CURSOR.1),
            );
            let _ = self.fill_solid(&line, rgb888(ink));
        }
    }

    fn set(&mut self, x: usize, y: usize, [red, green, blue]: Rgb) {
        if x >= self.width {
            return;
        }
        let at = y.saturating_mul(self.width).saturating_add(x);
        let at = at.saturating_mul(4);
        if let Some(pixel) = self.pixels.get_mut(at..at.saturating_add(4)) {
            pixel.copy_from_slice(&[blue, green, red, 0]);
        }
    }
}

fn rgb888([red, green, blue]: Rgb) -> Rgb888 {
    Rgb888::new(red, green, blue)
}

/// The font that has this letter; the first one, which shows `?`, if none has.
fn font(letter: char) -> &'static MonoFont<'static> {
    let unknown = |font: &MonoFont<'_>| font.glyph_mapping.index('?');
    let has = |font: &&&MonoFont<'_>| font.glyph_mapping.index(letter) != unknown(font);
    let found = FONTS.iter().find(has).or(FONTS.first());
    found.copied().unwrap_or(&ascii::FONT_8X13)
}

fn glyph(
    target: &mut impl DrawTarget<Color = Rgb888, Error = Infallible>,
    c: char,
    at: Point,
    ink: Rgb,
) {
    let mut utf8 = [0; 4];
    let style = MonoTextStyle::new(font(c), rgb888(ink));
    let text = Text::with_baseline(c.encode_utf8(&mut utf8), at, style, Baseline::Top);
    let Ok(_) = text.draw(target);
}

impl OriginDimensions for Painter {
    fn size(&self) -> Size {
        let width = u32::try_from(self.width).unwrap_or(u32::MAX);
        Size::new(width, CELL_HEIGHT as u32)
    }
}

impl DrawTarget for Painter {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(place, colour) in pixels {
            if let (Ok(x), Ok(y)) = (usize::try_from(place.x), usize::try_from(place.y)) {
                self.set(x, y, [colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::vt::Vt;

    /// The screen that `bytes` leave, as pixels.
    fn painted(look: &Look, bytes: &[u8]) -> Vec<Vec<Rgb>> {
        let mut vt = Vt::new(COLUMNS, look.rows);
        vt.write(bytes);
        let mut screen = vec![vec![[1, 2, 3]; WIDTH]; HEIGHT];
        let mut painter = Painter::default();
        for span in vt.everything() {
            let row = look.above + span.row;
            painter.draw(look, row, span.from, vt.cells(span));
            for (line, pixels) in painter.lines().enumerate() {
                for (column, pixel) in pixels.chunks(4).enumerate() {
                    screen[row * 16 + line][span.from * 8 + column] =
                        [pixel[2], pixel[1], pixel[0]];
                }
            }
        }
        screen
    }

    /// A cell in characters: `#` for ink, `.` for paper, else `?`.
    fn cell(screen: &[Vec<Rgb>], row: usize, column: usize, ink: Rgb, paper: Rgb) -> Vec<String> {
        let line = |line: &Vec<Rgb>| {
            let pixels = line[column * 8..column * 8 + 8].iter();
            pixels
                .map(|pixel| match *pixel {
                    pixel if pixel == ink => '#',
                    pixel if pixel == paper => '.',
                    _ => '?',
                })
                .collect()
        };
        screen[row * 16..row * 16 + 16].iter().map(line).collect()
    }

    const LETTER_T: [&str; 16] = [
        "........", "........", "........", "#######.", "...#....", "...#....", "...#....",
        "...#....", "...#....", "...#....", "...#....", "...#....", "........", "........",
        "........", "........",
    ];

    const SHADED_T: [&str; 16] = [
        "????????", "????????", ".......?", "#######.", "...#....", "??.#.???", "??.#.???",
        "??.#.???", "??.#.???", "??.#.???", "??.#.???", "??.#.???", "???..???", "????????",
        "????????", "????????",
    ];

    #[test]
    fn a_letter_and_the_cursor() {
        let look = Look::default();
        let screen = painted(&look, b"\r\nT");
        let (ink, paper) = ([0xaa; 3], [0; 3]);
        assert_eq!(cell(&screen, 1, 0, ink, paper), LETTER_T);
        let cursor = cell(&screen, 1, 1, ink, paper);
        assert_eq!(cursor[13..], ["........", "########", "########"]);
        let all = screen.iter().flatten().filter(|pixel| **pixel != paper);
        assert_eq!(all.count(), 15 + 16, "nothing else");
    }

    #[test]
    fn colours() {
        let white_on_blue = ([0xff; 3], [0, 0, 0xaa]);
        let chosen = Look {
            ink: Some([9, 8, 7]),
            paper: [4, 5, 6],
            ..Look::default()
        };
        for (look, bytes, (ink, paper)) in [
            (Look::default(), &b"\x1b[7mT"[..], ([0; 3], [0xaa; 3])),
            (Look::default(), b"\x1b[0;97;44mT", white_on_blue),
            (
                Look::default(),
                b"\x1b[97;44;7mT",
                ([0, 0, 0xaa], [0xff; 3]),
            ),
            (chosen.clone(), b"T", ([9, 8, 7], [4, 5, 6])),
            (chosen.clone(), b"\x1b[7mT", ([4, 5, 6], [9, 8, 7])),
        ] {
            let screen = painted(&look, bytes);
            assert_eq!(cell(&screen, 0, 0, ink, paper), LETTER_T, "{bytes:?}");
        }
    }

    #[test]
    fn over_a_picture() {
        // Two pixels, which stand in the middle.
        let picture = Picture::new(2, 1, vec![[1, 1, 1], [2, 2, 2]]).unwrap();
        let mut look = Look {
            picture: Some(picture),
            border: [7, 7, 7],
            shade: false,
            normal: Some(Pair::parse("cyan/blue").unwrap()),
            ..Look::default()
        };
        let screen = painted(&look, b"T");
        assert_eq!(screen[239][319..=321], [[1; 3], [2; 3], [7; 3]]);
        assert_eq!(cell(&screen, 0, 0, [0xff; 3], [7; 3]), LETTER_T);
        // What `color' chose only tells what is highlighted.
        let screen = painted(&look, b"\x1b[0;36;44mT\x1b[0;34;47mT");
        assert_eq!(cell(&screen, 0, 0, [0xff; 3], [7; 3]), LETTER_T);
        assert_eq!(cell(&screen, 0, 1, [0; 3], [0xff; 3]), LETTER_T);
        look.shade = true;
        let screen = painted(&look, b"T");
        let shaded = cell(&screen, 0, 0, [0xff; 3], [0; 3]);
        assert_eq!(shaded, SHADED_T);
    }

    #[test]
    fn letters_of_other_scripts() {
        for (known, c) in [
            (true, 'A'),
            (true, 'ß'),
            (true, '€'),
            (true, 'ő'),
            (true, 'ğ'),
            (true, 'ж'),
            (true, 'Ω'),
            (false, '日'),
            (false, '\u{fffd}'),
        ] {
            let index = |font: &MonoFont<'_>, c| font.glyph_mapping.index(c);
            let font = font(c);
            assert_eq!(index(font, c) != index(font, '?'), known, "{c}");
        }
    }

    #[test]
    fn text_below_the_top() {
        let look = Look {
            above: 2,
            rows: 28,
            paper: [3, 3, 3],
            ..Look::default()
        };
        let screen = painted(&look, b"T");
        assert_eq!(cell(&screen, 2, 0, [0xaa; 3], [3, 3, 3]), LETTER_T);
    }
}
