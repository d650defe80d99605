//! Finite state entropy coding (RFC 8878, 4.1): table descriptions and the
//! decoding tables made of them.

use super::super::Damage;
use super::bits::Forward;

/// Entries of the largest table.
pub(super) const ENTRIES: usize = 512;
/// More symbols than any table has.
const SYMBOLS: usize = 64;

/// One state.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry {
    /// What the state's symbol stands for, before its extra bits.
    pub base: u32,
    /// The next state, before its bits.
    pub next: u16,
    /// Extra bits of the symbol.
    pub extra: u8,
    /// Bits of the next state.
    pub bits: u8,
}

/// A decoding table.
pub(super) struct Table {
    pub entries: [Entry; ENTRIES],
    /// Two to this power are in use.
    pub log: u32,
}

/// How often each symbol occurs: -1 stands for less than once.
pub(super) struct Counts {
    counts: [i16; SYMBOLS],
    symbols: usize,
    log: u32,
}

/// What a symbol stands for: base and extra bits.
pub(super) type Meaning<'a> = &'a dyn Fn(u8) -> Option<(u32, u8)>;

impl Counts {
    /// From a predefined distribution.
    pub(super) fn fixed(given: &[i16], log: u32) -> Counts {
        let mut counts = [0; SYMBOLS];
        for (to, from) in counts.iter_mut().zip(given) {
            *to = *from;
        }
        Counts {
            counts,
            symbols: given.len().min(SYMBOLS),
            log,
        }
    }

    /// Reads a description; returns also how many bytes it took.
    pub(super) fn read(src: &[u8], max_log: u32) -> Result<(Counts, usize), Damage> {
        let mut bits = Forward::new(src);
        let log = bits.take(4) + 5;
        if log > max_log {
            return Err(Damage::At("size of an FSE table"));
        }
        let mut counts = [0i16; SYMBOLS];
        let mut symbols = 0;
        let mut left = 1i32 << log;
        while left > 0 {
            let value = small_number(&mut bits, left as u32 + 1);
            let count = value as i32 - 1;
            left -= count.abs();
            *counts
                .get_mut(symbols)
                .ok_or(Damage::At("symbols of an FSE table"))? = count as i16;
            symbols += 1;
            if count == 0 {
                loop {
                    let repeat = bits.take(2);
                    symbols += repeat as usize;
                    if repeat < 3 {
                        break;
                    }
                }
            }
            bits.bytes()?;
        }
        if left < 0 || symbols > SYMBOLS {
            return Err(Damage::At("symbols of an FSE table"));
        }
        Ok((
            Counts {
                counts,
                symbols,
                log,
            },
            bits.bytes()?,
        ))
    }
}

/// A value from 0 to `max`, the smaller ones in one bit less.
fn small_number(bits: &mut Forward<'_>, max: u32) -> u32 {
    let size = 32 - max.leading_zeros();
    let short = (1 << size) - 1 - max;
    let low = bits.peek(size - 1);
    if low < short {
        bits.skip(size - 1);
        return low;
    }
    let value = bits.take(size);
    if value >= 1 << (size - 1) {
        value - short
    } else {
        value
    }
}

impl Table {
    pub(super) const fn new() -> Table {
        const EMPTY: Entry = Entry {
            base: 0,
            next: 0,
            extra: 0,
            bits: 0,
        };
        Table {
            entries: [EMPTY; ENTRIES],
            log: 0,
        }
    }

    /// A table of one symbol that takes no bits.
    pub(super) fn one(&mut self, symbol: u8, meaning: Meaning<'_>) -> Result<(), Damage> {
        let (base, extra) = meaning(symbol).ok_or(Damage::At("symbol of an FSE table"))?;
        self.log = 0;
        if let Some(entry) = self.entries.first_mut() {
            *entry = Entry {
                base,
                next: 0,
                extra,
                bits: 0,
            };
        }
        Ok(())
    }

    /// Spreads the symbols over the states.
    pub(super) fn fill(&mut self, counts: &Counts, meaning: Meaning<'_>) -> Result<(), Damage> {
        let wrong = Damage::At("symbol of an FSE table");
        let size = 1usize << counts.log;
        let mut symbols = [0u8; ENTRIES];
        let mut next = [0u16; SYMBOLS];
        let mut high = size;
        let all = || counts.counts.iter().zip(0u8..).take(counts.symbols);
        for (&count, symbol) in all() {
            let slot = next.get_mut(usize::from(symbol)).ok_or(wrong)?;
            if count == -1 {
                high -= 1;
                *symbols.get_mut(high).ok_or(wrong)? = symbol;
                *slot = 1;
            } else {
                *slot = count as u16;
            }
        }
        let step = (size >> 1) + (size >> 3) + 3;
        let mut at = 0;
        for (&count, symbol) in all() {
            for _ in 0..count.max(0) {
                *symbols.get_mut(at).ok_or(wrong)? = symbol;
                loop {
                    at = (at + step) & (size - 1);
                    if at < high {
                        break;
                    }
                }
            }
        }
        if at != 0 {
            return Err(wrong);
        }
        self.log = counts.log;
        for (entry, &symbol) in self.entries.iter_mut().zip(&symbols).take(size) {
            let count = next.get_mut(usize::from(symbol)).ok_or(wrong)?;
            let state = u32::from(*count);
            *count += 1;
            let bits = counts.log - (31 - state.leading_zeros());
            let (base, extra) = meaning(symbol).ok_or(wrong)?;
            *entry = Entry {
                base,
                next: ((state << bits) - size as u32) as u16,
                extra,
                bits: bits as u8,
            };
        }
        Ok(())
    }
}
