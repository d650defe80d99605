//! A terminal of our own: what the loader writes to its console, as cells.
//!
//! It understands what [`Console`](super::Console) sends (text in UTF-8, the
//! cursor moved and the screen erased, inverse text and the sixteen colours)
//! and passes over every other sequence of ECMA-48. Pure: bytes in, and out
//! come the cells that changed since they were last asked for.

use super::colour::{Colour, Pair};
use alloc::vec;
use alloc::vec::Vec;

/// Parameters of a sequence that count; more are dropped.
const PARAMETERS: usize = 16;
/// The largest value of a parameter; more is as much.
const LARGEST: u16 = 9999;

/// One place on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// What stands there.
    pub text: char,
    /// How it looks.
    pub style: Style,
    /// Whether the cursor is there.
    pub cursor: bool,
}

/// How text looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Its colour, if one was chosen.
    pub ink: Option<Colour>,
    /// What is behind it, if that was chosen.
    pub paper: Option<Colour>,
    /// Both exchanged.
    pub inverse: bool,
    /// Ink is bright.
    bold: bool,
}

impl Style {
    /// Its colour as it is to be shown, if one was chosen.
    pub fn ink(self) -> Option<Colour> {
        let ink = self.ink?;
        Some(if self.bold { ink.bright() } else { ink })
    }

    /// Whether it is text in just these colours.
    pub fn is(self, pair: Pair) -> bool {
        (self.ink(), self.paper, self.inverse) == (Some(pair.ink), Some(pair.paper), false)
    }
}

/// Nothing.
pub const BLANK: Cell = Cell {
    text: ' ',
    style: Style {
        ink: None,
        paper: None,
        inverse: false,
        bold: false,
    },
    cursor: false,
};

/// Cells side by side that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Their row.
    pub row: usize,
    /// The first one's column.
    pub from: usize,
    /// The column behind the last one.
    pub to: usize,
}

/// Where in a sequence the next byte stands.
#[derive(Debug)]
enum Expect {
    /// In none.
    Text,
    /// Behind ESC.
    Escape,
    /// Behind ESC and bytes that tell what kind of a sequence it is.
    Intermediate,
    /// Behind ESC [.
    Control,
    /// Within a character of several bytes: those that came, how many they
    /// shall be.
    Utf8([u8; 4], usize, usize),
}

/// A terminal's screen.
#[derive(Debug)]
pub struct Vt {
    columns: usize,
    rows: usize,
    cells: Vec<Cell>,
    /// As last asked for.
    shown: Vec<Cell>,
    row: usize,
    column: usize,
    /// The last column was written: the next character goes to the next row.
    wraps: bool,
    style: Style,
    expect: Expect,
    parameters: Vec<u16>,
    /// The sequence being read is one of somebody's own.
    private: bool,
}

