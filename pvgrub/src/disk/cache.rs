//! A small page cache below the file systems.
//!
//! Metadata is read in pieces of a few bytes to a few kilobytes that lie
//! close together, and a request to the backend costs far more than the
//! bytes it carries; so small reads go through sixteen pages of 32 KiB
//! (512 KiB in all, for all disks together), the least recently used one
//! making room. Large reads go past the cache straight into the caller's
//! buffer, but for the odd bytes before the first and behind the last whole
//! sector: the device below only ever sees whole sectors.

use super::{BlockDevice, DiskError, check_range};
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use zerocopy::{FromZeros, IntoBytes};

/// Bytes of a cache page, as many as one request with indirect segments
/// carries at ease.
const PAGE: u64 = 32 * 1024;
const PAGES: usize = 16;
/// Reads from this size on do not go through the cache.
const BYPASS: usize = 32 * 1024;

/// Aligned as a frame of memory, so that the device can be given the frames
/// themselves.
#[derive(Clone, Copy, zerocopy::FromBytes, zerocopy::IntoBytes, zerocopy::Immutable)]
#[repr(C, align(4096))]
struct Frame([u8; 4096]);

/// Which page of which device.
type Key = (usize, u64);

struct Page {
    key: Option<Key>,
    used: u64,
    frames: Vec<Frame>,
}

#[derive(Default)]
struct State {
    pages: Vec<Page>,
    clock: u64,
    devices: usize,
}

/// Pages that the caches of all disks share; allocated as they are needed.
#[derive(Clone, Default)]
pub struct Pool(Rc<RefCell<State>>);

impl Pool {
    /// Drops all cached bytes.
    pub fn forget(&self) {
        self.0.borrow_mut().pages.clear();
    }
}

/// A device with a cache in front. What is written through it is read anew;
/// [`Pool::forget`] is for those who write past it.
pub struct Cache {
    device: Rc<dyn BlockDevice>,
    pool: Pool,
    /// Tells its pages from those of other devices.
    number: usize,
}

impl Cache {
    /// Puts a cache of its own in front of `device`.
    #[must_use]
    pub fn new(device: Rc<dyn BlockDevice>) -> Self {
        Self::in_pool(device, &Pool::default())
    }

    /// Puts a cache in front of `device` that takes its pages from `pool`.
    #[must_use]
    pub fn in_pool(device: Rc<dyn BlockDevice>, pool: &Pool) -> Self {
        let mut state = pool.0.borrow_mut();
        let number = state.devices;
        state.devices = state.devices.saturating_add(1);
        Cache {
            device,
            pool: pool.clone(),
            number,
        }
    }

    /// Copies the part of page `number` from `start` on into `buf`.
    fn read_page(&self, number: u64, start: usize, buf: &mut [u8]) -> Result<(), DiskError> {
        let key = (self.number, number);
        if self.pool.0.borrow_mut().copy(key, start, buf) {
            return Ok(());
        }
        // The page is out of the cache while the device fills it: reading
        // lets other tasks run, which may come here too.
        let mut page = self.pool.0.borrow_mut().take_oldest();
        let offset = number.saturating_mul(PAGE);
        let length = self.device.len().saturating_sub(offset).min(PAGE);
        let length = usize::try_from(length).unwrap_or(0);
        let bytes = page
            .frames
            .as_mut_bytes()
            .get_mut(..length)
            .unwrap_or_default();
        if self.device.read_at(offset, bytes).is_err() {
            // One bad sector must not cost its neighbours.
            return self.read_exactly(offset.saturating_add(start as u64), buf);
        }
        page.key = Some(key);
        let mut state = self.pool.0.borrow_mut();
        state.pages.push(page);
        state.copy(key, start, buf);
        Ok(())
    }

    /// Reads only the sectors that hold the wanted bytes.
    fn read_exactly(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        let sector = u64::from(self.device.sector_size()).max(1);
        let start = offset - offset % sector;
        let end = offset
            .saturating_add(buf.len() as u64)
            .next_multiple_of(sector);
        let length = end.min(self.device.len()).saturating_sub(start);
        let mut sectors = vec![0; usize::try_from(length).unwrap_or(0)];
        self.device.read_at(start, &mut sectors)?;
        let skip = usize::try_from(offset - start).unwrap_or(0);
        for (to, from) in buf.iter_mut().zip(sectors.iter().skip(skip)) {
            *to = *from;
        }
        Ok(())
    }

