//! The clock MC146818A (Motorola's data sheet of that name): time, alarm,
//! update and periodic interrupts. Registers 0 to 13 and the century at 0x32;
//! the rest of the CMOS memory is the machine's.
//!
//! It differs from the data sheet in two points, where programs for the PC
//! expect it: the time survives a change between BCD and binary, and the
//! periodic interrupt runs with any divider setting and counts anew from a
//! change of its rate.

use super::Timed;
use crate::qtest::clock::VirtualClock;
use crate::qtest::date::Date;
use ioemu_stub::surroundings::{Clock as _, Line};
use std::rc::Rc;

const SECONDS: usize = 0;
const MINUTES: usize = 2;
const HOURS: usize = 4;
const DAY_OF_WEEK: usize = 6;
const DAY: usize = 7;
const MONTH: usize = 8;
const YEAR: usize = 9;
const A: usize = 10;
const B: usize = 11;
const C: usize = 12;
const D: usize = 13;
const CENTURY: u8 = 0x32;

const A_UIP: u8 = 0x80;
/// Divider settings 110 and 111: the chain is held in reset.
const A_DIVIDER_RESET: u8 = 0x60;
const A_RATE: u8 = 0x0f;
const B_SET: u8 = 0x80;
const B_PIE: u8 = 0x40;
const B_AIE: u8 = 0x20;
const B_UIE: u8 = 0x10;
const B_BINARY: u8 = 0x04;
const B_24_HOURS: u8 = 0x02;
const C_IRQ: u8 = 0x80;
const C_PERIODIC: u8 = 0x40;
const C_ALARM: u8 = 0x20;
const C_UPDATE: u8 = 0x10;
const D_VALID: u8 = 0x80;
/// An alarm byte with both top bits set matches any value.
const ANY: u8 = 0xc0;
const PM: u8 = 0x80;

const SECOND: u64 = 1_000_000_000;
/// Update in progress shows this long before the update: 8 cycles of the
/// crystal.
const UPDATE_AHEAD: u64 = 8 * SECOND / CRYSTAL;
const CRYSTAL: u64 = 32768;

/// The clock.
pub struct Rtc {
    clock: Rc<VirtualClock>,
    line: Line,
    registers: [u8; 14],
    century: u8,
    /// When the next update ends; none while the divider is held in reset.
    next_update: Option<u64>,
    /// The moment from which periodic interrupts count.
    periodic_from: u64,
    /// How many of them were noted in register C.
    periodic_seen: u64,
}

impl Rtc {
    /// A clock that shows `date`, BCD and 24 hours, as firmware leaves it.
    pub fn new(clock: Rc<VirtualClock>, line: Line, date: Date) -> Self {
        let now = clock.now_ns();
        let mut rtc = Rtc {
            clock,
            line,
            registers: [0; 14],
            century: 0,
            next_update: Some(now + SECOND),
            periodic_from: now,
            periodic_seen: 0,
        };
        rtc.registers[A] = 0x26;
        rtc.registers[B] = B_24_HOURS;
        rtc.registers[D] = D_VALID;
        rtc.show(date);
        rtc
    }

    /// Whether CMOS register `index` is one of this chip's.
    pub fn owns(index: u8) -> bool {
        usize::from(index) <= D || index == CENTURY
    }

    /// Reads register `index`.
    pub fn read(&mut self, index: u8) -> u8 {
        match usize::from(index) {
            A => self.registers[A] | if self.updating() { A_UIP } else { 0 },
            C => {
                self.note_periodic();
                let flags = self.registers[C];
                self.registers[C] = 0;
                self.update_line();
                flags
            }
            index @ 0..=D => self.registers[index],
            _ if index == CENTURY => self.century,
            _ => 0xff,
        }
    }

    /// Writes register `index`.
    pub fn write(&mut self, index: u8, value: u8) {
        match usize::from(index) {
            A => self.write_a(value),
            B => self.write_b(value),
            C | D => {}
            index @ 0..=YEAR => self.registers[index] = value,
            _ if index == CENTURY => self.century = value,
            _ => {}
        }
    }

    fn write_a(&mut self, value: u8) {
        let now = self.clock.now_ns();
        let held = value & A_DIVIDER_RESET == A_DIVIDER_RESET;
        self.next_update = match self.next_update {
            _ if held => None,
            None => Some(now + SECOND / 2),
            running => running,
        };
        if value & A_RATE != self.registers[A] & A_RATE {
            self.note_periodic();
            self.periodic_from = now;
            self.periodic_seen = 0;
        }
        self.registers[A] = value & !A_UIP;
    }

    fn write_b(&mut self, mut value: u8) {
        if value & B_SET != 0 {
            value &= !B_UIE;
        }
        let changed = value ^ self.registers[B];
        let date = self.date();
        self.registers[B] = value;
        if changed & (B_BINARY | B_24_HOURS) != 0 {
            self.show(date);
        }
        self.update_line();
    }

