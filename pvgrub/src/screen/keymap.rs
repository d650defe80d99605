//! A keyboard's keys as a terminal sends them.
//!
//! A frame buffer's keyboard tells which key went down or up, by Linux'
//! numbers (`input-event-codes.h`); the layout of another country is undone by
//! whoever shows the screen, so the keys are an American keyboard's. What comes
//! out are the bytes that a terminal would have sent, so that whoever reads
//! keys need not know where they come from.

/// Keys with two characters: Linux' number of the first, then the characters
/// of it and of those behind it, without and with Shift.
const ROWS: &[(u32, &[u8], &[u8])] = &[
    (2, b"1234567890-=", b"!@#$%^&*()_+"),
    (16, b"qwertyuiop[]", b"QWERTYUIOP{}"),
    (30, b"asdfghjkl;'`", b"ASDFGHJKL:\"~"),
    (43, b"\\zxcvbnm,./", b"|ZXCVBNM<>?"),
    (57, b" ", b" "),
    // The key beside the left Shift of keyboards with 102 keys.
    (86, b"<", b">"),
];

/// The numeric pad: with Num Lock, and the key that it is without.
const PAD: &[(u32, u8, u32)] = &[
    (71, b'7', HOME),
    (72, b'8', UP),
    (73, b'9', PAGE_UP),
    (75, b'4', LEFT),
    (76, b'5', 0),
    (77, b'6', RIGHT),
    (79, b'1', END),
    (80, b'2', DOWN),
    (81, b'3', PAGE_DOWN),
    (82, b'0', 0),
    (83, b'.', DELETE),
];

const HOME: u32 = 102;
const UP: u32 = 103;
const PAGE_UP: u32 = 104;
const LEFT: u32 = 105;
const RIGHT: u32 = 106;
const END: u32 = 107;
const DOWN: u32 = 108;
const PAGE_DOWN: u32 = 109;
const DELETE: u32 = 111;

/// Keys that always send the same.
const NAMED: &[(u32, &[u8])] = &[
    (1, b"\x1b"),
    (14, b"\x7f"),
    (15, b"\t"),
    (28, b"\r"),
    (96, b"\r"),
    (55, b"*"),
    (74, b"-"),
    (78, b"+"),
    (98, b"/"),
    (HOME, b"\x1b[1~"),
    (UP, b"\x1b[A"),
    (PAGE_UP, b"\x1b[5~"),
    (LEFT, b"\x1b[D"),
    (RIGHT, b"\x1b[C"),
    (END, b"\x1b[4~"),
    (DOWN, b"\x1b[B"),
    (PAGE_DOWN, b"\x1b[6~"),
    (110, b"\x1b[2~"),
    (DELETE, b"\x1b[3~"),
    // F1 to F12.
    (59, b"\x1b[11~"),
    (60, b"\x1b[12~"),
    (61, b"\x1b[13~"),
    (62, b"\x1b[14~"),
    (63, b"\x1b[15~"),
    (64, b"\x1b[17~"),
    (65, b"\x1b[18~"),
    (66, b"\x1b[19~"),
    (67, b"\x1b[20~"),
    (68, b"\x1b[21~"),
    (87, b"\x1b[23~"),
    (88, b"\x1b[24~"),
];

/// Keys that are held with others: left and right.
const SHIFT: [u32; 2] = [42, 54];
const CONTROL: [u32; 2] = [29, 97];
const ALT: [u32; 2] = [56, 100];
const CAPS_LOCK: u32 = 58;
const NUM_LOCK: u32 = 69;

/// What a key sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Nothing.
    Nothing,
    /// A character.
    Character(u8),
    /// A sequence.
    Sequence(&'static [u8]),
}

impl Sent {
    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Sent::Nothing => &[],
            Sent::Character(byte) => core::slice::from_ref(byte),
            Sent::Sequence(bytes) => bytes,
        }
    }
}

/// A keyboard.
#[derive(Debug, Default)]
pub struct Keyboard {
    /// Which of left and right is held.
    shift: [bool; 2],
    control: [bool; 2],
    alt: [bool; 2],
    caps_lock: bool,
    num_lock: bool,
}

impl Keyboard {
    /// A key went down (again, if it is held), or up. What that sends.
    pub fn key(&mut self, code: u32, down: bool) -> Sent {
        for (held, keys) in [
            (&mut self.shift, SHIFT),
            (&mut self.control, CONTROL),
            (&mut self.alt, ALT),
        ] {
            if let Some(held) = held.iter_mut().zip(keys).find(|(_, key)| *key == code) {
                *held.0 = down;
                return Sent::Nothing;
            }
        }
        if !down {
            return Sent::Nothing;
        }
        match code {
            CAPS_LOCK => self.caps_lock = !self.caps_lock,
            NUM_LOCK => self.num_lock = !self.num_lock,
            _ => return self.pressed(code),
        }
        Sent::Nothing
    }

