//! bzip2: blocks sorted by Burrows and Wheeler, move-to-front, Huffman codes
//! in up to six tables. No specification was ever published by its author;
//! facts follow Joe Tsai's "BZIP2: Format Specification".

use alloc::vec;
use alloc::vec::Vec;

use super::{Damage, agree};

const BLOCK: u64 = 0x3141_5926_5359;
const END: u64 = 0x1772_4538_5090;
/// Symbols between changes of table.
const GROUP: usize = 50;
const MAX_CODE: usize = 20;
const MAX_SYMBOLS: usize = 258;
const MAX_SELECTORS: usize = 18_002;

/// Unpacks every stream of `src`; returns the length.
pub(super) fn decompress(src: &[u8], dst: &mut [u8]) -> Result<usize, Damage> {
    let mut bits = Bits {
        src,
        at: 0,
        word: 0,
        count: 0,
    };
    let mut pos = 0;
    let mut sorted = Vec::new();
    loop {
        let header = bits.take(24)? as u32;
        let level = bits.take(8)? as u8;
        if header != 0x42_5a68 || !level.is_ascii_digit() || level == b'0' {
            return Err(Damage::At("stream header"));
        }
        let size = usize::from(level - b'0') * 100_000;
        if sorted.len() < size {
            sorted = vec![0u32; size];
        }
        let room = sorted.get_mut(..size).ok_or(Damage::NoMemory)?;
        pos = stream(&mut bits, room, dst, pos)?;
        bits.align();
        if bits.is_empty() {
            return Ok(pos);
        }
    }
}

/// Reads bits from the highest of each byte down.
struct Bits<'a> {
    src: &'a [u8],
    at: usize,
    /// The next bits at the top.
    word: u64,
    count: u32,
}

impl Bits<'_> {
    /// Makes 56 bits available, zeros beyond the end.
    #[inline(always)]
    fn refill(&mut self) {
        if let Some(bytes) = self.src.get(self.at..).and_then(|s| s.first_chunk::<8>()) {
            let taken = (63 - self.count) >> 3;
            self.word |= u64::from_be_bytes(*bytes) >> self.count;
            self.at += taken as usize;
            self.count += taken * 8;
        } else {
            while self.count <= 56
                && let Some(&byte) = self.src.get(self.at)
            {
                self.word |= u64::from(byte) << (56 - self.count);
                self.at += 1;
                self.count += 8;
            }
        }
    }

    /// The next 1 to 56 bits.
    #[inline(always)]
    fn take(&mut self, count: u32) -> Result<u64, Damage> {
        if self.count < count {
            self.refill();
        }
        let value = self.word >> (64 - count);
        self.skip(count)?;
        Ok(value)
    }

    #[inline(always)]
    fn skip(&mut self, count: u32) -> Result<(), Damage> {
        self.count = self.count.checked_sub(count).ok_or(Damage::Truncated)?;
        self.word <<= count;
        // bits of a refill that are not counted yet come again with the next
        self.word &= !u64::MAX.checked_shr(self.count).unwrap_or(0);
        Ok(())
    }

    fn flag(&mut self) -> Result<bool, Damage> {
        Ok(self.take(1)? != 0)
    }

    fn align(&mut self) {
        let odd = self.count % 8;
        self.word <<= odd;
        self.count -= odd;
    }

    fn is_empty(&self) -> bool {
        self.count == 0 && self.at >= self.src.len()
    }
}

fn stream(
    bits: &mut Bits<'_>,
    room: &mut [u32],
    dst: &mut [u8],
    start: usize,
) -> Result<usize, Damage> {
    let mut pos = start;
    let mut combined = 0u32;
    loop {
        match bits.take(48)? {
            BLOCK => {
                let crc = bits.take(32)? as u32;
                let end = block(bits, room, dst, pos)?;
                if !agree(crc, checksum(dst.get(pos..end).unwrap_or(&[]))) {
                    return Err(Damage::Checksum("CRC-32 of a block"));
                }
                combined = combined.rotate_left(1) ^ crc;
                pos = end;
            }
            END if agree(bits.take(32)?, u64::from(combined)) => return Ok(pos),
            END => return Err(Damage::Checksum("CRC-32 of a stream")),
            _ => return Err(Damage::At("block header")),
        }
    }
}

