//! Grant references as owned values: letting one other domain use one page.
//!
//! Version 1 entries (grant_table.h). The table starts with one page and grows
//! as needed, up to what the toolstack allows. References 0 to 7 are reserved;
//! the toolstack has put the console and store rings there, and they are
//! left as they are.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;
use core::mem::offset_of;

use xen_sys::grant_table::*;

use crate::arch;
use crate::hypercall::{self, Errno};
use crate::local::cpu_local;
use crate::mm::{Mfn, PAGE_SIZE, PageBuf};
use crate::shared::Shared;

const PER_PAGE: usize = PAGE_SIZE / size_of::<GrantEntryV1>();

type Page = Shared<[GrantEntryV1; PER_PAGE]>;

struct Table {
    pages: Vec<Page>,
    free: Vec<u32>,
}

cpu_local! {
    static TABLE: Table = Table { pages: Vec::new(), free: Vec::new() };
}

/// No reference is left, and the table cannot grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoGrants(pub Errno);

impl fmt::Display for NoGrants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no grant reference left: {}", self.0)
    }
}

/// The peer still uses the page.
#[derive(Debug)]
pub struct GrantBusy(pub Grant);

impl Table {
    fn entry(&self, reference: u32) -> Option<(&Page, usize)> {
        let at = reference as usize;
        Some((
            self.pages.get(at / PER_PAGE)?,
            at % PER_PAGE * size_of::<GrantEntryV1>(),
        ))
    }

    /// Double the table.
    fn grow(&mut self) -> Result<(), NoGrants> {
        let (_, max) = hypercall::grant_query_size().map_err(NoGrants)?;
        let have = self.pages.len();
        let want = (have * 2).max(1).min(max as usize);
        if want <= have {
            return Err(NoGrants(Errno(xen_sys::errno::XEN_ENOSPC)));
        }
        let mut frames = alloc::vec![0u64; want];
        hypercall::grant_setup_table(&mut frames).map_err(NoGrants)?;
        for (at, &frame) in frames.iter().enumerate().skip(have) {
            self.pages
                .push(arch::map_grant_frame(at, Mfn(frame)).map_err(NoGrants)?);
        }
        let first = (have * PER_PAGE).max(GNTTAB_NR_RESERVED_ENTRIES as usize) as u32;
        self.free.extend((first..(want * PER_PAGE) as u32).rev());
        Ok(())
    }

    fn take(&mut self) -> Result<u32, NoGrants> {
        if self.free.is_empty() {
            self.grow()?;
        }
        self.free
            .pop()
            .ok_or(NoGrants(Errno(xen_sys::errno::XEN_ENOSPC)))
    }

    fn publish(&self, reference: u32, entry: GrantEntryV1) {
        if let Some((page, offset)) = self.entry(reference) {
            page.set(offset + offset_of!(GrantEntryV1, frame), entry.frame);
            page.set(offset + offset_of!(GrantEntryV1, domid), entry.domid);
            // The flags make it valid, so they come last.
            Page::full_fence();
            page.set(offset + offset_of!(GrantEntryV1, flags), entry.flags);
        }
    }

    /// Invalidate an entry unless the peer is using it.
    fn retract(&mut self, reference: u32) -> bool {
        let Some((page, offset)) = self.entry(reference) else {
            return false;
        };
        let at = offset + offset_of!(GrantEntryV1, flags);
        let mut flags: u16 = page.get(at);
        loop {
            if flags & (GTF_READING | GTF_WRITING) != 0 {
                return false;
            }
            match page.compare_exchange_u16(at, flags, GTF_INVALID) {
                Ok(_) => break,
                Err(now) => flags = now,
            }
        }
        self.free.push(reference);
        true
    }
}

/// One page lent to one domain.
///
/// The page must stay allocated until [`Grant::end`] says so, or for ever:
/// dropping a grant that the peer still uses gives up the reference, loudly.
#[derive(Debug)]
pub struct Grant(u32);

impl Grant {
    /// Let domain `peer` map or copy the page `frame`. Whoever calls this answers
    /// for the page (see above), and that nobody has a slice of it while the peer
    /// may write; hence not for everybody: [`GrantedPages`] is.
    pub(crate) fn new(peer: u16, frame: Mfn, readonly: bool) -> Result<Grant, NoGrants> {
        // Version 1 entries hold 32 bits; Xen gives PV guests no frame beyond.
        let number =
            u32::try_from(frame.0).map_err(|_| NoGrants(Errno(xen_sys::errno::XEN_EINVAL)))?;
        TABLE.with_borrow_mut(|table| {
            let reference = table.take()?;
            let flags = GTF_PERMIT_ACCESS | if readonly { GTF_READONLY } else { 0 };
            table.publish(
                reference,
                GrantEntryV1 {
                    flags,
                    domid: peer,
                    frame: number,
                },
            );
            Ok(Grant(reference))
        })
    }

