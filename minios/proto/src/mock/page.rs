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
