//! Where one message of a stream ends and the next begins.
//!
//! A message is one JSON object. Between messages there may be white space
//! (`\r\n` as libxl sends it) and nothing else; anything else, or a message
//! beyond all measure, is skipped up to the end of its line.

use alloc::vec::Vec;

/// Longest message, in bytes. libxl's longest is a device with its options.
pub const LONGEST: usize = 64 * 1024;

/// What [`Framer::push`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A message, from its first to its last brace. It may still be nonsense.
    Message(Vec<u8>),
    /// Bytes that begin no message.
    Garbage,
    /// A message longer than [`LONGEST`].
    TooLong,
}

/// Takes a stream apart.
#[derive(Debug, Default)]
pub struct Framer {
    message: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    skipping: bool,
    started: bool,
}

impl Framer {
    /// Takes one byte; says when it ends something.
    pub fn push(&mut self, byte: u8) -> Option<Found> {
        // Some clients say hello with a byte of their own.
        let hello = !core::mem::replace(&mut self.started, true) && byte == 1;
        if self.skipping {
            self.skipping = byte != b'\n';
            return None;
        }
        if self.message.is_empty() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => return None,
                _ if hello => return None,
                b'{' => {}
                _ => {
                    self.skipping = true;
                    return Some(Found::Garbage);
                }
            }
        }
        if self.message.len() >= LONGEST {
            *self = Framer {
                started: true,
                skipping: byte != b'\n',
                ..Framer::default()
            };
            return Some(Found::TooLong);
        }
        self.message.push(byte);
        match byte {
            _ if core::mem::take(&mut self.escaped) => {}
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'{' | b'[' if !self.in_string => self.depth += 1,
            b'}' | b']' if !self.in_string => self.depth -= 1,
            _ => {}
        }
        (self.depth == 0).then(|| Found::Message(core::mem::take(&mut self.message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    fn frames(text: &[u8]) -> Vec<String> {
        let mut framer = Framer::default();
        let name = |found| match found {
            Found::Message(text) => String::from_utf8(text).unwrap(),
            other => format!("{other:?}"),
        };
        text.iter()
            .filter_map(|byte| framer.push(*byte))
            .map(name)
            .collect()
    }

    #[test]
    fn messages_end_where_their_braces_close() {
        for (text, found) in [
            (&b"{}\r\n{}\r\n"[..], &["{}", "{}"][..]),
            (b"{\"a\":{\"b\":[]}}{}", &["{\"a\":{\"b\":[]}}", "{}"]),
            (br#"{"}\"":"{"}"#, &[r#"{"}\"":"{"}"#]),
            (br#"{"\\":1}x"#, &[r#"{"\\":1}"#, "Garbage"]),
            (b"\x01{}", &["{}"]),
            (b" \x01{}", &["Garbage"]),
            (b"{}\x01{}\n{}", &["{}", "Garbage", "{}"]),
            (b"hello {} there\n{}\n", &["Garbage", "{}"]),
            (b"]{}\n{}", &["Garbage", "{}"]),
            (b"{]{}", &["{]", "{}"]),
        ] {
            assert_eq!(frames(text), found, "{:?}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn what_never_ends_is_given_up() {
        let mut text = Vec::from(&b"{"[..]);
        text.resize(LONGEST, b'{');
        assert!(frames(&text).is_empty());
        text.extend_from_slice(b"{{{\n{}");
        assert_eq!(frames(&text), ["TooLong", "{}"]);
    }
}
