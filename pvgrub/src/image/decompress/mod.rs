//! Unpacking, straight into the memory the kernel is booted from: no second
//! buffer, no window beside the output.

mod alone;
mod bcj;
mod bzip2;
mod copy;
mod crc;
mod gzip;
mod lz4;
mod lzma;
mod lzo;
mod reader;
mod run;
mod xz;
mod zstd;

pub(crate) use zstd::xxh64;

use super::{Codec, ImageError};
use alloc::vec;
use alloc::vec::Vec;

/// What is wrong with a stream; [`decompress`] adds which format it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    /// Here the format is broken.
    At(&'static str),
    /// This checksum differs.
    Checksum(&'static str),
    /// The input ends early.
    Truncated,
    /// The output does not fit.
    Full,
    /// Valid, but not done here.
    Unsupported(&'static str),
    /// Tables could not be allocated.
    NoMemory,
}

/// Whether two checksums agree. Under the fuzzer all do: it would never get past one.
fn agree<T: PartialEq>(said: T, found: T) -> bool {
    cfg!(fuzzing) || said == found
}

/// Unpacks all of `src` into the beginning of `dst`; returns the length.
/// What lies behind that length in `dst` may have changed.
///
/// # Errors
/// A damaged or truncated stream, one that needs more room than `dst`
/// ([`ImageError::OutputTooSmall`]), a checksum that differs. A file of .xz
/// whose check is neither CRC-32 nor CRC-64 is unpacked without verifying it.
pub fn decompress(codec: Codec, src: &[u8], dst: &mut [u8]) -> Result<usize, ImageError> {
    let have = dst.len() as u64;
    let result = match codec {
        Codec::Stored => stored(src, dst),
        Codec::Xz => xz::decompress(src, dst),
        Codec::Lzma => alone::decompress(src, dst),
        Codec::Gzip => gzip::decompress(src, dst),
        Codec::Bzip2 => bzip2::decompress(src, dst),
        Codec::Lz4 => lz4::decompress(src, dst),
        Codec::Lzo => lzo::decompress(src, dst),
        Codec::Zstd => zstd::decompress(src, dst),
    };
    result.map_err(|damage| match damage {
        Damage::At(what) => ImageError::StreamCorrupt { codec, what },
        Damage::Checksum(what) => ImageError::Checksum { codec, what },
        Damage::Truncated => ImageError::StreamTruncated(codec),
        Damage::Full => ImageError::OutputTooSmall { codec, have },
        Damage::Unsupported(what) => ImageError::Unsupported { codec, what },
        Damage::NoMemory => ImageError::NoMemory(codec),
    })
}

fn stored(src: &[u8], dst: &mut [u8]) -> Result<usize, Damage> {
    let to = dst.get_mut(..src.len()).ok_or(Damage::Full)?;
    to.copy_from_slice(src);
    Ok(src.len())
}

/// Streams without a container, as file systems keep them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bare {
    /// zlib (RFC 1950).
    Zlib,
    /// One stream of .xz.
    Xz,
    /// One block of LZ4.
    Lz4,
    /// One block of LZO1X.
    Lzo,
    /// One frame of Zstandard; anything may follow it.
    Zstd,
}

/// Unpacks `src` into the beginning of `dst`; gives the length, or `None` if
/// `src` is damaged or needs more room.
#[must_use]
pub fn bare(kind: Bare, src: &[u8], dst: &mut [u8]) -> Option<usize> {
    match kind {
        Bare::Zlib => gzip::zlib(src, dst).ok(),
        Bare::Xz => xz::decompress(src, dst).ok(),
        Bare::Lz4 => lz4::block(src, dst).ok(),
        Bare::Lzo => lzokay::decompress::decompress(src, dst).ok(),
        Bare::Zstd => zstd::first(src, dst).ok(),
    }
}

/// Bytes `src` unpacks to, where the format tells without unpacking.
#[must_use]
pub fn unpacked_len(codec: Codec, src: &[u8]) -> Option<u64> {
    match codec {
        Codec::Stored => Some(src.len() as u64),
        Codec::Gzip => src.last_chunk().map(|n| u64::from(u32::from_le_bytes(*n))),
        Codec::Xz => xz::unpacked_len(src),
        Codec::Lzma => alone::unpacked_len(src),
        Codec::Lzo => lzo::unpacked_len(src),
        Codec::Zstd => zstd::unpacked_len(src),
        // bzip2 and LZ4 say nothing
        Codec::Bzip2 | Codec::Lz4 => None,
    }
}

/// The content of a small file that may be compressed, at most `limit` bytes.
///
/// # Errors
/// As for [`decompress`]; that it is larger is one.
pub fn unpacked(file: Vec<u8>, limit: usize) -> Result<Vec<u8>, ImageError> {
    let Some(codec) = Codec::sniff(&file).filter(|&codec| codec != Codec::Stored) else {
        return Ok(file);
    };
    let told = unpacked_len(codec, &file).and_then(|length| usize::try_from(length).ok());
    let mut content = vec![0; told.unwrap_or(limit).min(limit)];
    let length = decompress(codec, &file, &mut content)?;
    content.truncate(length);
    Ok(content)
}

#[cfg(test)]
mod tests;
