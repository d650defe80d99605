//! Reading and writing sectors.
//!
//! A command is cut into chunks, each one request to the medium: large ones,
//! for a request costs more than its bytes. The host sees the blocks of its
//! protocol, whatever the chunks are.

use alloc::vec::Vec;

use super::super::engine::{Core, Way};
use super::super::geometry::Place;
use super::super::registers::{TaskFile, error, status};
use super::{Ata, Job, SECTOR};
use crate::surroundings::{DiskError, Request};

/// Most sectors of one request for the bus master: 512 KiB. Resets can leave one
/// such request behind on each drive, and the stub has little memory.
const DMA_CHUNK: u32 = 1024;
/// Most sectors of one request through the data port.
const PIO_CHUNK: u32 = 256;

/// Which way a command moves its data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Port {
    /// The data port, a sector at a time.
    Data,
    /// The data port, as many sectors at a time as SET MULTIPLE MODE said.
    Multiple,
    /// The bus master.
    Dma,
}

/// The sectors that a command is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The next sector.
    next: u64,
    /// How many from there on.
    left: u32,
    /// How data moves.
    pub way: Way,
    wide: bool,
    fua: bool,
}

impl Span {
    fn chunk(&self) -> u32 {
        self.left.min(match self.way {
            Way::Dma => DMA_CHUNK,
            Way::Pio(_) | Way::Packet(_) => PIO_CHUNK,
        })
    }

    fn bytes(&self) -> usize {
        self.chunk() as usize * SECTOR
    }

    /// Past the current chunk.
    fn advance(&mut self) {
        let chunk = self.chunk();
        self.next += u64::from(chunk);
        self.left -= chunk;
    }

    fn request(&self) -> Request {
        Request::Read {
            sector: self.next,
            count: self.chunk(),
        }
    }
}

impl Ata {
    /// The sector that the task file names; `None` if it names none.
    pub(super) fn address(&self, registers: &TaskFile, wide: bool) -> Option<u64> {
        if wide {
            return Some(registers.lba48());
        }
        if registers.is_lba() {
            return Some(registers.lba28());
        }
        self.geometry.lba(Place {
            cylinder: registers.cylinder(),
            head: registers.device & 0xf,
            sector: registers.lba_low.now,
        })
    }

    /// Shows a sector in the task file.
    fn show_address(&self, registers: &mut TaskFile, wide: bool, lba: u64) {
        if wide {
            registers.set_lba48(lba);
        } else if registers.is_lba() {
            registers.set_lba28(lba);
        } else {
            let place = self.geometry.place(lba);
            let [low, high] = place.cylinder.to_le_bytes();
            registers.lba_low.set(place.sector);
            registers.lba_mid.set(low);
            registers.lba_high.set(high);
            registers.device = registers.device & 0xf0 | place.head & 0xf;
        }
    }

    /// What a command asks for, or nothing: then it has failed.
    fn span(&mut self, core: &mut Core, wide: bool, port: Port, fua: bool) -> Option<Span> {
        let way = match port {
            Port::Data => Way::Pio(SECTOR),
            Port::Multiple if self.multiple == 0 => {
                core.fail(error::ABRT);
                return None;
            }
            Port::Multiple => Way::Pio(SECTOR * usize::from(self.multiple)),
            Port::Dma => Way::Dma,
        };
        self.in_standby = false;
        let left = core.registers.sectors(wide);
        let end = |next: &u64| next.checked_add(u64::from(left));
        let next = self
            .address(&core.registers, wide)
            .filter(|next| end(next).is_some_and(|end| end <= self.total));
        let Some(next) = next else {
            core.fail(error::IDNF);
            return None;
        };
        Some(Span {
            next,
            left,
            way,
            wide,
            fua,
        })
    }

    /// The command has failed at its current chunk.
    fn fail_at(&mut self, core: &mut Core, span: &Span, error: DiskError) {
        self.show_address(&mut core.registers, span.wide, span.next);
        match error {
            DiskError::OutOfRange => core.fail(error::IDNF),
            DiskError::NoMedium | DiskError::ReadOnly => core.fail(error::ABRT),
            DiskError::Failed => core.fail(error::UNC),
        }
    }

