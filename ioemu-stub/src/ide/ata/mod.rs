//! A disk: the ATA commands (ATA/ATAPI-6, clause 8; the newer ones ACS-2).

mod features;
mod identify;
mod smart;
mod transfer;
mod trim;

use alloc::vec::Vec;

use super::drive::{Identity, Reset};
use super::engine::{Core, Way};
use super::geometry::Geometry;
use super::registers::{device, error, status};
use crate::surroundings::{Disk, DiskError, Medium, Request};
pub(super) use features::TransferMode;
use transfer::{Port, Span};

/// DEVICE RESET.
pub(super) const DEVICE_RESET: u8 = 0x08;

/// Bytes of a sector.
const SECTOR: usize = 512;
/// Most sectors of a DRQ block of the MULTIPLE commands.
const MOST_MULTIPLE: u8 = 16;

/// What a command does.
#[derive(Clone, Copy)]
enum Action {
    /// Reads sectors. `wide`: with a 48-bit address.
    Read { wide: bool, port: Port },
    /// Writes sectors; `fua`: all the way to stable storage.
    Write { wide: bool, port: Port, fua: bool },
    /// Reads sectors for nobody.
    Verify { wide: bool },
    /// Anything else.
    Run(fn(&mut Ata, &mut Core)),
}

use Action::{Read, Run, Verify, Write};
use Port::{Data, Dma, Multiple};

/// The commands. Whatever is not here is aborted.
const COMMANDS: &[(u8, &str, Action)] = &[
    (0x06, "DATA SET MANAGEMENT", Run(trim::data_set_management)),
    (0x10, "RECALIBRATE", Run(Ata::nothing)),
    (
        0x20,
        "READ SECTOR(S)",
        Read {
            wide: false,
            port: Data,
        },
    ),
    (
        0x21,
        "READ SECTOR(S)",
        Read {
            wide: false,
            port: Data,
        },
    ),
    (
        0x24,
        "READ SECTOR(S) EXT",
        Read {
            wide: true,
            port: Data,
        },
    ),
    (
        0x25,
        "READ DMA EXT",
        Read {
            wide: true,
            port: Dma,
        },
    ),
    (
        0x27,
        "READ NATIVE MAX ADDRESS EXT",
        Run(Ata::native_max_ext),
    ),
    (
        0x29,
        "READ MULTIPLE EXT",
        Read {
            wide: true,
            port: Multiple,
        },
    ),
    (
        0x30,
        "WRITE SECTOR(S)",
        Write {
            wide: false,
            port: Data,
            fua: false,
        },
    ),
    (
        0x31,
        "WRITE SECTOR(S)",
        Write {
            wide: false,
            port: Data,
            fua: false,
        },
    ),
    (
        0x34,
        "WRITE SECTOR(S) EXT",
        Write {
            wide: true,
            port: Data,
            fua: false,
        },
    ),
    (
        0x35,
        "WRITE DMA EXT",
        Write {
            wide: true,
            port: Dma,
            fua: false,
        },
    ),
    (
        0x39,
        "WRITE MULTIPLE EXT",
        Write {
            wide: true,
            port: Multiple,
            fua: false,
        },
    ),
    (
        0x3d,
        "WRITE DMA FUA EXT",
        Write {
            wide: true,
            port: Dma,
            fua: true,
        },
    ),
    (0x40, "READ VERIFY SECTOR(S)", Verify { wide: false }),
    (0x41, "READ VERIFY SECTOR(S)", Verify { wide: false }),
    (0x42, "READ VERIFY SECTOR(S) EXT", Verify { wide: true }),
    (0x70, "SEEK", Run(Ata::seek)),
    (
        0x91,
        "INITIALIZE DEVICE PARAMETERS",
        Run(Ata::initialize_parameters),
    ),
    (0x94, "STANDBY IMMEDIATE", Run(Ata::standby)),
    (0x95, "IDLE IMMEDIATE", Run(Ata::idle)),
    (0x96, "STANDBY", Run(Ata::standby)),
    (0x97, "IDLE", Run(Ata::idle)),
    (0x98, "CHECK POWER MODE", Run(Ata::check_power_mode)),
    (0x99, "SLEEP", Run(Ata::sleep)),
    (0xb0, "SMART", Run(smart::smart)),
    (
        0xc4,
        "READ MULTIPLE",
        Read {
            wide: false,
            port: Multiple,
        },
    ),
    (
        0xc5,
        "WRITE MULTIPLE",
        Write {
            wide: false,
            port: Multiple,
            fua: false,
        },
    ),
    (0xc6, "SET MULTIPLE MODE", Run(Ata::set_multiple)),
    (
        0xc8,
        "READ DMA",
        Read {
            wide: false,
            port: Dma,
        },
    ),
    (
        0xc9,
        "READ DMA",
        Read {
            wide: false,
            port: Dma,
        },
    ),
    (
        0xca,
        "WRITE DMA",
        Write {
            wide: false,
            port: Dma,
            fua: false,
        },
    ),
    (
        0xcb,
        "WRITE DMA",
        Write {
            wide: false,
            port: Dma,
            fua: false,
        },
    ),
    (
        0xce,
        "WRITE MULTIPLE FUA EXT",
        Write {
            wide: true,
            port: Multiple,
            fua: true,
        },
    ),
    (0xe0, "STANDBY IMMEDIATE", Run(Ata::standby)),
    (0xe1, "IDLE IMMEDIATE", Run(Ata::idle)),
    (0xe2, "STANDBY", Run(Ata::standby)),
    (0xe3, "IDLE", Run(Ata::idle)),
    (0xe5, "CHECK POWER MODE", Run(Ata::check_power_mode)),
    (0xe6, "SLEEP", Run(Ata::sleep)),
    (0xe7, "FLUSH CACHE", Run(Ata::flush)),
    (0xea, "FLUSH CACHE EXT", Run(Ata::flush)),
    (0xec, "IDENTIFY DEVICE", Run(Ata::identify)),
    (0xef, "SET FEATURES", Run(features::set_features)),
    (0xf8, "READ NATIVE MAX ADDRESS", Run(Ata::native_max)),
];

