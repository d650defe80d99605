//! How much may be read to answer one question, and so how much memory that
//! takes.
//!
//! `lamxfs` keeps what it reads of a log, a folder or the map of a file, and
//! has limits of its own, but for servers with memory to spare. Whatever it
//! keeps it has read, so that is counted here, where it reads.

use alloc::collections::BTreeSet;
use core::cell::{Cell, RefCell};
use core::ops::Range;

/// Bytes of the log that are read when the file system is opened. They are in
/// memory twice then.
const LOG: u64 = 16 << 20;
/// Pages of so many bytes that replaying it looks at; what it changes of them
/// stays in memory.
const PAGE: u64 = 4096;
const PAGES: usize = 4096;
/// Bytes of folders, maps and inodes read for one question: a folder of some
/// 100,000 long names (as NixOS has one), a file in 400,000 pieces.
const QUESTION: u64 = 8 << 20;

/// What may still be read.
#[derive(Debug)]
pub struct Limits {
    log: Range<u64>,
    log_left: Cell<u64>,
    /// The pages looked at while opening; `None` afterwards.
    pages: RefCell<Option<BTreeSet<u64>>>,
    left: Cell<u64>,
    exceeded: Cell<bool>,
}

impl Limits {
    /// For opening a file system whose log is there.
    pub fn opening(log: Range<u64>) -> Self {
        Limits {
            log,
            log_left: Cell::new(LOG),
            pages: RefCell::new(Some(BTreeSet::new())),
            left: Cell::new(0),
            exceeded: Cell::new(false),
        }
    }

    /// From now on it is open: a question comes, whose answer has room for
    /// `room` bytes.
    pub fn question(&self, room: u64) {
        self.pages.replace(None);
        self.left.set(room.saturating_add(QUESTION));
        self.exceeded.set(false);
    }

    /// Whether something was too much.
    pub fn exceeded(&self) -> bool {
        self.exceeded.get()
    }

    /// Counts a read; false if it is too much.
    pub fn may_read(&self, offset: u64, length: u64) -> bool {
        let may = match &mut *self.pages.borrow_mut() {
            Some(_) if self.log.contains(&offset) => take(&self.log_left, length),
            Some(pages) => {
                let last = offset.saturating_add(length) / PAGE;
                for page in (offset / PAGE..=last).take(PAGES) {
                    pages.insert(page);
                }
                pages.len() < PAGES
            }
            None => take(&self.left, length),
        };
        if !may {
            self.exceeded.set(true);
        }
        may
    }
}

fn take(left: &Cell<u64>, length: u64) -> bool {
    let rest = left.get().checked_sub(length);
    left.set(rest.unwrap_or(0));
    rest.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many reads in steps of `step` from `start` on are allowed.
    fn reads(limits: &Limits, start: u64, step: u64) -> u64 {
        let offsets = (0u64..).map(|n| start + n * step);
        let allowed = offsets.take_while(|offset| limits.may_read(*offset, 512));
        allowed.take(1 << 20).count() as u64
    }

    #[test]
    fn counted() {
        let log = 1 << 30..2 << 30;
        let limits = Limits::opening(log.clone());
        assert_eq!(reads(&limits, log.start, 512) * 512, LOG);
        assert!(limits.exceeded());
        let limits = Limits::opening(log.clone());
        assert!(reads(&limits, 0, 1 << 16) < PAGES as u64);
        assert!(limits.exceeded());
        // The same again and again takes no memory.
        let limits = Limits::opening(log);
        assert_eq!(reads(&limits, 4096, 0), 1 << 20);
        assert!(!limits.exceeded());
        for _ in 0..2 {
            limits.question(1 << 20);
            assert!(!limits.exceeded());
            assert_eq!(reads(&limits, 0, 0) * 512, QUESTION + (1 << 20));
            assert!(limits.exceeded());
        }
    }
}
