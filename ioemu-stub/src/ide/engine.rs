//! What all drives have in common: the task file, the data port, and the
//! requests to the medium.
//!
//! ```text
//!   command ──> wait(request) ──> disk_done ──> offer / dma ──> data_done ──┐
//!                  ▲                                                         │
//!                  └────────────────── more to do ◄──────────────────────────┴──> done / fail
//! ```
//!
//! Core keeps the protocol (clause 9 of ATA/ATAPI-6); what a command means is
//! the business of `ata` and `atapi`.

use alloc::vec::Vec;

use super::registers::{TaskFile, error, status};
use crate::surroundings::Request;

/// What the drive and the host are doing together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Nothing; a command may come.
    Idle,
    /// The drive works (BSY).
    Busy,
    /// The host reads the data port (DRQ).
    PioIn,
    /// The host writes the data port (DRQ).
    PioOut,
    /// The bus master takes the buffer (DMARQ).
    DmaIn,
    /// The bus master fills the buffer (DMARQ).
    DmaOut,
    /// Asleep until a reset.
    Asleep,
}

/// How data of a command moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Through the data port, with an interrupt for each so many bytes.
    Pio(usize),
    /// The same for packet commands: at most so many bytes, each time
    /// announced in Byte Count.
    Packet(usize),
    /// By the bus master.
    Dma,
}

/// A request that the medium has been given.
#[derive(Clone, Copy, Debug)]
struct Flight {
    ticket: u64,
    /// Somebody still waits for it: no reset came in between.
    wanted: bool,
}

/// The common part of a drive.
#[derive(Debug)]
pub struct Core {
    /// What the host sees.
    pub registers: TaskFile,
    phase: Phase,
    buffer: Vec<u8>,
    /// The next byte that the host moves.
    at: usize,
    /// Where the current DRQ block ends; never beyond the buffer.
    end: usize,
    /// How the buffer moves.
    way: Way,
    interrupt: bool,
    raised: bool,
    request: Option<Request>,
    flight: Option<Flight>,
    tickets: u64,
}

impl Core {
    /// A drive that nobody has spoken to.
    pub fn new() -> Self {
        Core {
            registers: TaskFile::default(),
            phase: Phase::Idle,
            buffer: Vec::new(),
            at: 0,
            end: 0,
            way: Way::Dma,
            interrupt: false,
            raised: false,
            request: None,
            flight: None,
            tickets: 0,
        }
    }

    /// What is going on.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether BSY or DRQ keeps the host from the registers.
    pub fn is_occupied(&self) -> bool {
        self.registers.status & (status::BSY | status::DRQ) != 0
    }

    /// INTRQ is pending.
    pub fn interrupt(&self) -> bool {
        self.interrupt
    }

    /// Whether an interrupt was raised since last asked.
    pub fn take_raised(&mut self) -> bool {
        core::mem::take(&mut self.raised)
    }

    /// The host has read Status, or written Command.
    pub fn acknowledge(&mut self) {
        self.interrupt = false;
    }

    /// Raises INTRQ.
    pub fn raise(&mut self) {
        self.interrupt = true;
        self.raised = true;
    }

    // --- What commands do -------------------------------------------------

    /// The command has ended well.
    pub fn done(&mut self) {
        self.end_with(status::DRDY | status::DSC, 0);
    }

    /// The command has ended badly: bits of Error.
    pub fn fail(&mut self, error: u8) {
        self.end_with(status::DRDY | status::DSC | status::ERR, error);
    }

    /// The command has ended because the medium can't be written.
    pub fn fault(&mut self) {
        let bits = status::DRDY | status::DSC | status::DF | status::ERR;
        self.end_with(bits, error::ABRT);
    }

    /// The command has ended with these bits of Status and Error.
    pub fn end_with(&mut self, status: u8, error: u8) {
        self.rest(status, error);
        self.raise();
    }

    /// No command any more, and no interrupt for it either.
    pub fn rest(&mut self, status: u8, error: u8) {
        self.phase = Phase::Idle;
        self.drop_data();
        self.request = None;
        if let Some(flight) = &mut self.flight {
            flight.wanted = false;
        }
        self.registers.status = status;
        self.registers.error = error;
    }

    /// Forgets all, as a reset does. What the medium is doing goes on, but
    /// concerns nobody.
    pub fn reset(&mut self) {
        self.rest(0, 0);
        self.interrupt = false;
        self.raised = false;
    }

    /// Sleeps until a reset.
    pub fn sleep(&mut self) {
        self.done();
        self.phase = Phase::Asleep;
    }

    /// Asks the medium; the answer comes to `disk_done`.
    pub fn wait(&mut self, request: Request) {
        self.phase = Phase::Busy;
        self.drop_data();
        self.registers.status = status::BSY | status::DRDY;
        self.request = Some(request);
    }

