//! Shared memory within one thread, in place of a page shared between domains.

use crate::ring::Memory;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

/// Some bytes with any number of owners.
#[derive(Clone, Debug)]
pub struct Page(Rc<RefCell<Vec<u8>>>);

impl Page {
    /// Zeros.
    pub fn new(bytes: usize) -> Self {
        Self(Rc::new(RefCell::new(vec![0; bytes])))
    }
}

impl Memory for Page {
    fn size(&self) -> usize {
        self.0.borrow().len()
    }

    fn load(&self, at: usize) -> u32 {
        let mut bytes = [0; 4];
        self.read(at, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn store(&self, at: usize, value: u32) {
        self.write(at, &value.to_le_bytes());
    }

    fn fence(&self) {}

    fn read(&self, at: usize, to: &mut [u8]) {
        let bytes = self.0.borrow();
        let end = at.saturating_add(to.len());
        match bytes.get(at..end) {
            Some(from) => to.copy_from_slice(from),
            None => to.fill(0),
        }
    }

    fn write(&self, at: usize, from: &[u8]) {
        let mut bytes = self.0.borrow_mut();
        let end = at.saturating_add(from.len());
        if let Some(to) = bytes.get_mut(at..end) {
            to.copy_from_slice(from);
        }
    }
}

impl crate::vchan::Atomic for Page {
    fn compare_exchange(&self, at: usize, current: u16, new: u16) -> Result<u16, u16> {
        let mut bytes = [0; 2];
        self.read(at, &mut bytes);
        let now = u16::from_le_bytes(bytes);
        if now == current {
            self.write(at, &new.to_le_bytes());
            Ok(now)
        } else {
            Err(now)
        }
    }
}

/// Several pages, one after the other.
#[derive(Clone, Debug)]
pub struct Joined<P>(pub Vec<P>);

impl<P: Memory> Joined<P> {
    /// Calls `f(page, offset in it, range of the bytes)` for every page that `len` bytes from `at` touch.
    fn each(&self, at: usize, len: usize, mut f: impl FnMut(&P, usize, core::ops::Range<usize>)) {
        let (mut base, mut done) = (0, 0);
        for page in &self.0 {
            let end = base + page.size();
            while done < len && at + done < end {
                let n = (len - done).min(end - at - done);
                f(page, at + done - base, done..done + n);
                done += n;
            }
            base = end;
        }
    }
}

impl<P: Memory> Memory for Joined<P> {
    fn size(&self) -> usize {
        self.0.iter().map(Memory::size).sum()
    }

    fn load(&self, at: usize) -> u32 {
        let mut value = 0;
        self.each(at, 4, |page, at, _| value = page.load(at));
        value
    }

    fn store(&self, at: usize, value: u32) {
        self.each(at, 4, |page, at, _| page.store(at, value));
    }

    fn fence(&self) {}

    fn read(&self, at: usize, to: &mut [u8]) {
        self.each(at, to.len(), |page, at, range| {
            page.read(at, to.get_mut(range).unwrap_or_default())
        });
    }

    fn write(&self, at: usize, from: &[u8]) {
        self.each(at, from.len(), |page, at, range| {
            page.write(at, from.get(range).unwrap_or_default())
        });
    }
}
