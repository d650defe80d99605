//! XPM version 3, a picture as the text of a C program: strings in quotes with
//! the size, the colours, and the pixels (the XPM manual, Le Hors 1991).

use super::{Picture, PictureError, room, size};
use crate::screen::colour::Rgb;
use alloc::collections::BTreeMap;

/// Colours of a picture, at most. The original takes 14 of them.
const COLOURS: u64 = 65_536;
/// Characters for one pixel, at most.
const CHARACTERS: u64 = 4;

/// What X11 calls these colours (rgb.txt); `None` is transparent, and black
/// here.
const NAMES: &[(&str, Rgb)] = &[
    ("none", [0, 0, 0]),
    ("black", [0, 0, 0]),
    ("white", [255, 255, 255]),
    ("red", [255, 0, 0]),
    ("green", [0, 255, 0]),
    ("blue", [0, 0, 255]),
    ("yellow", [255, 255, 0]),
    ("magenta", [255, 0, 255]),
    ("cyan", [0, 255, 255]),
    ("gray", [190, 190, 190]),
    ("grey", [190, 190, 190]),
];

/// Whether a file says that it is one, in the comment that it begins with.
pub fn is_one(file: &[u8]) -> bool {
    let begin = file.get(..64).unwrap_or(file);
    let text = begin.trim_ascii_start();
    text.strip_prefix(b"/*")
        .is_some_and(|text| text.trim_ascii_start().starts_with(b"XPM"))
}

pub fn parse(file: &[u8]) -> Result<Picture, PictureError> {
    let mut strings = Strings {
        rest: file,
        line: 1,
    };
    let (line, values) = strings.next()?;
    let wrong = |what| PictureError::Line(line, what);
    let mut values = numbers(values);
    let mut value = || {
        let value = values.next().flatten();
        value.ok_or(wrong("width, height, colours, characters"))
    };
    let (width, height, colours, characters) = (value()?, value()?, value()?, value()?);
    let pixels = size(width, height)?;
    if !(1..=COLOURS).contains(&colours) {
        return Err(wrong("the number of colours"));
    }
    let each = usize::try_from(characters)
        .ok()
        .filter(|_| (1..=CHARACTERS).contains(&characters));
    let each = each.ok_or(wrong("the number of characters for a pixel"))?;
    let table = table(&mut strings, colours, each)?;
    let mut picture = room(pixels)?;
    let width = usize::try_from(width).unwrap_or(0);
    for _ in 0..height {
        let (line, row) = strings.next()?;
        let keys = row.chunks(each).take(width);
        if keys.len() < width || row.len() < width.saturating_mul(each) {
            return Err(PictureError::Line(line, "too short"));
        }
        for key in keys {
            let colour = table.get(key).copied();
            picture.push(colour.ok_or(PictureError::Line(line, "a colour that is not listed"))?);
        }
    }
    let height = usize::try_from(height).unwrap_or(0);
    Picture::new(width, height, picture).ok_or(PictureError::Short)
}

/// The colours, by the characters that stand for them.
fn table<'f>(
    strings: &mut Strings<'f>,
    colours: u64,
    each: usize,
) -> Result<BTreeMap<&'f [u8], Rgb>, PictureError> {
    let mut table = BTreeMap::new();
    for _ in 0..colours {
        let (line, text) = strings.next()?;
        let parts = text.split_at_checked(each);
        let colour = parts.and_then(|(key, definition)| Some((key, colour(definition)?)));
        let (key, colour) = colour.ok_or(PictureError::Line(line, "no colour"))?;
        table.insert(key, colour);
    }
    Ok(table)
}

/// The colour that a definition has for screens with colours: pairs of a word
/// that tells the kind of screen, and a colour.
fn colour(definition: &[u8]) -> Option<Rgb> {
    let text = core::str::from_utf8(definition).ok()?;
    let mut words = text.split_ascii_whitespace();
    let mut grey = None;
    while let Some(kind) = words.next() {
        match kind {
            "c" => return named(words.next()?),
            "g" | "g4" | "m" => grey = grey.or(named(words.next()?)),
            _ => {}
        }
    }
    grey
}

fn named(text: &str) -> Option<Rgb> {
    let Some(digits) = text.strip_prefix('#') else {
        let known = NAMES
            .iter()
            .find(|(name, _)| text.eq_ignore_ascii_case(name));
        return known.map(|(_, colour)| *colour);
    };
    // As many digits for each as for the others; the first two count.
    let each = digits.len().checked_div(3).filter(|each| {
        each.saturating_mul(3) == digits.len() && (1..=4).contains(each) && digits.is_ascii()
    })?;
    let mut colour = [0; 3];
    for (part, value) in digits.as_bytes().chunks(each).zip(&mut colour) {
        let digit = |at: usize| char::from(*part.get(at)?).to_digit(16);
        let high = digit(0)?;
        let low = if each == 1 { high } else { digit(1)? };
        *value = u8::try_from(high << 4 | low).ok()?;
    }
    Some(colour)
}

/// The numbers in a string; `None` for what is none.
fn numbers(text: &[u8]) -> impl Iterator<Item = Option<u64>> {
    let words = text.split(u8::is_ascii_whitespace);
    let words = words.filter(|word| !word.is_empty());
    words.map(|word| core::str::from_utf8(word).ok()?.parse().ok())
}

