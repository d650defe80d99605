//! Unpacking, straight into the memory the kernel is booted from: no second
//! buffer, no window beside the output.

use super::{Codec, ImageError};

/// Unpacks all of `src` into the beginning of `dst`; returns the length.
///
/// # Errors
/// A damaged or truncated stream, one that needs more room than `dst`
/// ([`ImageError::OutputTooSmall`]), a checksum that differs.
pub fn decompress(codec: Codec, src: &[u8], dst: &mut [u8]) -> Result<usize, ImageError> {
    match codec {
        Codec::Stored => {
            let have = dst.len() as u64;
            dst.get_mut(..src.len())
                .ok_or(ImageError::OutputTooSmall { codec, have })?
                .copy_from_slice(src);
            Ok(src.len())
        }
        _ => Err(ImageError::Unsupported {
            codec,
            what: "the format",
        }),
    }
}

/// Bytes `src` unpacks to, where the format tells without unpacking.
#[must_use]
pub fn unpacked_len(codec: Codec, src: &[u8]) -> Option<u64> {
    match codec {
        Codec::Stored => Some(src.len() as u64),
        Codec::Gzip => src.last_chunk().map(|n| u64::from(u32::from_le_bytes(*n))),
        _ => None,
    }
}
