//! A guest's RAM by guest physical address: mapped when it is first touched,
//! and kept mapped while nothing else needs its place.
//!
//! Each guest frame has one place where it can be mapped, its number modulo the
//! number of places: no search, no list, and neighbours never get in each
//! other's way. A frame whose place shows another one takes it over, which costs
//! no more than mapping it.
//!
//! A mapping holds the guest's frame: one that the guest gives back stays in
//! use until it is dropped here. Xen says when that happens (an `INVALIDATE`
//! request), and then [`GuestPages::forget`] drops them all.

use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ops::{Range, RangeInclusive};

use super::PAGE_SIZE;
use super::foreign::{copy_in, copy_out, parts};
use crate::arch::Window;
use crate::guest::{Frame, Guest};
use crate::hypercall::Errno;

/// The mappings of a guest's pages that are in use.
pub struct GuestPages {
    guest: Guest,
    cache: RefCell<Cache>,
}

/// No RAM could be mapped at this guest physical address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmapped {
    /// The first address without.
    pub address: u64,
    /// Xen's reason.
    pub reason: Errno,
}

struct Cache {
    window: Window,
    /// The guest frame that each slot shows, or [`NOTHING`].
    shown: Vec<u64>,
}

/// No guest frame: the address of its bytes would not fit in 64 bits.
const NOTHING: u64 = u64::MAX;

/// One access is worked off in runs of at most this many pages; a run's pages
/// are mapped all at once.
const RUN: usize = 64;

impl GuestPages {
    /// Room for `pages` pages of `guest`, at least one run.
    ///
    /// # Errors
    /// No memory for its page tables.
    pub fn new(guest: Guest, pages: usize) -> Result<Self, Errno> {
        let pages = pages.max(RUN);
        let cache = Cache {
            window: Window::new(pages)?,
            shown: vec![NOTHING; pages],
        };
        Ok(GuestPages {
            guest,
            cache: RefCell::new(cache),
        })
    }

    /// Copies out of the guest's RAM.
    ///
    /// # Errors
    /// Where there is none; `data` is then in any state.
    pub fn read(&self, address: u64, data: &mut [u8]) -> Result<(), Unmapped> {
        self.each(address, data.len(), |window, slot, within, part| {
            // SAFETY: `each` names mapped slots, which stay so while the cache is
            // borrowed, and parts within a page.
            unsafe { copy_out(window.page(slot), within, &mut data[part]) }
        })
    }

    /// Copies into the guest's RAM.
    ///
    /// # Errors
    /// Where there is none; what lies before it may have been written.
    pub fn write(&self, address: u64, data: &[u8]) -> Result<(), Unmapped> {
        self.each(address, data.len(), |window, slot, within, part| {
            // SAFETY: as for `read`.
            unsafe { copy_in(window.page(slot), within, &data[part]) }
        })
    }

    /// Drops all mappings.
    pub fn forget(&self) {
        let mut cache = self.cache.borrow_mut();
        let cache = &mut *cache;
        let shows = |(slot, gfn): (usize, &mut u64)| {
            (core::mem::replace(gfn, NOTHING) != NOTHING).then_some(slot)
        };
        let all: Vec<_> = cache
            .shown
            .iter_mut()
            .enumerate()
            .filter_map(shows)
            .collect();
        // SAFETY: no copy is under way (the cache is borrowed for it), and nothing
        // else uses the pages.
        unsafe { cache.window.unmap(&all) };
    }

    /// How many pages are mapped now.
    pub fn mapped(&self) -> usize {
        let cache = self.cache.borrow();
        cache.shown.iter().filter(|gfn| **gfn != NOTHING).count()
    }

    /// Calls `f` for each page of the access with its slot, mapped.
    fn each(
        &self,
        address: u64,
        len: usize,
        mut f: impl FnMut(&Window, usize, usize, Range<usize>),
    ) -> Result<(), Unmapped> {
        let page = PAGE_SIZE as u64;
        let beyond = Unmapped {
            address,
            reason: Errno(xen_sys::errno::XEN_EINVAL),
        };
        let Some(last) = (len as u64).checked_sub(1) else {
            return Ok(());
        };
        let end = address.checked_add(last).ok_or(beyond)? / page;
        let mut pieces = parts((address % page) as usize, len);
        let mut cache = self.cache.borrow_mut();
        let mut from = address / page;
        while from <= end {
            let until = end.min(from + RUN as u64 - 1);
            cache.ensure(self.guest, from..=until)?;
            for gfn in from..=until {
                let Some((_, within, part)) = pieces.next() else {
                    return Ok(());
                };
                f(&cache.window, cache.slot(gfn), within, part);
            }
            from = until + 1;
        }
        Ok(())
    }
}

