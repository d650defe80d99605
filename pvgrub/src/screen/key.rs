//! Keys: from terminal bytes to what was pressed.
//!
//! A vt100 sends several bytes for one key and a lone ESC for Escape; the two
//! are told apart by a short wait. Unknown sequences are swallowed whole, so
//! that their tails are not taken for letters.

use super::terminal::Terminal;
use alloc::vec::Vec;

/// How long after ESC the rest of a sequence may take, in nanoseconds. A
/// terminal sends sequences in one go, but the console daemon between may be
/// slow; a person hardly types `[` this soon after Escape.
pub const ESCAPE_WAIT: u64 = 200_000_000;

/// The longest sequence that is waited for; then it counts as garbage.
const LONGEST_SEQUENCE: usize = 16;

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A printable character.
    Char(char),
    /// Control with a letter, given as the letter in upper case; without those
    /// that have names below.
    Ctrl(char),
    /// Return, or ^J.
    Enter,
    /// Tabulator.
    Tab,
    /// Escape alone.
    Escape,
    /// Deletes to the left: ^H or DEL.
    Backspace,
    /// Deletes to the right.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// A key that is known to be one, but has no use here.
    Other,
}

/// Turns the bytes of a terminal into keys.
#[derive(Debug, Default)]
pub struct KeyReader {
    /// A byte that was read too far.
    pushed_back: Option<u8>,
    /// CR was the last byte: a LF right behind it belongs to it.
    after_cr: bool,
}

impl KeyReader {
    /// A reader with nothing pending.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next key, or `None` when `deadline` (see
    /// [`Terminal::read_key_byte`]) has passed without one.
    pub fn read(&mut self, terminal: &mut dyn Terminal, deadline: Option<u64>) -> Option<Key> {
        loop {
            let byte = match self.pushed_back.take() {
                Some(byte) => byte,
                None => terminal.read_key_byte(deadline)?,
            };
            let after_cr = core::mem::replace(&mut self.after_cr, byte == b'\r');
            let key = match byte {
                b'\n' if after_cr => continue,
                b'\r' | b'\n' => Key::Enter,
                b'\t' => Key::Tab,
                0x08 | 0x7f => Key::Backspace,
                0x1b => self.escape(terminal),
                // A VNC client's shift keys come through some consoles as NUL.
                0 => continue,
                1..=26 => Key::Ctrl(char::from(byte.wrapping_add(b'@'))),
                0x1c..=0x1f => Key::Other,
                0x20..=0x7e => Key::Char(char::from(byte)),
                0x80.. => self.utf8(byte, terminal),
            };
            return Some(key);
        }
    }

    /// After ESC: a sequence, or Escape alone.
    fn escape(&mut self, terminal: &mut dyn Terminal) -> Key {
        match self.soon(terminal) {
            Some(b'[') => self.csi(terminal),
            Some(b'O') => match self.soon(terminal) {
                Some(byte) => letter(byte),
                None => Key::Other,
            },
            Some(byte) => {
                // Escape, and then something else soon after it.
                self.pushed_back = Some(byte);
                Key::Escape
            }
            None => Key::Escape,
        }
    }

    /// After ESC [: parameters, then a final byte (ECMA-48, 5.4).
    fn csi(&mut self, terminal: &mut dyn Terminal) -> Key {
        let mut parameters = Vec::new();
        while parameters.len() < LONGEST_SEQUENCE {
            match self.soon(terminal) {
                // The Linux console's F1 to F5: ESC [ [ A.
                Some(b'[') if parameters.is_empty() => {
                    let _ = self.soon(terminal);
                    return Key::Other;
                }
                Some(byte @ 0x20..=0x3f) => parameters.push(byte),
                Some(b'~') => return numbered(&parameters),
                Some(byte @ 0x40..=0x7e) => return letter(byte),
                // No part of any sequence: it is a key of its own.
                Some(byte) => {
                    self.pushed_back = Some(byte);
                    return Key::Other;
                }
                None => return Key::Other,
            }
        }
        Key::Other
    }

