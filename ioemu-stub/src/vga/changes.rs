//! What changed since somebody last looked.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use core::task::Waker;

use super::dispi::Frame;
use super::mode::{self, Content, Picture};
use super::ports::Ports;
use super::text::Blink;
use crate::display::{Direct, Geometry, PixelFormat, Rect};
use crate::surroundings::VideoMemory;

/// Bytes of a page of display memory.
const PAGE: u64 = 4096;
/// Bytes that VGA's own modes can reach: four planes of 64 KiB.
const VGA_BYTES: u64 = 0x4_0000;

/// The record.
pub(super) struct Changes {
    /// A bit for each page of display memory.
    pages: Vec<u8>,
    /// Everything looks different.
    all: bool,
    /// Cells of text may: the cursor moved, or the start.
    cells: bool,
    /// Plane 2 or 3 was written: perhaps a font.
    fonts: bool,
    /// There is something to look at.
    any: bool,
    waker: Option<Waker>,
    /// As last shown.
    blink: Blink,
}

impl Changes {
    /// For `bytes` bytes of display memory, of which nothing has been seen.
    pub fn new(bytes: usize) -> Self {
        Changes {
            pages: vec![0; bytes.div_ceil(PAGE as usize).div_ceil(8)],
            all: true,
            cells: false,
            fonts: true,
            any: true,
            waker: None,
            blink: Blink::REST,
        }
    }

    /// Whether there is something to look at; if not, `waker` will be woken.
    pub fn poll(&mut self, waker: &Waker) -> bool {
        if !self.any && !self.waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
            self.waker = Some(waker.clone());
        }
        self.any
    }

    fn saw(&mut self) {
        self.any = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Everything looks different.
    pub fn saw_all(&mut self) {
        self.all = true;
        self.saw();
    }

    /// Cells may be elsewhere.
    pub fn saw_cells(&mut self) {
        self.cells = true;
        self.saw();
    }

    /// The guest wrote `len` bytes at `at`.
    pub fn saw_bytes(&mut self, at: u64, len: u64) {
        for page in at / PAGE..=at.saturating_add(len.saturating_sub(1)) / PAGE {
            if let Some(byte) = self.pages.get_mut(page as usize / 8) {
                *byte |= 1 << (page % 8);
            }
        }
        self.saw();
    }

    /// The guest wrote these planes at byte `at` of display memory.
    pub fn saw_planes(&mut self, at: u64, planes: u8) {
        if planes == 0 {
            return;
        }
        self.fonts |= planes & 0b1100 != 0;
        self.saw_bytes(at, 4);
    }

    /// Begins a look: takes what the guest wrote to `span` (bytes of display
    /// memory) by itself. Says whether everything looks different.
    pub fn begin(&mut self, memory: &dyn VideoMemory, span: Option<Range<u64>>) -> bool {
        if let Some(span) = span {
            let pages = (span.start / PAGE) as usize..span.end.div_ceil(PAGE) as usize;
            let mut dirty = vec![0; pages.len().div_ceil(8)];
            memory.take_dirty(pages.clone(), &mut dirty);
            for (i, page) in pages.enumerate() {
                if dirty[i / 8] >> (i % 8) & 1 != 0
                    && let Some(byte) = self.pages.get_mut(page / 8)
                {
                    *byte |= 1 << (page % 8);
                }
            }
        }
        self.all
    }

    /// Ends it: nothing has changed since.
    pub fn end(&mut self) {
        (self.all, self.cells, self.fonts, self.any) = (false, false, false, false);
        self.pages.fill(0);
    }

    /// Whether fonts may have changed.
    pub fn fonts(&self) -> bool {
        self.fonts
    }

    /// Whether all cells are to be compared.
    pub fn cells(&self, blink: Blink) -> bool {
        self.cells || self.blink != blink
    }

    /// What blinks is shown so.
    pub fn blinked(&mut self, blink: Blink) {
        self.blink = blink;
    }

    /// Whether one of `len` bytes from `start` on changed.
    pub fn touches(&self, start: u64, len: u64) -> bool {
        let Some(end) = start.checked_add(len) else {
            return true;
        };
        let mut pages = start / PAGE..end.div_ceil(PAGE);
        pages.any(|page| {
            let byte = self.pages.get(page as usize / 8).copied().unwrap_or(0);
            byte >> (page % 8) & 1 != 0
        })
    }

    /// The lines of a VGA graphics mode that changed.
    pub fn graphics_rows(&self, ports: &Ports, picture: &Picture, repeat: u32) -> Vec<Rect> {
        if !self.touches(0, VGA_BYTES) {
            return Vec::new();
        }
        // With what panning adds.
        let characters = u64::from(picture.width.div_ceil(8 * repeat)) + 1;
        rows(picture, |y| {
            let line = mode::line(ports, y);
            let at = |character| mode::address(ports, line.base + character, line.row_scan) * 4;
            let (first, last) = (at(0), at(characters - 1));
            if first <= last {
                self.touches(first, last + 4 - first)
            } else {
                // Around the end of the planes.
                self.touches(0, VGA_BYTES)
            }
        })
    }

    /// The lines of a DISPI mode that changed.
    pub fn frame_rows(&self, picture: &Picture, frame: &Frame) -> Vec<Rect> {
        let whole = frame_bytes(frame);
        if !self.touches(whole.start, whole.end - whole.start) {
            return Vec::new();
        }
        let (unit, len) = line_bytes(frame);
        rows(picture, |y| {
            self.touches((frame.start + u64::from(y) * frame.stride) * unit, len)
        })
    }
}

/// Bytes of display memory for each byte of a frame's stride, and bytes of a line.
fn line_bytes(frame: &Frame) -> (u64, u64) {
    match frame.bpp {
        4 => (4, u64::from(frame.width).div_ceil(8) * 4),
        bpp => (1, u64::from(frame.width) * u64::from(bpp.div_ceil(8))),
    }
}

/// The bytes of display memory that a frame takes.
pub(super) fn frame_bytes(frame: &Frame) -> Range<u64> {
    let (unit, len) = line_bytes(frame);
    let last = frame.start + u64::from(frame.height.saturating_sub(1)) * frame.stride;
    frame.start * unit..last * unit + len
}

/// Whole lines for which `changed` holds, neighbours together.
fn rows(picture: &Picture, changed: impl Fn(u32) -> bool) -> Vec<Rect> {
    let mut rects: Vec<Rect> = Vec::new();
    for y in (0..picture.height).filter(|y| changed(*y)) {
        match rects.last_mut() {
            Some(last) if last.y + last.height == y => last.height += 1,
            _ => rects.push(Rect {
                x: 0,
                y,
                width: picture.width,
                height: 1,
            }),
        }
    }
    rects
}

impl Picture {
    /// All of it.
    pub fn whole(&self) -> Rect {
        Rect {
            x: 0,
            y: 0,
            width: self.width,
            height: self.height,
        }
    }
}

/// How viewers see a picture.
pub(super) fn geometry(picture: &Picture) -> Geometry {
    let direct = match picture.content {
        Content::Linear(frame) => {
            let format = match frame.bpp {
                32 => Some(PixelFormat::Xrgb8888),
                16 => Some(PixelFormat::Rgb565),
                _ => None,
            };
            format.map(|format| Direct {
                format,
                offset: frame.start,
                stride: frame.stride,
            })
        }
        _ => None,
    };
    Geometry {
        width: picture.width,
        height: picture.height,
        direct,
    }
}
