//! .xz (The .xz File Format, version 1.1): streams of blocks, LZMA2 inside,
//! with the x86 filter that kernels are packed with.

use super::crc::{crc32, crc64};
use super::lzma::{Decoder, Properties};
use super::reader::Reader;
use super::{Damage, agree, bcj};

const MAGIC: &[u8; 6] = b"\xfd7zXZ\0";
const FOOTER_MAGIC: &[u8; 2] = b"YZ";
/// Header and footer of a stream.
const ENDS: usize = 12;
const FILTER_X86: u64 = 0x04;
const FILTER_LZMA2: u64 = 0x21;

/// Unpacks every stream in `src`; returns the length.
pub(super) fn decompress(src: &[u8], dst: &mut [u8]) -> Result<usize, Damage> {
    let mut reader = Reader(src);
    let mut decoder = None;
    let mut pos = 0;
    loop {
        pos = stream(&mut reader, &mut decoder, dst, pos)?;
        // Streams may be padded with zeros in groups of four.
        while let Some(rest) = reader.0.strip_prefix(&[0; 4]) {
            reader.0 = rest;
        }
        if reader.0.is_empty() {
            return Ok(pos);
        }
    }
}

/// What the index at the end of a file of one stream says of its length.
pub(super) fn unpacked_len(src: &[u8]) -> Option<u64> {
    let (rest, footer) = src.split_last_chunk::<ENDS>()?;
    let [_, _, _, _, a, b, c, d, _, check, y, z] = *footer;
    if [y, z] != *FOOTER_MAGIC || rest.get(7) != Some(&check) {
        return None;
    }
    let backward = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
    let size = backward.checked_add(1)?.checked_mul(4)?;
    let start = rest.len().checked_sub(size)?;
    let mut index = Reader(rest.get(start..)?);
    if index.byte().ok()? != 0 {
        return None;
    }
    let (mut packed, mut unpacked) = (ENDS as u64, 0u64);
    for _ in 0..index.number().ok()? {
        packed = packed.checked_add(index.number().ok()?.checked_next_multiple_of(4)?)?;
        unpacked = unpacked.checked_add(index.number().ok()?)?;
    }
    (packed == start as u64).then_some(unpacked)
}

impl Reader<'_> {
    /// A multibyte integer: seven bits a byte, least significant first.
    fn number(&mut self) -> Result<u64, Damage> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    break;
                }
                return Ok(value);
            }
        }
        Err(Damage::At("number"))
    }
}

/// The check at the end of each block.
#[derive(Clone, Copy)]
enum Check {
    None,
    Crc32,
    Crc64,
    /// Of this many bytes, and not verified: SHA-256 and reserved ones.
    Other(usize),
}

impl Check {
    fn new(kind: u8) -> Result<Check, Damage> {
        Ok(match kind {
            0 => Check::None,
            1 => Check::Crc32,
            4 => Check::Crc64,
            2 | 3 => Check::Other(4),
            5 | 6 => Check::Other(8),
            7..=9 => Check::Other(16),
            10..=12 => Check::Other(32),
            13..=15 => Check::Other(64),
            _ => return Err(Damage::At("stream flags")),
        })
    }

    fn verify(self, reader: &mut Reader<'_>, bytes: &[u8]) -> Result<usize, Damage> {
        match self {
            Check::None => Ok(0),
            Check::Crc32 if agree(reader.u32_le()?, crc32(bytes)) => Ok(4),
            Check::Crc64 if agree(u64::from_le_bytes(reader.chunk()?), crc64(bytes)) => Ok(8),
            Check::Crc32 => Err(Damage::Checksum("CRC-32 of a block")),
            Check::Crc64 => Err(Damage::Checksum("CRC-64 of a block")),
            Check::Other(size) => reader.take(size).map(|_| size),
        }
    }
}

/// Compares the CRC-32 that follows `bytes` in `reader`.
fn header_crc(reader: &mut Reader<'_>, bytes: &[u8]) -> Result<(), Damage> {
    if agree(reader.u32_le()?, crc32(bytes)) {
        Ok(())
    } else {
        Err(Damage::Checksum("CRC-32 of a header"))
    }
}

