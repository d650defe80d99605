//! Which machine frame goes where: a permutation of the domain's pages.
//!
//! The pages of a kernel that was read and unpacked lie where the loader's
//! memory had room. Instead of copying them to the pages the new domain wants
//! them in, their machine frames trade places in a new p2m list. This file
//! keeps that list as a permutation of the old one: pure numbers; `jump.rs`
//! makes them true.

#![forbid(unsafe_code)]

use alloc::vec::Vec;

/// The new order of the domain's frames. Pages are numbered as before
/// ("origin") and as the next kernel will see them ("target").
pub struct Exchange {
    /// Origin of the frame at each target.
    origin: Vec<u32>,
    /// Target of the frame from each origin: the inverse.
    target: Vec<u32>,
}

impl Exchange {
    /// Everything where it is. `None` without memory for it (8 bytes a page),
    /// or beyond 2^32 pages (16 TiB).
    #[must_use]
    pub fn new(pages: u64) -> Option<Self> {
        let pages = u32::try_from(pages).ok()?;
        let order = || {
            let mut order = Vec::new();
            order.try_reserve_exact(pages as usize).ok()?;
            order.extend(0..pages);
            Some(order)
        };
        Some(Exchange {
            origin: order()?,
            target: order()?,
        })
    }

    /// Put the frame from `origin` at `target`; what was there goes where that
    /// frame came from. `None` if there are no such pages.
    pub fn put(&mut self, target: u64, origin: u64) -> Option<()> {
        let (target, origin) = (u32::try_from(target).ok()?, u32::try_from(origin).ok()?);
        let displaced = *self.origin.get(target as usize)?;
        let from = *self.target.get(origin as usize)?;
        *self.origin.get_mut(from as usize)? = displaced;
        *self.target.get_mut(displaced as usize)? = from;
        *self.origin.get_mut(target as usize)? = origin;
        *self.target.get_mut(origin as usize)? = target;
        Some(())
    }

    /// Whose frame is at `target`.
    #[must_use]
    pub fn origin(&self, target: u64) -> Option<u64> {
        let target = usize::try_from(target).ok()?;
        self.origin.get(target).map(|&origin| u64::from(origin))
    }

    /// Where the frame from `origin` is.
    #[must_use]
    pub fn target(&self, origin: u64) -> Option<u64> {
        let origin = usize::try_from(origin).ok()?;
        self.target.get(origin).map(|&target| u64::from(target))
    }

    /// Pages whose frame is another one than before: target and origin.
    pub fn moved(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let pairs = (0u64..).zip(self.origin.iter().map(|&origin| u64::from(origin)));
        pairs.filter(|(target, origin)| target != origin)
    }

    /// Origins in order of target: the new p2m list, through the old one.
    pub fn origins(&self) -> &[u32] {
        &self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(exchange: &Exchange) -> Vec<u64> {
        (0..6)
            .map(|target| exchange.origin(target).unwrap())
            .collect()
    }

    #[test]
    fn frames_trade_places_also_in_chains() {
        let mut exchange = Exchange::new(6).unwrap();
        exchange.put(0, 3).unwrap();
        assert_eq!(order(&exchange), [3, 1, 2, 0, 4, 5]);
        // The page that was at 0 is at 3 now, and still found.
        exchange.put(1, 0).unwrap();
        assert_eq!(order(&exchange), [3, 0, 2, 1, 4, 5]);
        // Overlapping runs, as when a kernel is unpacked just behind its place.
        exchange.put(3, 4).unwrap();
        exchange.put(4, 5).unwrap();
        assert_eq!(order(&exchange), [3, 0, 2, 4, 5, 1]);
        exchange.put(2, 2).unwrap();
        assert_eq!(exchange.moved().count(), 5);
    }

    #[test]
    fn it_stays_a_permutation_whatever_is_put_where() {
        let mut exchange = Exchange::new(64).unwrap();
        let mut state = 1u64;
        for _ in 0..1000 {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let (target, origin) = (state >> 33 & 63, state >> 43 & 63);
            exchange.put(target, origin).unwrap();
            assert_eq!(exchange.origin(target), Some(origin));
            for page in 0..64 {
                assert_eq!(exchange.target(exchange.origin(page).unwrap()), Some(page));
            }
        }
    }

    #[test]
    fn pages_that_are_not_there_are_refused() {
        let mut exchange = Exchange::new(4).unwrap();
        assert_eq!(exchange.put(4, 0), None);
        assert_eq!(exchange.put(0, 4), None);
        assert_eq!(exchange.put(u64::MAX, 0), None);
        assert_eq!(exchange.moved().count(), 0, "nothing half done");
        assert!(Exchange::new(1 << 33).is_none());
        assert!(Exchange::new(u64::MAX).is_none());
    }
}
