//! A function's interrupt pin.

use core::cell::Cell;

use crate::surroundings::Line;

/// The pin of one function. The function sets it by what its own registers
/// say; COMMAND may keep it from showing.
pub struct IntxPin {
    line: Line,
    number: u8,
    level: Cell<bool>,
    disabled: Cell<bool>,
}

impl IntxPin {
    /// Pin `number` (INTA is 0) whose level goes out on `line`.
    pub fn new(line: Line, number: u8) -> Self {
        IntxPin {
            line,
            number,
            level: Cell::new(false),
            disabled: Cell::new(false),
        }
    }

    /// Which pin it is; INTA is 0.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The function asks for an interrupt, or has got what it wanted.
    pub fn set(&self, level: bool) {
        self.level.set(level);
        self.line.set(level && !self.disabled.get());
    }

    /// Whether the function asks for one.
    pub fn level(&self) -> bool {
        self.level.get()
    }

    /// COMMAND's interrupt disable bit.
    pub(super) fn disable(&self, disabled: bool) {
        self.disabled.set(disabled);
        self.line.set(self.level.get() && !disabled);
    }
}
