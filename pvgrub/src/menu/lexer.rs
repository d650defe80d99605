//! From the bytes of a menu.lst to its lines.
//!
//! The rules are GRUB 0.97's: CR is dropped, TAB becomes a space, a backslash
//! at the end of a line joins the next one to it with a space in between (in
//! a comment too), leading blanks go away, and `#` begins a comment only at
//! the start of a line. Beyond those, NUL bytes are dropped and bytes that are
//! not UTF-8 become U+FFFD: whatever the bytes, lines come out.

use alloc::string::String;
use alloc::vec::Vec;

/// The longest line, in bytes after joining; the rest of it is cut. (GRUB
/// 0.97 cuts at 1500, Linux takes a command line of 2048.)
pub const MAX_LINE: usize = 16 * 1024;

/// A line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it begins in the file: the first line is 1.
    pub number: u32,
    /// What stands there, joined, without leading blanks; never empty.
    pub text: String,
    /// How many bytes were cut off its end; 0 for all but absurd lines.
    pub cut: usize,
}

impl Line {
    /// A line that another format's means the same as; control characters
    /// become blanks, and what is too long is cut here too.
    pub fn made(number: u32, text: &str) -> Self {
        let cut = text.len().saturating_sub(MAX_LINE);
        let text = match cut {
            0 => text,
            _ => text.get(..text.floor_char_boundary(MAX_LINE)).unwrap_or(""),
        };
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        let text = text.chars().filter(|&c| c != '\0').map(shown).collect();
        Line { number, text, cut }
    }
}

/// The lines of a menu that are neither blank nor comments.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    bytes: core::iter::Copied<core::slice::Iter<'a, u8>>,
    /// The line that the next byte belongs to.
    number: u32,
}

impl<'a> Lines<'a> {
    /// The lines of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Lines {
            bytes: bytes.iter().copied(),
            number: 1,
        }
    }
}

/// A line while it is gathered.
#[derive(Default)]
struct Gathered {
    number: u32,
    text: Vec<u8>,
    cut: usize,
    comment: bool,
    /// The byte before was a backslash that may join lines.
    backslash: bool,
}

impl Gathered {
    /// Takes a byte that does not end the line.
    fn take(&mut self, byte: u8, number: u32) {
        if self.comment || (self.text.is_empty() && byte == b' ') {
            return;
        }
        if self.text.is_empty() {
            self.number = number;
            if byte == b'#' {
                self.comment = true;
                return;
            }
        }
        if self.text.len() < MAX_LINE {
            self.text.push(byte);
        } else {
            self.cut = self.cut.saturating_add(1);
        }
    }

    /// A backslash before the end of a line: the next one belongs to it.
    fn join(&mut self, number: u32) {
        // Unless it was cut off, the backslash is the last byte.
        match self.cut {
            0 => drop(self.text.pop()),
            cut => self.cut = cut.saturating_sub(1),
        }
        self.take(b' ', number);
    }

    fn finish(self) -> Option<Line> {
        if self.comment || self.text.is_empty() {
            return None;
        }
        Some(Line {
            number: self.number,
            text: String::from_utf8_lossy(&self.text).into_owned(),
            cut: self.cut,
        })
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let mut line = Gathered::default();
        loop {
            let Some(byte) = self.bytes.next() else {
                return core::mem::take(&mut line).finish();
            };
            let number = self.number;
            if byte == b'\n' {
                self.number = number.saturating_add(1);
            }
            match byte {
                b'\r' | 0 => {}
                b'\n' if core::mem::take(&mut line.backslash) => line.join(number),
                b'\n' => {
                    if let Some(line) = core::mem::take(&mut line).finish() {
                        return Some(line);
                    }
                }
                byte => {
                    // A second backslash stands for itself.
                    line.backslash = byte == b'\\' && !line.backslash;
                    line.take(if byte == b'\t' { b' ' } else { byte }, number);
                }
            }
        }
    }
}

/// Splits a line into its first word and the rest: separated by any number of
/// spaces, tabs and `=`.
pub fn word(line: &str) -> (&str, &str) {
    split(line, |c| matches!(c, ' ' | '\t' | '='))
}

/// Splits arguments into the first one and the rest: separated by blanks.
pub fn argument(arguments: &str) -> (&str, &str) {
    split(arguments, |c| matches!(c, ' ' | '\t'))
}

fn split(text: &str, separates: impl Fn(char) -> bool) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    let end = text.find(&separates).unwrap_or(text.len());
    let (first, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    (first, rest.trim_start_matches(separates))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(u32, String)> {
        Lines::new(bytes)
            .map(|line| (line.number, line.text))
            .collect()
    }

    #[test]
    fn lines_and_their_numbers() {
        let cases: &[(&str, &[(u32, &str)])] = &[
            ("", &[]),
            ("\n\n  \n\t\n", &[]),
            ("a", &[(1, "a")]),
            ("a\nb\n", &[(1, "a"), (2, "b")]),
            ("a\r\n\r\nb\r\n", &[(1, "a"), (3, "b")]),
            ("  \t a b \n", &[(1, "a b ")]),
            ("a\tb", &[(1, "a b")]),
            ("# c\n  # c\nx # not one\n", &[(3, "x # not one")]),
            ("a \\\n b\nc", &[(1, "a   b"), (3, "c")]),
            ("a\\\r\nb\nc", &[(1, "a b"), (3, "c")]),
            ("a\\b\\\\\nc", &[(1, "a\\b\\\\"), (2, "c")]),
            ("# c \\\n still c\nd", &[(3, "d")]),
            ("\\\nb", &[(2, "b")]),
            ("a\\", &[(1, "a\\")]),
            ("\n\n  a\\\n\\\nb\nc", &[(3, "a  b"), (6, "c")]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(n, t)| (*n, t.to_string())).collect();
            assert_eq!(lines(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn foreign_bytes() {
        assert_eq!(lines(b"a\0b\n\0\0"), [(1, "ab".into())]);
        assert_eq!(
            lines(b"t\xff\xc3\n\xe9"),
            [(1, "t\u{fffd}\u{fffd}".into()), (2, "\u{fffd}".into())]
        );
        assert_eq!(lines("título".as_bytes()), [(1, "título".into())]);
    }

    #[test]
    fn absurd_lines_are_cut() {
        let mut text = vec![b'x'; 1 << 20];
        text.extend(b"\\\ny\nz");
        let lines: Vec<Line> = Lines::new(&text).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].text.len(), 16 * 1024);
        // What is missing: the rest of the x, the space of the join, the y.
        assert_eq!(lines[0].cut, (1 << 20) - 16 * 1024 + 2);
        assert_eq!((lines[1].number, lines[1].text.as_str()), (3, "z"));
    }

    #[test]
    fn words() {
        for (line, expected) in [
            ("timeout 5", ("timeout", "5")),
            ("timeout=5", ("timeout", "5")),
            ("timeout = 5", ("timeout", "5")),
            ("title  A = b ", ("title", "A = b ")),
            ("boot", ("boot", "")),
            ("  x\ty", ("x", "y")),
            ("=x", ("", "x")),
            ("", ("", "")),
        ] {
            assert_eq!(word(line), expected, "{line:?}");
        }
        assert_eq!(
            argument("/vmlinuz  root=/dev/x  ro "),
            ("/vmlinuz", "root=/dev/x  ro ")
        );
        assert_eq!(argument("a=b c"), ("a=b", "c"));
    }
}
