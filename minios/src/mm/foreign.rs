//! Pages of another domain, mapped here for as long as their owner likes.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;
use core::sync::atomic::{Ordering, fence};

use super::{Mfn, PAGE_SIZE};
use crate::arch::Window;
use crate::guest::{Frame, Guest};
use crate::hypercall::Errno;
use crate::shared::Shared;

/// Frames of a guest, one page after the other; unmapped when dropped.
///
/// The guest may write them at any time, so they are only copied from and to.
pub struct Foreign {
    window: Window,
}

/// A frame could not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapError {
    /// Which one of those asked for.
    pub index: usize,
    /// Xen's reason.
    pub reason: Errno,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "frame {} of the list can't be mapped: {}",
            self.index, self.reason
        )
    }
}

impl core::error::Error for MapError {}

impl Foreign {
    /// Maps `frames` of `guest`, all or none.
    ///
    /// # Errors
    /// Which frame could not be mapped.
    pub fn map(guest: Guest, frames: &[Frame]) -> Result<Self, MapError> {
        let window = Window::new(frames.len()).map_err(|reason| MapError { index: 0, reason })?;
        let mut foreign = Foreign { window };
        let pages: Vec<_> = frames.iter().copied().enumerate().collect();
        // On an error the mapped ones are unmapped with the rest.
        match foreign.window.map(guest, &pages) {
            Ok(()) => Ok(foreign),
            Err((index, reason)) => Err(MapError { index, reason }),
        }
    }

    /// How many pages.
    pub fn pages(&self) -> usize {
        self.window.slots()
    }

    /// The machine frames of the pages, in order: for another domain that may
    /// map them, too. All or none.
    pub fn machine_frames(&self) -> Option<Vec<Mfn>> {
        let slots = 0..self.window.slots();
        slots.map(|slot| self.window.frame(slot)).collect()
    }

    /// Copies out from byte `offset` on. What lies behind the end reads as zero.
    pub fn read(&self, offset: usize, data: &mut [u8]) {
        for (slot, within, part) in parts(offset, data.len()) {
            let data = &mut data[part];
            if slot < self.window.slots() {
                // SAFETY: a page that is mapped as long as `self` lives, and `parts` stays inside it.
                unsafe { copy_out(self.window.page(slot), within, data) };
            } else {
                data.fill(0);
            }
        }
    }

    /// Copies in from byte `offset` on. What lies behind the end is lost.
    pub fn write(&self, offset: usize, data: &[u8]) {
        for (slot, within, part) in parts(offset, data.len()) {
            if slot < self.window.slots() {
                // SAFETY: as for `read`.
                unsafe { copy_in(self.window.page(slot), within, &data[part]) };
            }
        }
    }

    /// Page `page` as memory of the layout of `T`.
    ///
    /// # Panics
    /// If there is no such page, or `T` is larger.
    pub fn shared<T: 'static>(self: Rc<Self>, page: usize) -> Shared<T> {
        assert!(size_of::<T>() <= PAGE_SIZE, "layout larger than a page");
        let pointer = self.window.page(page).cast();
        // SAFETY: mapped for as long as the mapping lives, which the handle keeps;
        // page-aligned; everybody else copies, too.
        unsafe { Shared::kept_by(pointer, self) }
    }
}

/// A page that another domain granted us; unmapped when dropped.
pub struct ForeignGrant {
    window: Window,
    handle: u32,
}

impl ForeignGrant {
    /// Maps the page that domain `peer` granted by `reference`, for writing.
    ///
    /// # Errors
    /// Xen's reason.
    pub fn map(peer: u16, reference: u32) -> Result<Self, Errno> {
        let mut window = Window::new(1)?;
        let handle = window.map_grant(0, peer, reference)?;
        Ok(ForeignGrant { window, handle })
    }

    /// It as memory of the layout of `T`.
    ///
    /// # Panics
    /// If `T` is larger than a page.
    pub fn shared<T: 'static>(self: Rc<Self>) -> Shared<T> {
        assert!(size_of::<T>() <= PAGE_SIZE, "layout larger than a page");
        let pointer = self.window.page(0).cast();
        // SAFETY: mapped for as long as the mapping lives, which the handle keeps;
        // page-aligned; everybody else copies, too.
        unsafe { Shared::kept_by(pointer, self) }
    }
}

impl Drop for ForeignGrant {
    fn drop(&mut self) {
        // SAFETY: handles into the page keep `self` alive, so there is none.
        unsafe { self.window.unmap_grant(0, self.handle) };
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let all: Vec<_> = (0..self.window.slots()).collect();
        // SAFETY: handles into the pages keep `self` alive, so there is none.
        unsafe { self.window.unmap(&all) };
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} foreign pages", self.window.slots())
    }
}

/// Cuts `len` bytes from `offset` on at page borders: page, offset in it, and
/// which part of the bytes.
pub(super) fn parts(
    offset: usize,
    len: usize,
) -> impl Iterator<Item = (usize, usize, core::ops::Range<usize>)> {
    let mut done = 0;
    core::iter::from_fn(move || {
        if done >= len {
            return None;
        }
        let at = offset.checked_add(done)?;
        let within = at % PAGE_SIZE;
        let part = done..len.min(done + PAGE_SIZE - within);
        done = part.end;
        Some((at / PAGE_SIZE, within, part))
    })
}

/// Copy out of a page that another domain may write.
///
/// # Safety
/// The page is mapped, and `offset + data.len()` is at most its size.
pub(super) unsafe fn copy_out(page: NonNull<u8>, offset: usize, data: &mut [u8]) {
    // SAFETY:
    // - in bounds and mapped, by the caller; `data` is memory of ours, so the
    //   ranges are disjoint;
    // - races: the bytes may be torn, any of them is a u8; the fences keep the
    //   copy on its side of what announces it.
    unsafe {
        fence(Ordering::Acquire);
        core::ptr::copy_nonoverlapping(page.as_ptr().add(offset), data.as_mut_ptr(), data.len());
        fence(Ordering::Acquire);
    }
}

/// Copy into a page that another domain may read and write.
///
/// # Safety
/// As [`copy_out`]; the page is mapped writable.
pub(super) unsafe fn copy_in(page: NonNull<u8>, offset: usize, data: &[u8]) {
    // SAFETY: as for `copy_out`.
    unsafe {
        fence(Ordering::Release);
        core::ptr::copy_nonoverlapping(data.as_ptr(), page.as_ptr().add(offset), data.len());
        fence(Ordering::Release);
    }
}
