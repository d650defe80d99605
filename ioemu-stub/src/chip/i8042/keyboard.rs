//! An enhanced keyboard with 102 keys (IBM PS/2 technical reference,
//! "Keyboards").

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::keys::{self, BREAK, EXTENDED, KeyType};

/// How many bytes of keys it keeps while nobody reads them. One more is its
/// complaint that there were others.
const BUFFER: usize = 16;

const ACKNOWLEDGE: u8 = 0xfa;
const RESEND: u8 = 0xfe;
const ECHO: u8 = 0xee;
const SELF_TEST_PASSED: u8 = 0xaa;
/// "MF2": an enhanced keyboard.
const ID: [u8; 2] = [0xab, 0x83];
/// 10.9 characters per second after half a second.
const DEFAULT_TYPEMATIC: u8 = 0x2b;

/// Keys with sequences of their own.
const PRINT_SCREEN: u16 = 0xe037;
const PAUSE: u16 = 0xe046;

/// What the next byte from the controller is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expecting {
    Command,
    Leds,
    ScanCodeSet,
    Typematic,
    /// Codes of keys that get this type, up to the next command.
    Keys(KeyType),
}

/// The keyboard.
pub struct Keyboard {
    /// What the keys said.
    buffer: VecDeque<u8>,
    /// Answers to the last command; they go first.
    replies: VecDeque<u8>,
    last: u8,
    expecting: Expecting,
    scanning: bool,
    set: u8,
    leds: u8,
    typematic: u8,
    /// Types by code of set 3.
    types: Box<[KeyType; 256]>,
    /// Keys that are down, by code of set 1; bit 7 stands for the prefix.
    down: [bool; 256],
}

impl Keyboard {
    /// After power-on.
    pub fn new() -> Self {
        Keyboard {
            buffer: VecDeque::with_capacity(BUFFER + 1),
            replies: VecDeque::new(),
            last: 0,
            expecting: Expecting::Command,
            scanning: true,
            set: 2,
            leds: 0,
            typematic: DEFAULT_TYPEMATIC,
            types: default_types(),
            down: [false; 256],
        }
    }

    /// The lights.
    pub fn leds(&self) -> u8 {
        self.leds
    }

    /// The rate and delay that was asked for; the viewer's own rules.
    pub fn typematic(&self) -> u8 {
        self.typematic
    }

    /// The next byte it has to say.
    pub fn take(&mut self) -> Option<u8> {
        let byte = match self.replies.pop_front() {
            Some(byte) => byte,
            None => self.buffer.pop_front()?,
        };
        self.last = byte;
        Some(byte)
    }

    /// A key goes down or up.
    pub fn key(&mut self, code: u16, pressed: bool) {
        let [prefix, low] = code.to_be_bytes();
        if low & 0x80 != 0 || !matches!(prefix, 0 | EXTENDED) {
            return;
        }
        let index = low | if prefix != 0 { 0x80 } else { 0 };
        let was = core::mem::replace(&mut self.down[usize::from(index)], pressed);
        if !self.scanning || (!pressed && !was) {
            return;
        }
        let sequence = match self.set {
            1 => self.set1(code, pressed),
            2 => self.set2(code, pressed),
            _ => self.set3(code, pressed, was),
        };
        self.say(&sequence);
    }

    /// Keeps a key's sequence, whole or not at all.
    fn say(&mut self, sequence: &[u8]) {
        if self.buffer.len() + sequence.len() <= BUFFER {
            self.buffer.extend(sequence);
            return;
        }
        let overrun = if self.set == 1 { 0xff } else { 0x00 };
        if self.buffer.len() <= BUFFER && self.buffer.back() != Some(&overrun) {
            self.buffer.push_back(overrun);
        }
    }

    fn is_down(&self, codes: &[u8]) -> bool {
        codes.iter().any(|code| self.down[usize::from(*code)])
    }

    /// Either control key; the one at the right has the prefix.
    fn control(&self) -> bool {
        self.is_down(&[0x1d, 0x9d])
    }

    fn set1(&self, code: u16, pressed: bool) -> Vec<u8> {
        let release = if pressed { 0 } else { 0x80 };
        let [prefix, low] = code.to_be_bytes();
        match code {
            PAUSE if !pressed => [].into(),
            PAUSE if self.control() => [0xe0, 0x46, 0xe0, 0xc6].into(),
            PAUSE => [0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5].into(),
            PRINT_SCREEN if self.is_down(&[0x38, 0xb8]) => [0x54 | release].into(),
            PRINT_SCREEN if self.is_down(&[0x1d, 0x9d, 0x2a, 0x36]) => {
                [0xe0, 0x37 | release].into()
            }
            PRINT_SCREEN if pressed => [0xe0, 0x2a, 0xe0, 0x37].into(),
            PRINT_SCREEN => [0xe0, 0xb7, 0xe0, 0xaa].into(),
            _ if prefix != 0 => [EXTENDED, low | release].into(),
            _ => [low | release].into(),
        }
    }

