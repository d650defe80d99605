//! LZ4 in its legacy frame, the one that kernels come in: a magic number, then
//! blocks of at most 8 MiB, each with its packed size before it. The format
//! has no checksum; only contradictions can be found.

use super::Damage;
use super::copy::{literals, repeat};
use super::reader::Reader;

const MAGIC: u32 = 0x184c_2102;
const MAX_BLOCK: usize = 8 << 20;
const MIN_MATCH: usize = 4;

/// Unpacks `src`; returns the length.
pub(super) fn decompress(src: &[u8], dst: &mut [u8]) -> Result<usize, Damage> {
    let mut reader = Reader(src);
    if reader.u32_le()? != MAGIC {
        return Err(Damage::Unsupported("a frame other than the legacy one"));
    }
    let mut pos = 0;
    while !reader.0.is_empty() {
        let size = reader.u32_le()?;
        if size == MAGIC {
            continue; // frames may follow each other
        }
        let data = reader.take(usize::try_from(size).unwrap_or(usize::MAX))?;
        let to = dst.get_mut(pos..).ok_or(Damage::Full)?;
        let end = to.len().min(MAX_BLOCK);
        let to = to.get_mut(..end).ok_or(Damage::Full)?;
        pos += block(data, to)?;
    }
    Ok(pos)
}

/// Adds the bytes that continue a length of 15.
#[inline(always)]
fn length(data: &[u8], at: &mut usize, first: usize) -> Result<usize, Damage> {
    let mut length = first;
    if first == 15 {
        loop {
            let byte = *data.get(*at).ok_or(Damage::Truncated)?;
            *at += 1;
            length += usize::from(byte);
            if byte != 255 {
                break;
            }
        }
    }
    Ok(length)
}

/// Unpacks one block; returns its length.
pub(super) fn block(data: &[u8], dst: &mut [u8]) -> Result<usize, Damage> {
    let mut pos = 0;
    let mut at = 0;
    loop {
        let token = usize::from(*data.get(at).ok_or(Damage::Truncated)?);
        at += 1;
        let count = length(data, &mut at, token >> 4)?;
        (at, pos) = literals(data, at, dst, pos, count)?;
        if at == data.len() {
            return Ok(pos); // a block ends with literals
        }
        let offset = data.get(at..at + 2).ok_or(Damage::Truncated)?;
        let distance = offset.iter().rev().fold(0, |n, &b| n << 8 | usize::from(b));
        at += 2;
        let count = length(data, &mut at, token & 15)? + MIN_MATCH;
        pos = repeat(dst, pos, distance, count)?;
    }
}
