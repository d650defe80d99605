//! The heap: `alloc`'s collections, over talc, growing out of the frame allocator.
//!
//! Small things live here; whole files live in [`super::PageBuf`]. A request
//! that the heap cannot serve makes it claim more frames, at least
//! [`STEP`] pages if there are as many side by side, once and for all.

use core::alloc::Layout;

use spin::Mutex;
use talc::TalcLock;
use talc::base::Talc;
use talc::base::binning::Binning;
use talc::source::Source;

use super::{PAGE_SIZE, Pfn, frame};

/// Pages claimed at a time: 256 KiB.
const STEP: usize = 64;

#[global_allocator]
static HEAP: TalcLock<Mutex<()>, Frames> = TalcLock::new(Frames);

/// Where talc gets memory from.
#[derive(Debug)]
struct Frames;

// SAFETY:
// - no re-entry: the frame allocator keeps its lists in the frames themselves
//   and never allocates;
// - no endless loop: `Ok` only after a claim that holds the request.
unsafe impl Source for Frames {
    fn acquire<B: Binning>(talc: &mut Talc<Self, B>, layout: Layout) -> Result<(), ()> {
        // Room for the request at any alignment, and for talc's own tags.
        let bytes = layout
            .size()
            .checked_add(layout.align())
            .ok_or(())?
            .checked_add(PAGE_SIZE)
            .ok_or(())?;
        let needed = bytes.div_ceil(PAGE_SIZE);
        let (start, pages): (Pfn, usize) = frame::alloc(needed.max(STEP))
            .map(|start| (start, needed.max(STEP)))
            .or_else(|_| frame::alloc(needed).map(|start| (start, needed)))
            .map_err(drop)?;
        // SAFETY: fresh frames, mapped, given to talc for good.
        unsafe { talc.claim(start.address() as *mut u8, pages * PAGE_SIZE) }
            .map(drop)
            .ok_or(())
    }
}
