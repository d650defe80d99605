//! The board's RAM, and the RAM of its display adapter.

use ioemu_stub::surroundings::{GuestMemory, NoMemory, NoRange, VideoMemory};
use std::cell::{Cell, RefCell};
use std::ops::Range;

/// RAM goes on at 4 GiB when it reaches this address.
const LOW_END: u64 = 0xe000_0000;
const HIGH_BEGIN: u64 = 1 << 32;
/// The display adapter's window: no RAM shows there.
const WINDOW: Range<u64> = 0xa_0000..0xc_0000;
const PAGE: usize = 4096;

/// The RAM.
pub struct Ram {
    bytes: RefCell<Vec<u8>>,
}

impl Ram {
    /// That many bytes, all zero.
    pub fn new(bytes: u64) -> Self {
        Ram {
            bytes: RefCell::new(vec![0; bytes as usize]),
        }
    }

    /// Bytes below 4 GiB.
    pub fn low(&self) -> u64 {
        (self.bytes.borrow().len() as u64).min(LOW_END)
    }

    /// Bytes from 4 GiB on.
    pub fn high(&self) -> u64 {
        self.bytes.borrow().len() as u64 - self.low()
    }

    /// Where `address` lies in the RAM, and how far it goes on from there.
    pub fn find(&self, address: u64) -> Option<(usize, u64)> {
        let low = self.low();
        if address < low {
            return Some((address as usize, low - address));
        }
        let above = address.checked_sub(HIGH_BEGIN)?;
        let left = self.high().checked_sub(above).filter(|left| *left > 0)?;
        Some(((low + above) as usize, left))
    }

    /// Copies out from byte `at` of the RAM.
    pub fn copy_out(&self, at: usize, data: &mut [u8]) {
        let bytes = self.bytes.borrow();
        data.copy_from_slice(&bytes[at..at + data.len()]);
    }

    /// Copies in from byte `at` of the RAM.
    pub fn copy_in(&self, at: usize, data: &[u8]) {
        let mut bytes = self.bytes.borrow_mut();
        bytes[at..at + data.len()].copy_from_slice(data);
    }

    /// Calls `part` with each piece of the RAM that `length` bytes from
    /// `address` on fall into: where it is, and which of the bytes.
    fn pieces(
        &self,
        mut address: u64,
        length: usize,
        mut part: impl FnMut(usize, Range<usize>),
    ) -> Result<(), NoMemory> {
        let mut done = 0;
        while done < length {
            let (at, left) = self.find(address).ok_or(NoMemory(address))?;
            let left = match address {
                _ if WINDOW.contains(&address) => return Err(NoMemory(address)),
                _ if address < WINDOW.start => left.min(WINDOW.start - address),
                _ => left,
            };
            let piece = left.min((length - done) as u64);
            part(at, done..done + piece as usize);
            done += piece as usize;
            address += piece;
        }
        Ok(())
    }
}

impl GuestMemory for Ram {
    fn read(&self, address: u64, data: &mut [u8]) -> Result<(), NoMemory> {
        self.pieces(address, data.len(), |at, part| {
            self.copy_out(at, &mut data[part]);
        })
    }

    fn write(&self, address: u64, data: &[u8]) -> Result<(), NoMemory> {
        self.pieces(address, data.len(), |at, part| {
            self.copy_in(at, &data[part])
        })
    }
}

/// The display adapter's RAM.
pub struct VideoRam {
    bytes: RefCell<Vec<u8>>,
    dirty: RefCell<Vec<bool>>,
    at: Cell<Option<u64>>,
}

impl VideoRam {
    /// That many bytes, shown nowhere yet.
    pub fn new(bytes: usize) -> Self {
        VideoRam {
            bytes: RefCell::new(vec![0; bytes]),
            dirty: RefCell::new(vec![true; bytes.div_ceil(PAGE)]),
            at: Cell::new(None),
        }
    }

    /// Where the guest sees it.
    pub fn place(&self) -> Option<Range<u64>> {
        let length = self.bytes.borrow().len() as u64;
        self.at.get().map(|at| at..at.saturating_add(length))
    }

    /// The guest writes.
    pub fn guest_write(&self, offset: usize, data: &[u8]) {
        self.write(offset, data);
        let last = offset.saturating_add(data.len().saturating_sub(1));
        let mut dirty = self.dirty.borrow_mut();
        for page in dirty.iter_mut().take(last / PAGE + 1).skip(offset / PAGE) {
            *page = true;
        }
    }
}

impl VideoMemory for VideoRam {
    fn len(&self) -> usize {
        self.bytes.borrow().len()
    }

    fn read(&self, offset: usize, data: &mut [u8]) {
        let bytes = self.bytes.borrow();
        for (i, byte) in (offset..).zip(data) {
            *byte = bytes.get(i).copied().unwrap_or(0);
        }
    }

    fn write(&self, offset: usize, data: &[u8]) {
        let mut bytes = self.bytes.borrow_mut();
        for (i, byte) in (offset..).zip(data) {
            if let Some(place) = bytes.get_mut(i) {
                *place = *byte;
            }
        }
    }

    fn place(&self, address: Option<u64>) -> Result<(), NoRange> {
        self.at.set(address);
        Ok(())
    }

    fn take_dirty(&self, pages: Range<usize>, dirty: &mut [u8]) {
        let mut known = self.dirty.borrow_mut();
        dirty.fill(0);
        for (bit, page) in pages.enumerate() {
            let written = known.get_mut(page).is_some_and(std::mem::take);
            if let Some(byte) = dirty.get_mut(bit / 8).filter(|_| written) {
                *byte |= 1 << (bit % 8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ram, VideoRam};
    use ioemu_stub::surroundings::{GuestMemory as _, NoMemory, VideoMemory as _};

    #[test]
    fn device_memory_is_no_ram() {
        let ram = Ram::new(1 << 20);
        let mut data = [0; 4];
        ram.write(0x9_fffc, &[1, 2, 3, 4]).unwrap();
        ram.read(0x9_fffc, &mut data).unwrap();
        assert_eq!(data, [1, 2, 3, 4]);
        assert_eq!(ram.read(0x9_fffe, &mut data), Err(NoMemory(0xa_0000)));
        assert_eq!(ram.read(0xf_fffe, &mut data), Err(NoMemory(0x10_0000)));
        assert_eq!(ram.write(u64::MAX, &[0; 4]), Err(NoMemory(u64::MAX)));
    }

    #[test]
    fn only_what_the_guest_wrote_is_dirty() {
        let video = VideoRam::new(4 * 4096);
        let mut dirty = [0];
        video.take_dirty(0..4, &mut dirty);
        assert_eq!(dirty, [0b1111]);
        video.write(0, &[1]);
        video.guest_write(0x1fff, &[1, 2]);
        video.take_dirty(0..4, &mut dirty);
        assert_eq!(dirty, [0b0110]);
        video.take_dirty(0..4, &mut dirty);
        assert_eq!(dirty, [0]);
    }
}
