//! Where the beam is: bits 0 and 3 of input status register 1, by the clock.
//!
//! Programs wait for the vertical retrace to change things unseen, and some
//! measure the frame rate by it. No beam moves here; its place follows from the
//! time and the CRTC's timing registers.

use super::ports::{CLOCKING_MODE, OVERFLOW, Ports, RETRACE_END};

/// Bit 0: not displaying, in either direction.
const DISPLAY_DISABLED: u8 = 1;
/// Bit 3: vertical retrace.
const VERTICAL_RETRACE: u8 = 8;

/// Frame times that make sense, in ns: 20 to 200 Hz.
const FRAMES: core::ops::RangeInclusive<u64> = 5_000_000..=50_000_000;

/// The frame of 640x480 at 60 Hz: 525 lines of 800 dots.
const STANDARD: Timing = Timing {
    line_ns: 31_778,
    shown_ns: 25_422,
    lines: 525,
    shown: 480,
    retrace: 490,
    retrace_lines: 2,
};

/// One frame, in lines and nanoseconds.
struct Timing {
    line_ns: u64,
    shown_ns: u64,
    lines: u64,
    shown: u64,
    retrace: u64,
    retrace_lines: u64,
}

impl Timing {
    fn of(ports: &Ports) -> Self {
        let crtc = |index: usize| u64::from(ports.crtc[index]);
        let overflow = |bit8: u32, bit9: u32| {
            (crtc(OVERFLOW) >> bit8 & 1) << 8 | (crtc(OVERFLOW) >> bit9 & 1) << 9
        };
        let clocking = ports.sequencer[CLOCKING_MODE];
        let dots = if clocking & 1 != 0 { 8 } else { 9 } << (clocking >> 3 & 1);
        // Picoseconds a dot: 25.175 and 28.322 MHz.
        let dot_ps = if ports.misc >> 2 & 3 == 1 {
            35_308
        } else {
            39_722
        };
        let ns = |characters: u64| characters * dots * dot_ps / 1000;
        let retrace = crtc(0x10) | overflow(2, 7);
        // The end register has the low four bits of the line where it ends.
        let retrace_lines = (crtc(RETRACE_END).wrapping_sub(retrace) & 0xf).max(1);
        let timing = Timing {
            line_ns: ns(crtc(0) + 5),
            shown_ns: ns(crtc(1) + 1),
            lines: (crtc(6) | overflow(0, 5)) + 2,
            shown: (crtc(0x12) | overflow(1, 6)) + 1,
            retrace,
            retrace_lines,
        };
        if FRAMES.contains(&(timing.line_ns * timing.lines)) {
            timing
        } else {
            STANDARD
        }
    }
}

/// Bits 0 and 3 of input status register 1 at this time.
pub(super) fn input_status(ports: &Ports, now_ns: u64) -> u8 {
    let timing = Timing::of(ports);
    let at = now_ns % (timing.line_ns * timing.lines);
    let (line, within) = (at / timing.line_ns, at % timing.line_ns);
    let mut status = 0;
    if line >= timing.shown || within >= timing.shown_ns {
        status |= DISPLAY_DISABLED;
    }
    if line.wrapping_sub(timing.retrace) < timing.retrace_lines {
        status |= VERTICAL_RETRACE | DISPLAY_DISABLED;
    }
    status
}