    fn set2(&self, code: u16, pressed: bool) -> Vec<u8> {
        let [prefix, low] = code.to_be_bytes();
        match code {
            PAUSE if !pressed => return [].into(),
            PAUSE if self.control() => return [0xe0, 0x7e, 0xe0, 0xf0, 0x7e].into(),
            PAUSE => return [0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77].into(),
            PRINT_SCREEN if self.is_down(&[0x38, 0xb8]) => {
                return if pressed {
                    [0x84].into()
                } else {
                    [BREAK, 0x84].into()
                };
            }
            PRINT_SCREEN if self.is_down(&[0x1d, 0x9d, 0x2a, 0x36]) => {}
            PRINT_SCREEN if pressed => return [0xe0, 0x12, 0xe0, 0x7c].into(),
            PRINT_SCREEN => return [0xe0, 0xf0, 0x7c, 0xe0, 0xf0, 0x12].into(),
            _ => {}
        }
        let Some(set2) = keys::set2(low) else {
            return Vec::new();
        };
        let mut sequence = Vec::with_capacity(3);
        if prefix != 0 {
            sequence.push(EXTENDED);
        }
        if !pressed {
            sequence.push(BREAK);
        }
        sequence.push(set2);
        sequence
    }

    fn set3(&self, code: u16, pressed: bool, was: bool) -> Vec<u8> {
        let Some(set3) = keys::set3(code) else {
            return Vec::new();
        };
        let says = match self.types[usize::from(set3)] {
            KeyType::Typematic => pressed,
            KeyType::TypematicMakeBreak => true,
            KeyType::MakeBreak => pressed != was,
            KeyType::Make => pressed && !was,
        };
        match (says, pressed) {
            (false, _) => Vec::new(),
            (true, true) => [set3].into(),
            (true, false) => [BREAK, set3].into(),
        }
    }

    /// A byte from the controller.
    pub fn command(&mut self, byte: u8) {
        // Whoever asks anew does not want the rest of the old answer.
        if byte != RESEND {
            self.replies.clear();
        }
        // A command ends the wait for another one's argument.
        let expecting = match byte {
            0xed.. => Expecting::Command,
            _ => self.expecting,
        };
        self.expecting = Expecting::Command;
        match expecting {
            Expecting::Command => self.execute(byte),
            Expecting::Leds => {
                self.leds = byte & 7;
                self.reply(&[ACKNOWLEDGE]);
            }
            Expecting::Typematic => {
                self.typematic = byte & 0x7f;
                self.reply(&[ACKNOWLEDGE]);
            }
            Expecting::ScanCodeSet => self.choose_set(byte),
            Expecting::Keys(kind) => {
                self.expecting = expecting;
                self.types[usize::from(byte)] = kind;
                self.reply(&[ACKNOWLEDGE]);
            }
        }
    }

    fn execute(&mut self, command: u8) {
        match command {
            0xed => self.expect(Expecting::Leds),
            0xee => self.reply(&[ECHO]),
            0xf0 => self.expect(Expecting::ScanCodeSet),
            0xf2 => self.reply(&[ACKNOWLEDGE, ID[0], ID[1]]),
            0xf3 => self.expect(Expecting::Typematic),
            0xf4 => {
                self.buffer.clear();
                self.scanning = true;
                self.reply(&[ACKNOWLEDGE]);
            }
            0xf5 => self.set_defaults(false),
            0xf6 => self.set_defaults(true),
            0xf7 => self.set_types(KeyType::Typematic),
            0xf8 => self.set_types(KeyType::MakeBreak),
            0xf9 => self.set_types(KeyType::Make),
            0xfa => self.set_types(KeyType::TypematicMakeBreak),
            0xfb => self.expect(Expecting::Keys(KeyType::Typematic)),
            0xfc => self.expect(Expecting::Keys(KeyType::MakeBreak)),
            0xfd => self.expect(Expecting::Keys(KeyType::Make)),
            RESEND => self.replies.push_front(self.last),
            0xff => {
                self.set_defaults(true);
                self.set = 2;
                self.leds = 0;
                self.reply(&[SELF_TEST_PASSED]);
            }
            _ => self.reply(&[RESEND]),
        }
        // Asked for again and again, it stays one byte.
        self.replies.truncate(4);
    }

    fn expect(&mut self, what: Expecting) {
        self.expecting = what;
        self.reply(&[ACKNOWLEDGE]);
    }

    fn reply(&mut self, bytes: &[u8]) {
        self.replies.extend(bytes);
    }

    fn set_defaults(&mut self, scanning: bool) {
        self.buffer.clear();
        self.scanning = scanning;
        self.typematic = DEFAULT_TYPEMATIC;
        self.types = default_types();
        self.reply(&[ACKNOWLEDGE]);
    }

    fn set_types(&mut self, kind: KeyType) {
        self.types.fill(kind);
        self.reply(&[ACKNOWLEDGE]);
    }

    fn choose_set(&mut self, set: u8) {
        match set {
            0 => self.reply(&[ACKNOWLEDGE, self.set]),
            1..=3 => {
                self.set = set;
                self.buffer.clear();
                self.reply(&[ACKNOWLEDGE]);
            }
            _ => self.reply(&[RESEND]),
        }
    }
}

impl Default for Keyboard {
    fn default() -> Self {
        Self::new()
    }
}

fn default_types() -> Box<[KeyType; 256]> {
    Box::new(core::array::from_fn(|code| keys::default_type(code as u8)))
}
