//! A CD or DVD drive: ATA/ATAPI-6's PACKET commands, which carry the commands
//! of MMC-4 and SPC-3.
//!
//! ```text
//!   PACKET ──> 12 bytes ──> COMMANDS ──> reply (data port or DMA) ──> status
//!                               │
//!                               └──> the medium, chunk by chunk ──> reply …
//! ```

mod commands;
mod disc;
mod identify;
mod mode;
mod read;
mod sense;
mod toc;

use alloc::vec::Vec;

use super::ata::TransferMode;
use super::drive::{Identity, Reset, TrayError};
use super::engine::{Core, Way};
use super::registers::{error, reason, status};
use crate::surroundings::{Disk, DiskError, Medium};
use read::Span;
use sense::Sense;

/// Bytes of a command packet.
const PACKET: usize = 12;
/// A command packet.
type Packet = [u8; PACKET];
/// Bytes of a block of data on a CD or DVD.
const BLOCK: usize = 2048;
/// Sectors (of 512 bytes) of a block.
const SECTORS: u64 = 4;

/// What goes on.
#[derive(Debug)]
enum Job {
    None,
    /// The packet is coming.
    Packet,
    /// The data offered is the whole answer.
    Reply,
    /// Blocks are being read.
    Read(Span),
}

/// What GET EVENT STATUS NOTIFICATION tells of the medium.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Event {
    None = 0,
    EjectRequest = 1,
    NewMedia = 2,
    MediaRemoval = 3,
}

/// What makes a drive a CD drive.
pub(super) struct Atapi {
    identity: Identity,
    /// What the guest knows to be in the drive.
    seen: Option<Medium>,
    /// The guest has not spoken to the drive yet: whatever it finds is no news.
    untouched: bool,
    tray_open: bool,
    locked: bool,
    event: Event,
    sense: Sense,
    /// To be told before the next command.
    attention: Option<Sense>,
    mode: TransferMode,
    /// The current packet's data goes by DMA.
    dma: bool,
    /// Most bytes of a DRQ block.
    limit: usize,
    job: Job,
}

impl Atapi {
    pub fn new(medium: Option<Medium>, identity: Identity) -> Self {
        Atapi {
            identity,
            seen: medium,
            untouched: true,
            tray_open: false,
            locked: false,
            event: Event::None,
            sense: Sense::NONE,
            attention: None,
            mode: TransferMode::default(),
            dma: false,
            limit: 0,
            job: Job::None,
        }
    }

    pub fn reset(&mut self, core: &mut Core, reset: Reset) {
        self.job = Job::None;
        self.sense = Sense::NONE;
        if reset == Reset::Hard {
            self.locked = false;
            self.mode = TransferMode::default();
        }
        self.sign(core);
        // A packet drive is not "ready" until it is spoken to.
        core.registers.status = 0;
        core.registers.error = 1;
    }

    fn sign(&self, core: &mut Core) {
        core.registers.sign(0x14, 0xeb);
    }

    pub fn is_in_dma(&self) -> bool {
        self.dma && matches!(self.job, Job::Read(_))
    }

    // --- The tray, from outside -------------------------------------------

    pub fn eject(&mut self, force: bool) -> Result<(), TrayError> {
        if self.locked && !force {
            self.event = Event::EjectRequest;
            return Err(TrayError::Locked);
        }
        self.locked = false;
        self.tray_open = true;
        Ok(())
    }

    pub fn insert(&mut self) {
        self.tray_open = false;
        // Whatever is in there now is new to the guest.
        self.seen = None;
        self.untouched = false;
    }

    /// What is in the closed drive.
    fn medium(&self, disk: &dyn Disk) -> Option<Medium> {
        disk.medium().filter(|_| !self.tray_open)
    }

    /// Notices that the medium is another one.
    fn look(&mut self, disk: &dyn Disk) {
        let now = self.medium(disk);
        let generation = |medium: Option<Medium>| medium.map(|medium| medium.generation);
        if core::mem::take(&mut self.untouched) {
            self.seen = now;
        }
        if generation(now) == generation(self.seen) {
            return;
        }
        self.event = match now {
            Some(_) => Event::NewMedia,
            None => Event::MediaRemoval,
        };
        if now.is_some() {
            self.attention = Some(Sense::MEDIUM_MAY_HAVE_CHANGED);
        }
        self.seen = now;
    }