    /// Data for the host; `data_done` follows when it has it all.
    pub fn offer(&mut self, data: Vec<u8>, way: Way) {
        self.buffer = data;
        self.at = 0;
        self.way = way;
        if way == Way::Dma {
            self.request_data(Phase::DmaIn);
        } else {
            self.request_data(Phase::PioIn);
            self.next_block();
            self.raise();
        }
    }

    /// Wants `bytes` from the host; `data_done` follows when all are there.
    /// `first`: the host knows without an interrupt that it is to write.
    pub fn ask(&mut self, bytes: usize, way: Way, first: bool) {
        self.buffer.clear();
        if self.buffer.try_reserve_exact(bytes).is_err() {
            self.fault();
            return;
        }
        self.buffer.resize(bytes, 0);
        self.at = 0;
        self.way = way;
        if way == Way::Dma {
            self.request_data(Phase::DmaOut);
            return;
        }
        self.request_data(Phase::PioOut);
        self.next_block();
        if !first {
            self.raise();
        }
    }

    /// Takes what the host wrote.
    pub fn take_data(&mut self) -> Vec<u8> {
        self.at = 0;
        self.end = 0;
        core::mem::take(&mut self.buffer)
    }

    fn drop_data(&mut self) {
        // Free the memory as well: drives are idle most of the time.
        drop(self.take_data());
    }

    fn request_data(&mut self, phase: Phase) {
        self.phase = phase;
        self.registers.status = status::DRDY | status::DSC | status::DRQ;
        self.registers.error = 0;
    }

    // --- The data port ----------------------------------------------------

    /// Begins the next DRQ block. False: there is nothing left.
    fn next_block(&mut self) -> bool {
        let left = self.buffer.len().saturating_sub(self.at);
        let bytes = match self.way {
            Way::Pio(block) => left.min(block.max(1)),
            Way::Packet(limit) if left > limit => (limit & !1).max(2),
            Way::Packet(_) | Way::Dma => left,
        };
        self.end = self.at + bytes;
        if let (Way::Packet(_), 1..) = (self.way, bytes) {
            let [low, high, ..] = bytes.to_le_bytes();
            self.registers.lba_mid.set(low);
            self.registers.lba_high.set(high);
        }
        bytes > 0
    }

    /// The host reads `to.len()` bytes from the data port. Returns how many
    /// were there: no more than the rest of the DRQ block.
    pub fn read_data(&mut self, to: &mut [u8]) -> usize {
        if self.phase != Phase::PioIn {
            return 0;
        }
        let from = self.buffer.get(self.at..self.end).unwrap_or_default();
        let bytes = from.len().min(to.len());
        to[..bytes].copy_from_slice(&from[..bytes]);
        self.at += bytes;
        bytes
    }

    /// The host writes to the data port. Returns how many bytes were taken: no
    /// more than the rest of the DRQ block.
    pub fn write_data(&mut self, from: &[u8]) -> usize {
        if self.phase != Phase::PioOut {
            return 0;
        }
        let to = self.buffer.get_mut(self.at..self.end).unwrap_or_default();
        let bytes = to.len().min(from.len());
        to[..bytes].copy_from_slice(&from[..bytes]);
        self.at += bytes;
        bytes
    }

    /// After the data port was used. True: the whole buffer has moved, and the
    /// command must go on. Between DRQ blocks the host is told here.
    pub fn moved(&mut self) -> bool {
        let pio = matches!(self.phase, Phase::PioIn | Phase::PioOut);
        if !pio || self.at < self.end {
            return false;
        }
        if self.next_block() {
            self.raise();
            return false;
        }
        self.work();
        true
    }

    /// The buffer, for the bus master.
    pub fn dma_buffer(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// The host has moved all; the drive works on.
    pub fn work(&mut self) {
        self.phase = Phase::Busy;
        self.registers.status = status::BSY | status::DRDY;
    }

    // --- The medium -------------------------------------------------------

    /// A request that is to be started now, with its ticket. One at a time: a
    /// write that a reset left behind must not be overtaken by a later one.
    pub fn take_request(&mut self) -> Option<(Request, u64)> {
        if self.flight.is_some() {
            return None;
        }
        let request = self.request.take()?;
        self.tickets = self.tickets.wrapping_add(1);
        self.flight = Some(Flight {
            ticket: self.tickets,
            wanted: true,
        });
        Some((request, self.tickets))
    }

    /// A request has ended. True if a command waits for it.
    pub fn landed(&mut self, ticket: u64) -> bool {
        match self.flight {
            Some(flight) if flight.ticket == ticket => {
                self.flight = None;
                flight.wanted
            }
            _ => false,
        }
    }

    /// What is under way belongs to a medium that is gone.
    pub fn forget_flight(&mut self) {
        self.flight = None;
    }

    /// Whether a command waits for the medium.
    pub fn is_waiting(&self) -> bool {
        self.request.is_some() || self.flight.is_some_and(|flight| flight.wanted)
    }
}
