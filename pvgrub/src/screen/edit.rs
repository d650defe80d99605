//! Editing a line: the readline keys, history, horizontal scrolling, TAB.
//!
//! [`Line`] is the text and its cursor, without a terminal; [`read_line`]
//! shows it behind a prompt. Only the part of the row that a key changed is
//! drawn again.

use super::console::{Console, printable};
use super::key::Key;
use alloc::string::String;
use alloc::vec::Vec;

/// Columns that prompt and text may use.
const WIDTH: usize = 78;
/// How far the text jumps when the cursor would leave the row.
const MARGIN: usize = 10;
/// The longest text, in characters; more is not taken. As long as a line of a
/// menu, so that each can be edited.
const LONGEST: usize = crate::menu::lexer::MAX_LINE;
/// Lines kept for ^P.
const HISTORY: usize = 64;

/// What outlives a single line: its history and what was cut last.
#[derive(Debug, Default)]
pub struct Memory {
    history: Vec<String>,
    cut: Vec<char>,
}

impl Memory {
    /// Keeps `line` as the latest of the history, unless it is empty or was
    /// the latest already.
    pub fn remember(&mut self, line: &str) {
        if line.is_empty() || self.history.last().is_some_and(|last| last == line) {
            return;
        }
        if self.history.len() >= HISTORY {
            self.history.remove(0);
        }
        self.history.push(line.into());
    }
}

/// A text being edited.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Line {
    text: Vec<char>,
    cursor: usize,
}

impl Line {
    /// `text` with the cursor at its end.
    pub fn new(text: &str) -> Self {
        let text: Vec<char> = text.chars().collect();
        Line {
            cursor: text.len(),
            text,
        }
    }

    /// The text.
    pub fn text(&self) -> String {
        self.text.iter().collect()
    }

    /// The text before the cursor.
    pub fn before_cursor(&self) -> String {
        self.text.iter().take(self.cursor).collect()
    }

    /// Puts `c` in at the cursor, unless the line is full.
    pub fn insert(&mut self, c: char) {
        if self.text.len() < LONGEST && self.cursor <= self.text.len() {
            self.text.insert(self.cursor, c);
            self.cursor = self.cursor.saturating_add(1);
        }
    }

    /// Does what `key` does to a line; what it cuts goes to `cut`. Keys that
    /// edit nothing do nothing.
    pub fn edit(&mut self, key: Key, cut: &mut Vec<char>) {
        let end = self.text.len();
        match key {
            Key::Char(c) => self.insert(c),
            Key::Ctrl('A') | Key::Home => self.cursor = 0,
            Key::Ctrl('E') | Key::End => self.cursor = end,
            Key::Ctrl('B') | Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Ctrl('F') | Key::Right => self.cursor = self.cursor.saturating_add(1).min(end),
            Key::Backspace if self.cursor > 0 => {
                self.cursor = self.cursor.saturating_sub(1);
                self.delete();
            }
            Key::Ctrl('D') | Key::Delete => self.delete(),
            Key::Ctrl('U') => {
                let kept = self.text.split_off(self.cursor.min(end));
                self.take(cut, kept);
                self.cursor = 0;
            }
            Key::Ctrl('K') => {
                let tail = self.text.split_off(self.cursor.min(end));
                if !tail.is_empty() {
                    *cut = tail;
                }
            }
            Key::Ctrl('W') => {
                let tail = self.text.split_off(self.cursor.min(end));
                let blanks = self.text.iter().rev().take_while(|&&c| c == ' ').count();
                let body = self.text.len().saturating_sub(blanks);
                let start = self.text.iter().take(body).rposition(|&c| c == ' ');
                let word = self
                    .text
                    .split_off(start.map_or(0, |blank| blank.saturating_add(1)));
                self.cursor = self.text.len();
                self.text.extend(tail);
                if !word.is_empty() {
                    *cut = word;
                }
            }
            Key::Ctrl('Y') => cut.iter().for_each(|&c| self.insert(c)),
            _ => {}
        }
    }

    /// Replaces the text by `kept`; what was there is cut.
    fn take(&mut self, cut: &mut Vec<char>, kept: Vec<char>) {
        let gone = core::mem::replace(&mut self.text, kept);
        if !gone.is_empty() {
            *cut = gone;
        }
    }

