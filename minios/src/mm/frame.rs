//! Page frames: who owns which 4 KiB of the domain's RAM.
//!
//! Everything below `brk` has been handed out at least once and is mapped;
//! everything from `brk` to `end` is wilderness. Freed runs are kept in a list
//! sorted by address, its nodes inside the free frames themselves, merged with
//! their neighbours and with the wilderness. First fit: runs are few, and a
//! loader's big buffers come and go in order.
//!
//! Virtual and guest-physical addresses are the same number, so a run of
//! frames is a run of bytes.

use core::fmt;

use super::{PAGE_SIZE, Pfn};
use crate::arch;
use crate::local::cpu_local;

/// There is not that much memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory {
    /// Pages asked for.
    pub wanted: usize,
    /// Pages free in all, not necessarily side by side.
    pub free: usize,
}

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kib = |pages: usize| pages * (PAGE_SIZE / 1024);
        write!(
            f,
            "out of memory: {} KiB wanted, {} KiB free",
            kib(self.wanted),
            kib(self.free)
        )
    }
}

/// Head of a free run, stored in its first frame. `next` is 0 at the end.
#[derive(Clone, Copy)]
#[repr(C)]
struct Node {
    pages: usize,
    next: usize,
}

/// The allocator: plain numbers, its list lives in the free frames.
pub(super) struct Frames {
    first_free: usize,
    brk: usize,
    end: usize,
}

cpu_local! {
    pub(super) static FRAMES: Frames = Frames { first_free: 0, brk: 0, end: 0 };
}

impl Frames {
    fn node(pfn: usize) -> Node {
        // SAFETY:
        // - mapped and aligned: only frames below `brk` are put on the list;
        // - ours: a listed frame belongs to nobody else until it is unlinked.
        unsafe { ((pfn * PAGE_SIZE) as *const Node).read() }
    }

    fn set_node(pfn: usize, node: Node) {
        // SAFETY: as for `node`.
        unsafe { ((pfn * PAGE_SIZE) as *mut Node).write(node) }
    }

    fn link(&mut self, previous: Option<usize>, to: usize) {
        match previous {
            None => self.first_free = to,
            Some(pfn) => Self::set_node(
                pfn,
                Node {
                    next: to,
                    ..Self::node(pfn)
                },
            ),
        }
    }

    /// The free runs, in order of address.
    fn runs(&self) -> impl Iterator<Item = (usize, Node)> + use<> {
        let mut at = self.first_free;
        core::iter::from_fn(move || {
            (at != 0).then(|| {
                let (pfn, node) = (at, Self::node(at));
                at = node.next;
                (pfn, node)
            })
        })
    }

    fn free_pages(&self) -> usize {
        self.runs().map(|(_, node)| node.pages).sum::<usize>() + (self.end - self.brk)
    }

    fn take_from_list(&mut self, pages: usize) -> Option<usize> {
        let mut previous = None;
        for (pfn, node) in self.runs() {
            if node.pages >= pages {
                let rest = match node.pages - pages {
                    0 => node.next,
                    left => {
                        Self::set_node(
                            pfn + pages,
                            Node {
                                pages: left,
                                next: node.next,
                            },
                        );
                        pfn + pages
                    }
                };
                self.link(previous, rest);
                return Some(pfn);
            }
            previous = Some(pfn);
        }
        None
    }

    /// Cut `pages` from the wilderness, mapping more of it as needed. Page
    /// tables for the new mappings are cut first, so the run stays in one piece.
    fn take_from_wilderness(&mut self, pages: usize) -> Option<usize> {
        // Before anything is mapped for a run that cannot be had.
        if pages > self.end - self.brk {
            return None;
        }
        while arch::mapped_end() < (self.brk + pages + arch::TABLE_RESERVE).min(self.end) {
            let table = self.brk;
            self.brk += arch::map_more(table, self.end);
        }
        let start = self.brk;
        if pages > self.end - start {
            return None;
        }
        self.brk += pages;
        Some(start)
    }

    fn take(&mut self, pages: usize) -> Result<usize, OutOfMemory> {
        self.take_from_list(pages)
            .or_else(|| self.take_from_wilderness(pages))
            .ok_or_else(|| OutOfMemory {
                wanted: pages,
                free: self.free_pages(),
            })
    }

    fn give_back(&mut self, start: usize, pages: usize) {
        let (mut previous, mut next) = (None, self.first_free);
        while next != 0 && next < start {
            previous = Some((next, Self::node(next)));
            next = previous.map_or(0, |(_, node)| node.next);
        }
        let mut run = Node { pages, next };
        if next == start + pages {
            let following = Self::node(next);
            run = Node {
                pages: pages + following.pages,
                next: following.next,
            };
        }
        match previous {
            Some((pfn, node)) if pfn + node.pages == start => {
                Self::set_node(
                    pfn,
                    Node {
                        pages: node.pages + run.pages,
                        next: run.next,
                    },
                );
            }
            _ => {
                Self::set_node(start, run);
                self.link(previous.map(|(pfn, _)| pfn), start);
            }
        }
        self.return_top_to_wilderness();
    }

    /// If the last free run touches the wilderness, it becomes part of it.
    fn return_top_to_wilderness(&mut self) {
        let mut previous = None;
        for (pfn, node) in self.runs() {
            if node.next == 0 && pfn + node.pages == self.brk {
                self.brk = pfn;
                self.link(previous, 0);
                return;
            }
            previous = Some(pfn);
        }
    }
}

