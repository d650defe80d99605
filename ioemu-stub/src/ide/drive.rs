//! A drive: what all drives share, and what makes it a disk or a CD drive.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;

use super::ata::Ata;
use super::atapi::Atapi;
use super::engine::{Core, Phase};
use super::geometry::Geometry;
use super::registers::status;
use crate::surroundings::{Disk, DiskError};

/// What a drive calls itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Up to 40 characters.
    pub model: alloc::string::String,
    /// Up to 20 characters.
    pub serial: alloc::string::String,
    /// Up to 8 characters.
    pub firmware: alloc::string::String,
}

impl Identity {
    /// The names that xl's guests have always seen, `place` being 0 for the
    /// first drive of the first channel: guests find their disks by them
    /// (`/dev/disk/by-id`).
    pub fn of_disk(place: usize) -> Self {
        Identity::named("QEMU HARDDISK", place)
    }

    /// The same for a CD drive.
    pub fn of_cd(place: usize) -> Self {
        Identity::named("QEMU DVD-ROM", place)
    }

    fn named(model: &str, place: usize) -> Self {
        Identity {
            model: model.into(),
            serial: alloc::format!("QM{:05}", place.saturating_add(1)),
            firmware: "2.5+".into(),
        }
    }
}

/// Why a tray does not open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TrayError {
    /// The guest has locked it.
    Locked,
    /// There is no such drive, or it has no tray.
    NoTray,
}

impl core::fmt::Display for TrayError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            TrayError::Locked => "the guest has locked the tray",
            TrayError::NoTray => "not a drive with a tray",
        })
    }
}

impl core::error::Error for TrayError {}

/// What a kind of drive makes of the protocol.
pub(super) enum Model {
    /// An ATA disk.
    Disk(Box<Ata>),
    /// An ATAPI CD or DVD drive.
    Cd(Box<Atapi>),
}

/// One drive.
pub struct Drive {
    pub(super) core: Core,
    pub(super) model: Model,
    pub(super) disk: Rc<dyn Disk>,
}

/// How a drive was reset.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reset {
    /// Power-on or the RESET- line: settings are those of the start.
    Hard,
    /// SRST: settings stay.
    Soft,
}

impl Drive {
    /// A disk. Without a `geometry`, it chooses its own.
    pub fn disk(disk: Rc<dyn Disk>, identity: Identity, geometry: Option<Geometry>) -> Self {
        let ata = Ata::new(disk.medium(), identity, geometry);
        Self::new(Model::Disk(Box::new(ata)), disk)
    }

    /// A CD or DVD drive, perhaps empty.
    pub fn cd(disk: Rc<dyn Disk>, identity: Identity) -> Self {
        let atapi = Atapi::new(disk.medium(), identity);
        Self::new(Model::Cd(Box::new(atapi)), disk)
    }

    fn new(model: Model, disk: Rc<dyn Disk>) -> Self {
        let mut drive = Drive {
            core: Core::new(),
            model,
            disk,
        };
        drive.reset(Reset::Hard);
        drive
    }

    /// Whether it is a CD drive.
    pub fn is_cd(&self) -> bool {
        matches!(self.model, Model::Cd(_))
    }

    /// The geometry that the drive tells, if it has one.
    pub fn geometry(&self) -> Option<Geometry> {
        match &self.model {
            Model::Disk(ata) => Some(ata.default_geometry()),
            Model::Cd(_) => None,
        }
    }

    /// The host writes the command register.
    pub(super) fn command(&mut self, opcode: u8) {
        // Whatever the drive does, only a reset of a packet drive may come then.
        let occupied = self.core.is_occupied();
        let asleep = self.core.phase() == Phase::Asleep;
        if (occupied || asleep) && !(self.is_cd() && opcode == super::ata::DEVICE_RESET) {
            return;
        }
        self.core.acknowledge();
        match &mut self.model {
            Model::Disk(ata) => ata.command(&mut self.core, &*self.disk, opcode),
            Model::Cd(atapi) => atapi.command(&mut self.core, &*self.disk, opcode),
        }
    }

    /// The host has moved the whole buffer.
    pub(super) fn data_done(&mut self) {
        match &mut self.model {
            Model::Disk(ata) => ata.data_done(&mut self.core),
            Model::Cd(atapi) => atapi.data_done(&mut self.core, &*self.disk),
        }
    }

    /// The medium has answered.
    pub(super) fn disk_done(&mut self, result: Result<Vec<u8>, DiskError>) {
        match &mut self.model {
            Model::Disk(ata) => ata.disk_done(&mut self.core, result),
            Model::Cd(atapi) => atapi.disk_done(&mut self.core, result),
        }
    }

    /// The bus master has stopped, or its table has ended: the command is over,
    /// with nothing said.
    pub(super) fn dma_stopped(&mut self) {
        self.core.rest(status::DRDY | status::DSC, 0);
    }

    /// Whether a DMA command is under way.
    pub(super) fn is_in_dma(&self) -> bool {
        match self.core.phase() {
            Phase::DmaIn | Phase::DmaOut => true,
            Phase::Busy => match &self.model {
                Model::Disk(ata) => ata.is_in_dma(),
                Model::Cd(atapi) => atapi.is_in_dma(),
            },
            _ => false,
        }
    }

    /// A reset.
    pub(super) fn reset(&mut self, reset: Reset) {
        self.core.reset();
        match &mut self.model {
            Model::Disk(ata) => ata.reset(&mut self.core, reset),
            Model::Cd(atapi) => atapi.reset(&mut self.core, reset),
        }
    }
}