    /// A read through the pages.
    fn read_cached(&self, mut offset: u64, mut buf: &mut [u8]) -> Result<(), DiskError> {
        while !buf.is_empty() {
            let start = offset % PAGE;
            let here = usize::try_from(PAGE - start).unwrap_or(0).min(buf.len());
            let (now, rest) = buf.split_at_mut(here);
            self.read_page(offset / PAGE, usize::try_from(start).unwrap_or(0), now)?;
            offset = offset.saturating_add(here as u64);
            buf = rest;
        }
        Ok(())
    }
}

impl State {
    /// Copies out of a page that is there; whether it was.
    fn copy(&mut self, key: Key, start: usize, buf: &mut [u8]) -> bool {
        let Some(page) = self.pages.iter_mut().find(|page| page.key == Some(key)) else {
            return false;
        };
        self.clock = self.clock.wrapping_add(1);
        page.used = self.clock;
        match page
            .frames
            .as_bytes()
            .get(start..)
            .and_then(|bytes| bytes.get(..buf.len()))
        {
            Some(bytes) => buf.copy_from_slice(bytes),
            None => return false,
        }
        true
    }

    /// A page to fill: a new one, or the least recently used one.
    fn take_oldest(&mut self) -> Page {
        let oldest = (0..self.pages.len()).min_by_key(|at| self.pages.get(*at).map(|p| p.used));
        if let Some(at) = oldest.filter(|_| self.pages.len() >= PAGES) {
            let mut page = self.pages.swap_remove(at);
            page.key = None;
            return page;
        }
        let frames = vec![Frame::new_zeroed(); usize::try_from(PAGE / 4096).unwrap_or(0)];
        Page {
            key: None,
            used: 0,
            frames,
        }
    }
}

impl BlockDevice for Cache {
    fn sector_size(&self) -> u32 {
        self.device.sector_size()
    }

    fn len(&self) -> u64 {
        self.device.len()
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        if self.device.is_empty() {
            // It may know better why than that it has an end.
            return self.device.read_at(offset, buf);
        }
        check_range(offset, buf.len(), self.device.len())?;
        if buf.len() < BYPASS {
            return self.read_cached(offset, buf);
        }
        let sector = u64::from(self.device.sector_size()).max(1);
        let body = offset.next_multiple_of(sector);
        let head = usize::try_from(body - offset).unwrap_or(0);
        let whole = (buf.len() as u64 - head as u64) / sector * sector;
        let (before, rest) = buf.split_at_mut(head);
        let (whole, after) = rest.split_at_mut(usize::try_from(whole).unwrap_or(0));
        let end = body + whole.len() as u64;
        self.read_cached(offset, before)?;
        self.device.read_at(body, whole)?;
        self.read_cached(end, after)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        check_range(offset, bytes.len(), self.device.len())?;
        let result = self.device.write_at(offset, bytes);
        // Also after a failure: any part may be on the disk.
        let last = offset.saturating_add(bytes.len() as u64);
        let stale = offset / PAGE..last.div_ceil(PAGE);
        self.pool.0.borrow_mut().pages.retain(
            |page| !matches!(page.key, Some((device, page)) if device == self.number && stale.contains(&page)),
        );
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device that counts what it is asked for and refuses odd requests.
    struct Disk {
        bytes: Vec<u8>,
        reads: RefCell<Vec<(u64, usize)>>,
        bad: u64,
    }

    impl BlockDevice for Disk {
        fn sector_size(&self) -> u32 {
            512
        }

        fn len(&self) -> u64 {
            self.bytes.len() as u64
        }

        fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
            assert_eq!(offset % 512, 0);
            assert_eq!(buf.len() % 512, 0);
            self.reads.borrow_mut().push((offset, buf.len()));
            if (offset..offset + buf.len() as u64).contains(&self.bad) {
                let length = buf.len() as u64;
                return Err(DiskError::Io {
                    offset,
                    length,
                    reason: "bad".into(),
                });
            }
            self.bytes.read_at(offset, buf)
        }
    }