/// Hand the allocator its memory: frames `start..end`.
pub(crate) fn init(start: Pfn, end: Pfn) {
    FRAMES.with_borrow_mut(|frames| {
        (frames.brk, frames.end) = (start.0, end.0.max(start.0));
    });
}

/// Take `pages` frames that lie side by side. Their contents are arbitrary.
pub(crate) fn alloc(pages: usize) -> Result<Pfn, OutOfMemory> {
    arch::prepare();
    FRAMES.with_borrow_mut(|frames| frames.take(pages)).map(Pfn)
}

/// As [`alloc`], but not if fewer than `reserve` pages would then be free.
pub(crate) fn alloc_leaving(pages: usize, reserve: usize) -> Result<Pfn, OutOfMemory> {
    let free = free_pages();
    if pages > 0 && pages > free.saturating_sub(reserve) {
        return Err(OutOfMemory {
            wanted: pages,
            free,
        });
    }
    alloc(pages)
}

/// Give frames back.
///
/// # Safety
/// `start..start + pages` came from [`alloc`] (or from boot), is mapped
/// read-write, and nobody, no other domain included, uses it any more.
pub(crate) unsafe fn free(start: Pfn, pages: usize) {
    if pages > 0 {
        FRAMES.with_borrow_mut(|frames| frames.give_back(start.0, pages));
    }
}

/// Pages that are free, in all.
pub fn free_pages() -> usize {
    arch::prepare();
    FRAMES.with_borrow(Frames::free_pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn give_back(start: Pfn, pages: usize) {
        // SAFETY: the tests give back what they took, once.
        unsafe { free(start, pages) }
    }

    #[test]
    fn runs_are_reused_and_merge_back_into_the_wilderness() {
        let before = free_pages();
        let a = alloc(3).unwrap();
        let b = alloc(5).unwrap();
        let c = alloc(2).unwrap();
        assert_eq!(free_pages(), before - 10);
        give_back(b, 5);
        assert_eq!(alloc(4).unwrap(), b, "first fit");
        assert_eq!(alloc(1).unwrap(), Pfn(b.0 + 4), "the rest of the same run");
        give_back(Pfn(b.0 + 4), 1);
        give_back(a, 3);
        give_back(b, 4);
        assert_eq!(alloc(8).unwrap(), a, "three neighbours became one");
        give_back(a, 8);
        give_back(c, 2);
        assert_eq!(free_pages(), before);
        assert_eq!(
            FRAMES.with_borrow(|f| f.first_free),
            0,
            "all of it is wilderness again"
        );
    }

    /// Random requests against a model that is nothing but the set of pages.
    #[test]
    fn random_requests_agree_with_a_plain_set_of_pages() {
        let (free, ram) = (free_pages(), crate::arch::host::ram());
        let mut owner = vec![false; ram.len()];
        let mut held: Vec<(Pfn, usize)> = Vec::new();
        let mut state = 0x1234_5678_9abc_def0u64;
        let mut random = move |below: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 16) as usize % below
        };
        for round in 0..20_000 {
            // Grow for a while, then shrink, so that both ends are seen.
            let grow = if round / 2_000 % 2 == 0 { 3 } else { 1 };
            if random(4) < grow {
                let pages = match random(10) {
                    0 => 0,
                    1 => 1 + random(2_000),
                    _ => 1 + random(20),
                };
                let used = owner.iter().filter(|used| **used).count();
                match alloc(pages) {
                    Ok(start) => {
                        let at = start.0 - ram.start;
                        for page in &mut owner[at..at + pages] {
                            assert!(!core::mem::replace(page, true), "given out twice");
                        }
                        held.push((start, pages));
                    }
                    Err(error) => {
                        assert_eq!((error.wanted, error.free), (pages, free - used));
                        let room = owner.split(|used| *used).map(<[_]>::len).max();
                        // What the toy itself took lies at the start.
                        assert!(room.unwrap_or(0) < pages + ram.len() - free);
                    }
                }
            } else if !held.is_empty() {
                let (start, pages) = held.swap_remove(random(held.len()));
                let at = start.0 - ram.start;
                owner[at..at + pages].fill(false);
                // In two halves: what was one run need not come back as one.
                let half = random(pages + 1);
                give_back(Pfn(start.0 + half), pages - half);
                give_back(start, half);
            }
            if round % 500 == 0 {
                check_list(&owner, free);
            }
        }
        for (start, pages) in held {
            give_back(start, pages);
        }
        assert_eq!(free_pages(), free);
        assert_eq!(FRAMES.with_borrow(|frames| frames.first_free), 0);
    }

    /// Sorted, apart from each other and from the wilderness, and complete.
    fn check_list(owner: &[bool], free: usize) {
        let used = owner.iter().filter(|used| **used).count();
        assert_eq!(free_pages(), free - used);
        FRAMES.with_borrow(|frames| {
            let mut last = 0;
            for (pfn, node) in frames.runs() {
                assert!(pfn > last && node.pages > 0);
                last = pfn + node.pages;
                assert!(last < frames.brk, "merged with the wilderness");
            }
        });
    }

    #[test]
    fn an_impossible_request_says_what_is_left() {
        let free = free_pages();
        assert_eq!(
            alloc(free + 1),
            Err(OutOfMemory {
                wanted: free + 1,
                free
            })
        );
        assert_eq!(
            alloc(usize::MAX),
            Err(OutOfMemory {
                wanted: usize::MAX,
                free
            })
        );
    }
}