    // --- ATA commands -----------------------------------------------------

    pub fn command(&mut self, core: &mut Core, disk: &dyn Disk, opcode: u8) {
        self.look(disk);
        if opcode == super::ata::DEVICE_RESET {
            // Not a word to the host but the registers.
            let selected = core.registers.device;
            core.reset();
            self.reset(core, Reset::Soft);
            core.registers.device = selected & super::registers::device::DEV;
            return;
        }
        self.job = Job::None;
        match opcode {
            0xa0 => self.packet(core),
            0xa1 => core.offer(self.identify_data(), Way::Pio(512)),
            0xef => self.set_features(core),
            // STANDBY and IDLE in all forms, and FLUSH CACHE: nothing to do.
            0xe0..=0xe3 => core.done(),
            0xe5 => {
                core.registers.count.set(0xff);
                core.done();
            }
            0xe6 => core.sleep(),
            // READ SECTOR(S) and IDENTIFY DEVICE: how old software finds out.
            0x20 | 0xec => {
                self.sign(core);
                core.fail(error::ABRT);
            }
            _ => core.fail(error::ABRT),
        }
    }

    fn set_features(&mut self, core: &mut Core) {
        let registers = &core.registers;
        match (registers.features.now, self.mode.set(registers.count.now)) {
            (0x03, Some(mode)) => {
                self.mode = mode;
                core.done();
            }
            _ => core.fail(error::ABRT),
        }
    }

    fn packet(&mut self, core: &mut Core) {
        const DMA: u8 = 0x01;
        const OVERLAPPED: u8 = 0x02;
        let registers = &mut core.registers;
        if registers.features.now & OVERLAPPED != 0 {
            core.fail(error::ABRT);
            return;
        }
        self.dma = registers.features.now & DMA != 0;
        let limit = u16::from_le_bytes([registers.lba_mid.now, registers.lba_high.now]);
        // 0 is no limit to speak of, FFFFh means FFFEh.
        self.limit = match limit {
            0 | 0xffff => 0xfffe,
            limit => usize::from(limit),
        };
        self.job = Job::Packet;
        registers.count.set(reason::CD);
        core.ask(PACKET, Way::Pio(PACKET), true);
    }

    // --- How commands go on -----------------------------------------------

    pub fn data_done(&mut self, core: &mut Core, disk: &dyn Disk) {
        match core::mem::replace(&mut self.job, Job::None) {
            Job::Packet => {
                let mut packet = [0; PACKET];
                for (to, from) in packet.iter_mut().zip(core.take_data()) {
                    *to = from;
                }
                self.execute(core, disk, &packet);
            }
            Job::Read(span) => self.read_taken(core, span),
            Job::Reply => self.good(core),
            // IDENTIFY PACKET DEVICE: no interrupt at the end.
            Job::None => core.rest(status::DRDY | status::DSC, 0),
        }
    }

    pub fn disk_done(&mut self, core: &mut Core, result: Result<Vec<u8>, DiskError>) {
        match core::mem::replace(&mut self.job, Job::None) {
            Job::Read(span) => self.read_ended(core, span, result),
            _ => self.check(core, Sense::NO_MEDIUM),
        }
    }

    /// How the current packet's data goes to the host.
    fn way(&self) -> Way {
        if self.dma {
            Way::Dma
        } else {
            Way::Packet(self.limit)
        }
    }

    /// Gives data to the host, no more than it has room for.
    fn reply(&mut self, core: &mut Core, mut data: Vec<u8>, room: usize) {
        data.truncate(room);
        if data.is_empty() {
            self.good(core);
            return;
        }
        self.job = Job::Reply;
        self.offer(core, data);
    }

    fn offer(&mut self, core: &mut Core, data: Vec<u8>) {
        core.registers.count.set(reason::IO);
        core.offer(data, self.way());
    }

    /// The packet command has ended well.
    fn good(&mut self, core: &mut Core) {
        core.registers.count.set(reason::IO | reason::CD);
        core.done();
    }

    /// CHECK CONDITION: the packet command has ended badly.
    fn check(&mut self, core: &mut Core, sense: Sense) {
        self.sense = sense;
        core.registers.count.set(reason::IO | reason::CD);
        core.fail(sense.key << 4 | error::ABRT);
    }
}