/// bzip2's CRC-32 is the usual one with its bits the other way round.
fn checksum(bytes: &[u8]) -> u32 {
    static CRC: crc::Crc<u32, crc::Table<16>> =
        crc::Crc::<u32, crc::Table<16>>::new(&crc::CRC_32_BZIP2);
    CRC.checksum(bytes)
}

/// A Huffman table: codes of one length follow each other.
#[derive(Clone)]
struct Codes {
    /// For each length the first 20-bit value that is beyond it.
    limits: [u32; MAX_CODE + 1],
    /// What to add to a code to find its symbol.
    offsets: [u32; MAX_CODE + 1],
    symbols: [u16; MAX_SYMBOLS],
    shortest: usize,
}

impl Codes {
    fn new(lengths: &[u8]) -> Codes {
        let mut codes = Codes {
            limits: [0; MAX_CODE + 1],
            offsets: [0; MAX_CODE + 1],
            symbols: [0; MAX_SYMBOLS],
            shortest: 1,
        };
        let mut code = 0u32;
        let mut placed = 0u32;
        let mut slots = codes.symbols.iter_mut();
        for length in 1..=MAX_CODE {
            if let Some(offset) = codes.offsets.get_mut(length) {
                *offset = placed.wrapping_sub(code);
            }
            for (_, symbol) in lengths
                .iter()
                .zip(0u16..)
                .filter(|(l, _)| usize::from(**l) == length)
            {
                if let Some(slot) = slots.next() {
                    *slot = symbol;
                }
                code = code.wrapping_add(1);
                placed += 1;
            }
            if let Some(limit) = codes.limits.get_mut(length) {
                *limit = code << (MAX_CODE - length);
            }
            code <<= 1;
        }
        codes.shortest = lengths
            .iter()
            .copied()
            .map(usize::from)
            .min()
            .unwrap_or(1)
            .max(1);
        codes
    }

    #[inline(always)]
    fn symbol(&self, bits: &mut Bits<'_>) -> Result<usize, Damage> {
        if bits.count < MAX_CODE as u32 {
            bits.refill();
        }
        let ahead = (bits.word >> (64 - MAX_CODE)) as u32;
        for length in self.shortest..=MAX_CODE {
            let (Some(&limit), Some(&offset)) = (self.limits.get(length), self.offsets.get(length))
            else {
                break;
            };
            if ahead < limit {
                bits.skip(length as u32)?;
                let index = (ahead >> (MAX_CODE - length)).wrapping_add(offset) as usize;
                let symbol = self.symbols.get(index).ok_or(Damage::At("code"))?;
                return Ok(usize::from(*symbol));
            }
        }
        Err(Damage::At("code"))
    }
}

/// The bytes that occur in a block, for move-to-front.
fn alphabet(bits: &mut Bits<'_>) -> Result<([u8; 256], usize), Damage> {
    let groups = bits.take(16)?;
    let mut bytes = [0u8; 256];
    let mut count = 0;
    for group in (0..16u8).filter(|g| groups & 0x8000 >> g != 0) {
        let used = bits.take(16)?;
        for n in (0..16u8).filter(|n| used & 0x8000 >> n != 0) {
            if let Some(slot) = bytes.get_mut(count) {
                *slot = group * 16 + n;
            }
            count += 1;
        }
    }
    if count == 0 {
        Err(Damage::At("alphabet"))
    } else {
        Ok((bytes, count))
    }
}

fn selectors(bits: &mut Bits<'_>, tables: usize) -> Result<Vec<u8>, Damage> {
    let count = bits.take(15)? as usize;
    let mut order = [0u8, 1, 2, 3, 4, 5];
    let mut selectors = Vec::new();
    for _ in 0..count {
        let mut n = 0;
        while bits.flag()? {
            n += 1;
            if n >= tables {
                return Err(Damage::At("selector"));
            }
        }
        if let Some(front) = order.get_mut(..=n) {
            front.rotate_right(1);
        }
        if selectors.len() < MAX_SELECTORS {
            selectors.push(order[0]);
        }
    }
    if count == 0 {
        Err(Damage::At("selectors"))
    } else {
        Ok(selectors)
    }
}

fn code_table(bits: &mut Bits<'_>, symbols: usize) -> Result<Codes, Damage> {
    let mut length = bits.take(5)?;
    let mut lengths = [0u8; MAX_SYMBOLS];
    for slot in lengths.iter_mut().take(symbols) {
        loop {
            if length == 0 || length > MAX_CODE as u64 {
                return Err(Damage::At("code length"));
            }
            if !bits.flag()? {
                break;
            }
            length = if bits.flag()? { length - 1 } else { length + 1 };
        }
        *slot = length as u8;
    }
    Ok(Codes::new(lengths.get(..symbols).unwrap_or(&[])))
}

