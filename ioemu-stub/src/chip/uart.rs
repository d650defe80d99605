//! The 16550A UART (National Semiconductor PC16550D data sheet).
//!
//! It has no notion of a bit's duration: what is written is sent at once
//! unless the far end is full, and the interrupt for characters that wait in
//! the FIFO comes without the wait of four character times. The baud rate is
//! kept and means nothing.

#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;
use alloc::rc::Rc;

use super::shared_line::SharedLine;
use crate::bus::{Registers, Width};
use crate::surroundings::Serial;

/// Both FIFOs hold this many characters.
const FIFO: usize = 16;

/// Interrupt enable register.
mod ier {
    pub const RECEIVED: u8 = 1 << 0;
    pub const TRANSMITTER_EMPTY: u8 = 1 << 1;
    pub const LINE_STATUS: u8 = 1 << 2;
    pub const MODEM_STATUS: u8 = 1 << 3;
}

/// Interrupt identification register.
mod iir {
    pub const NONE: u8 = 1;
    pub const MODEM_STATUS: u8 = 0;
    pub const TRANSMITTER_EMPTY: u8 = 2;
    pub const RECEIVED: u8 = 4;
    pub const LINE_STATUS: u8 = 6;
    pub const TIMEOUT: u8 = 12;
    pub const FIFOS: u8 = 0xc0;
}

/// FIFO control register.
mod fcr {
    pub const ENABLE: u8 = 1 << 0;
    pub const CLEAR_RECEIVER: u8 = 1 << 1;
    pub const CLEAR_TRANSMITTER: u8 = 1 << 2;
    pub const TRIGGERS: [usize; 4] = [1, 4, 8, 14];
}

/// Line control register.
mod lcr {
    pub const WORD_LENGTH: u8 = 3;
    pub const BREAK: u8 = 1 << 6;
    pub const DIVISOR_LATCH: u8 = 1 << 7;
}

/// Modem control register.
mod mcr {
    pub const DTR: u8 = 1 << 0;
    pub const RTS: u8 = 1 << 1;
    pub const OUT1: u8 = 1 << 2;
    pub const OUT2: u8 = 1 << 3;
    pub const LOOP: u8 = 1 << 4;
}

/// Line status register.
mod lsr {
    pub const DATA_READY: u8 = 1 << 0;
    pub const OVERRUN: u8 = 1 << 1;
    pub const BREAK: u8 = 1 << 4;
    pub const HOLDING_EMPTY: u8 = 1 << 5;
    pub const TRANSMITTER_EMPTY: u8 = 1 << 6;
    pub const FIFO_ERROR: u8 = 1 << 7;
}

/// Modem status register: the lines' levels. The changes are four bits lower.
pub mod msr {
    /// The far end is ready to receive.
    pub const CTS: u8 = 1 << 4;
    /// The far end is there.
    pub const DSR: u8 = 1 << 5;
    /// It rings.
    pub const RI: u8 = 1 << 6;
    /// There is a carrier.
    pub const DCD: u8 = 1 << 7;
}

/// A character and what was wrong with it.
#[derive(Clone, Copy)]
struct Character {
    byte: u8,
    broken: bool,
}

/// One serial port.
pub struct Uart {
    serial: Rc<dyn Serial>,
    irq: Rc<SharedLine>,
    asker: u8,
    divisor: [u8; 2],
    ier: u8,
    fcr: u8,
    lcr: u8,
    mcr: u8,
    scratch: u8,
    overrun: bool,
    /// The break that leads the FIFO was not seen in the line status yet.
    break_unseen: bool,
    /// What the modem's lines are.
    modem: u8,
    /// The lines as last seen, and what changed since the guest looked.
    msr: u8,
    received: VecDeque<Character>,
    to_send: VecDeque<u8>,
    /// The transmitter has become empty and the guest was not told.
    emptied: bool,
    /// The far end was refused a character.
    refused: bool,
}

impl Uart {
    /// A port to `serial`, whose interrupt is asker number `asker` of `irq`.
    /// The far end is there and ready.
    pub fn new(serial: Rc<dyn Serial>, irq: Rc<SharedLine>, asker: u8) -> Self {
        let modem = msr::CTS | msr::DSR | msr::DCD;
        Uart {
            serial,
            irq,
            asker,
            divisor: [12, 0],
            ier: 0,
            fcr: 0,
            lcr: 0,
            mcr: 0,
            scratch: 0,
            overrun: false,
            break_unseen: false,
            modem,
            msr: modem,
            received: VecDeque::with_capacity(FIFO),
            to_send: VecDeque::with_capacity(FIFO),
            emptied: false,
            refused: false,
        }
    }

