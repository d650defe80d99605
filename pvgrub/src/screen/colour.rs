//! Colours: the sixteen of a PC's text mode, by name, number and escape
//! sequence.

use crate::command::{Error, ErrorKind};
use alloc::format;
use alloc::string::String;

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// One of sixteen colours, in the order of a PC's text mode: bit 0 is blue,
/// bit 1 green, bit 2 red, bit 3 makes it bright.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour(u8);

/// Their names, in that order (manual of GRUB 0.97, "color").
const NAMES: [&str; 16] = [
    "black",
    "blue",
    "green",
    "cyan",
    "red",
    "magenta",
    "brown",
    "light-gray",
    "dark-gray",
    "light-blue",
    "light-green",
    "light-cyan",
    "light-red",
    "light-magenta",
    "yellow",
    "white",
];

/// What a VGA shows for them.
const SHOWN: [Rgb; 16] = [
    [0x00, 0x00, 0x00],
    [0x00, 0x00, 0xaa],
    [0x00, 0xaa, 0x00],
    [0x00, 0xaa, 0xaa],
    [0xaa, 0x00, 0x00],
    [0xaa, 0x00, 0xaa],
    [0xaa, 0x55, 0x00],
    [0xaa, 0xaa, 0xaa],
    [0x55, 0x55, 0x55],
    [0x55, 0x55, 0xff],
    [0x55, 0xff, 0x55],
    [0x55, 0xff, 0xff],
    [0xff, 0x55, 0x55],
    [0xff, 0x55, 0xff],
    [0xff, 0xff, 0x55],
    [0xff, 0xff, 0xff],
];

impl Colour {
    /// Light grey.
    pub const LIGHT_GRAY: Colour = Colour(7);

    /// The colour of this number, of which four bits count.
    pub fn new(number: u8) -> Self {
        Colour(number & 15)
    }

    /// The colour of this number among the eight of ECMA-48 (8.3.117): red and
    /// blue have changed places.
    pub fn from_ansi(number: u8) -> Self {
        Colour(swapped(number & 7))
    }

    /// The brighter one of its pair.
    pub fn bright(self) -> Self {
        Colour(self.0 | 8)
    }

    /// The colour of this name.
    pub fn named(name: &str) -> Option<Self> {
        let number = NAMES.iter().position(|known| *known == name)?;
        u8::try_from(number).ok().map(Colour)
    }

    /// As seen.
    pub fn rgb(self) -> Rgb {
        SHOWN.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    fn is_bright(self) -> bool {
        self.0 & 8 != 0
    }

    fn ansi(self) -> u8 {
        swapped(self.0 & 7)
    }
}

/// `number` with the bits of red and blue changed.
fn swapped(number: u8) -> u8 {
    (number & 2) | (number & 1) << 2 | (number & 4) >> 2
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The letters.
    pub ink: Colour,
    /// What is behind them.
    pub paper: Colour,
    /// The letters blink, where a terminal can do that.
    pub blinks: bool,
}

impl Pair {
    /// From `FG/BG` in words, or from the number that a PC's text mode has for
    /// it.
    ///
    /// # Errors
    /// Which word is no colour.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            let number = crate::command::number(text)?;
            return match u8::try_from(number) {
                Ok(number) => Ok(Pair::from_number(number)),
                Err(_) => Err(wrong(text, "a number of colours is at most 255")),
            };
        }
        let Some((ink, paper)) = text.split_once('/') else {
            return Err(wrong(text, "colours are INK/PAPER, like white/blue"));
        };
        let (ink, blinks) = match ink.strip_prefix("blink-") {
            Some(ink) => (ink, true),
            None => (ink, false),
        };
        let known = |name| Colour::named(name).ok_or_else(|| wrong(name, "is not a colour"));
        let (ink, paper) = (known(ink)?, known(paper)?);
        if paper.is_bright() {
            let reason = "is too bright to be behind text: only the first eight can";
            return Err(wrong(text, reason));
        }
        Ok(Pair { ink, paper, blinks })
    }

    /// From the attribute byte of a PC's text mode.
    fn from_number(number: u8) -> Self {
        Pair {
            ink: Colour::new(number),
            paper: Colour::new(number >> 4 & 7),
            blinks: number & 0x80 != 0,
        }
    }

    /// Ink and paper exchanged: what highlighted text looks like if nothing
    /// else was said.
    pub fn exchanged(self) -> Self {
        Pair {
            ink: self.paper,
            paper: Colour::new(self.ink.0 & 7),
            blinks: false,
        }
    }

    /// What makes a terminal write so from now on (ECMA-48, 8.3.117; bright
    /// ink as most terminals have it, from 90 on).
    pub fn sequence(self) -> String {
        let blink = if self.blinks { ";5" } else { "" };
        let base = if self.ink.is_bright() { 90 } else { 30 };
        format!(
            "\x1b[0{blink};{};{}m",
            self.ink.ansi().saturating_add(base),
            self.paper.ansi().saturating_add(40)
        )
    }
}

