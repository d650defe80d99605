//! Everybody who waits for one thing to happen.
//!
//! A task that is polled again without having been served adds itself again;
//! it is kept once. Waking happens with the wakers taken out of whatever cell
//! they were in: a waker may do as it likes.

use alloc::vec::Vec;
use core::task::Waker;

/// Wakers of those who wait, each once.
#[derive(Default)]
pub(crate) struct Waiters(Vec<Waker>);

impl Waiters {
    pub(crate) const fn new() -> Self {
        Waiters(Vec::new())
    }

    /// `waker` waits, too.
    pub(crate) fn add(&mut self, waker: &Waker) {
        if !self.0.iter().any(|known| known.will_wake(waker)) {
            self.0.push(waker.clone());
        }
    }

    /// All of them, to be woken outside of any borrow.
    #[must_use]
    pub(crate) fn take(&mut self) -> Waiters {
        core::mem::take(self)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Wake each of them.
    pub(crate) fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Arc;
    use alloc::task::Wake;
    use core::sync::atomic::{AtomicU32, Ordering};

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn each_is_woken_once_however_often_it_was_added() {
        let (a, b) = (Arc::new(Count::default()), Arc::new(Count::default()));
        let mut waiters = Waiters::new();
        for _ in 0..3 {
            waiters.add(&Waker::from(a.clone()));
            waiters.add(&Waker::from(b.clone()));
        }
        assert_eq!(waiters.0.len(), 2);
        waiters.take().wake();
        waiters.take().wake();
        let woken = |count: &Count| count.0.load(Ordering::Relaxed);
        assert_eq!((woken(&a), woken(&b)), (1, 1));
    }
}