    /// How many characters it can take now.
    pub fn room(&mut self) -> usize {
        let room = match self.mcr & mcr::LOOP {
            0 => self.capacity().saturating_sub(self.received.len()),
            _ => 0,
        };
        self.refused |= room == 0;
        room
    }

    /// A character arrives. If there is no room for it, it is lost and the
    /// guest sees an overrun.
    pub fn receive(&mut self, byte: u8) {
        if self.mcr & mcr::LOOP == 0 {
            self.take_in(byte, false);
            self.update();
        }
    }

    /// A break arrives.
    pub fn receive_break(&mut self) {
        if self.mcr & mcr::LOOP == 0 {
            self.take_in(0, true);
            self.update();
        }
    }

    /// The far end can take more.
    pub fn send_more(&mut self) {
        self.transmit();
        self.update();
    }

    /// The modem's lines change: the bits of [`msr`].
    pub fn set_modem(&mut self, lines: u8) {
        self.modem = lines & 0xf0;
        self.watch_modem();
        self.update();
    }

    fn has_fifos(&self) -> bool {
        self.fcr & fcr::ENABLE != 0
    }

    fn capacity(&self) -> usize {
        if self.has_fifos() { FIFO } else { 1 }
    }

    fn trigger(&self) -> usize {
        match self.has_fifos() {
            true => fcr::TRIGGERS[usize::from(self.fcr >> 6)],
            false => 1,
        }
    }

    fn take_in(&mut self, byte: u8, broken: bool) {
        if self.received.len() >= self.capacity() {
            self.overrun = true;
            if self.has_fifos() {
                return;
            }
            // Without FIFOs, the new one takes the place of the old.
            self.received.clear();
        }
        self.received.push_back(Character { byte, broken });
        if self.received.len() == 1 {
            self.break_unseen = broken;
        }
    }

    fn word_mask(&self) -> u8 {
        0xff >> (3 - (self.lcr & lcr::WORD_LENGTH))
    }

    fn write_holding(&mut self, byte: u8) {
        self.emptied = false;
        if self.to_send.len() >= self.capacity() {
            // The last one is overwritten.
            self.to_send.pop_back();
        }
        self.to_send.push_back(byte & self.word_mask());
        self.transmit();
    }

    fn transmit(&mut self) {
        while let Some(byte) = self.to_send.front().copied() {
            if self.mcr & mcr::LOOP != 0 {
                self.take_in(byte, false);
            } else if self.lcr & lcr::BREAK == 0 && !self.serial.send(byte) {
                return;
            }
            self.to_send.pop_front();
            self.emptied = self.to_send.is_empty();
        }
    }

    fn read_buffer(&mut self) -> u8 {
        let byte = self.received.pop_front().map_or(0, |first| first.byte);
        self.break_unseen = self.received.front().is_some_and(|first| first.broken);
        if core::mem::take(&mut self.refused) {
            self.serial.has_room();
        }
        byte
    }

    fn line_status(&self) -> u8 {
        let mut status = 0;
        if !self.received.is_empty() {
            status |= lsr::DATA_READY;
        }
        if self.overrun {
            status |= lsr::OVERRUN;
        }
        if self.break_unseen {
            status |= lsr::BREAK;
        }
        if self.to_send.is_empty() {
            status |= lsr::HOLDING_EMPTY | lsr::TRANSMITTER_EMPTY;
        }
        if self.has_fifos() && self.received.iter().any(|character| character.broken) {
            status |= lsr::FIFO_ERROR;
        }
        status
    }

    fn read_line_status(&mut self) -> u8 {
        let status = self.line_status();
        self.overrun = false;
        self.break_unseen = false;
        status
    }

    /// The modem's lines as the chip sees them: in a loop, its own outputs.
    fn watch_modem(&mut self) {
        let lines = if self.mcr & mcr::LOOP == 0 {
            self.modem
        } else {
            [
                (mcr::RTS, msr::CTS),
                (mcr::DTR, msr::DSR),
                (mcr::OUT1, msr::RI),
                (mcr::OUT2, msr::DCD),
            ]
            .iter()
            .filter(|(output, _)| self.mcr & output != 0)
            .fold(0, |lines, (_, input)| lines | input)
        };
        let changed = (self.msr ^ lines) & 0xf0;
        // Ringing counts when it ends.
        let counts = changed & !(lines & msr::RI);
        self.msr = lines | self.msr & 0x0f | counts >> 4;
    }

    fn read_modem_status(&mut self) -> u8 {
        let status = self.msr;
        self.msr &= 0xf0;
        status
    }

