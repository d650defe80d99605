//! The console: a terminal with keys read from it, and text written to it in
//! a form that does no harm.
//!
//! Everything shown may come from a disk (titles, file contents, names), so
//! nothing but printable characters of one column reaches the terminal; the
//! rest is shown as `?`. Output is gathered and written in one piece before
//! each wait for a key.

use super::colour::Pair;
use super::key::{Key, KeyReader};
use super::paint::Look;
use super::terminal::{Outputs, Terminal};
use alloc::vec::Vec;
use core::fmt;

/// Rows of the screen.
pub const ROWS: usize = 24;
/// Columns of the screen.
pub const COLUMNS: usize = 80;

/// How much output is gathered at most before it is written, in bytes.
const GATHER: usize = 4096;

/// What is asked after a screenful of output.
const MORE: &str = "[Enter shows more, q ends]";

/// How the terminal is used, as `terminal` sets it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manner {
    /// It knows no escapes: text comes line by line.
    pub dumb: bool,
    /// What is typed is not shown, since the terminal does that itself.
    pub no_echo: bool,
    /// Of a line being typed only the end can be changed.
    pub no_edit: bool,
}

/// A terminal, ready for use by the menu and by commands.
pub struct Console<'a> {
    terminal: &'a mut dyn Terminal,
    keys: KeyReader,
    out: Vec<u8>,
    column: usize,
    pager: Pager,
    /// Whether the person wants pauses, where there may be some.
    pauses: bool,
    /// Lines until a pause, if not those of the screen.
    lines: Option<usize>,
    manner: Manner,
    /// The keyboard is gone: nothing more will ever be typed.
    ended: bool,
    /// A key was read since this was last asked.
    touched: bool,
    /// The colours of plain and of highlighted text, if they were chosen.
    colours: Option<(Pair, Pair)>,
}

/// State of the pause after each screenful.
enum Pager {
    /// No pauses.
    Off,
    /// So many lines were printed since the last pause.
    Lines(usize),
    /// The person has seen enough: output is dropped.
    Enough,
}

impl<'a> Console<'a> {
    /// A console on `terminal`.
    pub fn new(terminal: &'a mut dyn Terminal) -> Self {
        Console {
            terminal,
            keys: KeyReader::new(),
            out: Vec::new(),
            column: 0,
            pager: Pager::Off,
            pauses: true,
            lines: None,
            manner: Manner::default(),
            ended: false,
            touched: false,
            colours: None,
        }
    }

    /// Prints `text`; `\n` starts a new line.
    pub fn print(&mut self, text: &str) {
        for c in text.chars() {
            if matches!(self.pager, Pager::Enough) {
                return;
            }
            match c {
                '\n' => self.newline(),
                '\r' => {}
                '\t' => {
                    let blanks = 8usize.saturating_sub(self.column % 8);
                    (0..blanks).for_each(|_| self.put(' '));
                }
                c => self.put(printable(c)),
            }
        }
    }

    /// Prints `text` and ends the line.
    pub fn line(&mut self, text: &str) {
        self.print(text);
        self.print("\n");
    }

    /// Ends the line unless nothing stands in it.
    pub fn fresh_line(&mut self) {
        if self.column > 0 {
            self.print("\n");
        }
    }

    /// From now on output pauses after each screenful (`true`), or not.
    /// Either call begins a new count and lets dropped output through again.
    pub fn set_pager(&mut self, on: bool) {
        self.pager = if on { Pager::Lines(0) } else { Pager::Off };
    }

    /// Whether long output is to pause where somebody is there to read it.
    pub fn pauses(&self) -> bool {
        self.pauses
    }

    /// Sets that; from now on also for the output that goes on.
    pub fn set_pauses(&mut self, on: bool) {
        self.pauses = on;
        if !on {
            self.pager = Pager::Off;
        }
    }

    /// How many lines make a screenful, if that was set.
    pub fn lines(&self) -> Option<usize> {
        self.lines
    }

    /// Lets output pause after `lines` lines.
    pub fn set_lines(&mut self, lines: usize) {
        self.lines = Some(lines);
    }

    /// How the terminal is used.
    pub fn manner(&self) -> Manner {
        self.manner
    }

    /// Uses the terminal like this from now on.
    pub fn set_manner(&mut self, manner: Manner) {
        self.manner = manner;
    }

    /// Whether the person has asked for an end of the output; a command with
    /// much to print stops then.
    pub fn enough(&self) -> bool {
        matches!(self.pager, Pager::Enough) || self.ended
    }

