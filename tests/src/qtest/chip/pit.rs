//! The timer 8254 (Intel's data sheet of that name) at ports 0x40 to 0x43, and
//! port 0x61, which gates its third counter and shows its output.
//!
//! Counters are not ticked: each knows when it was loaded, and what it shows
//! follows from the time since then.

use super::{Timed, read_bytes, write_bytes};
use crate::qtest::clock::VirtualClock;
use ioemu_stub::bus::{Registers, Width};
use ioemu_stub::surroundings::{Clock as _, Line};
use std::rc::Rc;

/// Ticks per second.
const FREQUENCY: u128 = 1_193_182;
const SECOND: u128 = 1_000_000_000;

/// Which bytes of a counter an access moves (RW1 and RW0 of the control word).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bytes {
    Low,
    High,
    LowThenHigh,
}

#[derive(Clone)]
struct Counter {
    mode: u8,
    bcd: bool,
    bytes: Bytes,
    gate: bool,
    /// Ticks of one round: 1 to 0x10000.
    reload: u64,
    /// The tick at which the round began; none before the first count.
    begin: Option<u64>,
    /// The low byte of a count whose high byte is still to come.
    half_written: Option<u8>,
    /// The next read returns the high byte.
    half_read: bool,
    latched_count: Option<u16>,
    latched_status: Option<u8>,
}

impl Counter {
    fn new(gate: bool) -> Self {
        Counter {
            mode: 3,
            bcd: false,
            bytes: Bytes::LowThenHigh,
            gate,
            reload: 0x10000,
            begin: Some(0),
            half_written: None,
            half_read: false,
            latched_count: None,
            latched_status: None,
        }
    }

    /// A control word for this counter, not a latch command.
    fn program(&mut self, control: u8) {
        self.mode = match control >> 1 & 7 {
            mode @ 6..=7 => mode - 4,
            mode => mode,
        };
        self.bcd = control & 1 != 0;
        self.bytes = match control >> 4 & 3 {
            1 => Bytes::Low,
            2 => Bytes::High,
            _ => Bytes::LowThenHigh,
        };
        self.begin = None;
        self.half_written = None;
        self.half_read = false;
        self.latched_count = None;
        self.latched_status = None;
    }

    fn write(&mut self, value: u8, tick: u64) {
        let count = match (self.bytes, self.half_written.take()) {
            (Bytes::Low, _) => u16::from(value),
            (Bytes::High, _) => u16::from(value) << 8,
            (Bytes::LowThenHigh, Some(low)) => u16::from_le_bytes([low, value]),
            (Bytes::LowThenHigh, None) => {
                self.half_written = Some(value);
                return;
            }
        };
        self.reload = match (count, self.bcd) {
            (0, false) => 0x10000,
            (0, true) => 10000,
            (count, false) => u64::from(count),
            (count, true) => from_bcd(count),
        };
        // Modes 1 and 5 wait for an edge of the gate.
        if !matches!(self.mode, 1 | 5) {
            self.begin = Some(tick);
        }
    }

    fn read(&mut self, tick: u64) -> u8 {
        if let Some(status) = self.latched_status.take() {
            return status;
        }
        let count = self.latched_count.unwrap_or_else(|| self.count(tick));
        let [low, high] = count.to_le_bytes();
        let (byte, done) = match (self.bytes, self.half_read) {
            (Bytes::Low, _) => (low, true),
            (Bytes::High, _) | (Bytes::LowThenHigh, true) => (high, true),
            (Bytes::LowThenHigh, false) => (low, false),
        };
        self.half_read = !done;
        if done {
            self.latched_count = None;
        }
        byte
    }

    fn latch_count(&mut self, tick: u64) {
        if self.latched_count.is_none() {
            self.latched_count = Some(self.count(tick));
        }
    }

    fn latch_status(&mut self, tick: u64) {
        if self.latched_status.is_none() {
            let bytes = match self.bytes {
                Bytes::Low => 1,
                Bytes::High => 2,
                Bytes::LowThenHigh => 3,
            };
            let out = u8::from(self.out(tick)) << 7;
            let null = u8::from(self.begin.is_none()) << 6;
            self.latched_status =
                Some(out | null | bytes << 4 | self.mode << 1 | u8::from(self.bcd));
        }
    }

    fn elapsed(&self, tick: u64) -> Option<u64> {
        self.begin.map(|begin| tick.saturating_sub(begin))
    }

    fn count(&self, tick: u64) -> u16 {
        let elapsed = self.elapsed(tick).unwrap_or(0);
        let range = if self.bcd { 10000 } else { 0x10000 };
        let count = match self.mode {
            2 => self.reload - elapsed % self.reload,
            3 => self.reload - 2 * elapsed % self.reload,
            _ => self.reload + range - elapsed % range,
        };
        match self.bcd {
            false => count as u16,
            true => to_bcd(count % 10000),
        }
    }

