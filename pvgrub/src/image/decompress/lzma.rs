//! The LZMA decoder that .xz and .lzma share. The output is its own
//! dictionary: nothing is decoded twice over or copied out of a window.
//!
//! Written for few instructions: the range decoder lives in local variables,
//! tables have fixed sizes that their index types cannot leave.

use alloc::boxed::Box;
use alloc::vec::Vec;

use zerocopy::FromZeros;

use super::Damage;
use super::run::{Contexts, run};

const HALF: u16 = 1 << 10;

/// Literal probabilities of one context: plain, then after a match by the bit matched.
pub(super) type Literal = [[u16; 256]; 3];

#[derive(FromZeros)]
pub(super) struct Length {
    pub choice: [u16; 2],
    pub low: [[u16; 8]; 16],
    pub mid: [[u16; 8]; 16],
    pub high: [u16; 256],
}

/// All probabilities but those of literals. Sizes are powers of two, so that
/// masked indices need no check.
#[derive(FromZeros)]
pub(super) struct Probs {
    /// These two by state and position class.
    pub is_match: [u16; 256],
    pub rep0_long: [u16; 256],
    /// These by state, every sixteenth in use.
    pub is_rep: [u16; 256],
    pub rep_g0: [u16; 256],
    pub rep_g1: [u16; 256],
    pub rep_g2: [u16; 256],
    pub slot: [[u16; 64]; 4],
    pub special: [u16; 128],
    pub align: [u16; 16],
    pub length: Length,
    pub rep_length: Length,
    /// State after a literal.
    pub after_literal: [u8; 256],
    /// State and last distances (less 1) when a run ends.
    pub state: u8,
    pub reps: [u32; 4],
    /// What each probability becomes after a 0, and 65536 further after a 1.
    /// Larger than any probability, so that no look-up needs a check.
    pub next: [u16; 131_072],
}

impl Length {
    fn reset(&mut self) {
        self.choice.fill(HALF);
        self.low.as_flattened_mut().fill(HALF);
        self.mid.as_flattened_mut().fill(HALF);
        self.high.fill(HALF);
    }
}

impl Probs {
    /// On the heap from the first: it is too large for a stack.
    fn new() -> Option<Box<Probs>> {
        let mut new = Probs::new_box_zeroed().ok()?;
        let (zero, one) = new.next.split_at_mut(65536);
        for (p, (zero, one)) in (0u16..2048).zip(zero.iter_mut().zip(one)) {
            *zero = p + ((2048 - p) >> 5);
            *one = p - (p >> 5);
        }
        let after = [0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5];
        for (slot, state) in new.after_literal.iter_mut().step_by(16).zip(after) {
            *slot = state << 4;
        }
        Some(new)
    }

    fn reset(&mut self) {
        self.is_match.fill(HALF);
        self.rep0_long.fill(HALF);
        self.is_rep.fill(HALF);
        self.rep_g0.fill(HALF);
        self.rep_g1.fill(HALF);
        self.rep_g2.fill(HALF);
        self.slot.as_flattened_mut().fill(HALF);
        self.special.fill(HALF);
        self.align.fill(HALF);
        self.length.reset();
        self.rep_length.reset();
        self.state = 0;
        self.reps = [0; 4];
    }
}

/// The three numbers packed into a properties byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Properties {
    lc: u32,
    lp: u32,
    pb: u32,
}

impl Properties {
    pub(super) fn new(byte: u8) -> Option<Properties> {
        let byte = u32::from(byte);
        (byte < 9 * 5 * 5).then_some(Properties {
            lc: byte % 9,
            lp: byte / 9 % 5,
            pb: byte / 45,
        })
    }

    /// LZMA2 bounds the literal contexts.
    pub(super) fn fits_lzma2(self) -> bool {
        self.lc + self.lp <= 4
    }
}

/// Decoder state that lasts from one LZMA2 chunk to the next.
pub(super) struct Decoder {
    properties: Properties,
    literals: Vec<Literal>,
    probs: Box<Probs>,
}

/// Where one run of the range coder ended.
pub(super) struct Ended {
    /// Output position.
    pub pos: usize,
    /// Input bytes used.
    pub used: usize,
    /// The end marker was met.
    pub marker: bool,
    /// The coder's rest, 0 at a proper end.
    pub code: u32,
}

impl Decoder {
    /// `None` when there is no memory for it.
    pub(super) fn new(properties: Properties) -> Option<Decoder> {
        let mut new = Decoder {
            properties,
            literals: Vec::new(),
            probs: Probs::new()?,
        };
        new.reset(properties);
        Some(new)
    }

    pub(super) fn properties(&self) -> Properties {
        self.properties
    }

    /// Forgets everything learnt.
    pub(super) fn reset(&mut self, properties: Properties) {
        self.properties = properties;
        self.literals.clear();
        self.literals
            .resize(1 << (properties.lc + properties.lp), [[HALF; 256]; 3]);
        self.probs.reset();
    }

    /// Decodes `src`, one run of the range coder, into `dst` from `start` on
    /// until `dst` is full or the end marker comes; with `marker` it must come.
    /// `dst` begins where the dictionary was last reset.
    pub(super) fn decode(
        &mut self,
        src: &[u8],
        dst: &mut [u8],
        start: usize,
        marker: bool,
    ) -> Result<Ended, Damage> {
        let probs = &mut *self.probs;
        let Properties { lc, lp, pb } = self.properties;
        if (lc, lp, pb) == (3, 0, 2)
            && !marker
            && let Some(literals) = self.literals.first_chunk_mut()
        {
            return run(probs, Usual(literals), src, dst, start);
        }
        let contexts = Any {
            marker,
            shift: lc,
            literal_mask: (0x100 << lp) - (0x100 >> lc),
            pos_mask: (1 << pb) - 1,
            literals: &mut self.literals,
        };
        run(probs, contexts, src, dst, start)
    }
}

/// The contexts of nearly every file: lc=3, lp=0, pb=2.
struct Usual<'a>(&'a mut [Literal; 8]);

impl Contexts for Usual<'_> {
    #[inline(always)]
    fn marker(&self) -> bool {
        false
    }

    #[inline(always)]
    fn pos_state(&self, pos: usize) -> u8 {
        pos as u8 & 3
    }

    #[inline(always)]
    fn literal(&mut self, _pos: usize, prev: u8) -> Option<&mut Literal> {
        self.0.get_mut(usize::from(prev >> 5))
    }
}

/// Contexts of any other properties.
struct Any<'a> {
    marker: bool,
    shift: u32,
    literal_mask: usize,
    pos_mask: u8,
    literals: &'a mut [Literal],
}

impl Contexts for Any<'_> {
    #[inline(always)]
    fn marker(&self) -> bool {
        self.marker
    }

    #[inline(always)]
    fn pos_state(&self, pos: usize) -> u8 {
        pos as u8 & self.pos_mask
    }

    #[inline(always)]
    fn literal(&mut self, pos: usize, prev: u8) -> Option<&mut Literal> {
        let bits = (pos << 8 | usize::from(prev)) & self.literal_mask;
        self.literals.get_mut((bits << self.shift) >> 8)
    }
}
