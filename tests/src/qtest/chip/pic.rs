//! The two interrupt controllers 8259A (Intel's data sheet of that name) at
//! ports 0x20 and 0xa0, and their edge/level registers at 0x4d0.
//!
//! There is no processor to acknowledge an interrupt: a client does so with
//! the poll command.

use super::{read_bytes, write_bytes};
use ioemu_stub::bus::{Registers, Width};
use std::cell::RefCell;
use std::rc::Rc;

/// The input of the first controller that the second one drives.
const CASCADE: u8 = 2;

/// What the next write to the odd port is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Mask,
    Icw2,
    Icw3,
    Icw4,
}

struct Pic {
    expect: Expect,
    needs_icw4: bool,
    single: bool,
    level_triggered: bool,
    /// ELCR: inputs that are level triggered one by one.
    levels_select: u8,
    /// Which bits of it can be set.
    levels_possible: u8,
    lines: u8,
    requests: u8,
    mask: u8,
    in_service: u8,
    /// The input of lowest priority.
    lowest: u8,
    vector: u8,
    auto_end: bool,
    rotate_on_auto_end: bool,
    read_in_service: bool,
    special_mask: bool,
    poll: bool,
}

impl Pic {
    fn new(levels_possible: u8) -> Self {
        Pic {
            expect: Expect::Mask,
            needs_icw4: false,
            single: false,
            level_triggered: false,
            levels_select: 0,
            levels_possible,
            lines: 0,
            requests: 0,
            mask: 0,
            in_service: 0,
            lowest: 7,
            vector: 0,
            auto_end: false,
            rotate_on_auto_end: false,
            read_in_service: false,
            special_mask: false,
            poll: false,
        }
    }

    fn set(&mut self, input: u8, level: bool) {
        let bit = 1 << input;
        let by_level = self.level_triggered || self.levels_select & bit != 0;
        if level && (by_level || self.lines & bit == 0) {
            self.requests |= bit;
        }
        if level {
            self.lines |= bit;
        } else {
            self.lines &= !bit;
            // A request must last until it is acknowledged.
            self.requests &= !bit;
        }
    }

    /// How far `input` is from the highest priority; 0 is the highest.
    fn rank(&self, input: u8) -> u8 {
        input.wrapping_sub(self.lowest).wrapping_sub(1) & 7
    }

    fn first(&self, inputs: u8) -> Option<u8> {
        let set = (0..8).filter(|input| inputs & 1 << input != 0);
        set.min_by_key(|input| self.rank(*input))
    }

    /// The request to serve now, if one may.
    fn pending(&self) -> Option<u8> {
        let wanted = self.first(self.requests & !self.mask)?;
        let busy = match self.special_mask {
            true => self.in_service & !self.mask,
            false => self.in_service,
        };
        match self.first(busy) {
            Some(served) if self.rank(served) <= self.rank(wanted) => None,
            _ => Some(wanted),
        }
    }

    fn acknowledge(&mut self, input: u8) {
        let bit = 1 << input;
        let by_level = self.level_triggered || self.levels_select & bit != 0;
        if !by_level {
            self.requests &= !bit;
        }
        if !self.auto_end {
            self.in_service |= bit;
        } else if self.rotate_on_auto_end {
            self.lowest = input;
        }
    }

    fn initialise(&mut self, icw1: u8) {
        let possible = self.levels_possible;
        let (lines, select) = (self.lines, self.levels_select);
        *self = Pic::new(possible);
        self.lines = lines;
        self.levels_select = select;
        self.needs_icw4 = icw1 & 1 != 0;
        self.single = icw1 & 2 != 0;
        self.level_triggered = icw1 & 8 != 0;
        self.expect = Expect::Icw2;
        if self.level_triggered {
            self.requests = lines;
        }
    }

    fn end_of_interrupt(&mut self, ocw2: u8) {
        let named = ocw2 & 7;
        let ended = match ocw2 >> 5 {
            1 | 5 => self.first(self.in_service),
            3 | 7 => Some(named),
            0 | 4 => {
                self.rotate_on_auto_end = ocw2 & 0x80 != 0;
                None
            }
            6 => {
                self.lowest = named;
                None
            }
            _ => None,
        };
        if let Some(input) = ended {
            self.in_service &= !(1 << input);
            if ocw2 & 0x80 != 0 {
                self.lowest = input;
            }
        }
    }

