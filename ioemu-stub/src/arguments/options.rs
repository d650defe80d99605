//! The small grammars within a word: lists of `name=value`, numbers, addresses.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// `name=value,name=value,…`; a comma within a value is doubled. A first part
/// without `=` is the value of `implied`, a later one is switched `on`.
pub struct Options(Vec<(String, String)>);

impl Options {
    /// Take a word apart.
    pub fn parse(text: &str, implied: &str) -> Options {
        let mut list = Vec::new();
        for (at, part) in split(text).into_iter().enumerate() {
            let option = match part.split_once('=') {
                Some((name, value)) => (name.to_string(), value.to_string()),
                None if at == 0 => (implied.to_string(), part),
                None => (part, "on".to_string()),
            };
            list.push(option);
        }
        Options(list)
    }

    /// A value; of several the last counts.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A number.
    pub fn number<T: core::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }

    /// Is it `on`?
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some("on" | "yes" | "true"))
    }

    /// All of them, in order.
    pub fn into_all(self) -> Vec<(String, String)> {
        self.0
    }
}

/// The parts between single commas, double ones made single.
fn split(text: &str) -> Vec<String> {
    let mut parts = Vec::from([String::new()]);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if letter == ',' && letters.next_if_eq(&',').is_none() {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts
}

/// A size with a unit (`512`, `512M`, `2G`), in MiB.
pub fn mebibytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.char_indices().last()? {
        (at, unit) if unit.is_ascii_alphabetic() => (text.get(..at)?, unit.to_ascii_uppercase()),
        _ => (text, 'M'),
    };
    let number: u64 = digits.parse().ok()?;
    match unit {
        'M' => Some(number),
        'G' => number.checked_mul(1024),
        'T' => number.checked_mul(1024 * 1024),
        _ => None,
    }
}

/// `00:16:3e:01:02:03`.
pub fn mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut mac {
        *byte = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

/// The number behind `0x`, or a decimal one.
pub fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_apart() {
        let options = Options::parse("VGA,vgamem_mb=16,edid,file=/a,,b,x=1=2", "driver");
        assert_eq!(options.get("driver"), Some("VGA"));
        assert_eq!(options.number::<u32>("vgamem_mb"), Some(16));
        assert!(options.is_on("edid") && !options.is_on("file"));
        assert_eq!(options.get("file"), Some("/a,b"));
        assert_eq!(options.get("x"), Some("1=2"));
        assert_eq!(options.get("none"), None);
        let options = Options::parse("a=1,a=2", "driver");
        assert_eq!((options.get("a"), options.get("driver")), (Some("2"), None));
    }

    #[test]
    fn numbers_with_their_units() {
        for (text, size) in [
            ("512", Some(512)),
            ("512M", Some(512)),
            ("2g", Some(2048)),
            ("1T", Some(1 << 20)),
            ("", None),
            ("M", None),
            ("1k", None),
            ("-1", None),
            ("99999999999999999999", None),
            ("18446744073709551615G", None),
            ("5é", None),
        ] {
            assert_eq!(mebibytes(text), size, "{text}");
        }
        assert_eq!(mac("00:16:3e:Ff:02:03"), Some([0, 0x16, 0x3e, 255, 2, 3]));
        for text in [
            "",
            "00:16:3e:01:02",
            "00:16:3e:01:02:03:04",
            "0:0:0:0:0:100",
        ] {
            assert_eq!(mac(text), None, "{text}");
        }
        assert_eq!(
            (number("0x1F"), number("12"), number("x")),
            (Some(31), Some(12), None)
        );
    }
}
