//! The frame buffer: a picture that a backend shows (`io/fbif.h`).
//!
//! Its pixels lie in pages that the frontend names by machine frame, through a
//! directory; one more page has their layout and two rings of events. The
//! frontend tells which part changed, the backend how often it looks.

use alloc::vec::Vec;
use core::mem::offset_of;

use xen_sys::io::fbif::*;
use zerocopy::IntoBytes;

use crate::ring::{EventRing, Memory};

/// Events from the backend.
pub const IN: EventRing = EventRing {
    data: XENFB_IN_RING_OFFS,
    event: XENFB_IN_EVENT_SIZE,
    len: (XENFB_IN_RING_SIZE / XENFB_IN_EVENT_SIZE) as u32,
    cons: offset_of!(XenfbPage, in_cons),
    prod: offset_of!(XenfbPage, in_prod),
};
/// Events to the backend.
pub const OUT: EventRing = EventRing {
    data: XENFB_OUT_RING_OFFS,
    event: XENFB_OUT_EVENT_SIZE,
    len: (XENFB_OUT_RING_SIZE / XENFB_OUT_EVENT_SIZE) as u32,
    cons: offset_of!(XenfbPage, out_cons),
    prod: offset_of!(XenfbPage, out_prod),
};

/// Frames that one page of the directory names.
pub const PER_DIRECTORY: usize = 4096 / 8;
/// Pages of the directory for which the shared page has room before its rings
/// begin: the header's figure of 256 reaches into them.
pub const DIRECTORIES: usize = (XENFB_IN_RING_OFFS - offset_of!(XenfbPage, pd)) / 8;

/// How the picture lies in the frame buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    /// Pixels across.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// From line to line, in bytes.
    pub stride: u32,
    /// Bits of a pixel: 32 (XRGB) or 16 (RGB 565).
    pub depth: u8,
    /// Of the first pixel, in bytes.
    pub offset: u32,
}

impl Layout {
    /// Whether the picture lies within `bytes` bytes.
    pub fn fits(&self, bytes: u64) -> bool {
        let line = u64::from(self.width) * u64::from(self.depth).div_ceil(8);
        let last = u64::from(self.height.saturating_sub(1)) * u64::from(self.stride);
        let end = u64::from(self.offset)
            .saturating_add(last)
            .saturating_add(line);
        let numbers = [self.width, self.height, self.stride, self.offset];
        line <= u64::from(self.stride)
            && end <= bytes
            && numbers.iter().all(|number| i32::try_from(*number).is_ok())
    }
}

/// What the frontend tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// This part changed.
    Update {
        /// The first column.
        x: u32,
        /// The first line.
        y: u32,
        /// Columns.
        width: u32,
        /// Lines.
        height: u32,
    },
    /// The picture lies otherwise.
    Resize(Layout),
}

impl Event {
    /// As it goes into the ring.
    pub fn bytes(&self) -> [u8; XENFB_OUT_EVENT_SIZE] {
        let signed = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        let mut bytes = [0; XENFB_OUT_EVENT_SIZE];
        let mut put = |event: &[u8]| {
            for (place, byte) in bytes.iter_mut().zip(event) {
                *place = *byte;
            }
        };
        match *self {
            Event::Update {
                x,
                y,
                width,
                height,
            } => put(XenfbUpdate {
                type_: XENFB_TYPE_UPDATE,
                gap: [0; 3],
                x: signed(x),
                y: signed(y),
                width: signed(width),
                height: signed(height),
            }
            .as_bytes()),
            Event::Resize(layout) => put(XenfbResize {
                type_: XENFB_TYPE_RESIZE,
                gap: [0; 3],
                width: signed(layout.width),
                height: signed(layout.height),
                stride: signed(layout.stride),
                depth: layout.depth.into(),
                offset: signed(layout.offset),
            }
            .as_bytes()),
        }
        bytes
    }
}

/// What the backend tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// It looks every so many ms; `None`: not at all.
    Period(Option<u32>),
    /// Something that this end does not know.
    Unknown(u8),
}

impl Told {
    /// As it came out of the ring.
    pub fn parse(event: &[u8; XENFB_IN_EVENT_SIZE]) -> Self {
        let [kind, _, _, _, a, b, c, d, ..] = *event;
        match kind {
            XENFB_TYPE_REFRESH_PERIOD => match u32::from_le_bytes([a, b, c, d]) {
                XENFB_NO_REFRESH => Told::Period(None),
                period => Told::Period(Some(period)),
            },
            kind => Told::Unknown(kind),
        }
    }
}