/// The command under way.
#[derive(Debug)]
enum Job {
    /// None, or one that only hands out what it has.
    None,
    Read(Span),
    Write(Span),
    Verify(Span),
    /// Everything is written and must reach stable storage.
    Flush,
    /// The list of ranges is on its way from the host.
    TrimList,
    /// Ranges still to be discarded.
    Trim(Vec<(u64, u64)>),
}

/// What makes a drive a disk.
pub(super) struct Ata {
    identity: Identity,
    /// Sectors; none while the medium is not there yet.
    total: u64,
    read_only: bool,
    can_discard: bool,
    /// The geometry is the drive's own choice.
    chooses_geometry: bool,
    /// As shipped.
    default_geometry: Geometry,
    /// As set by INITIALIZE DEVICE PARAMETERS.
    geometry: Geometry,
    /// Sectors of a DRQ block of the MULTIPLE commands; 0: they are disabled.
    multiple: u8,
    write_cache: bool,
    look_ahead: bool,
    mode: TransferMode,
    smart: smart::Smart,
    in_standby: bool,
    job: Job,
}

impl Ata {
    pub fn new(medium: Option<Medium>, identity: Identity, geometry: Option<Geometry>) -> Self {
        let chosen = geometry.unwrap_or_else(|| Geometry::of(0));
        let mut ata = Ata {
            identity,
            total: 0,
            read_only: false,
            can_discard: false,
            chooses_geometry: geometry.is_none(),
            default_geometry: chosen,
            geometry: chosen,
            multiple: MOST_MULTIPLE,
            write_cache: true,
            look_ahead: true,
            mode: TransferMode::default(),
            smart: smart::Smart::default(),
            in_standby: false,
            job: Job::None,
        };
        ata.look(medium);
        ata
    }

    /// Learns how large the disk is, once its medium is there. From then on it
    /// stays as it is.
    fn look(&mut self, medium: Option<Medium>) {
        let Some(medium) = medium.filter(|_| self.total == 0) else {
            return;
        };
        self.total = medium.sectors.min((1 << 48) - 1);
        self.read_only = medium.read_only;
        self.can_discard = medium.discard && !medium.read_only;
        if self.chooses_geometry {
            self.default_geometry = Geometry::of(self.total);
            self.geometry = self.default_geometry;
        }
    }

    pub fn default_geometry(&self) -> Geometry {
        self.default_geometry
    }

    pub fn reset(&mut self, core: &mut Core, reset: Reset) {
        self.job = Job::None;
        if reset == Reset::Hard {
            self.geometry = self.default_geometry;
            self.multiple = MOST_MULTIPLE;
            self.write_cache = true;
            self.look_ahead = true;
            self.mode = TransferMode::default();
        }
        core.registers.sign(0, 0);
        core.registers.status = status::DRDY | status::DSC;
        // The diagnostic code: no fault.
        core.registers.error = 1;
    }

