//! The inner loop of the LZMA decoder.
//!
//! Written for few instructions: the range decoder lives in local variables,
//! tables have sizes that their index types cannot leave, every probability's
//! successors are looked up, and after each bit both outcomes go on by
//! themselves instead of meeting first.

use super::Damage;
use super::copy::repeat;
use super::lzma::{Ended, Literal, Probs};

const TOP: u32 = 1 << 24;
/// States below it follow a literal. States are held times 16.
const AFTER_MATCH: u8 = 7 << 4;

/// Which literal table and which position class belong to a position.
pub(super) trait Contexts {
    /// An end marker must come, even when the output is full.
    fn marker(&self) -> bool;
    /// Bits of the position that tell classes apart.
    fn pos_state(&self, pos: usize) -> u8;
    /// Probabilities for a literal at `pos` after the byte `prev`.
    fn literal(&mut self, pos: usize, prev: u8) -> Option<&mut Literal>;
}

#[inline(never)]
pub(super) fn run<C: Contexts>(
    probs: &mut Probs,
    mut contexts: C,
    src: &[u8],
    dst: &mut [u8],
    start: usize,
) -> Result<Ended, Damage> {
    let Some((&[0, a, b, c, d], body)) = src.split_first_chunk::<5>() else {
        return Err(Damage::At("start of the range coder"));
    };
    let mut code = u64::from(u32::from_be_bytes([a, b, c, d]));
    let mut range = u32::MAX;
    let mut input = body.iter();
    let mut overrun = 0usize;

    let mut state = probs.state;
    let mut rep0 = probs.reps[0];
    let mut pos = start;
    let mut prev = pos
        .checked_sub(1)
        .and_then(|p| dst.get(p))
        .copied()
        .unwrap_or(0);
    let mut marker = false;

    macro_rules! normalize {
        () => {
            if range < TOP {
                range <<= 8;
                code <<= 8;
                match input.next() {
                    Some(&byte) => code |= u64::from(byte),
                    None => overrun += 1,
                }
            }
        };
    }
    // Decides one bit: `$zero_first` or `$one_first` happens before the next
    // input byte is taken in, `$zero` or `$one` is the value.
    macro_rules! bit {
        ($prob:expr, $zero:expr, $one:expr) => {
            bit!($prob, {}, $zero, {}, $one)
        };
        ($prob:expr, $zero_first:expr, $zero:expr, $one_first:expr, $one:expr) => {{
            let p = $prob;
            let bound = u64::from(range >> 11) * u64::from(p);
            // `code` is wider than it need be to keep the compiler from
            // subtracting before it knows whether to.
            if (code as u32) < bound as u32 {
                $prob = probs.next[usize::from(p)];
                range = bound as u32;
                $zero_first;
                normalize!();
                $zero
            } else {
                range -= bound as u32;
                code = code.wrapping_sub(bound);
                $prob = probs.next[65536 + usize::from(p)];
                $one_first;
                normalize!();
                $one
            }
        }};
    }
    // One bit of a tree's symbol.
    macro_rules! branch {
        ($probs:expr, $symbol:ident, $mask:expr) => {
            bit!(
                $probs[$symbol & $mask],
                $symbol <<= 1,
                {},
                $symbol = $symbol << 1 | 1,
                {}
            )
        };
    }
    // Two bits of a tree's symbol. The symbol is brought up to date but once.
    macro_rules! branches {
        ($probs:expr, $symbol:ident, $mask:expr) => {
            bit!(
                $probs[$symbol & $mask],
                bit!(
                    $probs[($symbol << 1) & $mask],
                    $symbol <<= 2,
                    {},
                    $symbol = $symbol << 2 | 1,
                    {}
                ),
                bit!(
                    $probs[($symbol << 1 | 1) & $mask],
                    $symbol = $symbol << 2 | 2,
                    {},
                    $symbol = $symbol << 2 | 3,
                    {}
                )
            )
        };
    }
    macro_rules! length {
        ($length:expr, $pos_state:expr) => {{
            let mut symbol = 1usize;
            bit!(
                $length.choice[0],
                {
                    branches!($length.low[usize::from($pos_state)], symbol, 7);
                    branch!($length.low[usize::from($pos_state)], symbol, 7);
                    symbol - 8 + 2
                },
                bit!(
                    $length.choice[1],
                    {
                        branches!($length.mid[usize::from($pos_state)], symbol, 7);
                        branch!($length.mid[usize::from($pos_state)], symbol, 7);
                        symbol - 8 + 10
                    },
                    {
                        branches!($length.high, symbol, 255);
                        branches!($length.high, symbol, 255);
                        branches!($length.high, symbol, 255);
                        branches!($length.high, symbol, 255);
                        symbol - 256 + 18
                    }
                )
            )
        }};
    }
    // One bit of a literal that follows a match, as long as it agrees with
    // the byte matched; leaves to `$differs` when it does not.
    macro_rules! matched {
        ($matched:ident, $mask:expr, $zero:ident, $one:ident, $symbol:ident, $differs:lifetime) => {
            if $matched & $mask == 0 {
                bit!(
                    $zero[$symbol & 255],
                    $symbol <<= 1,
                    {},
                    $symbol = $symbol << 1 | 1,
                    break $differs
                )
            } else {
                bit!(
                    $one[$symbol & 255],
                    $symbol <<= 1,
                    break $differs,
                    $symbol = $symbol << 1 | 1,
                    {}
                )
            }
        };
    }

    while pos < dst.len() || contexts.marker() {
        let pos_state = contexts.pos_state(pos) & 15;
        let length;
        if bit!(probs.is_match[usize::from(state | pos_state)], true, false) {
            let Some([plain, zero, one]) = contexts.literal(pos, prev) else {
                return Err(Damage::At("literal"));
            };
            let mut symbol = 1usize;
            'done: {
                'b7: {
                    'b6: {
                        'b5: {
                            'b4: {
                                'b3: {
                                    'b2: {
                                        'b1: {
                                            if state < AFTER_MATCH {
                                                branch!(plain, symbol, 255);
                                                break 'b1;
                                            }
                                            let from = pos.wrapping_sub(rep0 as usize + 1);
                                            let Some(&m) = dst.get(from) else {
                                                return Err(Damage::At("distance"));
                                            };
                                            matched!(m, 0x80, zero, one, symbol, 'b1);
                                            matched!(m, 0x40, zero, one, symbol, 'b2);
                                            matched!(m, 0x20, zero, one, symbol, 'b3);
                                            matched!(m, 0x10, zero, one, symbol, 'b4);
                                            matched!(m, 0x08, zero, one, symbol, 'b5);
                                            matched!(m, 0x04, zero, one, symbol, 'b6);
                                            matched!(m, 0x02, zero, one, symbol, 'b7);
                                            matched!(m, 0x01, zero, one, symbol, 'done);
                                            break 'done;
                                        }
                                        branches!(plain, symbol, 255);
                                        break 'b3;
                                    }
                                    branch!(plain, symbol, 255);
                                }
                                branches!(plain, symbol, 255);
                                break 'b5;
                            }
                            branch!(plain, symbol, 255);
                        }
                        branches!(plain, symbol, 255);
                        break 'b7;
                    }
                    branch!(plain, symbol, 255);
                }
                branch!(plain, symbol, 255);
            }
            state = probs.after_literal[usize::from(state)];
            prev = symbol as u8;
            match dst.get_mut(pos) {
                Some(slot) => *slot = prev,
                None => return Err(Damage::Full),
            }
            pos += 1;
            continue;
        }
        if bit!(probs.is_rep[usize::from(state)], true, false) {
            probs.reps[3] = probs.reps[2];
            probs.reps[2] = probs.reps[1];
            probs.reps[1] = rep0;
            length = length!(probs.length, pos_state);
            state = if state < AFTER_MATCH { 7 << 4 } else { 10 << 4 };
            let class = length.min(5) - 2;
            let mut slot = 1usize;
            branches!(probs.slot[class & 3], slot, 63);
            branches!(probs.slot[class & 3], slot, 63);
            branches!(probs.slot[class & 3], slot, 63);
            let slot = (slot & 63) as u32;
            if slot < 4 {
                rep0 = slot;
            } else {
                let bits = (slot >> 1) - 1;
                rep0 = (2 | slot & 1) << bits;
                if slot < 14 {
                    let base = rep0 as usize - slot as usize;
                    let mut symbol = 1usize;
                    let mut value = 1u32;
                    for _ in 0..bits {
                        bit!(
                            probs.special[(base + symbol) & 127],
                            symbol <<= 1,
                            {},
                            {
                                symbol = symbol << 1 | 1;
                                rep0 += value;
                            },
                            {}
                        );
                        value <<= 1;
                    }
                } else {
                    let mut direct = 0u32;
                    for _ in 4..bits {
                        range >>= 1;
                        if code as u32 >= range {
                            code = code.wrapping_sub(u64::from(range));
                            direct = direct << 1 | 1;
                            normalize!();
                        } else {
                            direct <<= 1;
                            normalize!();
                        }
                    }
                    rep0 = rep0.wrapping_add(direct << 4);
                    let mut symbol = 1usize;
                    let mut low = 0;
                    for value in [1, 2, 4, 8] {
                        bit!(
                            probs.align[symbol & 15],
                            symbol <<= 1,
                            {},
                            {
                                symbol = symbol << 1 | 1;
                                low |= value;
                            },
                            {}
                        );
                    }
                    rep0 |= low;
                    if rep0 == u32::MAX {
                        marker = true;
                        break;
                    }
                }
            }
        } else {
            let short = bit!(
                probs.rep_g0[usize::from(state)],
                bit!(probs.rep0_long[usize::from(state | pos_state)], true, false),
                {
                    let chosen = bit!(probs.rep_g1[usize::from(state)], probs.reps[1], {
                        let chosen = bit!(probs.rep_g2[usize::from(state)], probs.reps[2], {
                            let chosen = probs.reps[3];
                            probs.reps[3] = probs.reps[2];
                            chosen
                        });
                        probs.reps[2] = probs.reps[1];
                        chosen
                    });
                    probs.reps[1] = rep0;
                    rep0 = chosen;
                    false
                }
            );
            if short {
                state = if state < AFTER_MATCH { 9 << 4 } else { 11 << 4 };
                length = 1;
            } else {
                length = length!(probs.rep_length, pos_state);
                state = if state < AFTER_MATCH { 8 << 4 } else { 11 << 4 };
            }
        }
        pos = repeat(dst, pos, rep0 as usize + 1, length)?;
        prev = dst.get(pos.wrapping_sub(1)).copied().unwrap_or(0);
    }
    probs.state = state;
    probs.reps[0] = rep0;
    if overrun > 0 {
        return Err(Damage::Truncated);
    }
    Ok(Ended {
        pos,
        used: src.len() - input.len(),
        marker,
        code: code as u32,
    })
}
