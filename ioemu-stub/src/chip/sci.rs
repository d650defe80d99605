//! The system control interrupt: ISA interrupt 9, asked for by several parts
//! of the ACPI hardware.

use core::cell::Cell;

use crate::surroundings::Line;

/// Who asks for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The fixed events: buttons, the timer.
    Pm1 = 1,
    /// The general purpose events.
    Gpe0 = 2,
}

/// The interrupt line and who holds it up.
pub struct Sci {
    line: Line,
    asking: Cell<u8>,
}

impl Sci {
    /// Which ISA interrupt it is.
    pub const IRQ: u8 = 9;

    /// Nobody asks.
    pub fn new(line: Line) -> Self {
        Sci {
            line,
            asking: Cell::new(0),
        }
    }

    /// `source` asks, or has got what it wanted.
    pub fn set(&self, source: Source, level: bool) {
        let others = self.asking.get() & !(source as u8);
        self.asking
            .set(others | if level { source as u8 } else { 0 });
        self.line.set(self.asking.get() != 0);
    }
}
