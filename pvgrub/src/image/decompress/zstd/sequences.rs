//! Sequences of literals and matches (RFC 8878, 3.1.1.3.2).

use super::super::Damage;
use super::super::copy::{literals, repeat};
use super::bits::Backward;
use super::fse::{Counts, ENTRIES, Entry, Meaning, Table};

const LENGTH_LOG: u32 = 9;
const OFFSET_LOG: u32 = 8;

/// Base and extra bits of literal length codes from 16 on.
const LITERAL_BASES: [(u32, u8); 20] = [
    (16, 1),
    (18, 1),
    (20, 1),
    (22, 1),
    (24, 2),
    (28, 2),
    (32, 3),
    (40, 3),
    (48, 4),
    (64, 6),
    (128, 7),
    (256, 8),
    (512, 9),
    (1024, 10),
    (2048, 11),
    (4096, 12),
    (8192, 13),
    (16384, 14),
    (32768, 15),
    (65536, 16),
];
/// Base and extra bits of match length codes from 32 on.
const MATCH_BASES: [(u32, u8); 21] = [
    (35, 1),
    (37, 1),
    (39, 1),
    (41, 1),
    (43, 2),
    (47, 2),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 5),
    (131, 7),
    (259, 8),
    (515, 9),
    (1027, 10),
    (2051, 11),
    (4099, 12),
    (8195, 13),
    (16387, 14),
    (32771, 15),
    (65539, 16),
];
const LITERAL_COUNTS: [i16; 36] = [
    4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1,
    -1, -1, -1, -1,
];
const OFFSET_COUNTS: [i16; 29] = [
    1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
];
const MATCH_COUNTS: [i16; 53] = [
    1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
];

fn literal_length(code: u8) -> Option<(u32, u8)> {
    match code.checked_sub(16) {
        None => Some((u32::from(code), 0)),
        Some(n) => LITERAL_BASES.get(usize::from(n)).copied(),
    }
}

fn match_length(code: u8) -> Option<(u32, u8)> {
    match code.checked_sub(32) {
        None => Some((u32::from(code) + 3, 0)),
        Some(n) => MATCH_BASES.get(usize::from(n)).copied(),
    }
}

/// Offsets beyond 2^31 exist only in streams that no kernel comes in.
fn offset(code: u8) -> Option<(u32, u8)> {
    (code < 32).then(|| (1 << code, code))
}

/// One of the three kinds of codes.
struct Class {
    /// The predefined distribution.
    counts: &'static [i16],
    /// Size of its table.
    log: u32,
    /// Size of the largest table.
    max_log: u32,
    meaning: Meaning<'static>,
}

const LENGTHS: Class = Class {
    counts: &LITERAL_COUNTS,
    log: 6,
    max_log: LENGTH_LOG,
    meaning: &literal_length,
};
const OFFSETS: Class = Class {
    counts: &OFFSET_COUNTS,
    log: 5,
    max_log: OFFSET_LOG,
    meaning: &offset,
};
const MATCHES: Class = Class {
    counts: &MATCH_COUNTS,
    log: 6,
    max_log: LENGTH_LOG,
    meaning: &match_length,
};

/// What later blocks of a frame may refer to.
pub(super) struct Coder {
    lengths: Table,
    offsets: Table,
    matches: Table,
    ready: bool,
    recent: [usize; 3],
}

impl Coder {
    pub(super) const fn new() -> Coder {
        Coder {
            lengths: Table::new(),
            offsets: Table::new(),
            matches: Table::new(),
            ready: false,
            recent: [1, 4, 8],
        }
    }

    /// Forgets the frame before.
    pub(super) fn reset(&mut self) {
        self.ready = false;
        self.recent = [1, 4, 8];
    }

    /// Carries out the sequences section in `src[at..end]`: takes the `count`
    /// literals at the start of `from`, and writes to `dst` from `pos` on.
    /// Returns the position after the block.
    pub(super) fn run(
        &mut self,
        (src, at, end): (&[u8], usize, usize),
        (from, count): (&[u8], usize),
        dst: &mut [u8],
        pos: usize,
    ) -> Result<usize, Damage> {
        let section = src.get(at..end).ok_or(Damage::Truncated)?;
        let (sequences, used) = match *section {
            [0, ..] => (0, 1),
            [a @ 1..=127, ..] => (usize::from(a), 1),
            [255, a, b, ..] => (usize::from(u16::from_le_bytes([a, b])) + 0x7f00, 3),
            [a @ 128..=254, b, ..] => ((usize::from(a) - 128) << 8 | usize::from(b), 2),
            _ => return Err(Damage::Truncated),
        };
        if sequences == 0 {
            if section.len() != used {
                return Err(Damage::At("block without sequences"));
            }
            return literals(from, 0, dst, pos, count).map(|(_, pos)| pos);
        }
        let tables = self.tables(section, used)?;
        let bits = Backward::new(src, at + tables, end)?;
        self.carry_out(sequences, bits, (from, count), dst, pos)
    }