    fn write(&mut self, offset: u64, value: u8) {
        if offset == 0 {
            return self.command(value);
        }
        self.expect = match self.expect {
            Expect::Mask => {
                self.mask = value;
                Expect::Mask
            }
            Expect::Icw2 => {
                self.vector = value & 0xf8;
                match (self.single, self.needs_icw4) {
                    (false, _) => Expect::Icw3,
                    (true, true) => Expect::Icw4,
                    (true, false) => Expect::Mask,
                }
            }
            Expect::Icw3 if self.needs_icw4 => Expect::Icw4,
            Expect::Icw3 => Expect::Mask,
            Expect::Icw4 => {
                self.auto_end = value & 2 != 0;
                Expect::Mask
            }
        };
    }

    fn command(&mut self, value: u8) {
        match value & 0x18 {
            _ if value & 0x10 != 0 => self.initialise(value),
            0 => self.end_of_interrupt(value),
            _ => {
                self.poll = value & 4 != 0;
                if value & 2 != 0 {
                    self.read_in_service = value & 1 != 0;
                }
                if value & 0x40 != 0 {
                    self.special_mask = value & 0x20 != 0;
                }
            }
        }
    }

    fn read(&mut self, offset: u64) -> u8 {
        if std::mem::take(&mut self.poll) {
            return match self.pending() {
                Some(input) => {
                    self.acknowledge(input);
                    0x80 | input
                }
                None => 0,
            };
        }
        match (offset, self.read_in_service) {
            (0, true) => self.in_service,
            (0, false) => self.requests,
            _ => self.mask,
        }
    }
}

/// Both controllers. Region 0 is the first one, region 1 the second.
pub struct Pics {
    pics: [Pic; 2],
}

impl Default for Pics {
    fn default() -> Self {
        // The timer, the keyboard, the cascade, the clock and the floating
        // point unit are edge triggered whatever ELCR says.
        Pics {
            pics: [Pic::new(0xf8), Pic::new(0xde)],
        }
    }
}

impl Pics {
    /// Sets the level of ISA interrupt `irq`.
    pub fn set(&mut self, irq: u8, level: bool) {
        if let Some(pic) = self.pics.get_mut(usize::from(irq >> 3)) {
            pic.set(irq & 7, level);
        }
        self.cascade();
    }

    fn cascade(&mut self) {
        let [first, second] = &mut self.pics;
        let level = second.pending().is_some();
        if level != (first.lines & 1 << CASCADE != 0) {
            first.set(CASCADE, level);
        }
    }
}

impl Registers for Pics {
    fn read(&mut self, region: u8, offset: u64, width: Width) -> u64 {
        let Some(pic) = self.pics.get_mut(usize::from(region)) else {
            return width.ones();
        };
        let value = read_bytes(offset, width, |offset| pic.read(offset));
        self.cascade();
        value
    }

    fn write(&mut self, region: u8, offset: u64, width: Width, value: u64) {
        if let Some(pic) = self.pics.get_mut(usize::from(region)) {
            write_bytes(offset, width, value, |offset, byte| pic.write(offset, byte));
        }
        self.cascade();
    }
}

/// The edge/level registers of both, at 0x4d0.
pub struct ElcrPorts(pub Rc<RefCell<Pics>>);

impl Registers for ElcrPorts {
    fn read(&mut self, _: u8, offset: u64, width: Width) -> u64 {
        let pics = &self.0.borrow().pics;
        read_bytes(offset, width, |offset| {
            pics.get(offset as usize)
                .map_or(0xff, |pic| pic.levels_select)
        })
    }

    fn write(&mut self, _: u8, offset: u64, width: Width, value: u64) {
        let pics = &mut self.0.borrow_mut().pics;
        write_bytes(offset, width, value, |offset, byte| {
            if let Some(pic) = pics.get_mut(offset as usize) {
                pic.levels_select = byte & pic.levels_possible;
            }
        });
    }
}