    fn disk(length: usize, bad: u64) -> Rc<Disk> {
        let bytes = (0..length).map(|at| (at / 7 % 251) as u8).collect();
        Rc::new(Disk {
            bytes,
            reads: RefCell::default(),
            bad,
        })
    }

    fn check(cache: &Cache, disk: &Disk, offset: usize, length: usize) {
        let mut buf = vec![0xee; length];
        cache.read_at(offset as u64, &mut buf).unwrap();
        assert_eq!(
            buf,
            disk.bytes[offset..offset + length],
            "{length} bytes at {offset}"
        );
    }

    #[test]
    fn small_reads_share_pages() {
        let disk = disk(1 << 20, u64::MAX);
        let cache = Cache::new(disk.clone());
        for offset in (0..32768).step_by(511) {
            check(&cache, &disk, offset, 100);
        }
        // The last read reached into the second page.
        assert_eq!(*disk.reads.borrow(), [(0, 32768), (32768, 32768)]);
        cache.pool.forget();
        check(&cache, &disk, 5, 5);
        assert_eq!(disk.reads.borrow().len(), 3);
    }

    #[test]
    fn large_reads_bypass() {
        let disk = disk(1 << 20, u64::MAX);
        let cache = Cache::new(disk.clone());
        check(&cache, &disk, 4096, 500_000);
        // 499712 = 976 sectors; the rest of the last one comes by a page.
        assert_eq!(*disk.reads.borrow(), [(4096, 499_712), (491_520, 32768)]);
        check(&cache, &disk, 1000, 100_000);
    }

    #[test]
    fn short_last_page_and_end() {
        let disk = disk(33 * 1024, u64::MAX);
        let cache = Cache::new(disk.clone());
        check(&cache, &disk, 33 * 1024 - 10, 10);
        check(&cache, &disk, 0, 33 * 1024);
        let past = cache.read_at(33 * 1024 - 10, &mut [0; 11]).unwrap_err();
        assert_eq!(past.number(), 24);
        assert!(cache.read_at(u64::MAX, &mut [0; 11]).is_err());
    }

    #[test]
    fn least_recently_used_goes() {
        let disk = disk(64 * 32768, u64::MAX);
        let cache = Cache::new(disk.clone());
        for round in 0..3 {
            for page in 0..PAGES {
                check(&cache, &disk, page * 32768 + round, 64);
            }
        }
        assert_eq!(disk.reads.borrow().len(), PAGES);
        check(&cache, &disk, 0, 64);
        check(&cache, &disk, 40 * 32768, 64); // evicts page 1
        check(&cache, &disk, 0, 64);
        assert_eq!(disk.reads.borrow().len(), PAGES + 1);
        check(&cache, &disk, 32768, 64);
        assert_eq!(disk.reads.borrow().len(), PAGES + 2);
    }

    #[test]
    fn devices_share_a_pool() {
        let (one, two) = (disk(1 << 20, u64::MAX), disk(2 << 20, u64::MAX));
        let pool = Pool::default();
        let caches = [
            Cache::in_pool(one.clone(), &pool),
            Cache::in_pool(two.clone(), &pool),
        ];
        for page in 0..PAGES / 2 {
            check(&caches[0], &one, page * 32768 + 1, 64);
            check(&caches[1], &two, page * 32768 + 2, 64);
            check(&caches[0], &one, page * 32768 + 3, 64);
        }
        assert_eq!(one.reads.borrow().len() + two.reads.borrow().len(), PAGES);
        assert_eq!(pool.0.borrow().pages.len(), PAGES);
    }

    #[test]
    fn bad_sector_costs_only_itself() {
        let disk = disk(1 << 20, 5000);
        let cache = Cache::new(disk.clone());
        check(&cache, &disk, 100, 600);
        let error = cache.read_at(4900, &mut [0; 300]).unwrap_err();
        assert_eq!(error.number(), 25);
    }
}
