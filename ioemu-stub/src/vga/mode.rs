//! What the registers say the picture is.
//!
//! A picture is the raster as a monitor would show it: as many pixels as dots
//! in a line, as many lines as are scanned, so that 320x200 becomes 640x400 and
//! the pictures of old programs keep their shape.

use super::dispi::{Dispi, Frame};
use super::ports::*;

/// Addresses of a plane.
const PLANE_MASK: u64 = 0xffff;

/// What is shown, and how large.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// What pixels are made of.
    pub content: Content,
}

/// What pixels are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    /// Black.
    Blank,
    /// Characters; dots of each across, and how often each dot is shown.
    Text {
        /// 8 or 9.
        dots: u32,
        /// 1 or 2.
        repeat: u32,
    },
    /// VGA's own graphics modes.
    Graphics {
        /// How a character clock's bytes become pixels.
        shift: Shift,
        /// How often each dot is shown: 1 or 2.
        repeat: u32,
    },
    /// A DISPI mode of four planes.
    Planes(Frame),
    /// A DISPI mode with pixels of a byte or more.
    Linear(Frame),
}

/// How the serialisers make pixels of the four planes' bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shift {
    /// Eight pixels, a bit from each plane.
    Planar,
    /// Four pixels of two bits from planes 0 and 2, then from 1 and 3.
    Interleaved,
    /// Four pixels of a byte, each two dots wide.
    Bytes,
}

/// Where a line of the raster comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// The memory address counter at its start.
    pub base: u64,
    /// The row scan counter.
    pub row_scan: u32,
    /// Dots to leave out on the left.
    pub panning: u32,
}

impl Picture {
    /// What these registers show. What has no size of its own keeps that of `last`.
    pub fn of(ports: &Ports, dispi: &Dispi, last: &Picture) -> Self {
        let blank = Picture {
            content: Content::Blank,
            ..*last
        };
        if ports.attribute_index & PALETTE_ADDRESS_SOURCE == 0
            || ports.sequencer[CLOCKING_MODE] & 0x20 != 0
        {
            return blank;
        }
        if dispi.enabled() {
            return match dispi.frame() {
                Some(frame) => Picture {
                    width: frame.width,
                    height: frame.height,
                    content: match frame.bpp {
                        4 => Content::Planes(frame),
                        _ => Content::Linear(frame),
                    },
                },
                None => blank,
            };
        }
        Self::of_vga(ports)
    }

    fn of_vga(ports: &Ports) -> Self {
        let clocking = ports.sequencer[CLOCKING_MODE];
        let repeat = 1 << (clocking >> 3 & 1);
        let characters = u32::from(ports.crtc[HORIZONTAL_END]) + 1;
        let overflow = u32::from(ports.crtc[OVERFLOW]);
        let end = u32::from(ports.crtc[VERTICAL_END])
            | (overflow >> 1 & 1) << 8
            | (overflow >> 6 & 1) << 9;
        let (dots, content) = if ports.is_text() {
            let dots = if clocking & 1 != 0 { 8 } else { 9 };
            (dots, Content::Text { dots, repeat })
        } else {
            let shift = match ports.graphics[GRAPHICS_MODE] >> 5 & 3 {
                0 => Shift::Planar,
                1 => Shift::Interleaved,
                _ => Shift::Bytes,
            };
            (8, Content::Graphics { shift, repeat })
        };
        Picture {
            width: characters * dots * repeat,
            height: end + 1,
            content,
        }
    }
}

/// Where line `y` of a VGA picture comes from.
pub(super) fn line(ports: &Ports, y: u32) -> Line {
    let crtc = |index: usize| u32::from(ports.crtc[index]);
    let compare =
        crtc(LINE_COMPARE) | (crtc(OVERFLOW) >> 4 & 1) << 8 | (crtc(MAXIMUM_SCAN) >> 6 & 1) << 9;
    let pitch = u64::from(crtc(OFFSET)) * 2;
    let height = (crtc(MAXIMUM_SCAN) & 0x1f) + 1;
    let double = crtc(MAXIMUM_SCAN) >> 7;
    let panning = u32::from(ports.attribute[PIXEL_PANNING]);
    if y > compare {
        // The lower half of a split screen starts at address 0, row scan 0.
        let row = (y - compare - 1) >> double;
        let compatible = ports.attribute[ATTRIBUTE_MODE] & 0x20 != 0;
        return Line {
            base: u64::from(row / height) * pitch,
            row_scan: row % height,
            panning: if compatible { 0 } else { panning },
        };
    }
    let preset = crtc(PRESET_ROW_SCAN);
    let row = (y >> double) + (preset & 0x1f);
    let start = ports.crtc_word(START_HIGH, START_LOW) + (preset >> 5 & 3);
    Line {
        base: u64::from(start) + u64::from(row / height) * pitch,
        row_scan: row % height,
        panning,
    }
}

/// The address in the planes for a memory address counter: byte, word or
/// doubleword mode, and the CGA's and Hercules' interleaved lines.
pub(super) fn address(ports: &Ports, counter: u64, row_scan: u32) -> u64 {
    let mode = ports.crtc[MODE_CONTROL];
    let bit = |n: u32| counter >> n & 1;
    let mut address = if ports.crtc[UNDERLINE] & 0x40 != 0 {
        counter << 2 | bit(13) << 1 | bit(12)
    } else if mode & 0x40 == 0 {
        counter << 1 | if mode & 0x20 != 0 { bit(15) } else { bit(13) }
    } else {
        counter
    };
    let row_scan = u64::from(row_scan);
    if mode & 1 == 0 {
        address = address & !(1 << 13) | (row_scan & 1) << 13;
    }
    if mode & 2 == 0 {
        address = address & !(1 << 14) | (row_scan >> 1 & 1) << 14;
    }
    address & PLANE_MASK
}

/// The palette entry's DAC index for four bits of a pixel.
pub(super) fn palette(ports: &Ports, pixel: u8) -> u8 {
    let pixel = pixel & ports.attribute[PLANE_ENABLE] & 0xf;
    let color = ports.attribute[usize::from(pixel)];
    let select = ports.attribute[COLOR_SELECT];
    if ports.attribute[ATTRIBUTE_MODE] & 0x80 != 0 {
        color & 0x0f | select << 4
    } else {
        color & 0x3f | (select & 0x0c) << 4
    }
}
