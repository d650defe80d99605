//! Copying what was unpacked already, the other half of every LZ format.

use super::Damage;

/// Bytes moved at once. A copy may write up to so many beyond its end, if they
/// lie within the output: they are overwritten later.
const STEP: usize = 16;
const HALF: usize = 8;
/// Near the end of the output up to so many bytes are copied one by one.
const BYTEWISE: usize = 64;

/// Factors that repeat the lowest n bytes of a word throughout it.
const REPEAT: [u64; 8] = [
    0,
    0x0101_0101_0101_0101,
    0x0001_0001_0001_0001,
    0x0001_0000_0100_0001,
    0x0000_0001_0000_0001,
    0x0000_0100_0000_0001,
    0x0001_0000_0000_0001,
    0x0100_0000_0000_0001,
];
/// The largest multiple of n within a word.
const STRIDE: [usize; 8] = [8, 8, 8, 6, 8, 5, 6, 7];

#[inline(always)]
fn read<const N: usize>(dst: &[u8], at: usize) -> Option<[u8; N]> {
    dst.get(at..at.wrapping_add(N))?.try_into().ok()
}

#[inline(always)]
fn write<const N: usize>(dst: &mut [u8], at: usize, bytes: [u8; N]) -> Option<()> {
    let there: &mut [u8; N] = dst.get_mut(at..at.wrapping_add(N))?.try_into().ok()?;
    *there = bytes;
    Some(())
}

/// Repeats `len` bytes from `distance` back at `pos`; returns the position after them.
///
/// # Errors
/// A distance of 0 or before the beginning, a length beyond the end of `dst`.
#[inline(always)]
pub(super) fn repeat(
    dst: &mut [u8],
    pos: usize,
    distance: usize,
    len: usize,
) -> Result<usize, Damage> {
    let end = pos.wrapping_add(len);
    let done = if distance >= STEP {
        in_steps::<STEP>(dst, pos, distance, end)
    } else if distance >= HALF {
        in_steps::<HALF>(dst, pos, distance, end)
    } else {
        pattern(dst, pos, distance, end)
    };
    match done {
        Some(()) => Ok(end),
        None => bytewise(dst, pos, distance, len),
    }
}

#[inline(always)]
fn in_steps<const N: usize>(dst: &mut [u8], pos: usize, distance: usize, end: usize) -> Option<()> {
    // Every source lies before its target, so only the first may be too low.
    let from = pos.checked_sub(distance)?;
    let window = dst.get_mut(from..)?;
    let len = end.wrapping_sub(from);
    let mut to = distance;
    loop {
        let bytes: [u8; N] = read(window, to.wrapping_sub(distance))?;
        write(window, to, bytes)?;
        to += N;
        if to >= len {
            return Some(());
        }
    }
}

/// Distances below a word: the word that continues the pattern is made once.
#[inline(always)]
fn pattern(dst: &mut [u8], pos: usize, distance: usize, end: usize) -> Option<()> {
    if distance == 0 {
        return None;
    }
    let word = u64::from_le_bytes(read(dst, pos.wrapping_sub(distance))?);
    let lowest = word & !(u64::MAX << (8 * (distance & 7)));
    let bytes = lowest.wrapping_mul(REPEAT[distance & 7]).to_le_bytes();
    let stride = STRIDE[distance & 7];
    let mut to = pos;
    loop {
        write(dst, to, bytes)?;
        to += stride;
        if to >= end {
            return Some(());
        }
    }
}

/// The same near the end, or with a distance that is none.
#[cold]
#[inline(never)]
fn bytewise(dst: &mut [u8], pos: usize, distance: usize, len: usize) -> Result<usize, Damage> {
    let end = pos.checked_add(len).filter(|&end| end <= dst.len());
    let end = end.ok_or(Damage::Full)?;
    if distance == 0 {
        return Err(Damage::At("distance"));
    }
    let from = pos.checked_sub(distance).ok_or(Damage::At("distance"))?;
    let mut to = pos;
    if len <= BYTEWISE {
        for (from, to) in (from..).zip(to..end) {
            let byte = dst.get(from).copied().ok_or(Damage::At("distance"))?;
            *dst.get_mut(to).ok_or(Damage::Full)? = byte;
        }
        return Ok(end);
    }
    // What has been written can be repeated in ever larger steps.
    while to < end {
        let n = (to - from).min(end - to);
        dst.copy_within(from..from + n, to);
        to += n;
    }
    Ok(end)
}

/// Copies `len` bytes of `src` at `from` to `dst` at `to`; returns the positions after them.
///
/// # Errors
/// A range that leaves either slice.
#[inline(always)]
pub(super) fn literals(
    src: &[u8],
    from: usize,
    dst: &mut [u8],
    to: usize,
    len: usize,
) -> Result<(usize, usize), Damage> {
    let ends = (from.wrapping_add(len), to.wrapping_add(len));
    if len <= STEP
        && let Some(bytes) = read::<STEP>(src, from)
        && let Some(()) = write(dst, to, bytes)
    {
        return Ok(ends);
    }
    let bytes = src.get(from..).and_then(|s| s.get(..len));
    let there = dst.get_mut(to..).and_then(|d| d.get_mut(..len));
    there
        .ok_or(Damage::Full)?
        .copy_from_slice(bytes.ok_or(Damage::Truncated)?);
    Ok(ends)
}
