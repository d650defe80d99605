//! A guest's RAM by guest physical address: mapped when it is first touched,
//! and kept mapped while it is used.
//!
//! A mapping holds the guest's frame: one that the guest gives back stays in
//! use until it is dropped here. Xen says when that happens (an `INVALIDATE`
//! request), and then [`GuestPages::forget`] drops them all.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::PAGE_SIZE;
use super::foreign::{copy_in, copy_out, parts};
use crate::arch::Window;
use crate::guest::{Frame, Guest};
use crate::hypercall::Errno;

/// The mappings of a guest's pages that are in use, the least recently used
/// making room for new ones.
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
    /// Slot of each mapped guest frame.
    slots: BTreeMap<u64, usize>,
    /// What each slot shows, and whether it was used since the hand passed.
    shown: Vec<Option<(u64, bool)>>,
    free: Vec<usize>,
    /// Where the search for a page to drop goes on.
    hand: usize,
}

/// One access is worked off in runs of at most this many pages; a run's pages
/// are mapped all at once.
const RUN: usize = 64;

impl GuestPages {
    /// A cache of `pages` pages of `guest`, at least two runs.
    ///
    /// # Errors
    /// No memory for its page tables.
    pub fn new(guest: Guest, pages: usize) -> Result<Self, Errno> {
        let pages = pages.max(2 * RUN);
        let cache = Cache {
            window: Window::new(pages)?,
            slots: BTreeMap::new(),
            shown: vec![None; pages],
            free: (0..pages).rev().collect(),
            hand: 0,
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
        self.each(address, data.len(), |cache, slot, within, part| {
            // SAFETY: `each` names mapped slots, which stay so while the cache is
            // borrowed, and parts within a page.
            unsafe { copy_out(cache.window.page(slot), within, &mut data[part]) }
        })
    }

    /// Copies into the guest's RAM.
    ///
    /// # Errors
    /// Where there is none; what lies before it may have been written.
    pub fn write(&self, address: u64, data: &[u8]) -> Result<(), Unmapped> {
        self.each(address, data.len(), |cache, slot, within, part| {
            // SAFETY: as for `read`.
            unsafe { copy_in(cache.window.page(slot), within, &data[part]) }
        })
    }

    /// Drops all mappings.
    pub fn forget(&self) {
        let mut cache = self.cache.borrow_mut();
        let all: Vec<_> = core::mem::take(&mut cache.slots).into_values().collect();
        cache.drop_slots(&all);
    }

    /// How many pages are mapped now.
    pub fn mapped(&self) -> usize {
        self.cache.borrow().slots.len()
    }

    /// Calls `f` for each page of the access with its slot, mapped.
    fn each(
        &self,
        address: u64,
        len: usize,
        mut f: impl FnMut(&Cache, usize, usize, core::ops::Range<usize>),
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
            cache.ensure(self.guest, from, until)?;
            for gfn in from..=until {
                let Some((_, within, part)) = pieces.next() else {
                    return Ok(());
                };
                f(&cache, cache.slots[&gfn], within, part);
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
    /// Maps what is not mapped of the guest frames `from` to `until`.
    fn ensure(&mut self, guest: Guest, from: u64, until: u64) -> Result<(), Unmapped> {
        let mut missing = Vec::new();
        for gfn in from..=until {
            match self.slots.get(&gfn) {
                Some(slot) => self.shown[*slot] = Some((gfn, true)),
                None => missing.push(gfn),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.make_room(missing.len(), from..=until);
        let pages: Vec<_> = missing
            .iter()
            .map(|gfn| (self.free.pop().expect("room was made"), Frame::Guest(*gfn)))
            .collect();
        let result = self.window.map(guest, &pages);
        let mapped = match result {
            Ok(()) => pages.len(),
            Err((index, _)) => index,
        };
        for (index, ((slot, _), gfn)) in pages.iter().zip(&missing).enumerate() {
            if index < mapped {
                self.slots.insert(*gfn, *slot);
                self.shown[*slot] = Some((*gfn, true));
            } else {
                self.free.push(*slot);
            }
        }
        result.map_err(|(index, reason)| Unmapped {
            address: missing.get(index).unwrap_or(&from) * PAGE_SIZE as u64,
            reason,
        })
    }

    /// Makes sure that `count` slots are free, dropping pages that were not used
    /// for long, some more than needed: each flush costs as much as the next.
    fn make_room(&mut self, count: usize, but: core::ops::RangeInclusive<u64>) {
        if self.free.len() >= count {
            return;
        }
        let mut victims = Vec::new();
        // Twice around meets every page unused at least once.
        for _ in 0..2 * self.shown.len() {
            if victims.len() >= count.max(RUN / 2) {
                break;
            }
            self.hand = (self.hand + 1) % self.shown.len();
            match self.shown[self.hand] {
                Some((gfn, _)) if but.contains(&gfn) => {}
                Some((gfn, true)) => self.shown[self.hand] = Some((gfn, false)),
                Some((gfn, false)) => {
                    // A second lap must not take it again.
                    self.shown[self.hand] = None;
                    self.slots.remove(&gfn);
                    victims.push(self.hand);
                }
                None => {}
            }
        }
        self.drop_slots(&victims);
    }

    /// Empties slots that no frame has any more.
    fn drop_slots(&mut self, slots: &[usize]) {
        // SAFETY: no copy is under way (the cache is borrowed for it), and nothing
        // else uses the pages.
        unsafe { self.window.unmap(slots) };
        for slot in slots {
            self.shown[*slot] = None;
        }
        self.free.extend(slots);
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
    fn a_full_cache_makes_room_and_keeps_what_is_in_use() {
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
