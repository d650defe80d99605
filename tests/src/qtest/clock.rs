//! The virtual clock: it stands still until a client moves it.

use ioemu_stub::surroundings::Clock;
use std::cell::Cell;

/// Nanoseconds since the start, as the client set them.
#[derive(Default)]
pub struct VirtualClock {
    now: Cell<u64>,
}

impl VirtualClock {
    /// Moves it on to `now_ns`; it never goes back.
    pub fn set(&self, now_ns: u64) {
        self.now.set(self.now.get().max(now_ns));
    }
}

impl Clock for VirtualClock {
    fn now_ns(&self) -> u64 {
        self.now.get()
    }
}