    /// Reads the three tables; returns where the bit stream begins.
    fn tables(&mut self, section: &[u8], at: usize) -> Result<usize, Damage> {
        let modes = *section.get(at).ok_or(Damage::Truncated)?;
        if modes & 3 != 0 {
            return Err(Damage::At("table modes"));
        }
        let mut rest = section.get(at + 1..).unwrap_or(&[]);
        let ready = self.ready;
        let mut table = |table: &mut Table, mode: u8, class: &Class| -> Result<(), Damage> {
            match mode & 3 {
                0 => table.fill(&Counts::fixed(class.counts, class.log), class.meaning),
                1 => {
                    let (&symbol, after) = rest.split_first().ok_or(Damage::Truncated)?;
                    rest = after;
                    table.one(symbol, class.meaning)
                }
                2 => {
                    let (counts, used) = Counts::read(rest, class.max_log)?;
                    rest = rest.get(used..).unwrap_or(&[]);
                    table.fill(&counts, class.meaning)
                }
                _ if ready => Ok(()),
                _ => Err(Damage::At("table modes")),
            }
        };
        table(&mut self.lengths, modes >> 6, &LENGTHS)?;
        table(&mut self.offsets, modes >> 4, &OFFSETS)?;
        table(&mut self.matches, modes >> 2, &MATCHES)?;
        self.ready = true;
        Ok(section.len() - rest.len())
    }

    fn carry_out(
        &mut self,
        sequences: usize,
        mut bits: Backward<'_>,
        (from, count): (&[u8], usize),
        dst: &mut [u8],
        mut pos: usize,
    ) -> Result<usize, Damage> {
        let mut length_state = bits.take(self.lengths.log) as usize;
        let mut offset_state = bits.take(self.offsets.log) as usize;
        let mut match_state = bits.take(self.matches.log) as usize;
        let [mut recent, mut recent2, mut recent3] = self.recent;
        let mut taken = 0;
        for left in (0..sequences).rev() {
            let length: Entry = self.lengths.entries[length_state & (ENTRIES - 1)];
            let offset: Entry = self.offsets.entries[offset_state & (ENTRIES - 1)];
            let matched: Entry = self.matches.entries[match_state & (ENTRIES - 1)];
            bits.refill();
            let value = offset.base as usize + bits.take(u32::from(offset.extra)) as usize;
            if offset.extra > 24 {
                bits.refill(); // 31 + 16 + 16 bits are more than one refill gives
            }
            let run = matched.base as usize + bits.take(u32::from(matched.extra)) as usize;
            let plain = length.base as usize + bits.take(u32::from(length.extra)) as usize;
            // 3 says: one of the recent ones, counted from the second if no literals come first
            let distance = if value > 3 {
                recent3 = recent2;
                recent2 = recent;
                value - 3
            } else {
                match value + usize::from(plain == 0) {
                    1 => recent,
                    2 => core::mem::replace(&mut recent2, recent),
                    which => {
                        let old = if which == 3 {
                            recent3
                        } else {
                            recent.wrapping_sub(1)
                        };
                        recent3 = recent2;
                        recent2 = recent;
                        old
                    }
                }
            };
            recent = distance;
            let before = taken;
            taken += plain;
            if taken > count {
                return Err(Damage::At("number of literals"));
            }
            (_, pos) = literals(from, before, dst, pos, plain)?;
            pos = repeat(dst, pos, distance, run)?;
            if left > 0 {
                bits.refill();
                length_state =
                    usize::from(length.next) + bits.take(u32::from(length.bits)) as usize;
                match_state =
                    usize::from(matched.next) + bits.take(u32::from(matched.bits)) as usize;
                offset_state =
                    usize::from(offset.next) + bits.take(u32::from(offset.bits)) as usize;
            }
        }
        if bits.left() != 0 {
            return Err(Damage::At("end of the sequences"));
        }
        self.recent = [recent, recent2, recent3];
        literals(from, taken, dst, pos, count - taken).map(|(_, pos)| pos)
    }
}