    fn pressed(&self, code: u32) -> Sent {
        let any = |held: [bool; 2]| held.contains(&true);
        // Alt with a key is for the window system of somebody, not for here.
        if any(self.alt) {
            return Sent::Nothing;
        }
        if let Some(&(_, digit, key)) = PAD.iter().find(|(pad, ..)| *pad == code) {
            return match self.num_lock != any(self.shift) {
                true => Sent::Character(digit),
                false => named(key),
            };
        }
        let Some((plain, shifted)) = characters(code) else {
            return named(code);
        };
        if any(self.control) {
            return controlled(plain);
        }
        let shift = any(self.shift) != (self.caps_lock && plain.is_ascii_lowercase());
        Sent::Character(if shift { shifted } else { plain })
    }
}

fn named(code: u32) -> Sent {
    let found = NAMED.iter().find(|(key, _)| *key == code);
    found.map_or(Sent::Nothing, |(_, bytes)| Sent::Sequence(bytes))
}

/// The two characters on a key.
fn characters(code: u32) -> Option<(u8, u8)> {
    ROWS.iter().find_map(|(first, plain, shifted)| {
        let at = usize::try_from(code.checked_sub(*first)?).ok()?;
        Some((*plain.get(at)?, *shifted.get(at)?))
    })
}

/// What Control makes of a key.
fn controlled(plain: u8) -> Sent {
    match plain {
        b'a'..=b'z' => Sent::Character(plain & 0x1f),
        b'[' => Sent::Character(0x1b),
        b'\\' | b']' => Sent::Character(plain & 0x1f),
        _ => Sent::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers below are input-event-codes.h's, and 1000 more for a key that
    /// goes up.
    fn typed(keys: &[u32]) -> String {
        let mut keyboard = Keyboard::default();
        let mut bytes = Vec::new();
        for &key in keys {
            bytes.extend(keyboard.key(key % 1000, key < 1000).bytes());
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn keys() {
        for (keys, expected) in [
            (&[30, 1030, 48, 1048, 46, 1046][..], "abc"),
            (&[2, 11, 12, 13], "10-="),
            (&[16, 25, 26, 27, 28], "qp[]\r"),
            (&[38, 39, 40, 41, 43], "l;'`\\"),
            (&[44, 50, 51, 52, 53, 57, 86], "zm,./ <"),
            // Shift: left, right, both.
            (&[42, 30, 1042, 30], "Aa"),
            (&[54, 2, 12, 27, 40, 41, 43, 53, 1054, 2], "!_}\"~|?1"),
            (&[42, 54, 1042, 30, 1054, 30], "Aa"),
            // Caps Lock is for letters only, and Shift undoes it.
            (&[58, 1058, 30, 2, 42, 30, 2, 1042, 58, 30], "A1a!a"),
            (&[29, 46, 25, 1029, 46], "\x03\x10c"),
            (&[97, 26, 2, 1097, 26], "\x1b["),
            (&[56, 30, 103, 1056, 30], "a"),
            (&[1, 14, 15, 28, 96], "\x1b\x7f\t\r\r"),
            (&[103, 108, 105, 106], "\x1b[A\x1b[B\x1b[D\x1b[C"),
            (
                &[102, 107, 104, 109, 111],
                "\x1b[1~\x1b[4~\x1b[5~\x1b[6~\x1b[3~",
            ),
            (&[59, 68, 87, 88], "\x1b[11~\x1b[21~\x1b[23~\x1b[24~"),
            // The pad, without and with Num Lock.
            (&[72, 80, 76, 83, 55, 78], "\x1b[A\x1b[B\x1b[3~*+"),
            (&[69, 1069, 72, 80, 76, 83, 42, 72, 1042], "825.\x1b[A"),
            // A button of the mouse, a key that nobody has.
            (&[272, 0, 999, 84, 30], "a"),
        ] {
            assert_eq!(typed(keys), expected, "{keys:?}");
        }
    }

    #[test]
    fn any_number_does_no_harm() {
        let mut keyboard = Keyboard::default();
        for code in (0..2000).chain([u32::MAX, u32::MAX - 1]) {
            for down in [true, false] {
                let sent = keyboard.key(code, down);
                assert!(sent.bytes().len() <= 6);
            }
        }
    }

    #[test]
    fn every_character_of_ascii_can_be_typed() {
        for c in b' '..=b'~' {
            let found = ROWS
                .iter()
                .any(|(_, plain, shifted)| plain.contains(&c) || shifted.contains(&c));
            assert!(found, "{}", char::from(c));
        }
    }
}