    /// Clears the screen; the next text starts at its top left. On a dumb
    /// terminal, where this and [`goto`](Console::goto) cannot be, it starts in
    /// a line of its own.
    pub fn clear(&mut self) {
        if self.manner.dumb {
            return self.fresh_line();
        }
        self.raw(b"\x1b[H\x1b[J");
        self.column = 0;
    }

    /// Puts the cursor to `row` and `column`, both counted from 0.
    pub fn goto(&mut self, row: usize, column: usize) {
        if self.manner.dumb {
            return self.fresh_line();
        }
        self.escape(format_args!(
            "\x1b[{};{}H",
            row.saturating_add(1),
            column.saturating_add(1)
        ));
        self.column = column;
    }

    /// Moves the cursor within its line from one column to another; a dumb
    /// terminal's only to the left.
    pub fn shift(&mut self, from: usize, to: usize) {
        if self.manner.dumb {
            (to..from).for_each(|_| self.raw(b"\x08"));
            self.column = to.min(from);
            return;
        }
        if to > from {
            self.escape(format_args!("\x1b[{}C", to.saturating_sub(from)));
        } else if to < from {
            self.escape(format_args!("\x1b[{}D", from.saturating_sub(to)));
        }
        self.column = to;
    }

    /// Erases from the cursor to the end of its line. A dumb terminal erases
    /// nothing: there blanks go over what is to vanish.
    pub fn erase_to_end(&mut self) {
        if !self.manner.dumb {
            self.raw(b"\x1b[K");
        }
    }

    /// Back to the first column of the line.
    pub fn carriage_return(&mut self) {
        self.raw(b"\r");
        self.column = 0;
    }

    /// From now on text is highlighted, or not.
    pub fn standout(&mut self, on: bool) {
        if self.manner.dumb {
            return;
        }
        match (self.colours, on) {
            (Some((_, highlight)), true) => self.raw(highlight.sequence().as_bytes()),
            (Some((normal, _)), false) => self.raw(normal.sequence().as_bytes()),
            (None, true) => self.raw(b"\x1b[7m"),
            (None, false) => self.raw(b"\x1b[m"),
        }
    }

    /// From now on plain and highlighted text have these colours.
    pub fn set_colours(&mut self, normal: Pair, highlight: Pair) {
        self.colours = Some((normal, highlight));
        self.dress(&mut |look| look.normal = Some(normal));
        self.standout(false);
    }

    /// Leaves the terminal to the next program as it was before there were
    /// colours (`true`), or goes on after all.
    pub fn set_plain(&mut self, plain: bool) {
        if self.colours.is_none() || self.manner.dumb {
            return;
        }
        match plain {
            true => self.raw(b"\x1b[m"),
            false => self.standout(false),
        }
    }

    /// Whether there is a frame buffer.
    pub fn has_graphics(&self) -> bool {
        self.terminal.has_graphics()
    }

    /// Changes how the frame buffer looks, if there is one: [`Terminal::dress`].
    pub fn dress(&mut self, change: &mut dyn FnMut(&mut Look)) {
        self.flush();
        self.terminal.dress(change);
    }

    /// Chooses where the menu is: [`Terminal::select`].
    pub fn select(&mut self, outputs: Outputs) -> bool {
        self.flush();
        self.terminal.select(outputs)
    }

    /// Waits for a key. `None` when [`now`](Console::now) has reached
    /// `deadline`, or, without a deadline, when there is no keyboard any more
    /// (see [`ended`](Console::ended)).
    pub fn key(&mut self, deadline: Option<u64>) -> Option<Key> {
        self.flush();
        if self.ended {
            return None;
        }
        let key = self.keys.read(self.terminal, deadline);
        if key.is_none() && deadline.is_none() {
            self.ended = true;
        }
        self.touched |= key.is_some();
        key
    }

    /// The next key that waits already.
    pub fn waiting_key(&mut self) -> Option<Key> {
        let now = self.now();
        self.key(Some(now))
    }

    /// Whether a key was read since the last time this was asked: somebody is
    /// there.
    pub fn take_touched(&mut self) -> bool {
        core::mem::take(&mut self.touched)
    }

    /// Whether the keyboard is gone, i.e. an unlimited wait for a key ended
    /// without one. Real consoles never do this; scripted ones do.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Monotonic time in nanoseconds.
    pub fn now(&self) -> u64 {
        self.terminal.now()
    }

    /// Writes out all that was gathered.
    pub fn flush(&mut self) {
        if !self.out.is_empty() {
            self.terminal.write(&self.out);
            self.out.clear();
        }
    }

    fn newline(&mut self) {
        self.raw(b"\r\n");
        self.column = 0;
        self.count_line();
    }

