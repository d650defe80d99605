//! Keys typed while nobody listens, kept for whoever does next.
//!
//! During a transfer the keyboard is looked at for the key that ends it; the
//! others are meant for the menu or the prompt that follows.

#![forbid(unsafe_code)]

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::RefCell;

/// How many bytes are kept; what is typed beyond them is lost.
const MOST: usize = 256;

/// A queue of key bytes with two ends.
#[derive(Debug, Clone, Default)]
pub struct Typeahead(Rc<RefCell<VecDeque<u8>>>);

impl Typeahead {
    /// Keeps `byte`, as long as there is room.
    pub fn keep(&self, byte: u8) {
        let mut kept = self.0.borrow_mut();
        if kept.len() < MOST {
            kept.push_back(byte);
        }
    }

    /// The byte that was kept first.
    #[must_use]
    pub fn take(&self) -> Option<u8> {
        self.0.borrow_mut().pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_in_first_out_and_no_more_than_fits() {
        let typed = Typeahead::default();
        let other = typed.clone();
        assert_eq!(other.take(), None);
        b"\x1b[A".iter().for_each(|&byte| typed.keep(byte));
        assert_eq!(other.take(), Some(0x1b));
        (0..1000).for_each(|_| typed.keep(b'x'));
        let rest: Vec<u8> = core::iter::from_fn(|| other.take()).collect();
        assert_eq!(rest.len(), MOST);
        assert!(rest.starts_with(b"[Axx"));
        assert_eq!(typed.take(), None);
    }
}