impl Vt {
    /// A blank screen.
    pub fn new(columns: usize, rows: usize) -> Self {
        let (columns, rows) = (columns.max(1), rows.max(1));
        let cells = vec![BLANK; columns.saturating_mul(rows)];
        Vt {
            columns,
            rows,
            shown: cells.clone(),
            cells,
            row: 0,
            column: 0,
            wraps: false,
            style: Style::default(),
            expect: Expect::Text,
            parameters: Vec::with_capacity(PARAMETERS),
            private: false,
        }
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Takes what is written to the terminal.
    pub fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.take(byte);
        }
    }

    /// The cells of a row that were last given as changed, `from` to `to`.
    pub fn cells(&self, span: Span) -> &[Cell] {
        let begin = span.row.saturating_mul(self.columns);
        let range = begin.saturating_add(span.from)..begin.saturating_add(span.to);
        self.shown.get(range).unwrap_or(&[])
    }

    /// What changed since this was last asked: at most one span of each row.
    pub fn changes(&mut self) -> Vec<Span> {
        let mut spans = Vec::new();
        let cursor = self.place();
        let rows = self
            .cells
            .chunks(self.columns)
            .zip(self.shown.chunks_mut(self.columns));
        for (row, (now, before)) in rows.enumerate() {
            let begin = row.saturating_mul(self.columns);
            let mut span: Option<Span> = None;
            for (column, (now, before)) in now.iter().zip(before).enumerate() {
                let now = Cell {
                    cursor: begin.saturating_add(column) == cursor,
                    ..*now
                };
                if now == *before {
                    continue;
                }
                *before = now;
                let to = column.saturating_add(1);
                span.get_or_insert(Span {
                    row,
                    from: column,
                    to,
                })
                .to = to;
            }
            spans.extend(span);
        }
        spans
    }

    /// All of it, for somebody who has not seen any of it.
    pub fn everything(&mut self) -> Vec<Span> {
        let _ = self.changes();
        let row = |row| Span {
            row,
            from: 0,
            to: self.columns,
        };
        (0..self.rows).map(row).collect()
    }

    fn place(&self) -> usize {
        let row = self.row.saturating_mul(self.columns);
        row.saturating_add(self.column)
    }

    fn take(&mut self, byte: u8) {
        let expect = core::mem::replace(&mut self.expect, Expect::Text);
        match (expect, byte) {
            (_, 0x1b) => self.expect = Expect::Escape,
            // Within a sequence, these act as anywhere else.
            (expect @ (Expect::Escape | Expect::Intermediate | Expect::Control), ..0x20) => {
                self.control(byte);
                self.expect = expect;
            }
            (Expect::Utf8(bytes, came, of), 0x80..=0xbf) => self.utf8(bytes, came, of, byte),
            (Expect::Utf8(..), _) => {
                self.put('?');
                self.take(byte);
            }
            (Expect::Text, _) => self.text(byte),
            (Expect::Escape, b'[') => {
                self.parameters.clear();
                self.private = false;
                self.expect = Expect::Control;
            }
            (Expect::Escape | Expect::Intermediate, 0x20..=0x2f) => {
                self.expect = Expect::Intermediate;
            }
            (Expect::Escape | Expect::Intermediate, _) => {}
            (Expect::Control, b'0'..=b'9' | b';') => {
                self.parameter(byte);
                self.expect = Expect::Control;
            }
            (Expect::Control, 0x20..=0x3f) => {
                self.private = true;
                self.expect = Expect::Control;
            }
            (Expect::Control, 0x40..=0x7e) if !self.private => self.sequence(byte),
            (Expect::Control, _) => {}
        }
    }

    fn text(&mut self, byte: u8) {
        let length = match byte {
            ..0x20 => return self.control(byte),
            0x20..=0x7e => return self.put(char::from(byte)),
            0x7f => return,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return self.put('?'),
        };
        self.expect = Expect::Utf8([byte, 0, 0, 0], 1, length);
    }

    fn utf8(&mut self, mut bytes: [u8; 4], came: usize, of: usize, byte: u8) {
        if let Some(place) = bytes.get_mut(came) {
            *place = byte;
        }
        let came = came.saturating_add(1);
        if came < of {
            self.expect = Expect::Utf8(bytes, came, of);
            return;
        }
        let text = core::str::from_utf8(bytes.get(..of).unwrap_or(&[])).ok();
        let c = text.and_then(|text| text.chars().next());
        self.put(c.filter(|c| !c.is_control()).unwrap_or('?'));
    }

    fn control(&mut self, byte: u8) {
        match byte {
            b'\r' => self.column = 0,
            b'\n' => self.line_feed(),
            0x08 => self.column = self.column.saturating_sub(1),
            _ => return,
        }
        self.wraps = false;
    }

    fn put(&mut self, text: char) {
        if self.wraps {
            self.wraps = false;
            self.column = 0;
            self.line_feed();
        }
        let place = self.place();
        if let Some(cell) = self.cells.get_mut(place) {
            *cell = Cell {
                text,
                style: self.style,
                cursor: false,
            };
        }
        match self.column.saturating_add(1) {
            next if next < self.columns => self.column = next,
            _ => self.wraps = true,
        }
    }

    fn line_feed(&mut self) {
        if self.row.saturating_add(1) < self.rows {
            self.row = self.row.saturating_add(1);
            return;
        }
        self.cells.copy_within(self.columns.., 0);
        let last = self.cells.len().saturating_sub(self.columns);
        self.erase(last, self.cells.len());
    }

    /// Blanks in the colour of the paper, from one place up to another.
    fn erase(&mut self, from: usize, to: usize) {
        let blank = Cell {
            style: Style {
                paper: self.style.paper,
                ..Style::default()
            },
            ..BLANK
        };
        if let Some(cells) = self.cells.get_mut(from..to) {
            cells.fill(blank);
        }
    }

    fn parameter(&mut self, byte: u8) {
        if self.parameters.is_empty() {
            self.parameters.push(0);
        }
        if byte == b';' {
            // One too many makes room for nothing that is read.
            if self.parameters.len() <= PARAMETERS {
                self.parameters.push(0);
            }
        } else if let Some(last) = self.parameters.last_mut() {
            let digit = u16::from(byte.saturating_sub(b'0'));
            *last = last.saturating_mul(10).saturating_add(digit).min(LARGEST);
        }
    }

    /// Parameter `index`, or what it is if left out.
    fn number(&self, index: usize, left_out: u16) -> usize {
        let given = self.parameters.get(index).copied().unwrap_or(0);
        usize::from(if given == 0 { left_out } else { given })
    }

    fn sequence(&mut self, last: u8) {
        let by = self.number(0, 1);
        match last {
            b'A' => self.row = self.row.saturating_sub(by),
            b'B' => self.row = self.row.saturating_add(by),
            b'C' => self.column = self.column.saturating_add(by),
            b'D' => self.column = self.column.saturating_sub(by),
            b'H' | b'f' => {
                self.row = by.saturating_sub(1);
                self.column = self.number(1, 1).saturating_sub(1);
            }
            b'J' => return self.erase_screen(),
            b'K' => return self.erase_line(),
            b'm' => return self.rendition(),
            _ => return,
        }
        self.row = self.row.min(self.rows.saturating_sub(1));
        self.column = self.column.min(self.columns.saturating_sub(1));
        self.wraps = false;
    }

    fn erase_screen(&mut self) {
        let (here, end) = (self.place(), self.cells.len());
        match self.number(0, 0) {
            0 => self.erase(here, end),
            1 => self.erase(0, here.saturating_add(1)),
            2 => self.erase(0, end),
            _ => {}
        }
    }

    fn erase_line(&mut self) {
        let here = self.place();
        let begin = self.row.saturating_mul(self.columns);
        let end = begin.saturating_add(self.columns);
        match self.number(0, 0) {
            0 => self.erase(here, end),
            1 => self.erase(begin, here.saturating_add(1)),
            2 => self.erase(begin, end),
            _ => {}
        }
    }

    /// How text looks from now on (ECMA-48, 8.3.117).
    fn rendition(&mut self) {
        if self.parameters.is_empty() {
            self.parameters.push(0);
        }
        let style = &mut self.style;
        for &parameter in self.parameters.iter().take(PARAMETERS) {
            let parameter = u8::try_from(parameter).unwrap_or(u8::MAX);
            let colour = Colour::from_ansi(parameter % 10);
            match parameter {
                0 => *style = Style::default(),
                1 => style.bold = true,
                7 => style.inverse = true,
                22 => style.bold = false,
                27 => style.inverse = false,
                30..=37 => style.ink = Some(colour),
                39 => style.ink = None,
                40..=47 => style.paper = Some(colour),
                49 => style.paper = None,
                90..=97 => style.ink = Some(colour.bright()),
                100..=107 => style.paper = Some(colour.bright()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