    /// One more line is on the screen: pauses if it is full.
    fn count_line(&mut self) {
        let Pager::Lines(lines) = &mut self.pager else {
            return;
        };
        *lines = lines.saturating_add(1);
        if *lines < self.lines.unwrap_or(ROWS).saturating_sub(1) {
            return;
        }
        self.raw(MORE.as_bytes());
        let key = self.key(None);
        self.carriage_return();
        self.erase_to_end();
        if self.manner.dumb {
            MORE.bytes().for_each(|_| self.raw(b" "));
            self.carriage_return();
        }
        self.pager = match key {
            None | Some(Key::Escape | Key::Char('q' | 'Q') | Key::Ctrl('C')) => Pager::Enough,
            Some(_) => Pager::Lines(0),
        };
    }

    /// One character of one column; the terminal wraps at the right edge.
    fn put(&mut self, c: char) {
        if self.column >= COLUMNS {
            self.column = 0;
            self.count_line();
            if matches!(self.pager, Pager::Enough) {
                return;
            }
        }
        let mut utf8 = [0; 4];
        let bytes = c.encode_utf8(&mut utf8).as_bytes();
        self.out.extend_from_slice(bytes);
        self.column = self.column.saturating_add(1);
        self.relieve();
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.relieve();
    }

    fn escape(&mut self, sequence: fmt::Arguments<'_>) {
        struct Bytes<'b>(&'b mut Vec<u8>);
        impl fmt::Write for Bytes<'_> {
            fn write_str(&mut self, s: &str) -> fmt::Result {
                self.0.extend_from_slice(s.as_bytes());
                Ok(())
            }
        }
        // Writing to a vector does not fail.
        let _ = fmt::Write::write_fmt(&mut Bytes(&mut self.out), sequence);
    }

    fn relieve(&mut self) {
        if self.out.len() >= GATHER {
            self.flush();
        }
    }
}

impl fmt::Write for Console<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.print(text);
        Ok(())
    }
}

impl Drop for Console<'_> {
    fn drop(&mut self) {
        self.set_plain(true);
        self.flush();
    }
}

/// `c`, or `?` if a terminal might not show it in exactly one column.
pub fn printable(c: char) -> char {
    match c {
        ' '..='~' => c,
        // Latin, Greek, Cyrillic, Armenian without combining marks; quotes and
        // dashes; currency; arrows; box drawing.
        '\u{a0}'..='\u{ac}'
        | '\u{ae}'..='\u{2ff}'
        | '\u{370}'..='\u{377}'
        | '\u{37a}'..='\u{37f}'
        | '\u{384}'..='\u{482}'
        | '\u{48a}'..='\u{52f}'
        | '\u{2010}'..='\u{2027}'
        | '\u{20a0}'..='\u{20bf}'
        | '\u{2190}'..='\u{21ff}'
        | '\u{2500}'..='\u{257f}' => c,
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::double::Script;

    #[test]
    fn nothing_dangerous_gets_out() {
        let mut terminal = Script::default().terminal();
        let mut console = Console::new(&mut terminal);
        console.print("a\x1b[2Jb\x07\x08\u{9b}c\u{202e}日é\r\nx\ty");
        drop(console);
        assert_eq!(terminal.transcript(), "a?[2Jb???c??é\r\nx       y");
    }

    #[test]
    fn pauses_after_a_screenful() {
        let mut script = Script::default();
        script
            .looks("first")
            .types(b"\r")
            .looks("second")
            .types(b"q");
        let mut terminal = script.terminal();
        let mut console = Console::new(&mut terminal);
        console.set_pager(true);
        for number in 0..100 {
            console.line(&format!("line {number}"));
        }
        assert!(console.enough());
        drop(console);
        let first = terminal.picture("first");
        assert!(first.starts_with("line 0\n"), "{first}");
        assert!(
            first.ends_with("line 22\n[Enter shows more, q ends]"),
            "{first}"
        );
        let second = terminal.picture("second");
        assert!(
            second.ends_with("line 45\n[Enter shows more, q ends]"),
            "{second}"
        );
        assert!(!terminal.transcript().contains("line 46"));
    }

    #[test]
    fn a_wrapped_line_counts_as_several() {
        let mut script = Script::default();
        script.looks("pause").types(b"q");
        let mut terminal = script.terminal();
        let mut console = Console::new(&mut terminal);
        console.set_pager(true);
        console.line(&"x".repeat(COLUMNS * 30));
        drop(console);
        assert_eq!(terminal.picture("pause").lines().count(), ROWS);
    }
}
