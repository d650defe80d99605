//! Packed extents.

use crate::disk::bytes::le32;
use crate::image::decompress::{Bare, bare};
use alloc::vec;
use alloc::vec::Vec;

/// How an extent is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    None,
    Zlib,
    Lzo,
    Zstd,
}

/// Unpacks `data` to `length` bytes, or fewer if there are no more.
pub fn unpack(method: Method, data: &[u8], length: usize, sector: u32) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    let count = match method {
        Method::None => return None,
        Method::Zlib => bare(Bare::Zlib, data, &mut out)?,
        Method::Zstd => bare(Bare::Zstd, data, &mut out)?,
        Method::Lzo => lzo(data, &mut out, usize::try_from(sector).ok()?)?,
    };
    out.truncate(count);
    Some(out)
}

/// Pieces of a sector each, with their packed lengths before them: a length
/// that would cross a sector's end is in the next one.
fn lzo(data: &[u8], out: &mut [u8], sector: usize) -> Option<usize> {
    let total = usize::try_from(le32(data, 0)).ok()?;
    let data = data.get(..total)?;
    let (mut at, mut done) = (4usize, 0usize);
    while done < out.len() && at.checked_add(4)? < data.len() {
        let length = usize::try_from(le32(data, at)).ok()?;
        at = at.checked_add(4)?;
        let end = at.checked_add(length)?;
        let here = out.len().saturating_sub(done).min(sector);
        let to = out.get_mut(done..)?.get_mut(..here)?;
        let count = bare(Bare::Lzo, data.get(at..end)?, to)?;
        done = done.checked_add(count)?;
        at = end;
        let left = sector.checked_sub(at % sector)?;
        if left < 4 {
            at = at.checked_add(left)?;
        }
        if count < here {
            break;
        }
    }
    Some(done)
}