    /// All sectors have moved: the task file names the last one, and none left.
    fn finish(&mut self, core: &mut Core, span: &Span) {
        let last = span.next.saturating_sub(1);
        self.show_address(&mut core.registers, span.wide, last);
        core.registers.count.set(0);
    }

    // --- Reading ----------------------------------------------------------

    pub(super) fn read(&mut self, core: &mut Core, wide: bool, port: Port) {
        if let Some(span) = self.span(core, wide, port, false) {
            self.job = Job::Read(span);
            core.wait(span.request());
        }
    }

    pub(super) fn read_ended(
        &mut self,
        core: &mut Core,
        span: Span,
        result: Result<Vec<u8>, DiskError>,
    ) {
        match result {
            Ok(data) if data.len() == span.bytes() => {
                self.job = Job::Read(span);
                core.offer(data, span.way);
            }
            Ok(_) => self.read_failed(core, &span, DiskError::Failed),
            Err(error) => self.read_failed(core, &span, error),
        }
    }

    fn read_failed(&mut self, core: &mut Core, span: &Span, error: DiskError) {
        self.smart.read_errors = self.smart.read_errors.saturating_add(1);
        self.fail_at(core, span, error);
    }

    pub(super) fn read_taken(&mut self, core: &mut Core, mut span: Span) {
        span.advance();
        if span.left > 0 {
            self.job = Job::Read(span);
            core.wait(span.request());
            return;
        }
        self.finish(core, &span);
        match span.way {
            Way::Dma => core.done(),
            // The interrupt came with the last block.
            Way::Pio(_) | Way::Packet(_) => core.rest(status::DRDY | status::DSC, 0),
        }
    }

    // --- Writing ----------------------------------------------------------

    pub(super) fn write(&mut self, core: &mut Core, wide: bool, port: Port, fua: bool) {
        if let Some(span) = self.span(core, wide, port, fua) {
            if self.read_only {
                core.fail(error::ABRT);
                return;
            }
            self.job = Job::Write(span);
            core.ask(span.bytes(), span.way, true);
        }
    }

    pub(super) fn write_given(&mut self, core: &mut Core, span: Span) {
        let data = core.take_data();
        self.job = Job::Write(span);
        core.wait(Request::Write {
            sector: span.next,
            data,
        });
    }

    pub(super) fn write_ended(
        &mut self,
        core: &mut Core,
        mut span: Span,
        result: Result<Vec<u8>, DiskError>,
    ) {
        if let Err(error) = result {
            self.smart.write_errors = self.smart.write_errors.saturating_add(1);
            match error {
                DiskError::Failed => {
                    self.show_address(&mut core.registers, span.wide, span.next);
                    core.fault();
                }
                _ => self.fail_at(core, &span, error),
            }
            return;
        }
        span.advance();
        if span.left > 0 {
            self.job = Job::Write(span);
            core.ask(span.bytes(), span.way, false);
            return;
        }
        self.finish(core, &span);
        if span.fua || !self.write_cache {
            self.flush(core);
        } else {
            core.done();
        }
    }

    // --- Verifying --------------------------------------------------------

    pub(super) fn verify(&mut self, core: &mut Core, wide: bool) {
        if let Some(span) = self.span(core, wide, Port::Data, false) {
            self.job = Job::Verify(span);
            core.wait(span.request());
        }
    }

    pub(super) fn verify_ended(
        &mut self,
        core: &mut Core,
        mut span: Span,
        result: Result<Vec<u8>, DiskError>,
    ) {
        if let Err(error) = result {
            self.read_failed(core, &span, error);
            return;
        }
        span.advance();
        if span.left > 0 {
            self.job = Job::Verify(span);
            core.wait(span.request());
            return;
        }
        self.finish(core, &span);
        core.done();
    }
}
