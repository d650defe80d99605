//! lzop's container around LZO1X, as kernels packed with it come: a header,
//! then blocks with their sizes and checksums.

use adler2::adler32_slice;

use super::crc::crc32;
use super::reader::Reader;
use super::{Damage, agree};

const MAGIC: &[u8; 9] = b"\x89LZO\0\r\n\x1a\n";
/// Versions from here on have a version-needed, a level and a long time.
const MODERN: u16 = 0x0940;
const METHODS: core::ops::RangeInclusive<u8> = 1..=3;

const ADLER_UNPACKED: u32 = 1 << 0;
const ADLER_PACKED: u32 = 1 << 1;
const CRC_UNPACKED: u32 = 1 << 8;
const CRC_PACKED: u32 = 1 << 9;
const MULTIPART: u32 = 1 << 10;
const FILTER: u32 = 1 << 11;
const HEADER_CRC: u32 = 1 << 12;
/// No block is larger, whatever it says.
const MAX_BLOCK: u32 = 64 << 20;

/// Bytes the blocks say they unpack to.
pub(super) fn unpacked_len(src: &[u8]) -> Option<u64> {
    let mut reader = Reader(src);
    let flags = header(&mut reader).ok()?;
    let mut total = 0u64;
    while let Some(block) = Block::read(&mut reader, flags).ok()? {
        total = total.checked_add(u64::from(block.unpacked))?;
    }
    Some(total)
}

/// Unpacks `src`; returns the length.
pub(super) fn decompress(src: &[u8], dst: &mut [u8]) -> Result<usize, Damage> {
    let mut reader = Reader(src);
    let flags = header(&mut reader)?;
    let mut pos = 0;
    while let Some(block) = Block::read(&mut reader, flags)? {
        let size = usize::try_from(block.unpacked).unwrap_or(usize::MAX);
        let to = dst.get_mut(pos..).and_then(|d| d.get_mut(..size));
        let to = to.ok_or(Damage::Full)?;
        if block.data.len() == size {
            to.copy_from_slice(block.data);
        } else {
            check(block.packed_sums, block.data)?;
            match lzokay::decompress::decompress(block.data, to) {
                Ok(unpacked) if unpacked == size => {}
                _ => return Err(Damage::At("block")),
            }
        }
        check(block.unpacked_sums, to)?;
        pos += size;
    }
    Ok(pos)
}

/// Reads the header; returns its flags.
fn header(reader: &mut Reader<'_>) -> Result<u32, Damage> {
    if reader.chunk()? != *MAGIC {
        return Err(Damage::At("header"));
    }
    let whole = reader.0;
    let [v0, v1, _, _] = reader.chunk::<4>()?;
    let modern = u16::from_be_bytes([v0, v1]) >= MODERN;
    if modern {
        reader.take(2)?;
    }
    if !METHODS.contains(&reader.byte()?) {
        return Err(Damage::Unsupported("this method"));
    }
    if modern {
        reader.byte()?;
    }
    let flags = reader.u32_be()?;
    if flags & (FILTER | MULTIPART) != 0 {
        return Err(Damage::Unsupported("a filter or several parts"));
    }
    reader.take(if modern { 12 } else { 8 })?; // mode and times
    let name = reader.byte()?;
    reader.take(usize::from(name))?;
    let covered = whole.len() - reader.0.len();
    let covered = whole.get(..covered).unwrap_or(&[]);
    let sum = match flags & HEADER_CRC {
        0 => adler32_slice(covered),
        _ => crc32(covered),
    };
    if !agree(reader.u32_be()?, sum) {
        return Err(Damage::Checksum("header checksum"));
    }
    Ok(flags)
}

/// Adler-32 and CRC-32, where there are any.
type Sums = [Option<u32>; 2];

struct Block<'a> {
    unpacked: u32,
    unpacked_sums: Sums,
    packed_sums: Sums,
    data: &'a [u8],
}

impl<'a> Block<'a> {
    /// The next block; `None` at the end.
    fn read(reader: &mut Reader<'a>, flags: u32) -> Result<Option<Block<'a>>, Damage> {
        let unpacked = reader.u32_be()?;
        if unpacked == 0 {
            return Ok(None);
        }
        let packed = reader.u32_be()?;
        if packed > unpacked || unpacked > MAX_BLOCK {
            return Err(Damage::At("block size"));
        }
        let mut sum = |bit: u32| {
            let there = flags & bit != 0;
            there.then(|| reader.u32_be()).transpose()
        };
        let unpacked_sums = [sum(ADLER_UNPACKED)?, sum(CRC_UNPACKED)?];
        let packed_sums = match packed < unpacked {
            true => [sum(ADLER_PACKED)?, sum(CRC_PACKED)?],
            false => [None; 2],
        };
        let data = reader.take(usize::try_from(packed).unwrap_or(usize::MAX))?;
        Ok(Some(Block {
            unpacked,
            unpacked_sums,
            packed_sums,
            data,
        }))
    }
}

fn check([adler, crc]: Sums, bytes: &[u8]) -> Result<(), Damage> {
    if adler.is_some_and(|sum| !agree(sum, adler32_slice(bytes))) {
        return Err(Damage::Checksum("Adler-32 of a block"));
    }
    if crc.is_some_and(|sum| !agree(sum, crc32(bytes))) {
        return Err(Damage::Checksum("CRC-32 of a block"));
    }
    Ok(())
}
