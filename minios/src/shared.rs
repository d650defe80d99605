//! [`Shared`]: the only door to memory that another domain can write.
//!
//! The peer may change any byte at any moment, so no reference into such
//! memory is ever made. Values are copied out whole, or copied in; what is
//! checked is the copy. A copy larger than one machine word may be torn: that
//! is the caller's to detect (ring indices, version counters), and never
//! unsound, since every type that goes through here is plain bytes.

use core::any::Any;
use core::marker::PhantomData;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering, fence};

use alloc::rc::Rc;
use alloc::vec::Vec;
use xen_proto::ring::Memory;
use zerocopy::{FromBytes, IntoBytes};

use crate::mm::PageBuf;

/// Memory of the layout of `T` that a peer may write. Cloning gives another
/// handle on the same memory.
///
/// Offsets are in bytes, from `core::mem::offset_of!`; one that does not fit
/// is a bug of ours, not the peer's, and panics.
#[derive(Debug)]
pub struct Shared<T> {
    base: NonNull<u8>,
    /// Keeps the memory; `None` for what stays mapped for good.
    _keeper: Option<Rc<dyn Any>>,
    layout: PhantomData<*mut T>,
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared {
            base: self.base,
            _keeper: self._keeper.clone(),
            layout: PhantomData,
        }
    }
}

impl<T> Shared<T> {
    /// Memory at `pointer`.
    ///
    /// # Safety
    /// Mapped read-write for `size_of::<T>()` bytes for as long as any handle
    /// lives, aligned for `T`, and accessed through `Shared` only.
    pub unsafe fn new(pointer: NonNull<T>) -> Self {
        Shared {
            base: pointer.cast(),
            _keeper: None,
            layout: PhantomData,
        }
    }

    /// Memory at `pointer` that lasts as long as `keeper`.
    ///
    /// # Safety
    /// As [`Shared::new`], for as long as `keeper` lives.
    pub(crate) unsafe fn kept_by(pointer: NonNull<T>, keeper: Rc<dyn Any>) -> Self {
        Shared {
            base: pointer.cast(),
            _keeper: Some(keeper),
            layout: PhantomData,
        }
    }

    /// Pages of our own, about to be granted to a peer. They live as long as
    /// the last handle (see [`crate::grant`] for what keeps them longer). Not for
    /// everybody: no other owner of the pages may look at them as a slice.
    ///
    /// # Panics
    /// If `T` does not fit in the pages.
    pub(crate) fn from_pages(pages: Rc<PageBuf>) -> Self {
        assert!(
            size_of::<T>() <= pages.pages() * crate::mm::PAGE_SIZE,
            "layout larger than its pages"
        );
        let base = NonNull::new(pages.pfn().address() as *mut u8).expect("no buffer at address 0");
        Shared {
            base,
            _keeper: Some(pages),
            layout: PhantomData,
        }
    }

    /// Pointer to a `V` at `offset`, in bounds and aligned.
    fn at<V>(&self, offset: usize) -> *mut V {
        let end = offset
            .checked_add(size_of::<V>())
            .expect("offset overflows");
        assert!(
            end <= size_of::<T>(),
            "bytes {offset}..{end} of {}",
            size_of::<T>()
        );
        // SAFETY: within the memory promised to `new`, by the check above.
        let pointer = unsafe { self.base.as_ptr().add(offset).cast::<V>() };
        // `V` may ask for more than `T` does.
        assert!(pointer.is_aligned(), "misaligned access at {offset}");
        pointer
    }

    /// Copy a value out.
    pub fn get<V: FromBytes>(&self, offset: usize) -> V {
        // SAFETY:
        // - valid, aligned: `at`; any bytes are a `V`: FromBytes;
        // - races: volatile, once; the copy is what the caller sees.
        unsafe { self.at::<V>(offset).read_volatile() }
    }

    /// Copy a value in.
    pub fn set<V: IntoBytes>(&self, offset: usize, value: V) {
        // SAFETY: as for `get`; IntoBytes: no uninitialised padding leaks out.
        unsafe { self.at::<V>(offset).write_volatile(value) }
    }

    /// Copy bytes out.
    pub fn read_bytes(&self, offset: usize, to: &mut [u8]) {
        self.check_range(offset, to.len());
        // SAFETY: in bounds; `to` is memory of ours, so the ranges are disjoint.
        // The fences keep the copy on its side of the index accesses.
        unsafe {
            fence(Ordering::Acquire);
            core::ptr::copy_nonoverlapping(
                self.base.as_ptr().add(offset),
                to.as_mut_ptr(),
                to.len(),
            );
            fence(Ordering::Acquire);
        }
    }

    /// Copy bytes in.
    pub fn write_bytes(&self, offset: usize, from: &[u8]) {
        self.check_range(offset, from.len());
        // SAFETY: as for `read_bytes`.
        unsafe {
            fence(Ordering::Release);
            core::ptr::copy_nonoverlapping(
                from.as_ptr(),
                self.base.as_ptr().add(offset),
                from.len(),
            );
            fence(Ordering::Release);
        }
    }

    fn check_range(&self, offset: usize, len: usize) {
        let end = offset.checked_add(len).expect("range overflows");
        assert!(
            end <= size_of::<T>(),
            "bytes {offset}..{end} of {}",
            size_of::<T>()
        );
    }

