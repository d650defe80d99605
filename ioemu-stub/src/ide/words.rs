//! The 256 words in which drives describe themselves.

use alloc::vec::Vec;

/// The words of IDENTIFY DEVICE and IDENTIFY PACKET DEVICE.
pub(super) struct Words([u16; 256]);

impl Words {
    pub fn new() -> Self {
        Words([0; 256])
    }

    pub fn set(&mut self, word: usize, value: u16) {
        if let Some(place) = self.0.get_mut(word) {
            *place = value;
        }
    }

    /// Two words, the low one first.
    pub fn set_wide(&mut self, word: usize, value: u32) {
        self.set(word, value as u16);
        self.set(word + 1, (value >> 16) as u16);
    }

    /// Text of `count` words: two characters in each, the first one above,
    /// filled up with spaces.
    pub fn set_text(&mut self, word: usize, count: usize, text: &str) {
        let printable = |byte: u8| {
            if (0x20..0x7f).contains(&byte) {
                byte
            } else {
                b'?'
            }
        };
        let mut bytes = text.bytes().map(printable).chain(core::iter::repeat(b' '));
        for at in word..word + count {
            let high = bytes.next().unwrap_or(b' ');
            let low = bytes.next().unwrap_or(b' ');
            self.set(at, u16::from_be_bytes([high, low]));
        }
    }

    /// As the host reads them. `sealed`: with the integrity word, whose
    /// checksum makes the sum of all bytes zero.
    pub fn into_bytes(mut self, sealed: bool) -> Vec<u8> {
        if sealed {
            self.set(255, 0x00a5);
        }
        let mut bytes: Vec<u8> = self.0.iter().flat_map(|word| word.to_le_bytes()).collect();
        if sealed {
            let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
            if let Some(last) = bytes.last_mut() {
                *last = last.wrapping_sub(sum);
            }
        }
        bytes
    }
}
