//! Zstandard (RFC 8878). The output is its own window, however large the
//! frame says that is.

mod bits;
mod fse;
mod huffman;
mod sequences;
mod xxh64;

use alloc::vec;
use alloc::vec::Vec;

use super::reader::Reader;
use super::{Damage, agree};
use huffman::Tree;
use sequences::Coder;
pub(crate) use xxh64::xxh64;

const MAGIC: u32 = 0xfd2f_b528;
/// Frames that hold no data: sixteen magic numbers.
const SKIPPABLE: u32 = 0x184d_2a50;
/// Bytes that no block unpacks to more of.
const MAX_BLOCK: usize = 128 << 10;

/// Unpacks every frame of `src`; returns the length.
pub(super) fn decompress(src: &[u8], dst: &mut [u8]) -> Result<usize, Damage> {
    let mut reader = Reader(src);
    let mut decoder = Decoder {
        tree: Tree::new(),
        coder: Coder::new(),
        literals: vec![0; MAX_BLOCK],
    };
    let mut pos = 0;
    loop {
        if let Some(header) = frame(&mut reader)? {
            let to = dst.get_mut(pos..).ok_or(Damage::Full)?;
            pos += decoder.frame(src, &mut reader, to, &header)?;
        }
        if reader.0.is_empty() {
            return Ok(pos);
        }
    }
}

/// Unpacks the first frame of `src`, whatever follows it; returns the length.
pub(super) fn first(src: &[u8], dst: &mut [u8]) -> Result<usize, Damage> {
    let mut reader = Reader(src);
    let mut decoder = Decoder {
        tree: Tree::new(),
        coder: Coder::new(),
        literals: vec![0; MAX_BLOCK],
    };
    match frame(&mut reader)? {
        Some(header) => decoder.frame(src, &mut reader, dst, &header),
        None => Err(Damage::At("frame")),
    }
}

/// What all frames say they unpack to, if all say so.
pub(super) fn unpacked_len(src: &[u8]) -> Option<u64> {
    let mut reader = Reader(src);
    let mut total = 0u64;
    while !reader.0.is_empty() {
        let Some(header) = frame(&mut reader).ok()? else {
            continue;
        };
        total = total.checked_add(header.len?)?;
        loop {
            let block = Block::read(&mut reader).ok()?;
            reader.take(block.packed).ok()?;
            if block.last {
                break;
            }
        }
        reader.take(if header.checksum { 4 } else { 0 }).ok()?;
    }
    Some(total)
}

struct Header {
    len: Option<u64>,
    checksum: bool,
}

/// Reads a frame's header, or skips a frame that has nothing in it.
fn frame(reader: &mut Reader<'_>) -> Result<Option<Header>, Damage> {
    let magic = reader.u32_le()?;
    if magic & !15 == SKIPPABLE {
        let size = reader.u32_le()?;
        reader.take(usize::try_from(size).unwrap_or(usize::MAX))?;
        return Ok(None);
    }
    if magic != MAGIC {
        return Err(Damage::At("frame header"));
    }
    let flags = reader.byte()?;
    let single = flags & 0x20 != 0;
    if flags & 0x08 != 0 {
        return Err(Damage::At("frame flags"));
    }
    if !single {
        reader.byte()?; // window size: the output is at hand as a whole
    }
    let dictionary = reader.take([0, 1, 2, 4][usize::from(flags & 3)])?;
    if dictionary.iter().any(|&b| b != 0) {
        return Err(Damage::Unsupported("a dictionary"));
    }
    let size = match (flags >> 6, single) {
        (0, false) => 0,
        (n, _) => 1 << n,
    };
    let bytes = reader.take(size)?;
    let value = bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
    let len = match size {
        0 => None,
        2 => Some(value + 256),
        _ => Some(value),
    };
    Ok(Some(Header {
        len,
        checksum: flags & 4 != 0,
    }))
}

enum Kind {
    Raw,
    Repeated,
    Compressed,
}

struct Block {
    last: bool,
    kind: Kind,
    /// Bytes of it in the stream.
    packed: usize,
    /// The size it states.
    size: usize,
}

impl Block {
    fn read(reader: &mut Reader<'_>) -> Result<Block, Damage> {
        let [a, b, c] = reader.chunk()?;
        let header = u32::from_le_bytes([a, b, c, 0]);
        let size = (header >> 3) as usize;
        let (kind, packed) = match header >> 1 & 3 {
            0 => (Kind::Raw, size),
            1 => (Kind::Repeated, 1),
            2 => (Kind::Compressed, size),
            _ => return Err(Damage::At("block type")),
        };
        if size > MAX_BLOCK {
            return Err(Damage::At("block size"));
        }
        Ok(Block {
            last: header & 1 != 0,
            kind,
            packed,
            size,
        })
    }
}

/// Tables and room that serve all blocks.
struct Decoder {
    tree: Tree,
    coder: Coder,
    literals: Vec<u8>,
}

