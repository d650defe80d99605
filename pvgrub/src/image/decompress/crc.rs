//! CRC-32 and CRC-64 over tens of megabytes.
//!
//! CRC-32 of a large input goes without tables: modulo the CRC's polynomial,
//! x^4018 + x^2091 + x^1837 + 1 is zero, and so is the same with every
//! exponent times 64 (squaring is linear over GF(2)). So a word of 64 bits may
//! be struck out if it is added to the words 1927, 2181 and 4018 further on.
//! Strike out all but the last 4018 words, and only those need tables.

use alloc::vec;

use crc::{CRC_32_ISO_HDLC, CRC_64_XZ, Crc, Table};

static CRC32: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);
static CRC64: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_XZ);

/// How far on, in words, a word is added.
const LAGS: [usize; 3] = [1927, 2181, 4018];
const LAST: usize = LAGS[2];
/// Words held before the last ones are moved to the front again.
const HELD: usize = 8 * LAST;

/// CRC-64 as .xz uses it.
pub(super) fn crc64(bytes: &[u8]) -> u64 {
    CRC64.checksum(bytes)
}

/// CRC-32 as gzip and .xz use it.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<8>();
    let Some(struck) = words.len().checked_sub(LAST).filter(|&n| n > LAST) else {
        return CRC32.checksum(bytes);
    };
    // Words not yet seen count as zero. What the CRC starts with is added to
    // the first bytes, so that it starts with zero instead.
    let mut held = vec![0u64; HELD];
    let mut at = LAST;
    let (first, mut words) = words.split_at(1);
    if let (Some(slot), Some(word)) = (held.get_mut(at), first.first()) {
        *slot = u64::from_le_bytes(*word) ^ u64::from(u32::MAX);
        at += 1;
    }
    let mut left = struck - 1;
    while left > 0 {
        if at == HELD {
            held.copy_within(HELD - LAST.., 0);
            at = LAST;
        }
        let count = LAGS[0].min(left).min(HELD - at);
        let (now, later) = words.split_at(count.min(words.len()));
        add(&mut held, at, now, LAGS);
        (words, left, at) = (later, left - count, at + count);
    }
    // The last words, which take from the struck ones but not from each other.
    held.copy_within(at - LAST..at, 0);
    let (seen, end) = held.split_at_mut(LAST);
    for (slot, word) in end.iter_mut().zip(words) {
        *slot = u64::from_le_bytes(*word);
    }
    for lag in LAGS {
        let from = seen.get(LAST - lag..).unwrap_or(&[]);
        for (slot, &word) in end.iter_mut().zip(from) {
            *slot ^= word;
        }
    }
    let mut crc = CRC32.digest_with_initial(0);
    for word in end.iter().take(LAST) {
        crc.update(&word.to_le_bytes());
    }
    crc.update(rest);
    crc.finalize()
}

/// Adds to each of `words` those that lie `lags` before it in `held`, into `held` from `at` on.
fn add(held: &mut [u64], at: usize, words: &[[u8; 8]], [a, b, c]: [usize; 3]) {
    let (seen, new) = held.split_at_mut(at);
    let back = |lag: usize| seen.get(at.saturating_sub(lag)..).unwrap_or(&[]);
    let lagged = back(a).iter().zip(back(b)).zip(back(c));
    for ((slot, word), ((a, b), c)) in new.iter_mut().zip(words).zip(lagged) {
        *slot = u64::from_le_bytes(*word) ^ a ^ b ^ c;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_tables_at_every_size_class() {
        let bytes: Vec<u8> = (0u32..3 << 20)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let sizes = [
            0,
            1,
            8,
            4018 * 8,
            8036 * 8,
            8036 * 8 + 7,
            8037 * 8,
            8038 * 8 + 3,
        ];
        let more = [
            100_000,
            4018 * 8 * 9,
            4018 * 8 * 9 + 8,
            1 << 20,
            (3 << 20) - 5,
        ];
        for len in sizes.into_iter().chain(more) {
            let bytes = &bytes[3..][..len];
            assert_eq!(crc32(bytes), CRC32.checksum(bytes), "{len} bytes");
        }
        // check values of the CRC catalogue
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc64(b"123456789"), 0x995d_c9bb_df19_39fa);
    }
}