impl Drop for GuestPages {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Cache {
    /// The one place where a guest frame can be mapped.
    fn slot(&self, gfn: u64) -> usize {
        (gfn % self.shown.len() as u64) as usize
    }

    /// Maps what is not mapped of a run of guest frames: no two of them have the
    /// same slot.
    fn ensure(&mut self, guest: Guest, run: RangeInclusive<u64>) -> Result<(), Unmapped> {
        let missing: Vec<u64> = run
            .filter(|gfn| self.shown[self.slot(*gfn)] != *gfn)
            .collect();
        let page = |gfn: &u64| (self.slot(*gfn), Frame::Guest(*gfn));
        let pages: Vec<_> = missing.iter().map(page).collect();
        if pages.is_empty() {
            return Ok(());
        }
        // Those that show nothing need no flush.
        let fresh = pages.iter().all(|(slot, _)| self.shown[*slot] == NOTHING);
        let result = if fresh {
            self.window.map(guest, &pages)
        } else {
            // SAFETY: no copy is under way (the cache is borrowed for it), and
            // nothing else uses the pages.
            unsafe { self.window.replace(guest, &pages) }
        };
        let mapped = match result {
            Ok(()) => pages.len(),
            Err((index, _)) => index,
        };
        for gfn in missing.iter().take(mapped) {
            let slot = self.slot(*gfn);
            self.shown[slot] = *gfn;
        }
        result.map_err(|(index, reason)| Unmapped {
            address: missing.get(index).unwrap_or(&0) * PAGE_SIZE as u64,
            reason,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arch::host::guest::{add_guest, shrink_guest};

    const GUEST: u16 = 7;

    fn pages(ram: usize, cached: usize) -> GuestPages {
        add_guest(GUEST, ram, 1);
        GuestPages::new(Guest::open(GUEST).unwrap(), cached).unwrap()
    }

    #[test]
    fn what_is_written_is_read_also_across_pages() {
        let guest = pages(16, 128);
        let data: Vec<u8> = (0..10_000).map(|i| i as u8).collect();
        guest.write(4000, &data).unwrap();
        let mut back = vec![0; 10_000];
        guest.read(4000, &mut back).unwrap();
        assert_eq!(back, data);
        assert_eq!(guest.mapped(), 4);
        let mut none = [];
        guest.read(u64::MAX, &mut none).unwrap();
    }

    #[test]
    fn outside_ram_the_first_bad_page_is_named() {
        let guest = pages(4, 128);
        let error = guest.read(3 * 4096, &mut [0; 8192]).unwrap_err();
        assert_eq!(error.address, 4 * 4096);
        for address in [u64::MAX, u64::MAX - 4096, 1 << 52] {
            assert!(guest.write(address, &[0; 4096]).is_err(), "{address:#x}");
        }
        // What is there can still be used.
        guest.write(3 * 4096, &[1; 4096]).unwrap();
    }

    #[test]
    fn a_full_cache_makes_room() {
        let guest = pages(1024, 128);
        for round in 0..3u64 {
            for gfn in 0..1024u64 {
                let value = (gfn + round).to_le_bytes();
                guest.write(gfn * 4096, &value).unwrap();
                assert!(guest.mapped() <= 128);
            }
            for gfn in (0..1024u64).rev() {
                let mut value = [0; 8];
                guest.read(gfn * 4096, &mut value).unwrap();
                assert_eq!(u64::from_le_bytes(value), gfn + round);
            }
        }
        // One access may be larger than the cache.
        let mut all = vec![0; 1024 * 4096];
        guest.read(0, &mut all).unwrap();
        assert_eq!(all[4096], 3);
    }

    #[test]
    fn pages_given_back_are_forgotten() {
        let guest = pages(8, 128);
        guest.write(7 * 4096, &[1]).unwrap();
        shrink_guest(GUEST, 4);
        guest.forget();
        assert_eq!(guest.mapped(), 0);
        assert!(guest.write(7 * 4096, &[1]).is_err());
        guest.write(3 * 4096, &[1]).unwrap();
    }

    #[test]
    fn nobody_is_its_own_guest() {
        assert!(Guest::open(xen_sys::xen::DOMID_SELF).is_err());
        assert!(Guest::open(GUEST).is_err(), "no such domain");
    }
}
