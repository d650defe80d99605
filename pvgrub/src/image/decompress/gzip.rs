//! gzip (RFC 1952): members with their headers, CRC and length, deflate inside.

use alloc::boxed::Box;

use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, inflate_flags};

use super::crc::crc32;
use super::reader::Reader;
use super::{Damage, agree};

const MAGIC: [u8; 2] = [0x1f, 0x8b];
const DEFLATE: u8 = 8;
const HEADER_CRC: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0xe0;

/// Unpacks every member of `src`; zeros may follow the last. Returns the length.
pub(super) fn decompress(src: &[u8], dst: &mut [u8]) -> Result<usize, Damage> {
    let mut reader = Reader(src);
    let mut pos = 0;
    let mut inflator = Box::<DecompressorOxide>::default();
    loop {
        header(&mut reader)?;
        let to = dst.get_mut(pos..).ok_or(Damage::Full)?;
        let unpacked = member(&mut inflator, &mut reader, to)?;
        let crc = reader.u32_le()?;
        let len = reader.u32_le()?;
        if !agree(crc, crc32(to.get(..unpacked).unwrap_or(&[]))) {
            return Err(Damage::Checksum("CRC-32"));
        }
        if len != unpacked as u32 {
            return Err(Damage::At("length"));
        }
        pos += unpacked;
        if reader.0.iter().all(|&b| b == 0) {
            return Ok(pos);
        }
    }
}

fn header(reader: &mut Reader<'_>) -> Result<(), Damage> {
    let whole = reader.0;
    if reader.chunk()? != MAGIC {
        return Err(Damage::At("member header"));
    }
    let [method, flags, ..] = reader.chunk::<8>()?;
    if method != DEFLATE || flags & RESERVED != 0 {
        return Err(Damage::Unsupported("this method or these flags"));
    }
    if flags & EXTRA != 0 {
        let len = u16::from_le_bytes(reader.chunk()?);
        reader.take(usize::from(len))?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = reader.0.iter().position(|&b| b == 0);
            reader.take(end.ok_or(Damage::Truncated)? + 1)?;
        }
    }
    if flags & HEADER_CRC != 0 {
        let covered = whole.len() - reader.0.len();
        let crc = crc32(whole.get(..covered).unwrap_or(&[]));
        if !agree(u16::from_le_bytes(reader.chunk()?), crc as u16) {
            return Err(Damage::Checksum("header CRC"));
        }
    }
    Ok(())
}

/// Inflates one member into `to`; returns its length.
fn member(
    inflator: &mut DecompressorOxide,
    reader: &mut Reader<'_>,
    to: &mut [u8],
) -> Result<usize, Damage> {
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    inflate(inflator, reader, to, flags)
}

/// Unpacks a stream of zlib (RFC 1950), whatever follows it.
pub(super) fn zlib(src: &[u8], to: &mut [u8]) -> Result<usize, Damage> {
    let mut flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF
        | inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER;
    if cfg!(fuzzing) {
        flags |= inflate_flags::TINFL_FLAG_IGNORE_ADLER32;
    }
    let mut inflator = Box::<DecompressorOxide>::default();
    inflate(&mut inflator, &mut Reader(src), to, flags)
}

fn inflate(
    inflator: &mut DecompressorOxide,
    reader: &mut Reader<'_>,
    to: &mut [u8],
    flags: u32,
) -> Result<usize, Damage> {
    inflator.init();
    let (status, used, unpacked) =
        miniz_oxide::inflate::core::decompress(inflator, reader.0, to, 0, flags);
    reader.take(used)?;
    match status {
        TINFLStatus::Done => Ok(unpacked),
        TINFLStatus::HasMoreOutput => Err(Damage::Full),
        TINFLStatus::NeedsMoreInput | TINFLStatus::FailedCannotMakeProgress => {
            Err(Damage::Truncated)
        }
        _ => Err(Damage::At("deflate data")),
    }
}
