//! JSON (RFC 8259), as much as the monitor's protocol needs of it.
//!
//! Whoever sends it is not trusted: depth and number of values are bounded,
//! every text is checked, and a number is kept as it was written, so that what
//! comes back to the sender is exactly what it sent.
//!
//! Our own because it is small: of the parsers without `std` the ones that need
//! no type to be known beforehand keep numbers as floating point.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

/// Deepest nesting.
pub const DEEPEST: usize = 32;
/// Most values of one text, those inside others included.
pub const MOST_VALUES: usize = 4096;

/// Any JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// Members, in their order; no name twice.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// An object without members.
    #[must_use]
    pub const fn empty() -> Value {
        Value::Object(Vec::new())
    }

    /// An object.
    #[must_use]
    pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
        let own = |(name, value): (&str, Value)| (name.to_string(), value);
        Value::Object(members.into_iter().map(own).collect())
    }

    /// A member of an object.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let Value::Object(members) = self else {
            return None;
        };
        let found = members.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value)
    }

    /// The text of a text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Truth.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::String(text.to_string())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::String(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Number(number.to_string())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Number(number.to_string())
    }
}

impl From<Vec<Value>> for Value {
    fn from(list: Vec<Value>) -> Value {
        Value::Array(list)
    }
}

/// Written in one line, as QEMU spaces it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(value) => write!(f, "{value}"),
            Value::Number(text) => f.write_str(text),
            Value::String(text) => quote(f, text),
            Value::Array(list) => {
                f.write_char('[')?;
                for (at, value) in list.iter().enumerate() {
                    write!(f, "{}{value}", if at > 0 { ", " } else { "" })?;
                }
                f.write_char(']')
            }
            Value::Object(members) => {
                f.write_char('{')?;
                for (at, (name, value)) in members.iter().enumerate() {
                    f.write_str(if at > 0 { ", " } else { "" })?;
                    quote(f, name)?;
                    write!(f, ": {value}")?;
                }
                f.write_char('}')
            }
        }
    }
}

/// A text in quotes, all of it printable ASCII: what a terminal shows must not depend on it.
fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            ' '..='~' => f.write_char(letter)?,
            _ => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    write!(f, "\\u{unit:04x}")?;
                }
            }
        }
    }
    f.write_char('"')
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It ends too early.
    End,
    /// It goes on after its end, or this byte cannot be here.
    At(usize),
    /// Nested deeper than [`DEEPEST`].
    Deep,
    /// More than [`MOST_VALUES`] values.
    Many,
    /// A member's name comes twice; the place of the second.
    Twice(usize),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::End => f.write_str("JSON parse error, it ends too early"),
            Wrong::At(at) => write!(f, "JSON parse error at byte {at}"),
            Wrong::Deep => write!(f, "JSON parse error, nested deeper than {DEEPEST}"),
            Wrong::Many => write!(f, "JSON parse error, more than {MOST_VALUES} values"),
            Wrong::Twice(at) => write!(f, "JSON parse error, duplicate key at byte {at}"),
        }
    }
}

impl core::error::Error for Wrong {}

/// One value and nothing else.
///
/// # Errors
/// [`Wrong`].
pub fn parse(text: &[u8]) -> Result<Value, Wrong> {
    let mut parser = Parser {
        text,
        at: 0,
        values: 0,
    };
    let value = parser.value(0)?;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(Wrong::At(parser.at)),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    values: usize,
}