/// Writes the page for a backend that has not seen it yet: the layout, the size
/// of the frame buffer in bytes, and the frames of its directory.
pub fn write_page(page: &impl Memory, layout: &Layout, bytes: u32, directory: &[u64]) {
    let put = |at: usize, value: u32| page.write(at, &value.to_le_bytes());
    put(offset_of!(XenfbPage, width), layout.width);
    put(offset_of!(XenfbPage, height), layout.height);
    put(offset_of!(XenfbPage, line_length), layout.stride);
    put(offset_of!(XenfbPage, mem_length), bytes);
    page.write(offset_of!(XenfbPage, depth), &[layout.depth]);
    for (at, frame) in directory.iter().take(DIRECTORIES).enumerate() {
        page.write(offset_of!(XenfbPage, pd) + at * 8, &frame.to_le_bytes());
    }
}

/// The pages of a directory of these frames, to be written as they are.
pub fn directory(frames: &[u64]) -> Vec<Vec<u8>> {
    let pages = frames.chunks(PER_DIRECTORY);
    pages
        .map(|frames| {
            frames
                .iter()
                .flat_map(|frame| frame.to_le_bytes())
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::Page;
    use crate::ring::{EventReader, EventWriter, RingError};

    #[test]
    fn events_are_as_in_the_header() {
        let update = Event::Update {
            x: 1,
            y: 2,
            width: 3,
            height: 0x0102_0304,
        };
        let bytes = update.bytes();
        assert_eq!(
            bytes[..20],
            [2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 3, 2, 1]
        );
        assert_eq!(bytes[20..], [0; 20]);
        let resize = Event::Resize(Layout {
            width: 640,
            height: 480,
            stride: 2560,
            depth: 32,
            offset: 4096,
        });
        let bytes = resize.bytes();
        assert_eq!(
            (bytes[0], bytes[4], bytes[16], bytes[21]),
            (3, 0x80, 32, 0x10)
        );
        let mut period = [0; 40];
        (period[0], period[4], period[5]) = (1, 0xb8, 0x0b);
        assert_eq!(Told::parse(&period), Told::Period(Some(3000)));
        assert_eq!(Told::parse(&[0; 40]), Told::Unknown(0));
        period[4..6].fill(0);
        assert_eq!(Told::parse(&period), Told::Period(None));
    }

    #[test]
    fn a_layout_must_lie_in_its_memory() {
        let layout = Layout {
            width: 10,
            height: 3,
            stride: 64,
            depth: 32,
            offset: 100,
        };
        assert!(layout.fits(100 + 2 * 64 + 40));
        assert!(!layout.fits(100 + 2 * 64 + 39));
        let wide = Layout {
            width: 17,
            ..layout
        };
        assert!(!wide.fits(1 << 20), "lines overlap");
        let huge = Layout {
            height: u32::MAX,
            stride: u32::MAX,
            ..layout
        };
        assert!(!huge.fits(u64::MAX));
    }

    #[test]
    fn rings_wrap_where_their_events_do() {
        let page = Page::new(4096);
        let (mut out, mut back) = (
            EventWriter::attach(OUT, &page),
            EventReader::attach(OUT, &page),
        );
        // 51 events of 40 bytes in 2048.
        for round in 0..200u8 {
            assert!(out.write(&page, &[round; 40]).unwrap());
            let mut event = [0; 40];
            assert!(back.read(&page, &mut event).unwrap());
            assert_eq!(event, [round; 40]);
        }
        let written = (0..60).filter(|_| out.write(&page, &[7; 40]).unwrap());
        assert_eq!(written.count(), 51);
        let mut bytes = [0; 16];
        page.read(0, &mut bytes);
        assert_eq!(bytes[8..], [200, 0, 0, 0, 251, 0, 0, 0]);
        // A reader that has read more than was written.
        page.store(8, 252);
        assert!(matches!(
            out.write(&page, &[0; 40]),
            Err(RingError::Overrun { .. })
        ));
    }

    #[test]
    fn the_page_names_its_directory() {
        let page = Page::new(4096);
        let layout = Layout {
            width: 800,
            height: 600,
            stride: 3200,
            depth: 32,
            offset: 0,
        };
        write_page(&page, &layout, 1 << 21, &[0x1122, 0x3344]);
        let word = |at: usize| {
            let mut bytes = [0; 4];
            page.read(at, &mut bytes);
            u32::from_le_bytes(bytes)
        };
        let words = [16, 20, 24, 28, 32, 40, 48].map(word);
        assert_eq!(words, [800, 600, 3200, 1 << 21, 32, 0x1122, 0x3344]);
        let frames: Vec<u64> = (0..513).collect();
        let pages = directory(&frames);
        assert_eq!((pages.len(), pages[0].len(), pages[1].len()), (2, 4096, 8));
        assert_eq!(pages[1], [0, 2, 0, 0, 0, 0, 0, 0]);
    }
}
