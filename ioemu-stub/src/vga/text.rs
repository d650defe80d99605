//! Text: cells of a character and its attribute, drawn with fonts from plane 2.
//!
//! The cells as last looked at are kept: what changed is found by comparing,
//! and pictures are drawn from them.

use alloc::vec::Vec;
use core::ops::Range;

use super::mode::{self, Line};
use super::ports::*;
use crate::surroundings::VideoMemory;

/// Bytes of a character in a font: one for each of up to 32 lines.
const GLYPH: usize = 32;
/// The cursor stands here.
const CURSOR: u32 = 1 << 16;
/// The character blinks, and is dark just now.
const HIDDEN: u32 = 1 << 17;
/// The cursor stands here, and is dark just now.
const DARK: u32 = 1 << 18;

/// Where blinking things are in their course.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Blink {
    /// Blinking characters show.
    pub characters: bool,
    /// The cursor shows.
    pub cursor: bool,
}

impl Blink {
    /// At rest: everything shows.
    pub const REST: Blink = Blink {
        characters: true,
        cursor: true,
    };
}

/// A row of characters on the screen.
struct Row {
    /// The lines of the picture that it takes.
    lines: Range<u32>,
    /// As the CRTC has it for its first line.
    start: Line,
    /// Character, attribute << 8, and flags.
    cells: Vec<u32>,
}

/// The text as last looked at.
#[derive(Default)]
pub(super) struct Text {
    rows: Vec<Row>,
    /// The fonts of attribute bit 3 clear and set, 256 characters each.
    fonts: Vec<u8>,
}

/// Cells of one row that look different: lines and cells.
pub(super) struct Change {
    pub lines: Range<u32>,
    pub cells: Range<u32>,
}

impl Text {
    /// Takes the fonts from plane 2. Says whether they are others than before.
    pub fn load_fonts(&mut self, ports: &Ports, memory: &dyn VideoMemory) -> bool {
        let map = ports.sequencer[CHARACTER_MAP];
        let first = (map & 3) << 1 | map >> 4 & 1;
        let second = (map >> 2 & 3) << 1 | map >> 5 & 1;
        let mut fonts = Vec::with_capacity(2 * 256 * GLYPH);
        // A selection counts in steps of 8 KiB, its bit for the odd ones lowest.
        for select in [first, second] {
            for character in 0..256 {
                let index = usize::from(select) * 0x2000 + character * GLYPH;
                let mut planes = [0; 4 * GLYPH];
                memory.read(4 * index, &mut planes);
                fonts.extend(planes.iter().skip(2).step_by(4));
            }
        }
        let changed = fonts != self.fonts;
        self.fonts = fonts;
        changed
    }

    /// Looks at the rows that `look` says may have changed (by their start in
    /// display memory and bytes of it), and tells which cells look different.
    pub fn update(
        &mut self,
        ports: &Ports,
        memory: &dyn VideoMemory,
        height: u32,
        blink: Blink,
        look: &dyn Fn(u64, u64) -> bool,
    ) -> Vec<Change> {
        let columns = u32::from(ports.crtc[HORIZONTAL_END]) + 1;
        let mut changes = Vec::new();
        let (mut y, mut at) = (0, 0);
        while y < height {
            let start = mode::line(ports, y);
            let end = row_end(ports, y, start, height);
            let same = self.rows.get(at).is_some_and(|row| {
                row.lines == (y..end) && row.start == start && row.cells.len() == columns as usize
            });
            let first = mode::address(ports, start.base, 0) * 4;
            // Word mode takes every other address.
            if !same || look(first, u64::from(columns) * 8) {
                let cells = read_cells(ports, memory, start, columns, blink);
                let row = Row {
                    lines: y..end,
                    start,
                    cells,
                };
                let changed = match self.rows.get_mut(at) {
                    Some(old) => {
                        let changed = if same {
                            difference(&old.cells, &row.cells)
                        } else {
                            Some(0..columns)
                        };
                        *old = row;
                        changed
                    }
                    None => {
                        self.rows.push(row);
                        Some(0..columns)
                    }
                };
                changes.extend(changed.map(|cells| Change {
                    lines: y..end,
                    cells,
                }));
            }
            y = end;
            at += 1;
        }
        self.rows.truncate(at);
        changes
    }

    /// Whether something on the screen blinks.
    pub fn blinks(&self, ports: &Ports) -> bool {
        let characters = ports.attribute[ATTRIBUTE_MODE] & 8 != 0;
        let mut cells = self.rows.iter().flat_map(|row| &row.cells);
        cells.any(|cell| cell & (CURSOR | DARK) != 0 || characters && cell & 0x8000 != 0)
    }