    fn delete(&mut self) {
        if self.cursor < self.text.len() {
            self.text.remove(self.cursor);
        }
    }
}

/// What TAB found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What all candidates go on with: inserted at the cursor.
    pub insert: String,
    /// What to list below the line: nothing if there is just one candidate.
    pub list: String,
}

/// How a line ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// Enter: the text.
    Text(String),
    /// Escape.
    Escape,
    /// The keyboard is gone ([`Console::ended`]).
    Ended,
}

/// What a line is read with.
pub struct Request<'a> {
    /// Stands before the text.
    pub prompt: &'a str,
    /// The text to begin with.
    pub text: &'a str,
    /// Shown for each character in place of it.
    pub mask: Option<char>,
    /// Whether Escape gives up (else it does nothing).
    pub escape: bool,
}

/// Reads a line. `complete` is asked on TAB, with the text before the cursor.
pub fn read_line(
    console: &mut Console<'_>,
    request: &Request<'_>,
    memory: &mut Memory,
    complete: &mut dyn FnMut(&str) -> Completion,
) -> Entered {
    let mut line = Line::new(request.text);
    let mut row = Row::new(request);
    let mut recall = Recall::new(memory.history.len());
    row.begin(console);
    row.echo = !console.manner().no_echo;
    if !row.echo && request.mask.is_none() {
        console.print(request.text);
    }
    loop {
        row.show(console, &line);
        let Some(key) = console.key(None) else {
            return Entered::Ended;
        };
        match key {
            Key::Enter => {
                row.finish(console, &line);
                return Entered::Text(line.text());
            }
            Key::Escape if request.escape => {
                row.finish(console, &line);
                return Entered::Escape;
            }
            key if console.manner().no_edit => {
                if matches!(key, Key::Char(_) | Key::Backspace) {
                    line.edit(key, &mut memory.cut);
                }
            }
            Key::Ctrl('P') | Key::Up if request.mask.is_none() => {
                recall.older(&memory.history, &mut line);
            }
            Key::Ctrl('N') | Key::Down if request.mask.is_none() => {
                recall.newer(&memory.history, &mut line);
            }
            Key::Tab => {
                let found = complete(&line.before_cursor());
                found.insert.chars().for_each(|c| line.insert(c));
                if !found.list.is_empty() {
                    row.finish(console, &line);
                    console.print(&found.list);
                    console.fresh_line();
                    row.begin(console);
                }
            }
            Key::Ctrl('L') => {
                console.clear();
                row.begin(console);
            }
            key => line.edit(key, &mut memory.cut),
        }
    }
}

/// Walking through the history: the line being typed is its newest.
struct Recall {
    at: usize,
    typed: Line,
}

impl Recall {
    fn new(lines: usize) -> Self {
        Recall {
            at: lines,
            typed: Line::default(),
        }
    }

    fn older(&mut self, history: &[String], line: &mut Line) {
        let Some(at) = self.at.checked_sub(1) else {
            return;
        };
        if self.at == history.len() {
            self.typed = line.clone();
        }
        if let Some(text) = history.get(at) {
            self.at = at;
            *line = Line::new(text);
        }
    }

    fn newer(&mut self, history: &[String], line: &mut Line) {
        if self.at >= history.len() {
            return;
        }
        self.at = self.at.saturating_add(1);
        *line = match history.get(self.at) {
            Some(text) => Line::new(text),
            None => self.typed.clone(),
        };
    }
}

/// The row of the screen that shows a line.
struct Row<'a> {
    prompt: &'a str,
    mask: Option<char>,
    /// Whether the text is shown.
    echo: bool,
    /// Columns for the text.
    width: usize,
    /// The first character shown.
    first: usize,
    /// What is on the screen behind the prompt.
    drawn: Vec<char>,
    /// The screen's column, counted from the end of the prompt.
    at: usize,
}