    fn updating(&self) -> bool {
        let soon = |end: u64| end.saturating_sub(self.clock.now_ns()) <= UPDATE_AHEAD;
        self.registers[B] & B_SET == 0 && self.next_update.is_some_and(soon)
    }

    /// How many cycles of the crystal lie between two periodic interrupts.
    fn period(&self) -> Option<u64> {
        match self.registers[A] & A_RATE {
            0 => None,
            // Two settings repeat others with this crystal.
            rate @ 1..=2 => Some(1 << (rate + 6)),
            rate => Some(1 << (rate - 1)),
        }
    }

    fn note_periodic(&mut self) {
        let Some(period) = self.period() else { return };
        let elapsed = self.clock.now_ns().saturating_sub(self.periodic_from);
        let cycles = u128::from(elapsed) * u128::from(CRYSTAL) / u128::from(SECOND);
        let count = (cycles / u128::from(period)) as u64;
        if count > self.periodic_seen {
            self.periodic_seen = count;
            self.registers[C] |= C_PERIODIC;
        }
    }

    fn periodic_deadline(&self) -> Option<u64> {
        if self.registers[B] & B_PIE == 0 {
            return None;
        }
        let cycles = u128::from(self.period()?) * u128::from(self.periodic_seen + 1);
        let ns = (cycles * u128::from(SECOND)).div_ceil(u128::from(CRYSTAL));
        self.periodic_from.checked_add(ns as u64)
    }

    fn update_line(&mut self) {
        self.note_periodic();
        let enabled = self.registers[B] & (B_PIE | B_AIE | B_UIE);
        let high = self.registers[C] & enabled != 0;
        if high {
            self.registers[C] |= C_IRQ;
        }
        self.line.set(high);
    }

    /// One second has passed.
    fn update(&mut self) {
        if self.registers[B] & B_SET != 0 {
            return;
        }
        let mut date = self.date();
        date.next_second();
        self.show(date);
        self.registers[C] |= C_UPDATE;
        let matches = |time: usize| {
            let alarm = self.registers[time + 1];
            alarm & ANY == ANY || alarm == self.registers[time]
        };
        if [SECONDS, MINUTES, HOURS].into_iter().all(matches) {
            self.registers[C] |= C_ALARM;
        }
    }

    fn decode(&self, value: u8) -> u8 {
        match self.registers[B] & B_BINARY {
            0 => (value >> 4).wrapping_mul(10).wrapping_add(value & 0x0f),
            _ => value,
        }
    }

    fn encode(&self, value: u8) -> u8 {
        match self.registers[B] & B_BINARY {
            0 => ((value / 10) << 4) | (value % 10),
            _ => value,
        }
    }

    fn date(&self) -> Date {
        let register = |index: usize| self.decode(self.registers[index]);
        let hour = match self.registers[B] & B_24_HOURS {
            0 => {
                let hour = self.decode(self.registers[HOURS] & !PM) % 12;
                hour + if self.registers[HOURS] & PM != 0 {
                    12
                } else {
                    0
                }
            }
            _ => register(HOURS),
        };
        Date {
            second: register(SECONDS),
            minute: register(MINUTES),
            hour,
            day_of_week: self.registers[DAY_OF_WEEK],
            day: register(DAY),
            month: register(MONTH),
            year: u16::from(self.decode(self.century)) * 100 + u16::from(register(YEAR)),
        }
    }

    fn show(&mut self, date: Date) {
        let hour = match self.registers[B] & B_24_HOURS {
            0 => {
                let twelve = match date.hour % 12 {
                    0 => 12,
                    hour => hour,
                };
                self.encode(twelve) | if date.hour >= 12 { PM } else { 0 }
            }
            _ => self.encode(date.hour),
        };
        self.registers[SECONDS] = self.encode(date.second);
        self.registers[MINUTES] = self.encode(date.minute);
        self.registers[HOURS] = hour;
        self.registers[DAY_OF_WEEK] = date.day_of_week;
        self.registers[DAY] = self.encode(date.day);
        self.registers[MONTH] = self.encode(date.month);
        self.registers[YEAR] = self.encode((date.year % 100) as u8);
        self.century = self.encode((date.year / 100 % 100) as u8);
    }
}

impl Timed for Rtc {
    fn deadline(&self) -> Option<u64> {
        let deadlines = [self.next_update, self.periodic_deadline()];
        deadlines.into_iter().flatten().min()
    }

    fn expire(&mut self, now_ns: u64) {
        while let Some(end) = self.next_update.filter(|end| *end <= now_ns) {
            self.next_update = Some(end + SECOND);
            self.update();
        }
        self.update_line();
    }
}
