//! An interrupt line that several chips hold up together.

use core::cell::Cell;

use crate::surroundings::Line;

/// The line and who holds it up. It is high as long as anybody does.
pub struct SharedLine {
    line: Line,
    askers: Cell<u8>,
}

impl SharedLine {
    /// Nobody asks.
    pub fn new(line: Line) -> Self {
        SharedLine {
            line,
            askers: Cell::new(0),
        }
    }

    /// Asker number `asker` (0 to 7) asks, or has got what it wanted.
    pub fn set(&self, asker: u8, level: bool) {
        let bit = 1 << (asker & 7);
        let others = self.askers.get() & !bit;
        self.askers.set(others | if level { bit } else { 0 });
        self.line.set(self.askers.get() != 0);
    }
}
