//! Huffman-coded literals (RFC 8878, 4.2).

use super::super::Damage;
use super::bits::{Backward, REFILLED};
use super::fse::{Counts, ENTRIES, Table};

/// Bits of the longest code.
const MAX_BITS: u32 = 11;
const SIZE: usize = 1 << MAX_BITS;
const WEIGHTS_MAX_LOG: u32 = 6;
/// Symbols decoded between refills.
const BATCH: usize = (REFILLED / MAX_BITS) as usize;

/// For every `MAX_BITS` bits the symbol they begin with, and in the high byte its length.
pub(super) struct Tree {
    table: [u16; SIZE],
    ready: bool,
}

impl Tree {
    pub(super) const fn new() -> Tree {
        Tree {
            table: [0; SIZE],
            ready: false,
        }
    }

    /// Has a tree been read in this frame?
    pub(super) fn ready(&self) -> bool {
        self.ready
    }

    pub(super) fn forget(&mut self) {
        self.ready = false;
    }

    /// Reads the description at `src[at..end]`; returns where it ends.
    pub(super) fn read(&mut self, src: &[u8], at: usize, end: usize) -> Result<usize, Damage> {
        let header = usize::from(
            *src.get(at..end)
                .and_then(|s| s.first())
                .ok_or(Damage::Truncated)?,
        );
        let at = at + 1;
        let mut weights = [0u8; 256];
        let (count, at) = if header >= 128 {
            let count = header - 127;
            let next = at + count.div_ceil(2);
            let bytes = src.get(at..next.min(end)).ok_or(Damage::Truncated)?;
            if next > end {
                return Err(Damage::Truncated);
            }
            let halves = bytes.iter().flat_map(|&b| [b >> 4, b & 15]);
            for (weight, half) in weights.iter_mut().zip(halves.take(count)) {
                *weight = half;
            }
            (count, next)
        } else {
            let next = at + header;
            if next > end {
                return Err(Damage::Truncated);
            }
            (compressed_weights(src, at, next, &mut weights)?, next)
        };
        self.fill(&mut weights, count)?;
        Ok(at)
    }

    /// Makes the table; the last symbol's weight is what is missing to a power of two.
    fn fill(&mut self, weights: &mut [u8; 256], count: usize) -> Result<(), Damage> {
        let wrong = Damage::At("Huffman weights");
        let mut total = 0u32;
        for &weight in weights.iter().take(count) {
            if u32::from(weight) > MAX_BITS {
                return Err(wrong);
            }
            total += (1 << weight) >> 1;
        }
        if total == 0 {
            return Err(wrong);
        }
        let bits = 32 - total.leading_zeros();
        let rest = (1 << bits) - total;
        if bits > MAX_BITS || !rest.is_power_of_two() {
            return Err(wrong);
        }
        *weights.get_mut(count).ok_or(wrong)? = rest.trailing_zeros() as u8 + 1;
        // Lighter symbols, that is longer codes, come first.
        let mut at = 0;
        for weight in 1..=bits {
            for (_, symbol) in weights
                .iter()
                .zip(0u16..)
                .take(count + 1)
                .filter(|(w, _)| u32::from(**w) == weight)
            {
                let length = bits + 1 - weight;
                let span = SIZE >> length;
                let slots = self.table.get_mut(at..at + span).ok_or(wrong)?;
                slots.fill((length as u16) << 8 | symbol);
                at += span;
            }
        }
        if at != SIZE {
            return Err(wrong);
        }
        self.ready = true;
        Ok(())
    }

    /// Decodes the stream in `src[start..end]`, which must fill `out` exactly.
    pub(super) fn decode(
        &self,
        src: &[u8],
        start: usize,
        end: usize,
        out: &mut [u8],
    ) -> Result<(), Damage> {
        let mut bits = Backward::new(src, start, end)?;
        let (batches, rest) = out.as_chunks_mut::<BATCH>();
        for batch in batches {
            bits.refill();
            for slot in batch {
                *slot = self.symbol(&mut bits);
            }
        }
        bits.refill();
        for slot in rest {
            *slot = self.symbol(&mut bits);
        }
        if bits.left() != 0 {
            return Err(Damage::At("end of the literals"));
        }
        Ok(())
    }

    #[inline(always)]
    fn symbol(&self, bits: &mut Backward<'_>) -> u8 {
        let entry = self.table[bits.peek(MAX_BITS) as usize & (SIZE - 1)];
        bits.skip(u32::from(entry >> 8));
        entry as u8
    }
}

/// Weights coded by two FSE states in turn; returns how many.
fn compressed_weights(
    src: &[u8],
    start: usize,
    end: usize,
    weights: &mut [u8; 256],
) -> Result<usize, Damage> {
    let header = src.get(start..end).ok_or(Damage::Truncated)?;
    let (counts, used) = Counts::read(header, WEIGHTS_MAX_LOG)?;
    let mut table = Table::new();
    table.fill(&counts, &|symbol| Some((u32::from(symbol), 0)))?;
    let mut bits = Backward::new(src, start + used, end)?;
    let mut states = [bits.take(table.log) as usize, bits.take(table.log) as usize];
    let mut turn = 0;
    let mut count = 0;
    // The last symbol but one leaves no bits for its state's successor.
    loop {
        let state = states.get_mut(turn).ok_or(Damage::Truncated)?;
        let entry = table.entries[*state & (ENTRIES - 1)];
        put(weights, &mut count, entry.base)?;
        bits.refill();
        *state = usize::from(entry.next) + bits.take(u32::from(entry.bits)) as usize;
        turn ^= 1;
        if bits.left() < 0 {
            let state = states.get(turn).copied().unwrap_or(0);
            put(
                weights,
                &mut count,
                table.entries[state & (ENTRIES - 1)].base,
            )?;
            return Ok(count);
        }
    }
}

/// The last weight is not coded, so one less than all is the most.
fn put(weights: &mut [u8; 256], count: &mut usize, weight: u32) -> Result<(), Damage> {
    if *count >= 255 {
        return Err(Damage::At("Huffman weights"));
    }
    if let Some(slot) = weights.get_mut(*count) {
        *slot = weight as u8;
    }
    *count += 1;
    Ok(())
}
