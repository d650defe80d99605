//! Memory for requests: bounce buffers, pages of segments, and the caller's own pages.

use alloc::rc::Rc;
use alloc::vec::Vec;

use xen_proto::block::{DIRECT_SEGMENTS, PAGE};
use xen_proto::ring::Memory;

use crate::grant::{Grant, GrantError, GrantedPages};
use crate::mm::PageBuf;

/// Pages of a bounce buffer where the backend takes that many in a request.
const LARGE: usize = 32;

/// The memory of granted pages, `pages` of them (a power of two up to 32, or 11).
pub(super) fn memory(granted: &GrantedPages, pages: usize) -> Rc<dyn Memory> {
    match pages {
        LARGE.. => Rc::new(granted.shared::<[[u8; PAGE]; LARGE]>()),
        DIRECT_SEGMENTS.. => Rc::new(granted.shared::<[[u8; PAGE]; DIRECT_SEGMENTS]>()),
        4.. => Rc::new(granted.shared::<[[u8; PAGE]; 4]>()),
        2.. => Rc::new(granted.shared::<[[u8; PAGE]; 2]>()),
        _ => Rc::new(granted.shared::<[u8; PAGE]>()),
    }
}

/// Pages that stay granted to the backend from request to request.
pub(super) struct Buffer {
    memory: Rc<dyn Memory>,
    references: Vec<u32>,
    /// Ends the grants when the buffer goes.
    _granted: GrantedPages,
}

impl Buffer {
    /// As large as a request of at most `segments` segments needs it.
    pub fn new(peer: u16, segments: usize) -> Result<Buffer, GrantError> {
        let pages = if segments >= LARGE {
            LARGE
        } else {
            DIRECT_SEGMENTS
        };
        let granted = GrantedPages::new(peer, pages * PAGE)?;
        let references = granted.references().collect();
        Ok(Buffer {
            memory: memory(&granted, pages),
            references,
            _granted: granted,
        })
    }

    /// Bytes it holds.
    pub fn bytes(segments: usize) -> usize {
        if segments >= LARGE {
            LARGE * PAGE
        } else {
            DIRECT_SEGMENTS * PAGE
        }
    }

    /// Reference of page `page`.
    pub fn reference(&self, page: usize) -> u32 {
        self.references.get(page).copied().unwrap_or(0)
    }

    /// Its memory.
    pub fn memory(&self) -> &dyn Memory {
        &*self.memory
    }
}

/// A page that holds the segments of an indirect request.
pub(super) struct Descriptor {
    memory: Rc<dyn Memory>,
    granted: GrantedPages,
}

impl Descriptor {
    pub fn new(peer: u16) -> Result<Descriptor, GrantError> {
        let granted = GrantedPages::new(peer, PAGE)?;
        Ok(Descriptor {
            memory: memory(&granted, 1),
            granted,
        })
    }

    pub fn reference(&self) -> u32 {
        self.granted.references().next().unwrap_or(0)
    }

    pub fn write(&self, segments: &[u8]) {
        self.memory.write(0, segments);
    }
}

/// Pages of the caller's, lent to the backend for one request.
pub(super) struct Lent {
    grants: Vec<Grant>,
    pages: Option<Rc<PageBuf>>,
}

impl Lent {
    /// Pages `first..first + count` of `pages`.
    pub fn new(
        peer: u16,
        pages: &Rc<PageBuf>,
        first: usize,
        count: usize,
    ) -> Result<Lent, GrantError> {
        let mut lent = Lent {
            grants: Vec::with_capacity(count),
            pages: Some(pages.clone()),
        };
        for page in first..first + count {
            lent.grants.push(Grant::new(peer, pages.mfn(page), false)?);
        }
        Ok(lent)
    }

    /// Reference of its page `page`.
    pub fn reference(&self, page: usize) -> u32 {
        self.grants.get(page).map_or(0, Grant::reference)
    }

    /// Take the pages back; `false` if the backend still has one. Then they stay out of use for ever.
    pub fn take_back(&mut self) -> bool {
        let busy: Vec<_> = self
            .grants
            .drain(..)
            .filter_map(|grant| grant.end().err())
            .collect();
        if busy.is_empty() {
            self.pages = None;
            return true;
        }
        log::error!(
            "the backend keeps {} pages of a request: they stay out of use",
            busy.len()
        );
        // One owner more than there are: the frames are never freed, the references never reused.
        core::mem::forget(self.pages.take());
        busy.into_iter().for_each(core::mem::forget);
        false
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.take_back();
    }
}