    pub fn is_in_dma(&self) -> bool {
        match &self.job {
            Job::Read(span) | Job::Write(span) => span.way == Way::Dma,
            _ => false,
        }
    }

    pub fn command(&mut self, core: &mut Core, disk: &dyn Disk, opcode: u8) {
        self.look(disk.medium());
        self.job = Job::None;
        let row = COMMANDS.iter().find(|(known, _, _)| *known == opcode);
        match row.map(|(_, _, action)| *action) {
            Some(Read { wide, port }) => self.read(core, wide, port),
            Some(Write { wide, port, fua }) => self.write(core, wide, port, fua),
            Some(Verify { wide }) => self.verify(core, wide),
            Some(Run(run)) => run(self, core),
            None => core.fail(error::ABRT),
        }
    }

    /// The host has moved the whole buffer.
    pub fn data_done(&mut self, core: &mut Core) {
        match core::mem::replace(&mut self.job, Job::None) {
            Job::Read(span) => self.read_taken(core, span),
            Job::Write(span) => self.write_given(core, span),
            Job::TrimList => trim::listed(self, core),
            // The host has read all: there is no interrupt for that.
            _ => core.rest(status::DRDY | status::DSC, 0),
        }
    }

    /// The medium has answered.
    pub fn disk_done(&mut self, core: &mut Core, result: Result<Vec<u8>, DiskError>) {
        match core::mem::replace(&mut self.job, Job::None) {
            Job::Read(span) => self.read_ended(core, span, result),
            Job::Write(span) => self.write_ended(core, span, result),
            Job::Verify(span) => self.verify_ended(core, span, result),
            Job::Flush => match result {
                Ok(_) => core.done(),
                Err(_) => core.fault(),
            },
            Job::Trim(ranges) => match result {
                Ok(_) => trim::next(self, core, ranges),
                Err(_) => core.fail(error::ABRT),
            },
            Job::TrimList | Job::None => core.fail(error::ABRT),
        }
    }

    // --- The small commands -----------------------------------------------

    fn nothing(&mut self, core: &mut Core) {
        core.done();
    }

    fn seek(&mut self, core: &mut Core) {
        match self.address(&core.registers, false) {
            Some(lba) if lba < self.total => core.done(),
            _ => core.fail(error::IDNF),
        }
    }

    fn flush(&mut self, core: &mut Core) {
        self.job = Job::Flush;
        core.wait(Request::Flush);
    }

    fn identify(&mut self, core: &mut Core) {
        core.offer(self.identify_data(), Way::Pio(SECTOR));
    }

    fn initialize_parameters(&mut self, core: &mut Core) {
        let heads = (core.registers.device & 0xf) + 1;
        match Geometry::with(self.total, heads, core.registers.count.now) {
            Some(geometry) => {
                self.geometry = geometry;
                core.done();
            }
            None => core.fail(error::ABRT),
        }
    }

    fn set_multiple(&mut self, core: &mut Core) {
        let sectors = core.registers.count.now;
        if sectors > MOST_MULTIPLE || sectors != 0 && !sectors.is_power_of_two() {
            core.fail(error::ABRT);
            return;
        }
        self.multiple = sectors;
        core.done();
    }

    /// STANDBY writes the cache out first.
    fn standby(&mut self, core: &mut Core) {
        self.in_standby = true;
        self.flush(core);
    }

    fn idle(&mut self, core: &mut Core) {
        self.in_standby = false;
        core.done();
    }

    fn sleep(&mut self, core: &mut Core) {
        self.in_standby = true;
        core.sleep();
    }

    fn check_power_mode(&mut self, core: &mut Core) {
        core.registers
            .count
            .set(if self.in_standby { 0x00 } else { 0xff });
        core.done();
    }

    fn native_max(&mut self, core: &mut Core) {
        let last = self.total.saturating_sub(1);
        if core.registers.device & device::LBA == 0 {
            // Whatever INITIALIZE DEVICE PARAMETERS made of it.
            core.registers.set_chs(self.default_geometry.last());
        } else {
            core.registers.set_lba28(last.min(0x0fff_ffff));
        }
        core.done();
    }

    fn native_max_ext(&mut self, core: &mut Core) {
        core.registers.set_lba48(self.total.saturating_sub(1));
        core.done();
    }
}