    /// The rest of a character that began with `first`.
    fn utf8(&mut self, first: u8, terminal: &mut dyn Terminal) -> Key {
        let length = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return Key::Other,
        };
        let mut bytes = Vec::with_capacity(length);
        bytes.push(first);
        while bytes.len() < length {
            match self.soon(terminal) {
                Some(byte @ 0x80..=0xbf) => bytes.push(byte),
                Some(byte) => {
                    self.pushed_back = Some(byte);
                    return Key::Other;
                }
                None => return Key::Other,
            }
        }
        match core::str::from_utf8(&bytes)
            .ok()
            .and_then(|s| s.chars().next())
        {
            Some(c) if !c.is_control() => Key::Char(c),
            _ => Key::Other,
        }
    }

    /// The next byte of a sequence, if it comes soon.
    fn soon(&mut self, terminal: &mut dyn Terminal) -> Option<u8> {
        let deadline = terminal.now().saturating_add(ESCAPE_WAIT);
        terminal.read_key_byte(Some(deadline))
    }
}

/// The key of `ESC [ x` and `ESC O x`.
fn letter(byte: u8) -> Key {
    match byte {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'F' => Key::End,
        b'H' => Key::Home,
        // The numeric pad's Enter.
        b'M' => Key::Enter,
        _ => Key::Other,
    }
}

/// The key of `ESC [ n ~`; a modifier behind `;` is ignored.
fn numbered(parameters: &[u8]) -> Key {
    let number = parameters.split(|&b| b == b';').next().unwrap_or(&[]);
    match number {
        b"1" | b"7" => Key::Home,
        b"3" => Key::Delete,
        b"4" | b"8" => Key::End,
        b"5" => Key::PageUp,
        b"6" => Key::PageDown,
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screen::double::Script;

    /// All keys of `bytes`; in it, 0xff stands for a pause.
    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut script = Script::default();
        for piece in bytes.split(|&b| b == 0xff) {
            script.types(piece);
            script.waits(1_000_000_000);
        }
        let mut terminal = script.terminal();
        let mut reader = KeyReader::new();
        let mut keys = Vec::new();
        while let Some(key) = reader.read(&mut terminal, Some(u64::MAX)) {
            keys.push(key);
        }
        keys
    }

    #[test]
    fn sequences() {
        let cases: &[(&[u8], &[Key])] = &[
            (b"a", &[Key::Char('a')]),
            (b"\r", &[Key::Enter]),
            (b"\n", &[Key::Enter]),
            (b"\r\n\n", &[Key::Enter, Key::Enter]),
            (b"\t\x08\x7f", &[Key::Tab, Key::Backspace, Key::Backspace]),
            (b"\x01\x10", &[Key::Ctrl('A'), Key::Ctrl('P')]),
            (b"\x1b", &[Key::Escape]),
            (
                b"\x1b\xff[A",
                &[Key::Escape, Key::Char('['), Key::Char('A')],
            ),
            (b"\x1b\x1b", &[Key::Escape, Key::Escape]),
            (b"\x1bx", &[Key::Escape, Key::Char('x')]),
            (
                b"\x1b[A\x1b[B\x1b[C\x1b[D",
                &[Key::Up, Key::Down, Key::Right, Key::Left],
            ),
            (
                b"\x1bOA\x1bOB\x1bOH\x1bOF",
                &[Key::Up, Key::Down, Key::Home, Key::End],
            ),
            (b"\x1b[1~\x1b[7~\x1b[H", &[Key::Home, Key::Home, Key::Home]),
            (b"\x1b[4~\x1b[8~\x1b[F", &[Key::End, Key::End, Key::End]),
            (
                b"\x1b[3~\x1b[5~\x1b[6~",
                &[Key::Delete, Key::PageUp, Key::PageDown],
            ),
            (b"\x1b[1;5A\x1b[3;2~", &[Key::Up, Key::Delete]),
            (
                b"\x1b[[Ax\x1b[11~y",
                &[Key::Other, Key::Char('x'), Key::Other, Key::Char('y')],
            ),
            (b"\x1b[?1;2cz", &[Key::Other, Key::Char('z')]),
            (b"\x1b[", &[Key::Other]),
            (b"\0a\0", &[Key::Char('a')]),
            (
                "é€😀".as_bytes(),
                &[Key::Char('é'), Key::Char('€'), Key::Char('😀')],
            ),
            (b"\xc3a\x80", &[Key::Other, Key::Char('a'), Key::Other]),
            (b"\xc2\x9b", &[Key::Other]),
        ];
        for (bytes, expected) in cases {
            assert_eq!(keys(bytes), *expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_sequence_without_end_ends() {
        let mut bytes = b"\x1b[".to_vec();
        bytes.extend([b'1'; 100]);
        assert_eq!(keys(&bytes).first(), Some(&Key::Other));
    }
}