fn stream(
    reader: &mut Reader<'_>,
    decoder: &mut Option<Decoder>,
    dst: &mut [u8],
    start: usize,
) -> Result<usize, Damage> {
    if reader.chunk::<6>()? != *MAGIC {
        return Err(Damage::At("stream header"));
    }
    let flags = reader.chunk::<2>()?;
    header_crc(reader, &flags)?;
    let [0, kind] = flags else {
        return Err(Damage::At("stream flags"));
    };
    let check = Check::new(kind)?;
    let mut pos = start;
    let mut blocks = 0u64;
    // What the index must say, summed up.
    let mut sums = [0u64; 2];
    while reader.0.first() != Some(&0) {
        let (unpadded, end) = block(reader, decoder, dst, pos, check)?;
        blocks += 1;
        sums = add(sums, [unpadded as u64, (end - pos) as u64]);
        pos = end;
    }
    let index_size = index(reader, blocks, sums)?;
    let crc = reader.u32_le()?;
    let backward: [u8; 6] = reader.chunk()?;
    if !agree(crc, crc32(&backward)) {
        return Err(Damage::Checksum("CRC-32 of the footer"));
    }
    let [a, b, c, d, ..] = backward;
    let size = (u64::from(u32::from_le_bytes([a, b, c, d])) + 1) * 4;
    if !backward.ends_with(&flags) || size != index_size as u64 || reader.chunk()? != *FOOTER_MAGIC
    {
        return Err(Damage::At("stream footer"));
    }
    Ok(pos)
}

/// Sums that tell a list of sizes from another one well enough beside the checks.
fn add([packed, unpacked]: [u64; 2], [p, u]: [u64; 2]) -> [u64; 2] {
    [packed.wrapping_add(p), unpacked.wrapping_add(u)]
}

/// Reads the index and holds it against what was seen; returns its size.
fn index(reader: &mut Reader<'_>, blocks: u64, seen: [u64; 2]) -> Result<usize, Damage> {
    let whole = reader.0;
    reader.byte()?;
    if reader.number()? != blocks {
        return Err(Damage::At("index"));
    }
    let mut sums = [0u64; 2];
    for _ in 0..blocks {
        sums = add(sums, [reader.number()?, reader.number()?]);
    }
    let used = whole.len() - reader.0.len();
    let padding = reader.take(used.next_multiple_of(4) - used)?;
    if sums != seen || padding.iter().any(|&b| b != 0) {
        return Err(Damage::At("index"));
    }
    let size = whole.len() - reader.0.len();
    header_crc(reader, whole.get(..size).unwrap_or(&[]))?;
    Ok(size + 4)
}

/// What a block's header says.
struct Header {
    packed: Option<u64>,
    unpacked: Option<u64>,
    /// Start address of the x86 filter, if there is one.
    x86: Option<u32>,
}

/// Unpacks a block; returns its size without padding, and the output position.
fn block(
    reader: &mut Reader<'_>,
    decoder: &mut Option<Decoder>,
    dst: &mut [u8],
    start: usize,
    check: Check,
) -> Result<(usize, usize), Damage> {
    let whole = reader.0.len();
    let header = block_header(reader)?;
    let before = reader.0.len();
    let (used, end) = lzma2(reader.0, decoder, dst, start)?;
    reader.take(used)?;
    let agree = |said: Option<u64>, found: usize| said.is_none_or(|said| said == found as u64);
    if !agree(header.packed, used) || !agree(header.unpacked, end - start) {
        return Err(Damage::At("block size"));
    }
    let padding = reader.take(used.next_multiple_of(4) - used)?;
    if padding.iter().any(|&b| b != 0) {
        return Err(Damage::At("block padding"));
    }
    let bytes = dst.get_mut(start..end).unwrap_or(&mut []);
    if let Some(address) = header.x86 {
        bcj::x86(bytes, address);
    }
    let check = check.verify(reader, bytes)?;
    Ok((whole - before + used + check, end))
}