    /// Draws line `y` into `line`, whose pixels are `repeat` for each dot.
    pub fn draw(&self, ports: &Ports, y: u32, dots: u32, repeat: u32, line: &mut [u32]) {
        let Some(row) = self.rows.iter().find(|row| row.lines.contains(&y)) else {
            return line.fill(0);
        };
        let now = mode::line(ports, y);
        // In 9-dot modes 8 means none, and 0 one.
        let panning = match (dots, now.panning) {
            (9, 8) => 0,
            (9, n) => n + 1,
            (_, n) => n & 7,
        } as usize;
        let pens = pens(ports);
        let mut pixels = row
            .cells
            .iter()
            .flat_map(|cell| {
                let (bits, front, back) = self.cell(ports, *cell, now.row_scan, dots, &pens);
                (0..dots)
                    .rev()
                    .map(move |dot| if bits >> dot & 1 != 0 { front } else { back })
            })
            .skip(panning)
            .flat_map(|pixel| (0..repeat).map(move |_| pixel));
        for pixel in line {
            *pixel = pixels.next().unwrap_or(pens[0]);
        }
    }

    /// One line of one cell: its dots, leftmost highest, and its two colours.
    fn cell(
        &self,
        ports: &Ports,
        cell: u32,
        row_scan: u32,
        dots: u32,
        pens: &[u32; 16],
    ) -> (u32, u32, u32) {
        let attribute = (cell >> 8) as usize & 0xff;
        let mode = ports.attribute[ATTRIBUTE_MODE];
        let font = (attribute >> 3 & 1) * 256;
        let character = cell as usize & 0xff;
        let glyph = (font + character) * GLYPH + (row_scan as usize & 0x1f);
        let mut bits = u32::from(self.fonts.get(glyph).copied().unwrap_or(0));
        if dots == 9 {
            let line_graphics = mode & 4 != 0 && (0xc0..0xe0).contains(&character);
            bits = bits << 1 | if line_graphics { bits & 1 } else { 0 };
        }
        let all = (1 << dots) - 1;
        let underline = u32::from(ports.crtc[UNDERLINE] & 0x1f);
        if mode & 2 != 0 && attribute & 7 == 1 && row_scan == underline {
            bits = all;
        }
        if cell & HIDDEN != 0 {
            bits = 0;
        }
        let cursor =
            u32::from(ports.crtc[CURSOR_START] & 0x1f)..=u32::from(ports.crtc[CURSOR_END] & 0x1f);
        if cell & CURSOR != 0 && cursor.contains(&row_scan) {
            bits = all;
        }
        let back = attribute >> 4 & if mode & 8 != 0 { 7 } else { 15 };
        (bits, pens[attribute & 15], pens[back])
    }
}

/// The sixteen colours.
pub(super) fn pens(ports: &Ports) -> [u32; 16] {
    core::array::from_fn(|pixel| ports.dac.color(mode::palette(ports, pixel as u8)))
}

/// The first line behind the row that has line `y`.
fn row_end(ports: &Ports, y: u32, start: Line, height: u32) -> u32 {
    let mut last = start;
    (y + 1..height)
        .find(|y| {
            let line = mode::line(ports, *y);
            let same = line.base == last.base && line.row_scan >= last.row_scan;
            last = line;
            !same
        })
        .unwrap_or(height)
}

fn read_cells(
    ports: &Ports,
    memory: &dyn VideoMemory,
    start: Line,
    columns: u32,
    blink: Blink,
) -> Vec<u32> {
    let cursor = u64::from(ports.crtc_word(CURSOR_HIGH, CURSOR_LOW));
    let enabled = ports.crtc[CURSOR_START] & 0x20 == 0;
    let blinking = ports.attribute[ATTRIBUTE_MODE] & 8 != 0 && !blink.characters;
    let cell = |column: u32| {
        let counter = start.base + u64::from(column);
        let mut planes = [0; 2];
        memory.read(mode::address(ports, counter, 0) as usize * 4, &mut planes);
        let mut cell = u32::from(u16::from_le_bytes(planes));
        if enabled && counter == cursor {
            cell |= if blink.cursor { CURSOR } else { DARK };
        }
        if blinking && cell & 0x8000 != 0 {
            cell |= HIDDEN;
        }
        cell
    };
    (0..columns).map(cell).collect()
}

/// From the first to behind the last cell that differs.
fn difference(old: &[u32], new: &[u32]) -> Option<Range<u32>> {
    let first = old.iter().zip(new).position(|(old, new)| old != new)?;
    let behind = old.iter().zip(new).rposition(|(old, new)| old != new)? + 1;
    Some(first as u32..behind as u32)
}
