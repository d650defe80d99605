//! Linux bzImage: where the packed ELF lies (Documentation/arch/x86/boot.rst).

use core::ops::Range;

use super::{Codec, ImageError};

/// First boot protocol that tells where the payload lies.
pub const MIN_PROTOCOL: u16 = 0x0208;

const SECTOR: usize = 512;
const SETUP_SECTS: usize = 0x1f1;
const BOOT_FLAG: usize = 0x1fe;
const HEADER: usize = 0x202;
const VERSION: usize = 0x206;
const PAYLOAD_OFFSET: usize = 0x248;
const PAYLOAD_LENGTH: usize = 0x24c;

/// The payload of a bzImage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BzImage {
    /// Boot protocol, major in the high byte.
    pub protocol: u16,
    /// Format of the payload.
    pub codec: Codec,
    /// Bytes of the file that hold the stream, the appended length left out.
    pub payload: Range<usize>,
    /// Bytes it unpacks to.
    pub unpacked_len: u64,
}

pub(super) fn is_bzimage(file: &[u8]) -> bool {
    file.get(HEADER..HEADER + 4) == Some(b"HdrS")
        && file.get(BOOT_FLAG..BOOT_FLAG + 2) == Some(&[0x55, 0xaa])
}

fn u16_at(file: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

fn u32_at(file: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*file.get(at..)?.first_chunk()?))
}

impl BzImage {
    /// Reads the boot header of `file`.
    ///
    /// # Errors
    /// A header that is cut off or older than 2.08, a payload that does not
    /// lie within the file or is of no known format.
    pub fn parse(file: &[u8]) -> Result<BzImage, ImageError> {
        let truncated = |what, needed: u64| ImageError::Truncated {
            what,
            needed,
            have: file.len() as u64,
        };
        let header = |at| u32_at(file, at).ok_or(truncated("bzImage header", at as u64 + 4));
        let protocol =
            u16_at(file, VERSION).ok_or(truncated("bzImage header", VERSION as u64 + 2))?;
        if protocol < MIN_PROTOCOL {
            return Err(ImageError::OldBootProtocol(protocol));
        }
        let setup_sects = match file.get(SETUP_SECTS) {
            Some(0) => 4, // what zero has always meant
            Some(&n) => usize::from(n),
            None => return Err(truncated("bzImage header", SETUP_SECTS as u64 + 1)),
        };
        let start = ((setup_sects + 1) * SECTOR) as u64 + u64::from(header(PAYLOAD_OFFSET)?);
        let length = header(PAYLOAD_LENGTH)?;
        let end = start + u64::from(length);
        let range = (
            usize::try_from(start).unwrap_or(usize::MAX),
            usize::try_from(end).unwrap_or(usize::MAX),
        );
        let payload = file
            .get(range.0..range.1)
            .ok_or(truncated("bzImage payload", end))?;
        let Some((body, trailer)) = payload.split_last_chunk::<4>() else {
            return Err(ImageError::Corrupt {
                what: "bzImage payload length",
                value: u64::from(length),
            });
        };
        let magic = *payload.first_chunk().unwrap_or(&[0; 4]);
        let codec = Codec::sniff(payload).ok_or(ImageError::UnknownPayload(magic))?;
        // Every format but gzip, whose own trailer ends so, gets its unpacked
        // length appended by the kernel's build.
        let (stream, unpacked_len) = match codec {
            Codec::Stored => (payload.len(), payload.len() as u64),
            Codec::Gzip => (payload.len(), u64::from(u32::from_le_bytes(*trailer))),
            _ => (body.len(), u64::from(u32::from_le_bytes(*trailer))),
        };
        Ok(BzImage {
            protocol,
            codec,
            payload: range.0..range.0 + stream,
            unpacked_len,
        })
    }
}
