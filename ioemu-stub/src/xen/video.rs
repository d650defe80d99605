//! The display adapter's memory, under Xen: frames of the guest's, mapped here.
//!
//! The guest must see it as RAM, or every pixel would be a request. So it is
//! RAM: frames that the guest gets beside its own, kept where nothing looks
//! until the adapter's base address register says where they belong.

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::ops::Range;

use minios::guest::{Frame, Guest};
use minios::hypercall::{self, Errno};
use minios::mm::{Foreign, MapError, PAGE_SIZE};

use crate::surroundings::{NoRange, VideoMemory};

/// Guest frames below 4 GiB.
const BELOW_4G: u64 = 1 << 20;

/// Why there is no video memory.
#[derive(Debug)]
pub enum VideoError {
    /// Xen gives the guest no memory.
    Refused(Errno),
    /// The guest has no room for so much: its `videoram` is smaller.
    TooLittle {
        /// Pages there are.
        pages: usize,
        /// Pages asked for.
        wanted: usize,
    },
    /// It can't be mapped.
    Map(MapError),
}

impl fmt::Display for VideoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VideoError::Refused(error) => write!(f, "no video memory: {error}"),
            VideoError::TooLittle { pages, wanted } => write!(
                f,
                "no video memory: the guest has room for {pages} pages of {wanted}, is `videoram` too small?"
            ),
            VideoError::Map(error) => write!(f, "the video memory: {error}"),
        }
    }
}

impl core::error::Error for VideoError {}

/// Memory of a display adapter of a guest.
pub struct Video {
    guest: Guest,
    mapped: Foreign,
    /// Its first frame's place while nobody looks.
    store: u64,
    /// Its first frame's place now.
    at: Cell<u64>,
    /// For the answers of Xen: a bit for each page.
    bitmap: RefCell<Vec<u8>>,
}

impl Video {
    /// `pages` pages of memory for `guest`, which has `ram` pages of its own.
    ///
    /// # Errors
    /// Xen has none, or can't map it.
    pub fn new(guest: Guest, ram: u64, pages: usize) -> Result<Self, VideoError> {
        // Behind all that hvmloader could ever move there.
        let top = hypercall::maximum_gpfn(guest).unwrap_or(0).max(BELOW_4G);
        let store = (top + ram).next_multiple_of(BELOW_4G / 16);
        let frames: Vec<u64> = (store..store + pages as u64).collect();
        let got = hypercall::populate_physmap(guest, &frames).map_err(VideoError::Refused)?;
        if got < pages {
            let _ = hypercall::decrease_reservation(guest, &frames[..got]);
            return Err(VideoError::TooLittle {
                pages: got,
                wanted: pages,
            });
        }
        let frames: Vec<_> = frames.into_iter().map(Frame::Guest).collect();
        let mapped = Foreign::map(guest, &frames).map_err(VideoError::Map)?;
        Ok(Video {
            guest,
            mapped,
            store,
            at: Cell::new(store),
            bitmap: RefCell::new(alloc::vec![0; pages.div_ceil(8)]),
        })
    }

    /// Moves all of it to guest frame `to`.
    fn move_to(&self, to: u64) -> Result<(), Errno> {
        let (from, pages) = (self.at.get(), self.mapped.pages());
        if from == to {
            return Ok(());
        }
        match hypercall::relocate_memory(self.guest, from, to, pages as u32) {
            // Before Xen 4.11.
            Err(Errno(xen_sys::errno::XEN_EOPNOTSUPP)) => (0..pages as u64)
                .try_for_each(|page| hypercall::move_frame(self.guest, from + page, to + page))?,
            moved => moved?,
        }
        self.at.set(to);
        Ok(())
    }
}

impl VideoMemory for Video {
    fn machine_frames(&self) -> Vec<u64> {
        let frames = self.mapped.machine_frames().unwrap_or_default();
        frames.into_iter().map(|frame| frame.0).collect()
    }

    fn len(&self) -> usize {
        self.mapped.pages() * PAGE_SIZE
    }

    fn read(&self, offset: usize, data: &mut [u8]) {
        self.mapped.read(offset, data);
    }

    fn write(&self, offset: usize, data: &[u8]) {
        self.mapped.write(offset, data);
    }

    fn place(&self, address: Option<u64>) -> Result<(), NoRange> {
        let to = address.map_or(self.store, |address| address / PAGE_SIZE as u64);
        self.move_to(to).map_err(|error| {
            log::warn!("the video memory can't be at {address:#x?}: {error}");
            NoRange
        })
    }

    fn take_dirty(&self, pages: Range<usize>, dirty: &mut [u8]) {
        let count = pages.len();
        if count == 0 {
            return;
        }
        let wanted = count.div_ceil(8).min(dirty.len());
        dirty[..wanted].fill(0xff);
        if self.at.get() == self.store {
            // Nobody sees it, so nobody writes.
            dirty[..wanted].fill(0);
            return;
        }
        let mut bitmap = self.bitmap.borrow_mut();
        let Some(bitmap) = bitmap.get_mut(..count.div_ceil(8)) else {
            return;
        };
        bitmap.fill(0);
        let first = self.at.get() + pages.start as u64;
        // If Xen can't say, all may be.
        if hypercall::track_dirty_vram(self.guest, first, count as u32, bitmap).is_ok() {
            dirty[..wanted].copy_from_slice(&bitmap[..wanted]);
        }
    }
}