/// Unpacks one block; returns the position after it.
fn block(
    bits: &mut Bits<'_>,
    room: &mut [u32],
    dst: &mut [u8],
    pos: usize,
) -> Result<usize, Damage> {
    if bits.flag()? {
        return Err(Damage::Unsupported("a randomised block"));
    }
    let origin = bits.take(24)? as usize;
    let (mut front, used) = alphabet(bits)?;
    let tables = bits.take(3)? as usize;
    if !(2..=6).contains(&tables) {
        return Err(Damage::At("number of tables"));
    }
    let selectors = selectors(bits, tables)?;
    let mut codes = Vec::new();
    for _ in 0..tables {
        codes.push(code_table(bits, used + 2)?);
    }
    let count = symbols(bits, &selectors, &codes, &mut front, used, room)?;
    let sorted = room.get_mut(..count).unwrap_or(&mut []);
    link(sorted);
    unsort(sorted, origin, dst, pos)
}

/// Reads symbols: runs of the front byte in bijective base 2, other bytes by
/// their place, the end. Puts the bytes into `room`; returns how many.
fn symbols(
    bits: &mut Bits<'_>,
    selectors: &[u8],
    codes: &[Codes],
    front: &mut [u8; 256],
    used: usize,
    room: &mut [u32],
) -> Result<usize, Damage> {
    let mut count = 0;
    let mut run = 0usize;
    let mut weight = 1usize;
    for &selector in selectors {
        let codes = codes
            .get(usize::from(selector))
            .ok_or(Damage::At("selector"))?;
        for _ in 0..GROUP {
            let symbol = codes.symbol(bits)?;
            if symbol < 2 {
                if weight > room.len() {
                    return Err(Damage::At("run"));
                }
                run += weight << symbol;
                weight <<= 1;
                continue;
            }
            if run > 0 {
                let slots = room.get_mut(count..).and_then(|r| r.get_mut(..run));
                slots
                    .ok_or(Damage::At("block size"))?
                    .fill(u32::from(front[0]));
                count += run;
                (run, weight) = (0, 1);
            }
            if symbol == used + 1 {
                return Ok(count);
            }
            if let Some(moved) = front.get_mut(..symbol) {
                moved.rotate_right(1);
            }
            *room.get_mut(count).ok_or(Damage::At("block size"))? = u32::from(front[0]);
            count += 1;
        }
    }
    Err(Damage::At("end of a block"))
}

/// Makes each entry, whose low byte is a byte of the sorted block, point with
/// its high bits to the one that follows in the original order.
fn link(sorted: &mut [u32]) {
    let mut next = [0u32; 256];
    for entry in sorted.iter() {
        next[(entry & 255) as usize] += 1;
    }
    let mut sum = 0;
    for slot in &mut next {
        (sum, *slot) = (sum + *slot, sum);
    }
    for at in 0..sorted.len() {
        let byte = sorted.get(at).map_or(0, |entry| entry & 255) as usize;
        let slot = &mut next[byte];
        if let Some(entry) = sorted.get_mut(*slot as usize) {
            *entry |= (at as u32) << 8;
        }
        *slot += 1;
    }
}

/// Follows the links from `origin`; four equal bytes are followed by how many more.
fn unsort(sorted: &[u32], origin: usize, dst: &mut [u8], start: usize) -> Result<usize, Damage> {
    let wrong = Damage::At("origin of a block");
    let mut entry = *sorted.get(origin).ok_or(wrong)?;
    let mut pos = start;
    let mut same = 0;
    let mut last = 0u8;
    for _ in 0..sorted.len() {
        entry = *sorted.get((entry >> 8) as usize).ok_or(wrong)?;
        let byte = entry as u8;
        if same == 4 {
            let run = usize::from(byte);
            let to = dst.get_mut(pos..).and_then(|d| d.get_mut(..run));
            to.ok_or(Damage::Full)?.fill(last);
            pos += run;
            same = 0;
            continue;
        }
        same = if byte == last && same > 0 {
            same + 1
        } else {
            1
        };
        last = byte;
        *dst.get_mut(pos).ok_or(Damage::Full)? = byte;
        pos += 1;
    }
    Ok(pos)
}
