//! The terminal as the loader sees it: bytes out, key bytes in, a clock.
//!
//! The unikernel implements this over the PV console; the tests over a
//! scripted keyboard and a vt100 model. Everything above it is pure.

use super::paint::Look;

/// Where a guest's menu can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outputs {
    /// On its PV console.
    pub console: bool,
    /// On its frame buffer.
    pub graphics: bool,
}

/// A vt100 terminal of 80 columns and 24 rows, and a monotonic clock.
///
/// All calls block; the implementor runs its event loop underneath.
pub trait Terminal {
    /// Writes `bytes` (ASCII, UTF-8 and vt100 escapes). None may be lost: the
    /// call waits while the other side does not read.
    fn write(&mut self, bytes: &[u8]);

    /// The next byte typed, or `None` once [`now`](Terminal::now) has reached
    /// `deadline` (nanoseconds on the same clock).
    ///
    /// A byte that waits already is returned even if the deadline is past. The
    /// caller asks once per wait, never in a loop, so the implementor may sleep
    /// in one go until the byte or the deadline; without a deadline until the
    /// byte.
    fn read_key_byte(&mut self, deadline: Option<u64>) -> Option<u8>;

    /// Monotonic time in nanoseconds, from any start.
    fn now(&self) -> u64;

    /// Whether there is a frame buffer.
    fn has_graphics(&self) -> bool {
        false
    }

    /// Changes how the frame buffer looks, if there is one; it is drawn anew.
    fn dress(&mut self, change: &mut dyn FnMut(&mut Look)) {
        let _ = change;
    }

    /// From now on shows everything on these, and takes keys from them; those
    /// that are not there do not count. Says whether one of them is.
    fn select(&mut self, outputs: Outputs) -> bool {
        outputs.console
    }
}