/// A colour as six hexadecimal digits.
///
/// # Errors
/// Something else.
pub fn hex(text: &str) -> Result<Rgb, Error> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    let number = u32::from_str_radix(digits, 16).ok();
    let number = number.filter(|_| digits.len() == 6 && !digits.starts_with('+'));
    match number.map(u32::to_be_bytes) {
        Some([_, red, green, blue]) => Ok([red, green, blue]),
        None => Err(wrong(text, "a colour is six digits: RRGGBB")),
    }
}

fn wrong(text: &str, reason: &str) -> Error {
    let text: String = text.chars().take(32).collect();
    Error::because(ErrorKind::BadArgument, reason).about(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        for (text, sequence) in [
            ("light-gray/black", "\x1b[0;37;40m"),
            ("cyan/blue", "\x1b[0;36;44m"),
            ("red/brown", "\x1b[0;31;43m"),
            ("white/blue", "\x1b[0;97;44m"),
            ("yellow/red", "\x1b[0;93;41m"),
            ("blink-light-green/magenta", "\x1b[0;5;92;45m"),
            ("7", "\x1b[0;37;40m"),
            ("0x1f", "\x1b[0;97;44m"),
            ("135", "\x1b[0;5;37;40m"),
        ] {
            assert_eq!(Pair::parse(text).unwrap().sequence(), sequence, "{text}");
        }
        for (text, number) in [
            ("", 30),
            ("white", 30),
            ("white/", 30),
            ("/blue", 30),
            ("white/yellow", 30),
            ("grey/blue", 30),
            ("256", 30),
            ("7x", 23),
        ] {
            let error = Pair::parse(text).unwrap_err();
            assert_eq!(error.kind.number(), number, "{text}: {error}");
        }
        let exchanged = Pair::parse("white/blue").unwrap().exchanged();
        assert_eq!(exchanged.sequence(), "\x1b[0;34;47m");
    }

    #[test]
    fn colours_in_hexadecimal() {
        assert_eq!(hex("0a1bFF").unwrap(), [0x0a, 0x1b, 0xff]);
        assert_eq!(hex("#000001").unwrap(), [0, 0, 1]);
        for text in ["", "12345", "1234567", "+12345", "-12345", "blue42", "ééé"] {
            assert!(hex(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ansi_s_order_and_a_pc_s() {
        for (ansi, name) in ["black", "red", "green", "brown", "blue", "magenta", "cyan"]
            .iter()
            .enumerate()
        {
            let colour = Colour::named(name).unwrap();
            assert_eq!(Colour::from_ansi(ansi as u8), colour);
            assert_eq!(colour.ansi(), ansi as u8);
        }
        assert_eq!(Colour::from_ansi(7), Colour::LIGHT_GRAY);
        assert_eq!(Colour::named("white"), Some(Colour::LIGHT_GRAY.bright()));
    }
}
