//! Memory that a backend maps by machine frame instead of by grant, as those of
//! frame buffers and keyboards do.
//!
//! Nobody can tell when such a backend has let go but the backend itself, by
//! closing. So unless the owner says that it has ([`Frames::give_back`]), the
//! pages are never used for anything else.

use alloc::rc::Rc;
use alloc::vec::Vec;

use crate::mm::{Mfn, OutOfMemory, PAGE_SIZE, PageBuf};
use crate::shared::Shared;

/// Pages that are taken side by side.
const CHUNK: usize = 64;

type Chunk = Shared<[u8; CHUNK * PAGE_SIZE]>;

/// Pages of ours that another domain maps.
pub(super) struct Frames {
    chunks: Vec<(Chunk, Rc<PageBuf>)>,
    pages: usize,
}

impl Frames {
    /// At least `bytes` bytes, all zero.
    pub fn new(bytes: usize) -> Result<Self, OutOfMemory> {
        let pages = bytes.div_ceil(PAGE_SIZE);
        let mut frames = Frames {
            chunks: Vec::new(),
            pages,
        };
        for _ in 0..pages.div_ceil(CHUNK) {
            match PageBuf::new(CHUNK * PAGE_SIZE) {
                Ok(buffer) => {
                    let buffer = Rc::new(buffer);
                    frames
                        .chunks
                        .push((Shared::from_pages(buffer.clone()), buffer));
                }
                Err(error) => {
                    // Nobody has heard of them yet.
                    frames.give_back();
                    return Err(error);
                }
            }
        }
        Ok(frames)
    }

    /// Their machine frames.
    pub fn mfns(&self) -> impl Iterator<Item = Mfn> {
        let all = self
            .chunks
            .iter()
            .flat_map(|(_, buffer)| (0..buffer.pages()).map(|page| buffer.mfn(page)));
        all.take(self.pages)
    }

    /// In bytes.
    pub fn len(&self) -> usize {
        self.pages * PAGE_SIZE
    }

    /// Copies in from `offset` on. What lies outside is lost.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        let (mut offset, mut bytes) = (offset, bytes);
        while !bytes.is_empty() {
            let Some((chunk, _)) = self.chunks.get(offset / (CHUNK * PAGE_SIZE)) else {
                return;
            };
            let at = offset % (CHUNK * PAGE_SIZE);
            let (now, rest) = bytes.split_at(bytes.len().min(CHUNK * PAGE_SIZE - at));
            chunk.write_bytes(at, now);
            offset += now.len();
            bytes = rest;
        }
    }

    /// The other domain has let go of them.
    pub fn give_back(&mut self) {
        self.chunks.clear();
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        core::mem::forget(core::mem::take(&mut self.chunks));
    }
}

/// One page, with what else there is to know about a page that is lent so.
pub(super) struct FramePage {
    /// Its bytes.
    pub memory: Shared<[u8; PAGE_SIZE]>,
    buffer: Option<Rc<PageBuf>>,
}

impl FramePage {
    /// A page of zeros.
    pub fn new() -> Result<Self, OutOfMemory> {
        let buffer = Rc::new(PageBuf::new(PAGE_SIZE)?);
        Ok(FramePage {
            memory: Shared::from_pages(buffer.clone()),
            buffer: Some(buffer),
        })
    }

    /// Its machine frame.
    pub fn mfn(&self) -> Option<Mfn> {
        self.buffer.as_ref().map(|buffer| buffer.mfn(0))
    }

    /// The other domain has let go of it.
    pub fn give_back(&mut self) {
        self.buffer = None;
    }
}

impl Drop for FramePage {
    fn drop(&mut self) {
        core::mem::forget(self.buffer.take());
    }
}
