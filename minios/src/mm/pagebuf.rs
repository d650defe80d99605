//! [`PageBuf`]: an owned buffer of whole pages.
//!
//! What large things live in: a kernel image, a ring, a ramdisk. Page-aligned,
//! so that a backend can be granted its frames and a boot can move them
//! instead of copying.

use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};

use super::frame::{self, OutOfMemory};
use super::{Mfn, PAGE_SIZE, Pfn, p2m};

/// Pages that buffers leave free: 512 KiB, two steps of the heap.
const HEAP_RESERVE: usize = 128;

/// Zeroed, page-aligned memory of `len` bytes, given back when dropped.
#[derive(Debug)]
pub struct PageBuf {
    start: Pfn,
    pages: usize,
    len: usize,
    /// Given back to the allocator it came from, which is its thread's own.
    not_send: PhantomData<*mut u8>,
}

impl PageBuf {
    /// A buffer of `len` bytes, in as many pages as that takes; all zero. The
    /// last pages there are it leaves to the heap: who asks for a buffer can be
    /// refused, who asks for a few bytes in order to say so cannot.
    pub fn new(len: usize) -> Result<Self, OutOfMemory> {
        let start = frame::alloc_leaving(len.div_ceil(PAGE_SIZE), HEAP_RESERVE)?;
        let mut buffer = Self::from_frames(start, len);
        buffer.all_mut().fill(0);
        Ok(buffer)
    }

    /// Adopt frames that boot found: the ramdisk, say.
    pub(crate) fn from_frames(start: Pfn, len: usize) -> Self {
        PageBuf {
            start,
            pages: len.div_ceil(PAGE_SIZE),
            len,
            not_send: PhantomData,
        }
    }

    /// How many pages it covers.
    pub fn pages(&self) -> usize {
        self.pages
    }

    /// Its first frame; the others follow.
    pub fn pfn(&self) -> Pfn {
        self.start
    }

    /// Machine frame of page `index`.
    ///
    /// # Panics
    /// If there is no such page.
    pub fn mfn(&self, index: usize) -> Mfn {
        assert!(index < self.pages, "page {index} of {}", self.pages);
        p2m::mfn(Pfn(self.start.0 + index))
    }

    /// All bytes of all pages, those behind `len` included.
    pub fn all_mut(&mut self) -> &mut [u8] {
        // SAFETY:
        // - mapped, initialised RAM of ours: the frames came from the allocator;
        // - unaliased: the buffer owns them, and the borrow is unique.
        unsafe {
            core::slice::from_raw_parts_mut(self.start.address() as *mut u8, self.pages * PAGE_SIZE)
        }
    }

    /// Shorten it to `len` bytes, giving whole pages behind that back.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        let keep = len.div_ceil(PAGE_SIZE);
        // SAFETY: the pages behind `keep` are ours and no longer named by `self`.
        unsafe { frame::free(Pfn(self.start.0 + keep), self.pages - keep) };
        (self.pages, self.len) = (keep, len);
    }

    /// Give up ownership without freeing: for frames that another domain still
    /// holds, or that are about to belong to the next kernel.
    pub fn leak(self) -> Pfn {
        let start = self.start;
        core::mem::forget(self);
        start
    }
}

impl Deref for PageBuf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: as for `all_mut`, shared; `len` lies within the pages.
        unsafe { core::slice::from_raw_parts(self.start.address() as *const u8, self.len) }
    }
}

impl DerefMut for PageBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        let len = self.len;
        &mut self.all_mut()[..len]
    }
}

impl Drop for PageBuf {
    fn drop(&mut self) {
        // SAFETY: owned, and nobody can name it any more. Who grants a frame of
        // a buffer keeps the buffer until the grant has ended (see `grant`).
        unsafe { frame::free(self.start, self.pages) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_zeroed_even_when_reused_and_are_given_back() {
        let before = super::super::free_pages();
        let mut a = PageBuf::new(5000).unwrap();
        assert_eq!((a.len(), a.pages()), (5000, 2));
        assert_eq!(a.as_ptr() as usize % PAGE_SIZE, 0);
        a.all_mut().fill(0xff);
        drop(a);
        let b = PageBuf::new(8192).unwrap();
        assert!(b.iter().all(|&byte| byte == 0));
        drop(b);
        assert_eq!(super::super::free_pages(), before);
    }

    #[test]
    fn buffers_leave_the_last_pages_to_the_heap() {
        let free = super::super::free_pages();
        let all = PageBuf::new((free - 128) * PAGE_SIZE).unwrap();
        assert_eq!(
            PageBuf::new(1).unwrap_err(),
            OutOfMemory {
                wanted: 1,
                free: 128
            }
        );
        assert!(PageBuf::new(0).is_ok(), "nothing can always be had");
        let heap = frame::alloc(128).unwrap();
        // SAFETY: just taken.
        unsafe { frame::free(heap, 128) };
        drop(all);
        assert_eq!(super::super::free_pages(), free);
    }

    #[test]
    fn truncation_returns_whole_pages_only() {
        let before = super::super::free_pages();
        let mut a = PageBuf::new(4 * PAGE_SIZE).unwrap();
        a.truncate(PAGE_SIZE + 1);
        assert_eq!((a.len(), a.pages()), (PAGE_SIZE + 1, 2));
        assert_eq!(super::super::free_pages(), before - 2);
        a.truncate(PAGE_SIZE * 3);
        assert_eq!(a.len(), PAGE_SIZE + 1, "never longer");
    }

    #[test]
    fn an_empty_buffer_costs_nothing() {
        let before = super::super::free_pages();
        let empty = PageBuf::new(0).unwrap();
        assert!(empty.is_empty());
        assert_eq!(super::super::free_pages(), before);
    }
}