fn block_header(reader: &mut Reader<'_>) -> Result<Header, Damage> {
    let size = (usize::from(*reader.0.first().ok_or(Damage::Truncated)?) + 1) * 4;
    let bytes = reader.take(size - 4)?;
    header_crc(reader, bytes)?;
    let mut fields = Reader(bytes);
    let [_, flags] = fields.chunk()?;
    let mut optional = |bit: u8| {
        let there = flags & bit != 0;
        there.then(|| fields.number()).transpose()
    };
    let (packed, unpacked) = (optional(0x40)?, optional(0x80)?);
    if flags & 0x3c != 0 {
        return Err(Damage::At("block flags"));
    }
    let mut x86 = None;
    for left in (0..=flags & 3).rev() {
        let id = fields.number()?;
        let size = usize::try_from(fields.number()?).unwrap_or(usize::MAX);
        let properties = fields.take(size).map_err(|_| Damage::At("block header"))?;
        match (id, left, properties) {
            (FILTER_LZMA2, 0, &[dictionary]) if dictionary <= 40 => {}
            (FILTER_X86, 1, &[]) if x86.is_none() => x86 = Some(0),
            (FILTER_X86, 1, &[a, b, c, d]) if x86.is_none() => {
                x86 = Some(u32::from_le_bytes([a, b, c, d]));
            }
            (FILTER_LZMA2 | FILTER_X86, ..) => return Err(Damage::At("filters")),
            _ => return Err(Damage::Unsupported("a filter other than x86")),
        }
    }
    if fields.0.iter().any(|&b| b != 0) {
        return Err(Damage::At("block header padding"));
    }
    Ok(Header {
        packed,
        unpacked,
        x86,
    })
}

/// Unpacks LZMA2 chunks into `dst` from `start` on; returns input used and output position.
fn lzma2(
    src: &[u8],
    decoder: &mut Option<Decoder>,
    dst: &mut [u8],
    start: usize,
) -> Result<(usize, usize), Damage> {
    let mut ready = false;
    let mut base = None;
    let mut pos = start;
    let mut reader = Reader(src);
    loop {
        let control = reader.byte()?;
        if control == 0 {
            return Ok((src.len() - reader.0.len(), pos));
        }
        if control == 1 || control >= 0xe0 {
            base = Some(pos);
        }
        let base = base.ok_or(Damage::At("first LZMA2 chunk"))?;
        let size = usize::from(u16::from_be_bytes(reader.chunk()?)) + 1;
        if control <= 2 {
            let to = dst.get_mut(pos..).and_then(|d| d.get_mut(..size));
            to.ok_or(Damage::Full)?.copy_from_slice(reader.take(size)?);
            pos += size;
            continue;
        }
        if control < 0x80 {
            return Err(Damage::At("LZMA2 chunk"));
        }
        let unpacked = (usize::from(control & 0x1f) << 16) + size;
        let packed = usize::from(u16::from_be_bytes(reader.chunk()?)) + 1;
        let decoder = state(decoder, control, ready, &mut reader)?;
        ready = true;
        let data = reader.take(packed)?;
        let window = dst.get_mut(base..pos + unpacked).ok_or(Damage::Full)?;
        let ended = decoder.decode(data, window, pos - base, false)?;
        if ended.code != 0 || ended.used != packed {
            return Err(Damage::At("end of an LZMA2 chunk"));
        }
        pos += unpacked;
    }
}

/// The decoder for a chunk: new, reset or as it is, as its control byte says.
/// It is kept for later blocks, but only `ready` once it was reset in this one.
fn state<'a>(
    decoder: &'a mut Option<Decoder>,
    control: u8,
    ready: bool,
    reader: &mut Reader<'_>,
) -> Result<&'a mut Decoder, Damage> {
    let properties = if control >= 0xc0 {
        let properties = Properties::new(reader.byte()?).filter(|p| p.fits_lzma2());
        Some(properties.ok_or(Damage::At("LZMA2 properties"))?)
    } else {
        None
    };
    match (decoder, properties) {
        (_, None) if !ready => Err(Damage::At("first LZMA2 chunk")),
        (Some(decoder), _) => {
            if control >= 0xa0 {
                decoder.reset(properties.unwrap_or(decoder.properties()));
            }
            Ok(decoder)
        }
        (none, Some(properties)) => {
            Ok(none.insert(Decoder::new(properties).ok_or(Damage::NoMemory)?))
        }
        (None, None) => Err(Damage::At("first LZMA2 chunk")),
    }
}