impl<'a> Row<'a> {
    fn new(request: &Request<'a>) -> Self {
        let prompt = request.prompt.chars().count();
        Row {
            prompt: request.prompt,
            mask: request.mask,
            echo: true,
            width: WIDTH.saturating_sub(prompt).max(2 * MARGIN),
            first: 0,
            drawn: Vec::new(),
            at: 0,
        }
    }

    /// Prints the prompt on what is an empty row.
    fn begin(&mut self, console: &mut Console<'_>) {
        console.print(self.prompt);
        self.drawn.clear();
        self.at = 0;
    }

    /// Draws what differs between the screen and `line`.
    fn show(&mut self, console: &mut Console<'_>, line: &Line) {
        if !self.echo {
            return;
        }
        self.scroll(line);
        let wanted = self.visible(line);
        let same = wanted
            .iter()
            .zip(&self.drawn)
            .take_while(|(a, b)| a == b)
            .count();
        if same < wanted.len() || same < self.drawn.len() {
            self.go(console, same);
            let tail: String = wanted.iter().skip(same).collect();
            console.print(&tail);
            self.at = wanted.len();
            if wanted.len() < self.drawn.len() {
                self.erase(console);
            }
            self.drawn = wanted;
        }
        self.go(console, line.cursor.saturating_sub(self.first));
    }

    /// Leaves the row: the cursor goes to the next one.
    fn finish(&mut self, console: &mut Console<'_>, line: &Line) {
        self.show(console, line);
        self.go(console, self.drawn.len());
        console.print("\n");
    }

    /// Erases what is still drawn behind the cursor.
    fn erase(&mut self, console: &mut Console<'_>) {
        console.erase_to_end();
        if console.manner().dumb {
            let rest = self.drawn.len().saturating_sub(self.at);
            console.print(&" ".repeat(rest));
            self.at = self.drawn.len();
        }
    }

    fn go(&mut self, console: &mut Console<'_>, to: usize) {
        if console.manner().dumb && to > self.at {
            let between = to.saturating_sub(self.at);
            let text: String = self.drawn.iter().skip(self.at).take(between).collect();
            console.print(&text);
            self.at = to;
        }
        let prompt = self.prompt.chars().count();
        console.shift(prompt.saturating_add(self.at), prompt.saturating_add(to));
        self.at = to;
    }

    /// Moves the visible part so that the cursor stands in it, not on a mark.
    fn scroll(&mut self, line: &Line) {
        let last = self.width.saturating_sub(1);
        let column = line.cursor.saturating_sub(self.first);
        if self.first > 0 && line.cursor <= self.first {
            self.first = line.cursor.saturating_sub(MARGIN);
        } else if column > last || (column == last && line.cursor < line.text.len()) {
            let jump = last.saturating_sub(MARGIN);
            self.first = line.cursor.saturating_sub(jump);
        }
    }

