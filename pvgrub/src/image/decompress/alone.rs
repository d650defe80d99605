//! .lzma, the format of the LZMA utils that came before .xz: properties,
//! dictionary size, length or all ones, then one run of the range coder.

use super::Damage;
use super::lzma::{Decoder, Properties};

/// Bytes before the range coder's.
const HEADER: usize = 13;
const UNKNOWN: u64 = u64::MAX;

/// The length that the header gives.
pub(super) fn unpacked_len(src: &[u8]) -> Option<u64> {
    let len = u64::from_le_bytes(*src.get(5..)?.first_chunk()?);
    (len != UNKNOWN).then_some(len)
}

/// Unpacks `src`; returns the length.
pub(super) fn decompress(src: &[u8], dst: &mut [u8]) -> Result<usize, Damage> {
    let (header, body) = src.split_at_checked(HEADER).ok_or(Damage::Truncated)?;
    let properties = header.first().and_then(|&byte| Properties::new(byte));
    let properties = properties.ok_or(Damage::At("properties"))?;
    let mut decoder = Decoder::new(properties).ok_or(Damage::NoMemory)?;
    let known = unpacked_len(src);
    let window = match known {
        None => dst,
        Some(len) => {
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            dst.get_mut(..len).ok_or(Damage::Full)?
        }
    };
    let len = window.len();
    let ended = decoder.decode(body, window, 0, known.is_none())?;
    // A file that tells its length may still end with a marker (which then
    // is left unread), or else with an empty coder.
    let whole = match known {
        None => ended.marker && ended.code == 0,
        Some(_) => ended.pos == len && !ended.marker,
    };
    if whole {
        Ok(ended.pos)
    } else {
        Err(Damage::At("end"))
    }
}