    fn out(&self, tick: u64) -> bool {
        let Some(elapsed) = self.elapsed(tick) else {
            return self.mode != 0;
        };
        match self.mode {
            0 | 1 => elapsed >= self.reload,
            2 => elapsed % self.reload != self.reload - 1,
            3 => elapsed % self.reload < self.reload.div_ceil(2),
            _ => elapsed != self.reload,
        }
    }

    /// The first tick after `tick` at which the output changes.
    fn next_edge(&self, tick: u64) -> Option<u64> {
        let begin = self.begin?;
        let elapsed = tick.saturating_sub(begin);
        let round = elapsed - elapsed % self.reload;
        let edges = match self.mode {
            0 | 1 => vec![self.reload],
            2 => vec![round + self.reload - 1, round + self.reload],
            3 => vec![round + self.reload.div_ceil(2), round + self.reload],
            _ => vec![self.reload, self.reload + 1],
        };
        let next = edges.into_iter().find(|edge| *edge > elapsed);
        let next = next.or((self.mode == 2).then(|| round + 2 * self.reload - 1));
        next.map(|edge| begin + edge)
    }

    /// The gate input changes.
    fn set_gate(&mut self, gate: bool, tick: u64) {
        let rising = gate && !self.gate;
        self.gate = gate;
        // A rising edge starts a new round in the modes that heed it.
        if rising && matches!(self.mode, 1 | 2 | 3 | 5) {
            self.begin = Some(tick);
        }
    }
}

fn from_bcd(count: u16) -> u64 {
    let digits = (0..4)
        .rev()
        .map(|digit| u64::from(count >> (4 * digit) & 15));
    digits.fold(0, |value, digit| value * 10 + digit).max(1)
}

fn to_bcd(count: u64) -> u16 {
    let digit = |n: u32| (count / 10u64.pow(n) % 10) as u16;
    (0..4).fold(0, |bcd, n| bcd | digit(n) << (4 * n))
}

/// The timer. Region 0 is its four ports, region 1 is port 0x61.
pub struct Pit {
    clock: Rc<VirtualClock>,
    line: Line,
    counters: [Counter; 3],
    /// Bit 1 of port 0x61: the speaker listens.
    speaker: bool,
}

impl Pit {
    /// A timer whose first counter drives `line`.
    pub fn new(clock: Rc<VirtualClock>, line: Line) -> Self {
        let pit = Pit {
            clock,
            line,
            counters: [Counter::new(true), Counter::new(true), Counter::new(false)],
            speaker: false,
        };
        pit.update_line();
        pit
    }

    fn tick(&self) -> u64 {
        (u128::from(self.clock.now_ns()) * FREQUENCY / SECOND) as u64
    }

    fn update_line(&self) {
        self.line.set(self.counters[0].out(self.tick()));
    }

    fn control(&mut self, value: u8) {
        let tick = self.tick();
        let select = usize::from(value >> 6);
        let Some(counter) = self.counters.get_mut(select) else {
            return self.read_back(value, tick);
        };
        match value >> 4 & 3 {
            0 => counter.latch_count(tick),
            _ => counter.program(value),
        }
        self.update_line();
    }

    fn read_back(&mut self, value: u8, tick: u64) {
        for (i, counter) in self.counters.iter_mut().enumerate() {
            if value & 2 << i == 0 {
                continue;
            }
            if value & 0x20 == 0 {
                counter.latch_count(tick);
            }
            if value & 0x10 == 0 {
                counter.latch_status(tick);
            }
        }
    }

    fn read_byte(&mut self, region: u8, offset: u64) -> u8 {
        let tick = self.tick();
        match (region, self.counters.get_mut(offset as usize)) {
            (0, Some(counter)) => counter.read(tick),
            (0, None) => 0xff,
            _ => {
                let refresh = (tick / 18 % 2) as u8;
                let [_, _, speaker] = &self.counters;
                u8::from(speaker.gate)
                    | u8::from(self.speaker) << 1
                    | refresh << 4
                    | u8::from(speaker.out(tick)) << 5
            }
        }
    }

    fn write_byte(&mut self, region: u8, offset: u64, value: u8) {
        let tick = self.tick();
        match (region, self.counters.get_mut(offset as usize)) {
            (0, Some(counter)) => {
                counter.write(value, tick);
                self.update_line();
            }
            (0, None) => self.control(value),
            _ => {
                self.speaker = value & 2 != 0;
                self.counters[2].set_gate(value & 1 != 0, tick);
            }
        }
    }
}

impl Registers for Pit {
    fn read(&mut self, region: u8, offset: u64, width: Width) -> u64 {
        read_bytes(offset, width, |offset| self.read_byte(region, offset))
    }

    fn write(&mut self, region: u8, offset: u64, width: Width, value: u64) {
        write_bytes(offset, width, value, |offset, byte| {
            self.write_byte(region, offset, byte);
        });
    }
}

impl Timed for Pit {
    fn deadline(&self) -> Option<u64> {
        let edge = self.counters[0].next_edge(self.tick())?;
        Some((u128::from(edge) * SECOND).div_ceil(FREQUENCY) as u64)
    }

    fn expire(&mut self, _: u64) {
        self.update_line();
    }
}