    /// The most urgent interrupt.
    fn interrupt(&self) -> u8 {
        let waiting = self.received.len();
        if self.ier & ier::LINE_STATUS != 0 && (self.overrun || self.break_unseen) {
            iir::LINE_STATUS
        } else if self.ier & ier::RECEIVED != 0 && waiting >= self.trigger() {
            iir::RECEIVED
        } else if self.ier & ier::RECEIVED != 0 && waiting > 0 {
            iir::TIMEOUT
        } else if self.ier & ier::TRANSMITTER_EMPTY != 0 && self.emptied {
            iir::TRANSMITTER_EMPTY
        } else if self.ier & ier::MODEM_STATUS != 0 && self.msr & 0x0f != 0 {
            iir::MODEM_STATUS
        } else {
            iir::NONE
        }
    }

    fn read_interrupt(&mut self) -> u8 {
        let interrupt = self.interrupt();
        if interrupt == iir::TRANSMITTER_EMPTY {
            self.emptied = false;
        }
        interrupt | if self.has_fifos() { iir::FIFOS } else { 0 }
    }

    /// Drives the interrupt, which OUT2 lets through on a PC.
    fn update(&mut self) {
        let through = self.mcr & (mcr::OUT2 | mcr::LOOP) == mcr::OUT2;
        let asks = self.interrupt() != iir::NONE;
        self.irq.set(self.asker, asks && through);
    }

    fn set_ier(&mut self, value: u8) {
        let value = value & 0x0f;
        let newly = value & !self.ier & ier::TRANSMITTER_EMPTY != 0;
        // Enabled with nothing to send, it asks at once.
        self.emptied |= newly && self.to_send.is_empty();
        self.ier = value;
    }

    fn set_fcr(&mut self, value: u8) {
        let switched = (value ^ self.fcr) & fcr::ENABLE != 0;
        if switched || value & fcr::CLEAR_RECEIVER != 0 {
            self.received.clear();
            self.break_unseen = false;
            if core::mem::take(&mut self.refused) {
                self.serial.has_room();
            }
        }
        if switched || value & fcr::CLEAR_TRANSMITTER != 0 {
            self.emptied |= !self.to_send.is_empty();
            self.to_send.clear();
        }
        // Without the enable bit, the others are not written.
        self.fcr = match value & fcr::ENABLE {
            0 => 0,
            _ => value & 0xc9,
        };
    }

    fn set_lcr(&mut self, value: u8) {
        let breaks = value & !self.lcr & lcr::BREAK != 0;
        self.lcr = value;
        if breaks && self.mcr & mcr::LOOP != 0 {
            self.take_in(0, true);
        }
    }

    fn set_mcr(&mut self, value: u8) {
        self.mcr = value & 0x1f;
        self.watch_modem();
        if self.mcr & mcr::LOOP == 0 && core::mem::take(&mut self.refused) {
            self.serial.has_room();
        }
        self.transmit();
    }

    fn read_register(&mut self, register: u64) -> u8 {
        let latch = self.lcr & lcr::DIVISOR_LATCH != 0;
        match register {
            0 if latch => self.divisor[0],
            1 if latch => self.divisor[1],
            0 => self.read_buffer(),
            1 => self.ier,
            2 => self.read_interrupt(),
            3 => self.lcr,
            4 => self.mcr,
            5 => self.read_line_status(),
            6 => self.read_modem_status(),
            7 => self.scratch,
            _ => 0xff,
        }
    }

    fn write_register(&mut self, register: u64, value: u8) {
        let latch = self.lcr & lcr::DIVISOR_LATCH != 0;
        match register {
            0 if latch => self.divisor[0] = value,
            1 if latch => self.divisor[1] = value,
            0 => self.write_holding(value),
            1 => self.set_ier(value),
            2 => self.set_fcr(value),
            3 => self.set_lcr(value),
            4 => self.set_mcr(value),
            7 => self.scratch = value,
            // The status registers are for the factory.
            _ => {}
        }
    }
}

/// Wider accesses are that many of a byte, as the bridge to ISA makes them.
impl Registers for Uart {
    fn read(&mut self, _: u8, offset: u64, width: Width) -> u64 {
        let mut value = [0; 8];
        for (byte, register) in value[..width.bytes()].iter_mut().zip(offset..) {
            *byte = self.read_register(register);
        }
        self.update();
        u64::from_le_bytes(value)
    }

    fn write(&mut self, _: u8, offset: u64, width: Width, value: u64) {
        let bytes = value.to_le_bytes();
        for (byte, register) in bytes[..width.bytes()].iter().zip(offset..) {
            self.write_register(register, *byte);
        }
        self.update();
    }
}