impl Parser<'_> {
    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte that is no white space; not taken.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Wrong right here.
    fn wrong<T>(&self) -> Result<T, Wrong> {
        match self.byte() {
            None => Err(Wrong::End),
            Some(_) => Err(Wrong::At(self.at)),
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Wrong> {
        if self.peek() != Some(byte) {
            return self.wrong();
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &[u8], value: Value) -> Result<Value, Wrong> {
        for byte in word {
            if self.byte() != Some(*byte) {
                return self.wrong();
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn value(&mut self, depth: usize) -> Result<Value, Wrong> {
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(Wrong::Many);
        }
        if depth > DEEPEST {
            return Err(Wrong::Deep);
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true", Value::Bool(true)),
            Some(b'f') => self.word(b"false", Value::Bool(false)),
            Some(b'n') => self.word(b"null", Value::Null),
            _ => self.wrong(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, Wrong> {
        self.expect(b'{')?;
        let mut members: Vec<(String, Value)> = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.peek();
            let at = self.at;
            let name = self.string()?;
            if members.iter().any(|(known, _)| *known == name) {
                return Err(Wrong::Twice(at));
            }
            self.expect(b':')?;
            let value = self.value(depth + 1)?;
            members.push((name, value));
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => {
                    self.expect(b'}')?;
                    return Ok(Value::Object(members));
                }
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Wrong> {
        self.expect(b'[')?;
        let mut list = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::Array(list));
        }
        loop {
            list.push(self.value(depth + 1)?);
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => {
                    self.expect(b']')?;
                    return Ok(Value::Array(list));
                }
            }
        }
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        if !self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.wrong();
        }
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Result<Value, Wrong> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        // Digits and signs: always UTF-8.
        Ok(Value::Number(String::from_utf8_lossy(text).into_owned()))
    }

    fn string(&mut self) -> Result<String, Wrong> {
        self.expect(b'"')?;
        let mut bytes = Vec::new();
        let start = self.at;
        loop {
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    self.at += 1;
                    let letter = self.escape()?;
                    bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(byte @ 0x20..) => {
                    bytes.push(byte);
                    self.at += 1;
                }
                _ => return self.wrong(),
            }
        }
        self.at += 1;
        String::from_utf8(bytes).map_err(|_| Wrong::At(start))
    }

    fn escape(&mut self) -> Result<char, Wrong> {
        let letter = match self.byte() {
            Some(letter @ (b'"' | b'\\' | b'/')) => char::from(letter),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.wrong(),
        };
        self.at += 1;
        Ok(letter)
    }

    /// `uXXXX`, or two of them for a letter that takes two.
    fn unicode(&mut self) -> Result<char, Wrong> {
        let start = self.at;
        let first = self.unit()?;
        if let Some(letter) = char::from_u32(u32::from(first)) {
            return Ok(letter);
        }
        if self.byte() != Some(b'\\') {
            return Err(Wrong::At(start));
        }
        self.at += 1;
        let second = self.unit()?;
        let mut letters = char::decode_utf16([first, second]);
        match (letters.next(), letters.next()) {
            (Some(Ok(letter)), None) => Ok(letter),
            _ => Err(Wrong::At(start)),
        }
    }

    fn unit(&mut self) -> Result<u16, Wrong> {
        if self.byte() != Some(b'u') {
            return self.wrong();
        }
        self.at += 1;
        let mut unit = 0u16;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return self.wrong();
            };
            unit = unit << 4 | digit as u16;
            self.at += 1;
        }
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn text(json: &str) -> String {
        match parse(json.as_bytes()) {
            Ok(value) => value.to_string(),
            Err(wrong) => format!("{wrong:?}"),
        }
    }

    #[test]
    fn values_are_understood_and_written_again() {
        for (json, again) in [
            ("{}", "{}"),
            (" [ ] ", "[]"),
            (
                "{\"a\":[1,-2.50,true,null],\"b\":{}}",
                "{\"a\": [1, -2.50, true, null], \"b\": {}}",
            ),
            // Numbers stay as they were, however large or odd.
            (
                "123456789012345678901234567890",
                "123456789012345678901234567890",
            ),
            ("-0.0e+07", "-0.0e+07"),
            (
                r#""\u00e9\ud83d\ude00 \/ \n""#,
                r#""\u00e9\ud83d\ude00 / \n""#,
            ),
            ("\"é\"", r#""\u00e9""#),
            ("\"\x7f\"", r#""\u007f""#),
        ] {
            assert_eq!(text(json), again);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (json, wrong) in [
            ("", "End"),
            ("{", "End"),
            ("{\"a\"", "End"),
            ("\"a", "End"),
            ("tru", "End"),
            ("1 2", "At(2)"),
            ("01", "At(1)"),
            ("1.", "End"),
            ("-", "End"),
            ("+1", "At(0)"),
            ("1ee", "At(2)"),
            ("[1,]", "At(3)"),
            ("{\"a\":1,}", "At(7)"),
            ("{a:1}", "At(1)"),
            ("{\"a\" 1}", "At(5)"),
            ("{1:1}", "At(1)"),
            ("nul!", "At(3)"),
            ("\"\\x\"", "At(2)"),
            ("\"\\u12g4\"", "At(5)"),
            ("\"\\ud800\"", "At(2)"),
            ("\"\\ud800\\u0041\"", "At(2)"),
            ("\"\\udc00\\ud800\"", "At(2)"),
            ("\"a\nb\"", "At(2)"),
            ("{\"a\":1,\"b\":2,\"a\":3}", "Twice(13)"),
            ("'a'", "At(0)"),
        ] {
            assert_eq!(text(json), wrong, "{json}");
        }
        assert_eq!(parse(b"\"\xff\""), Err(Wrong::At(1)), "no UTF-8");
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(parse(nested(33).as_bytes()).is_ok());
        assert_eq!(parse(nested(34).as_bytes()), Err(Wrong::Deep));
        assert_eq!(parse(&[b'['; 100_000]), Err(Wrong::Deep));
        let list = |values: usize| format!("[{}1]", "1,".repeat(values - 1));
        assert!(parse(list(4095).as_bytes()).is_ok());
        assert_eq!(parse(list(4096).as_bytes()), Err(Wrong::Many));
    }

    #[test]
    fn members_are_found_by_type() {
        let value = parse(br#"{"s":"x","n":-7,"b":true,"f":1.5}"#).unwrap();
        assert_eq!(value.get("s").and_then(Value::as_str), Some("x"));
        assert_eq!(value.get("n").and_then(Value::as_i64), Some(-7));
        assert_eq!(value.get("b").and_then(Value::as_bool), Some(true));
        assert_eq!(value.get("f").and_then(Value::as_i64), None);
        assert_eq!(value.get("n").and_then(Value::as_str), None);
        assert_eq!(value.get("none"), None);
        assert_eq!(Value::Null.get("s"), None);
    }
}
