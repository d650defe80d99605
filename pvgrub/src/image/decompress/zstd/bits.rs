//! Zstandard's bit streams (RFC 8878, 4.1): most are read from their end.

use super::super::Damage;

/// Reads a stream from its last bit to its first. Bits are taken from the top
/// of `word`. Reading on beyond the first bit yields anything; [`Self::left`]
/// then is negative.
pub(super) struct Backward<'a> {
    src: &'a [u8],
    /// First byte of the stream.
    start: usize,
    /// Byte that the lowest bits of `word` were taken from.
    at: usize,
    word: u64,
    /// Bits of the eight bytes at `at` that are no longer in `word`.
    used: u32,
}

/// Bits that a refill guarantees.
pub(super) const REFILLED: u32 = 57;

impl<'a> Backward<'a> {
    /// Opens the stream in `src[start..end]`. At least eight bytes of `src`
    /// must lie before `end`; every frame has those.
    pub(super) fn new(src: &'a [u8], start: usize, end: usize) -> Result<Self, Damage> {
        let last = match end > start {
            true => src.get(end - 1).copied().unwrap_or(0),
            false => 0,
        };
        if last == 0 {
            return Err(Damage::At("end of a bit stream"));
        }
        let at = end.checked_sub(8).ok_or(Damage::Truncated)?;
        let mut bits = Backward {
            src,
            start,
            at,
            word: 0,
            used: last.leading_zeros() + 1,
        };
        bits.refill();
        Ok(bits)
    }

    /// Makes at least [`REFILLED`] bits available.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        let at = self.at.wrapping_sub((self.used >> 3) as usize);
        if let Some(bytes) = self
            .src
            .get(at..at.wrapping_add(8))
            .and_then(|b| b.first_chunk())
        {
            self.used &= 7;
            self.word = u64::from_le_bytes(*bytes) << self.used;
            self.at = at;
        }
    }

    /// The next bits, at most 63, without taking them.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> u64 {
        (self.word >> 1) >> ((count & 63) ^ 63)
    }

    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.word <<= count & 63;
        self.used += count;
    }

    /// Takes at most as many bits as are there since the last refill.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> u64 {
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    /// Bits not yet read; negative when more were read than there are.
    pub(super) fn left(&self) -> i64 {
        (self.at as i64 - self.start as i64) * 8 + 64 - i64::from(self.used)
    }
}

/// Reads a stream from its first bit, for table descriptions.
pub(super) struct Forward<'a> {
    src: &'a [u8],
    bit: usize,
}

impl<'a> Forward<'a> {
    pub(super) fn new(src: &'a [u8]) -> Self {
        Forward { src, bit: 0 }
    }

    /// The next bits, at most 16; zeros beyond the end.
    pub(super) fn peek(&self, count: u32) -> u32 {
        let rest = self.src.get(self.bit / 8..).unwrap_or(&[]);
        let word = rest
            .iter()
            .take(4)
            .rev()
            .fold(0, |w, &b| w << 8 | u32::from(b));
        (word >> (self.bit % 8)) & ((1 << count) - 1)
    }

    pub(super) fn skip(&mut self, count: u32) {
        self.bit += count as usize;
    }

    pub(super) fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    /// Whole bytes read; an error if there are not so many.
    pub(super) fn bytes(&self) -> Result<usize, Damage> {
        let bytes = self.bit.div_ceil(8);
        if bytes > self.src.len() {
            Err(Damage::Truncated)
        } else {
            Ok(bytes)
        }
    }
}