/// The strings of a C program, one after the other.
struct Strings<'f> {
    rest: &'f [u8],
    line: usize,
}

impl<'f> Strings<'f> {
    /// The next one, and the line it is in.
    fn next(&mut self) -> Result<(usize, &'f [u8]), PictureError> {
        loop {
            let (first, rest) = self.rest.split_first().ok_or(PictureError::Short)?;
            match first {
                b'\n' => self.line = self.line.saturating_add(1),
                b'/' if rest.first() == Some(&b'*') => {
                    let end = rest.windows(2).skip(1).position(|two| two == b"*/");
                    let end = end.ok_or(PictureError::Short)?.saturating_add(3);
                    let (comment, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                    let lines = comment.iter().filter(|&&byte| byte == b'\n').count();
                    self.line = self.line.saturating_add(lines);
                    self.rest = behind;
                    continue;
                }
                b'"' => {
                    let end = rest.iter().position(|&byte| byte == b'"' || byte == b'\n');
                    let end = end.ok_or(PictureError::Short)?;
                    let (text, behind) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                    if behind.first() != Some(&b'"') {
                        let what = "a string without an end";
                        return Err(PictureError::Line(self.line, what));
                    }
                    self.rest = behind.get(1..).unwrap_or(&[]);
                    return Ok((self.line, text));
                }
                _ => {}
            }
            self.rest = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAG: &[u8] = b"/* XPM */
static char * flag_xpm[] = {
/* a \"comment\", of
   two lines */
\"3 2 4 1\",
\"  c None\",
\". m white c #102030\",
\"X c #fA0\",
\"o s name c #1111222233334444\",
\"  .X\",
\"Xo .\"};
";

    #[test]
    fn a_picture() {
        let file = String::from_utf8(FLAG.to_vec()).unwrap();
        let file = file.replace(
            "\"o s name c #1111222233334444\"",
            "\"o s name c #111122223333\"",
        );
        let file = file
            .replace("  .X", " .X")
            .replace("\"Xo .\"", "\"Xo.tail\"");
        let picture = Picture::parse(file.as_bytes()).unwrap();
        assert_eq!((picture.width(), picture.height()), (3, 2));
        let pixels: Vec<Rgb> = (0..6).map(|n| picture.at(n % 3, n / 3).unwrap()).collect();
        let [dark, orange] = [[0x10, 0x20, 0x30], [0xff, 0xaa, 0]];
        assert_eq!(
            pixels,
            [[0; 3], dark, orange, orange, [0x11, 0x22, 0x33], dark]
        );
    }

    #[test]
    fn several_characters_for_a_pixel() {
        let file = b"/*XPM*/ {\"2 1 2 2\" \"ab c red\" \"ba c Gray\" \"baab\"}";
        let picture = Picture::parse(file).unwrap();
        assert_eq!(picture.at(0, 0), Some([190; 3]));
        assert_eq!(picture.at(1, 0), Some([255, 0, 0]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("", PictureError::Short),
            (
                "\"1 1 1\"",
                PictureError::Line(1, "width, height, colours, characters"),
            ),
            (
                "\"a 1 1 1\"",
                PictureError::Line(1, "width, height, colours, characters"),
            ),
            ("\"641 1 1 1\"", PictureError::Size(641, 1)),
            ("\"1 0 1 1\"", PictureError::Size(1, 0)),
            (
                "\"1 1 0 1\"",
                PictureError::Line(1, "the number of colours"),
            ),
            (
                "\"1 1 99999999 1\"",
                PictureError::Line(1, "the number of colours"),
            ),
            (
                "\"1 1 1 0\"",
                PictureError::Line(1, "the number of characters for a pixel"),
            ),
            (
                "\"1 1 1 5\"",
                PictureError::Line(1, "the number of characters for a pixel"),
            ),
            ("\"1 1 1 1\"\n", PictureError::Short),
            ("\"1 1 1 1\"\n\"\"", PictureError::Line(2, "no colour")),
            ("\"1 1 1 1\"\n\"x\"", PictureError::Line(2, "no colour")),
            (
                "\"1 1 1 1\"\n\"x c mauve\"",
                PictureError::Line(2, "no colour"),
            ),
            (
                "\"1 1 1 1\"\n\"x c #12345\"",
                PictureError::Line(2, "no colour"),
            ),
            (
                "\"1 1 1 1\"\n\"x c #gggggg\"",
                PictureError::Line(2, "no colour"),
            ),
            ("\"1 1 1 1\"\n\"x c #fff\"\n\"", PictureError::Short),
            (
                "\"1 1 1 1\"\n\"x c #fff\"\n\"\n",
                PictureError::Line(3, "a string without an end"),
            ),
            (
                "\"2 1 1 1\"\n\"x c #fff\"\n\"x\"",
                PictureError::Line(3, "too short"),
            ),
            (
                "\"2 1 1 2\"\n\"xx c #fff\"\n\"xxx\"",
                PictureError::Line(3, "too short"),
            ),
            (
                "\"1 1 1 1\"\n\"x c #fff\"\n\"y\"",
                PictureError::Line(3, "a colour that is not listed"),
            ),
            ("\"1 2 1 1\"\n\"x c #fff\"\n\"x\"", PictureError::Short),
            ("/* ", PictureError::Short),
        ] {
            let file = format!("/* XPM */ {text}");
            assert_eq!(Picture::parse(file.as_bytes()), Err(error), "{text}");
        }
    }
}