    /// Its number, for the peer.
    pub fn reference(&self) -> u32 {
        self.0
    }

    /// Take the page back. Fails while the peer has it mapped.
    pub fn end(self) -> Result<(), GrantBusy> {
        let ended = TABLE.with_borrow_mut(|table| table.retract(self.0));
        if !ended {
            return Err(GrantBusy(self));
        }
        core::mem::forget(self);
        Ok(())
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        if !TABLE.with_borrow_mut(|table| table.retract(self.0)) {
            log::error!(
                "grant {}: still in use by the peer, reference given up",
                self.0
            );
        }
    }
}

/// Pages of ours that a peer shares for as long as this lives: a ring.
///
/// If the peer still has them mapped at the end, they are never reused.
#[derive(Debug)]
pub struct GrantedPages {
    grants: Vec<Grant>,
    pages: Rc<PageBuf>,
}

impl GrantedPages {
    /// Zeroed pages for `len` bytes, writable by `peer`.
    pub fn new(peer: u16, len: usize) -> Result<GrantedPages, GrantError> {
        let pages = Rc::new(PageBuf::new(len)?);
        let grants = (0..pages.pages())
            .map(|at| Grant::new(peer, pages.mfn(at), false))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(GrantedPages { grants, pages })
    }

    /// The references, in order.
    pub fn references(&self) -> impl Iterator<Item = u32> + '_ {
        self.grants.iter().map(Grant::reference)
    }

    /// The memory, as a structure the peer may write.
    pub fn shared<T>(&self) -> Shared<T> {
        Shared::from_pages(self.pages.clone())
    }
}

impl Drop for GrantedPages {
    fn drop(&mut self) {
        let busy = self
            .grants
            .drain(..)
            .filter_map(|grant| grant.end().err())
            .collect::<Vec<_>>();
        if !busy.is_empty() {
            log::error!(
                "{} shared pages are still mapped by the peer and stay out of use",
                busy.len()
            );
            // One owner more than there are: the frames are never freed.
            core::mem::forget(self.pages.clone());
            busy.into_iter().for_each(core::mem::forget);
        }
    }
}

/// Pages of ours that a peer may read, but not write, for as long as this
/// lives: what is to be sent. Since nobody else writes to them, they are plain
/// bytes to us.
///
/// If the peer still has them mapped at the end, they are never reused.
#[derive(Debug)]
pub struct ReadOnlyPages {
    grants: Vec<Grant>,
    pages: Option<PageBuf>,
}

impl ReadOnlyPages {
    /// Zeroed pages for `len` bytes, readable by `peer`.
    pub fn new(peer: u16, len: usize) -> Result<ReadOnlyPages, GrantError> {
        let pages = PageBuf::new(len)?;
        let grants = (0..pages.pages())
            .map(|at| Grant::new(peer, pages.mfn(at), true))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(ReadOnlyPages {
            grants,
            pages: Some(pages),
        })
    }

    /// Reference of page `page`; `None` if there is no such page.
    pub fn reference(&self, page: usize) -> Option<u32> {
        self.grants.get(page).map(Grant::reference)
    }

    /// The bytes.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.pages.as_deref_mut().unwrap_or_default()
    }
}

impl Drop for ReadOnlyPages {
    fn drop(&mut self) {
        let busy = self
            .grants
            .drain(..)
            .filter_map(|grant| grant.end().err())
            .collect::<Vec<_>>();
        if !busy.is_empty() {
            log::error!(
                "{} pages are still mapped by the peer and stay out of use",
                busy.len()
            );
            core::mem::forget(self.pages.take());
            busy.into_iter().for_each(core::mem::forget);
        }
    }
}

/// Why pages could not be shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantError {
    /// No memory for them.
    Memory(crate::mm::OutOfMemory),
    /// No reference for them.
    Grants(NoGrants),
}

impl From<crate::mm::OutOfMemory> for GrantError {
    fn from(error: crate::mm::OutOfMemory) -> Self {
        GrantError::Memory(error)
    }
}

