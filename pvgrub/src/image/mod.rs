//! Kernel files: what they are, how they unpack, what they ask of the loader.
//!
//! Everything here is pure over slices. The way through:
//! [`identify`] says how a file is packed, [`decompress`] unpacks it straight
//! into the buffer it will be booted from, [`parse_elf`] reads the ELF and its
//! Xen notes into a [`Kernel`], and [`crate::build`] makes a plan of that.
#![forbid(unsafe_code)]

mod bzimage;
mod codec;
pub mod decompress;
mod elf;
mod error;
mod features;
mod notes;
mod symtab;

pub use bzimage::{BzImage, MIN_PROTOCOL};
pub use codec::Codec;
pub use decompress::{decompress, unpacked, unpacked_len};
pub use elf::{Kernel, Segment, parse_elf};
pub use error::ImageError;
pub use features::Features;
pub use notes::{Notes, Pae};
pub use symtab::Symtab;

use core::ops::Range;

/// How a kernel file is packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Container {
    /// An ELF file, ready for [`parse_elf`].
    Elf,
    /// A Linux bzImage; its payload unpacks to an ELF file.
    BzImage {
        /// Format of the payload.
        codec: Codec,
        /// Bytes of the file to hand to [`decompress`].
        payload: Range<usize>,
        /// Bytes the payload unpacks to, as its trailer says.
        unpacked_len: u64,
    },
    /// A compressed file (a gzipped ELF, say). Call [`identify`] on what it unpacks to.
    Compressed {
        /// Format of the whole file.
        codec: Codec,
        /// Bytes it unpacks to where the format tells. For gzip this is the
        /// last member's length modulo 2^32: if [`decompress`] answers
        /// [`ImageError::OutputTooSmall`], try with more.
        unpacked_len: Option<u64>,
    },
}

/// Says how `file` is packed.
///
/// # Errors
/// [`ImageError::NotAKernel`] and what [`BzImage::parse`] reports.
pub fn identify(file: &[u8]) -> Result<Container, ImageError> {
    if file.starts_with(b"\x7fELF") {
        return Ok(Container::Elf);
    }
    if bzimage::is_bzimage(file) {
        let image = BzImage::parse(file)?;
        return Ok(Container::BzImage {
            codec: image.codec,
            payload: image.payload,
            unpacked_len: image.unpacked_len,
        });
    }
    let codec = Codec::sniff(file).ok_or(ImageError::NotAKernel)?;
    Ok(Container::Compressed {
        codec,
        unpacked_len: unpacked_len(codec, file),
    })
}

#[cfg(test)]
pub(crate) mod synthetic;
#[cfg(test)]
mod tests;