impl Decoder {
    fn frame(
        &mut self,
        src: &[u8],
        reader: &mut Reader<'_>,
        dst: &mut [u8],
        header: &Header,
    ) -> Result<usize, Damage> {
        self.tree.forget();
        self.coder.reset();
        let mut pos = 0;
        loop {
            let block = Block::read(reader)?;
            let start = src.len() - reader.0.len();
            let bytes = reader.take(block.packed)?;
            pos = match block.kind {
                Kind::Raw => super::copy::literals(bytes, 0, dst, pos, bytes.len())?.1,
                Kind::Repeated => {
                    let to = dst.get_mut(pos..).and_then(|d| d.get_mut(..block.size));
                    to.ok_or(Damage::Full)?
                        .fill(bytes.first().copied().unwrap_or(0));
                    pos + block.size
                }
                Kind::Compressed => self.block(src, start, start + block.packed, dst, pos)?,
            };
            if block.last {
                break;
            }
        }
        if header.len.is_some_and(|len| len != pos as u64) {
            return Err(Damage::At("length of a frame"));
        }
        let content = dst.get(..pos).unwrap_or(&[]);
        if header.checksum && !agree(reader.u32_le()?, xxh64::xxh64(content) as u32) {
            return Err(Damage::Checksum("XXH64 of a frame"));
        }
        Ok(pos)
    }

    /// Unpacks the compressed block in `src[at..end]`; returns the position after it.
    fn block(
        &mut self,
        src: &[u8],
        at: usize,
        end: usize,
        dst: &mut [u8],
        pos: usize,
    ) -> Result<usize, Damage> {
        let bytes = src.get(at..end).ok_or(Damage::Truncated)?;
        let literals = Literals::read(bytes)?;
        let from = at + literals.header;
        let size = literals.size;
        let next = from + literals.packed;
        if next > end {
            return Err(Damage::Truncated);
        }
        let section = (src, next, end);
        let room = self
            .literals
            .get_mut(..size)
            .ok_or(Damage::At("literals"))?;
        match literals.kind {
            0 => {
                let raw = src.get(from..).unwrap_or(&[]);
                return self.coder.run(section, (raw, size), dst, pos);
            }
            1 => room.fill(src.get(from).copied().unwrap_or(0)),
            kind => {
                let mut from = from;
                if kind == 2 {
                    from = self.tree.read(src, from, next)?;
                } else if !self.tree.ready() {
                    return Err(Damage::At("literals without a tree"));
                }
                streams(&self.tree, src, from, next, room, literals.streams)?;
            }
        }
        self.coder.run(section, (&self.literals, size), dst, pos)
    }
}

/// The header of a literals section.
struct Literals {
    /// 0 raw, 1 repeated, 2 with a tree, 3 with the tree before.
    kind: u8,
    streams: usize,
    /// Bytes of this header.
    header: usize,
    /// Bytes in the stream, the tree included.
    packed: usize,
    /// Bytes they unpack to.
    size: usize,
}

impl Literals {
    fn read(bytes: &[u8]) -> Result<Literals, Damage> {
        let first = *bytes.first().ok_or(Damage::Truncated)?;
        let (kind, format) = (first & 3, first >> 2 & 3);
        let header = match (kind < 2, format) {
            (true, 0 | 2) => 1,
            (true, 1) => 2,
            (true, _) | (false, 0 | 1) => 3,
            (false, 2) => 4,
            (false, _) => 5,
        };
        let field = bytes.get(..header).ok_or(Damage::Truncated)?;
        let value = field.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)) as usize;
        Ok(if kind < 2 {
            let size = value >> if header == 1 { 3 } else { 4 };
            let packed = if kind == 0 { size } else { 1 };
            Literals {
                kind,
                streams: 0,
                header,
                packed,
                size,
            }
        } else {
            let bits = [10, 10, 14, 18][usize::from(format)];
            let mask = (1 << bits) - 1;
            Literals {
                kind,
                streams: if format == 0 { 1 } else { 4 },
                header,
                packed: value >> (4 + bits) & mask,
                size: value >> 4 & mask,
            }
        })
    }
}

/// Decodes the one or four streams in `src[at..end]`.
fn streams(
    tree: &Tree,
    src: &[u8],
    at: usize,
    end: usize,
    out: &mut [u8],
    count: usize,
) -> Result<(), Damage> {
    if count == 1 {
        return tree.decode(src, at, end, out);
    }
    let jump = src
        .get(at..end)
        .and_then(|s| s.first_chunk::<6>())
        .ok_or(Damage::Truncated)?;
    let each = out.len().div_ceil(4);
    let mut start = at + 6;
    let sizes = jump.as_chunks::<2>().0.iter();
    let mut out = out;
    for size in sizes {
        let stop = start + usize::from(u16::from_le_bytes(*size));
        if stop > end {
            return Err(Damage::Truncated);
        }
        let (part, rest) = out
            .split_at_mut_checked(each)
            .ok_or(Damage::At("literals"))?;
        tree.decode(src, start, stop, part)?;
        (out, start) = (rest, stop);
    }
    tree.decode(src, start, end, out)
}