impl From<NoGrants> for GrantError {
    fn from(error: NoGrants) -> Self {
        GrantError::Grants(error)
    }
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GrantError::Memory(error) => error.fmt(f),
            GrantError::Grants(error) => error.fmt(f),
        }
    }
}

/// How many references are in use; for tests and the hand-over to a next kernel.
pub fn in_use() -> usize {
    TABLE.with_borrow(|table| {
        let all = table.pages.len() * PER_PAGE;
        all.saturating_sub(GNTTAB_NR_RESERVED_ENTRIES as usize)
            .saturating_sub(table.free.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(reference: u32) -> GrantEntryV1 {
        TABLE.with_borrow(|table| {
            table
                .entry(reference)
                .map(|(page, offset)| page.get(offset))
                .unwrap()
        })
    }

    /// What Xen does when the peer maps a page for writing.
    fn peer_maps(reference: u32, mapped: bool) {
        TABLE.with_borrow(|table| {
            let (page, offset) = table.entry(reference).unwrap();
            let flags: u16 = page.get(offset);
            let busy = GTF_READING | GTF_WRITING;
            page.set(offset, if mapped { flags | busy } else { flags & !busy });
        });
    }

    #[test]
    fn an_entry_names_peer_frame_and_rights_and_is_cleared_at_the_end() {
        let grant = Grant::new(3, Mfn(0x1234), true).unwrap();
        let reference = grant.reference();
        assert!(reference >= 8, "the first eight are reserved");
        let e = entry(reference);
        // grant_table.h: GTF_permit_access 1, GTF_readonly 4.
        assert_eq!((e.flags, e.domid, e.frame), (5, 3, 0x1234));
        grant.end().unwrap();
        assert_eq!(entry(reference).flags, 0);
        assert_eq!(
            Grant::new(0, Mfn(1), false).unwrap().reference(),
            reference,
            "reused"
        );
    }

    #[test]
    fn a_page_in_use_is_not_taken_back() {
        let grant = Grant::new(3, Mfn(1), false).unwrap();
        let reference = grant.reference();
        peer_maps(reference, true);
        let GrantBusy(grant) = grant.end().unwrap_err();
        peer_maps(reference, false);
        grant.end().unwrap();
    }

    #[test]
    fn the_table_grows_and_then_says_that_it_is_full() {
        let mut grants = Vec::new();
        let error = loop {
            match Grant::new(0, Mfn(7), false) {
                Ok(grant) => grants.push(grant),
                Err(error) => break error,
            }
        };
        assert!(
            grants.len() > 2 * 512,
            "more than two pages: {}",
            grants.len()
        );
        assert_eq!(in_use(), grants.len());
        assert!(error.to_string().contains("no grant reference left"));
        drop(grants);
        assert_eq!(in_use(), 0);
    }

    #[test]
    fn shared_pages_still_mapped_at_the_end_are_never_reused() {
        drop(GrantedPages::new(0, PAGE_SIZE).unwrap()); // makes the table
        let free = crate::mm::free_pages();
        drop(GrantedPages::new(0, PAGE_SIZE).unwrap());
        assert_eq!(crate::mm::free_pages(), free);
        let pages = GrantedPages::new(0, PAGE_SIZE).unwrap();
        peer_maps(pages.references().next().unwrap(), true);
        drop(pages);
        assert_eq!(crate::mm::free_pages(), free - 1);
    }

    #[test]
    fn what_is_only_read_is_granted_so_and_kept_while_it_is_mapped() {
        drop(ReadOnlyPages::new(0, PAGE_SIZE).unwrap()); // makes the table
        let free = crate::mm::free_pages();
        let mut pages = ReadOnlyPages::new(2, 2 * PAGE_SIZE).unwrap();
        assert_eq!(pages.bytes_mut().len(), 2 * PAGE_SIZE);
        let first = pages.reference(0).unwrap();
        // grant_table.h: GTF_permit_access 1, GTF_readonly 4.
        assert_eq!((entry(first).flags, entry(first).domid), (5, 2));
        assert_eq!(pages.reference(2), None);
        drop(pages);
        assert_eq!(crate::mm::free_pages(), free);
        let pages = ReadOnlyPages::new(2, PAGE_SIZE).unwrap();
        peer_maps(pages.reference(0).unwrap(), true);
        drop(pages);
        assert_eq!(crate::mm::free_pages(), free - 1);
    }
}