    /// Read an index that the peer publishes after the data it covers.
    pub fn load_acquire(&self, offset: usize) -> u32 {
        self.atomic_u32(offset).load(Ordering::Acquire)
    }

    /// Publish an index after the data it covers.
    pub fn store_release(&self, offset: usize, value: u32) {
        self.atomic_u32(offset).store(value, Ordering::Release);
    }

    /// Order all accesses before against all after: between publishing an
    /// index and looking at the peer's.
    pub fn full_fence() {
        fence(Ordering::SeqCst);
    }

    fn atomic_u32(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: valid and aligned by `at`, alive as long as `self`; an atomic
        // is the one kind of reference that a concurrent writer may break in on.
        unsafe { AtomicU32::from_ptr(self.at(offset)) }
    }

    /// Add to an index that the peer may set back meanwhile.
    pub fn add(&self, offset: usize, amount: u32) {
        self.atomic_u32(offset).fetch_add(amount, Ordering::SeqCst);
    }

    /// Set the word at `offset` to `new` if it is `current`; the old value if not.
    pub fn compare_exchange_u16(&self, offset: usize, current: u16, new: u16) -> Result<u16, u16> {
        // SAFETY: as for `atomic_u32`.
        let word = unsafe { AtomicU16::from_ptr(self.at(offset)) };
        word.compare_exchange(current, new, Ordering::SeqCst, Ordering::SeqCst)
    }

    /// Clear `mask` in the word at `offset`; the bits that were set before.
    pub fn fetch_clear_u64(&self, offset: usize, mask: u64) -> u64 {
        // SAFETY: as for `atomic_u32`.
        let word = unsafe { AtomicU64::from_ptr(self.at(offset)) };
        word.fetch_and(!mask, Ordering::SeqCst) & mask
    }
}

/// What the rings of `xen-proto` run on. Their rule is to ignore what lies
/// outside, where our own accessors panic.
impl<T> Memory for Shared<T> {
    fn size(&self) -> usize {
        size_of::<T>()
    }

    fn load(&self, at: usize) -> u32 {
        self.load_acquire(at)
    }

    fn store(&self, at: usize, value: u32) {
        self.store_release(at, value);
    }

    fn fence(&self) {
        fence(Ordering::SeqCst);
    }

    fn read(&self, at: usize, to: &mut [u8]) {
        if at
            .checked_add(to.len())
            .is_some_and(|end| end <= size_of::<T>())
        {
            self.read_bytes(at, to);
        } else {
            to.fill(0);
        }
    }

    fn write(&self, at: usize, from: &[u8]) {
        if at
            .checked_add(from.len())
            .is_some_and(|end| end <= size_of::<T>())
        {
            self.write_bytes(at, from);
        }
    }

    /// Without filling the place with zeros first, for these are large.
    fn append(&self, at: usize, len: usize, to: &mut Vec<u8>) {
        to.reserve(len);
        let end = to.len();
        let inside = at.checked_add(len).is_some_and(|end| end <= size_of::<T>());
        if !inside {
            to.resize(end + len, 0);
            return;
        }
        // SAFETY:
        // - in bounds: checked above, and `reserve` made room for `len` bytes;
        // - disjoint, and kept on its side of the index accesses: as `read_bytes`;
        // - `set_len`: all bytes up to there have been written.
        unsafe {
            fence(Ordering::Acquire);
            let from = self.base.as_ptr().add(at);
            core::ptr::copy_nonoverlapping(from, to.as_mut_ptr().add(end), len);
            fence(Ordering::Acquire);
            to.set_len(end + len);
        }
    }
}

impl<T> xen_proto::vchan::Atomic for Shared<T> {
    fn compare_exchange(&self, at: usize, current: u16, new: u16) -> Result<u16, u16> {
        self.compare_exchange_u16(at, current, new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[repr(C)]
    struct Layout {
        index: u32,
        flags: u16,
        _pad: u16,
        word: u64,
    }

    fn shared() -> Shared<Layout> {
        Shared::from_pages(Rc::new(PageBuf::new(16).unwrap()))
    }

    #[test]
    fn values_go_in_and_come_out_at_their_offsets() {
        let page = shared();
        page.set(8, 0x1122_3344_5566_7788u64);
        assert_eq!(page.get::<u32>(8), 0x5566_7788);
        page.store_release(0, 7);
        assert_eq!(
            page.clone().load_acquire(0),
            7,
            "a clone sees the same memory"
        );
        let mut out = [0; 4];
        page.read_bytes(10, &mut out);
        assert_eq!(out, [0x66, 0x55, 0x44, 0x33]);
        assert_eq!(page.fetch_clear_u64(8, 0xf0), 0x80);
        assert_eq!(page.get::<u8>(8), 0x08);
        assert_eq!(page.compare_exchange_u16(4, 0, 9), Ok(0));
        assert_eq!(page.compare_exchange_u16(4, 0, 1), Err(9));
    }

    #[test]
    #[should_panic(expected = "bytes 12..20 of 16")]
    fn reading_past_the_layout_panics() {
        shared().get::<[u32; 2]>(12);
    }

    #[test]
    #[should_panic(expected = "misaligned")]
    fn misaligned_access_panics() {
        shared().get::<u32>(2);
    }

    #[test]
    #[should_panic(expected = "overflow")]
    fn an_offset_that_wraps_panics() {
        shared().write_bytes(usize::MAX, &[1, 2]);
    }
}