    /// The visible part, with `<` and `>` where there is more.
    fn visible(&self, line: &Line) -> Vec<char> {
        let text = line.text.iter().skip(self.first).take(self.width);
        let mut shown: Vec<char> = text.map(|&c| self.mask.unwrap_or(printable(c))).collect();
        if self.first > 0
            && let Some(mark) = shown.first_mut()
        {
            *mark = '<';
        }
        if line.text.len() > self.first.saturating_add(self.width)
            && let Some(mark) = shown.last_mut()
        {
            *mark = '>';
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::double::Script;

    /// Types `keys` at a prompt with `text` in it; gives how that ended and
    /// the row shown before the last key.
    fn enter(prompt: &str, text: &str, keys: &str) -> (Entered, String) {
        let mut script = Script::keys(keys);
        script.waits(1_000_000_000).looks("row").types(b"\r");
        let mut terminal = script.terminal();
        let mut console = Console::new(&mut terminal);
        let request = Request {
            prompt,
            text,
            mask: None,
            escape: true,
        };
        let mut memory = Memory::default();
        memory.remember("older");
        memory.remember("newer");
        let mut complete = |before: &str| Completion {
            insert: format!("<{}>", before.len()),
            list: String::new(),
        };
        let entered = read_line(&mut console, &request, &mut memory, &mut complete);
        drop(console);
        let row = match entered {
            Entered::Text(_) => terminal.picture("row").to_string(),
            Entered::Escape | Entered::Ended => String::new(),
        };
        (entered, row)
    }

    #[test]
    fn keys() {
        for (text, keys, expected) in [
            ("", "abc", "abc"),
            ("abc", "d\x01X", "Xabcd"),
            ("abc", "\x01\x06X", "aXbc"),
            ("abc", "\x02\x02X", "aXbc"),
            ("abc", "\x01\x05X", "abcX"),
            ("abc", "\x1b[H\x1b[CX\x1b[FY\x1b[DZ", "aXbcZY"),
            ("abc", "\x1bOHX\x1bOFY", "XabcY"),
            ("abc", "\x08", "ab"),
            ("abc", "\x7f\x7f\x7f\x7f", ""),
            ("abc", "\x01\x04", "bc"),
            ("abc", "\x04", "abc"),
            ("abc", "\x01\x1b[3~\x1b[3~", "c"),
            ("abc def", "\x02\x02\x02\x15", "def"),
            ("abc def", "\x02\x02\x02\x0b", "abc "),
            ("abc def", "\x02\x02\x02\x0b\x01\x19 ", "def abc "),
            ("abc def ", "\x17", "abc "),
            ("abc", "\x17\x17\x19\x19", "abcabc"),
            ("abc", "\x02\tx", "ab<2>xc"),
            ("abc", "\x10", "newer"),
            ("abc", "\x10\x10\x10", "older"),
            ("abc", "\x10\x10\x0e\x0e\x0e", "abc"),
            ("größe", "\x02\x02\x7fa", "grüße".replace('ü', "a").as_str()),
            ("a", "\x07\x1b[5~\x1b[11~b", "ab"),
        ] {
            let (entered, row) = enter("> ", text, keys);
            assert_eq!(entered, Entered::Text(expected.into()), "{text:?} {keys:?}");
            assert_eq!(row, format!("> {expected}").trim_end(), "{text:?} {keys:?}");
        }
    }

    #[test]
    fn escape_and_end() {
        assert_eq!(enter("> ", "abc", "\x1b").0, Entered::Escape);
        let mut terminal = Script::keys("abc").terminal();
        let mut console = Console::new(&mut terminal);
        let request = Request {
            prompt: "",
            text: "",
            mask: None,
            escape: true,
        };
        let entered = read_line(&mut console, &request, &mut Memory::default(), &mut |_| {
            Completion::default()
        });
        assert_eq!(entered, Entered::Ended);
    }

    #[test]
    fn long_lines_scroll() {
        // 78 columns, 9 of them the prompt.
        let text: String = ('a'..='z').cycle().take(200).collect();
        let row = |keys: &str| enter("grubdom> ", &text, keys).1;
        let shown = |from: usize, left: &str, right: &str| {
            let end = text.len().min(from + 69);
            let inner = &text[from + left.len()..end - right.len()];
            format!("grubdom> {left}{inner}{right}")
        };
        // The cursor stands ten columns before the edge after a jump.
        assert_eq!(row(""), shown(142, "<", ""));
        assert_eq!(row("\x01"), shown(0, "", ">"));
        assert_eq!(
            row(&("\x01".to_string() + &"\x06".repeat(67))),
            shown(0, "", ">")
        );
        assert_eq!(
            row(&("\x01".to_string() + &"\x06".repeat(68))),
            shown(10, "<", ">")
        );
        assert_eq!(row(&"\x02".repeat(57)), shown(142, "<", ""));
        assert_eq!(row(&"\x02".repeat(58)), shown(132, "<", ""));
    }

    #[test]
    fn a_full_line_takes_no_more() {
        let mut line = Line::new(&"x".repeat(LONGEST));
        line.insert('y');
        assert_eq!(line.text().len(), LONGEST);
        assert!(!line.text().contains('y'));
    }

    #[test]
    fn history_is_short_and_without_repetitions() {
        let mut memory = Memory::default();
        for number in 0..1000 {
            memory.remember(&number.to_string());
            memory.remember(&number.to_string());
            memory.remember("");
        }
        assert_eq!(memory.history.len(), 64);
        assert_eq!(memory.history.last().map(String::as_str), Some("999"));
    }
}
