//! The controller: two channels, the requests of their four drives, and the
//! ways in for the processor.

use alloc::boxed::Box;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::RefCell;

use super::channel::Channel;
use super::drive::{Drive, Model, Reset, TrayError};
use super::geometry::Geometry;
use super::registers::offset;
use crate::bus::{Registers, Width};
use crate::surroundings::{Disk, DiskError, GuestMemory, Line, Pins};

/// The regions of the controller, as [`Registers`] numbers them.
pub mod region {
    /// Ports 1f0h-1f7h.
    pub const PRIMARY: u8 = 0;
    /// Port 3f6h.
    pub const PRIMARY_CONTROL: u8 = 1;
    /// Ports 170h-177h.
    pub const SECONDARY: u8 = 2;
    /// Port 376h.
    pub const SECONDARY_CONTROL: u8 = 3;
    /// The bus master's 16 ports.
    pub const BUS_MASTER: u8 = 4;
}

/// Interrupts of the two channels.
const IRQS: [u8; 2] = [14, 15];

/// An IDE controller with a bus master.
pub struct Ide {
    channels: [Channel; 2],
    memory: Rc<dyn GuestMemory>,
    /// For the completions, which must not keep a controller alive.
    me: Weak<RefCell<Ide>>,
    /// The disks are gone (the guest uses other drivers for them).
    unplugged: bool,
}

impl Ide {
    /// A controller with these drives: the two of the first channel, then the
    /// two of the second.
    pub fn new(
        memory: Rc<dyn GuestMemory>,
        pins: &Rc<dyn Pins>,
        drives: [Option<Drive>; 4],
    ) -> Rc<RefCell<Self>> {
        let [a, b, c, d] = drives;
        let [first, second] = IRQS.map(|irq| Line::isa(pins, irq));
        Rc::new_cyclic(|me| {
            RefCell::new(Ide {
                channels: [Channel::new([a, b], first), Channel::new([c, d], second)],
                memory,
                me: me.clone(),
                unplugged: false,
            })
        })
    }

    /// Whether the bus master may use memory: the PCI command register's word.
    pub fn set_bus_master(&mut self, enabled: bool) {
        for channel in &mut self.channels {
            channel.bus_master.enabled = enabled;
        }
    }

    /// The RESET- line of both channels.
    pub fn reset(&mut self) {
        for channel in 0..2 {
            self.channels[channel].reset(Reset::Hard);
            self.settle(channel);
        }
    }

    /// Takes the disks away and leaves the CD drives: the guest has its own way
    /// to the same data, and must not see it twice. Only
    /// `auxiliary`: the first disk stays.
    pub fn unplug_disks(&mut self, auxiliary: bool) {
        self.unplugged = true;
        for (place, drive) in self
            .channels
            .iter_mut()
            .flat_map(|c| &mut c.drives)
            .enumerate()
        {
            if auxiliary && place == 0 {
                continue;
            }
            drive.take_if(|drive| !drive.is_cd());
        }
        self.settle(0);
        self.settle(1);
    }

    /// Whether [`Self::unplug_disks`] was called.
    pub fn is_unplugged(&self) -> bool {
        self.unplugged
    }

    /// The geometry of drive `place` (0 to 3), if it is a disk.
    pub fn geometry(&self, place: usize) -> Option<Geometry> {
        self.drive(place)?.geometry()
    }

    fn drive(&self, place: usize) -> Option<&Drive> {
        self.channels
            .get(place / 2)?
            .drives
            .get(place % 2)?
            .as_ref()
    }

    fn drive_mut(&mut self, place: usize) -> Option<&mut Drive> {
        self.channels
            .get_mut(place / 2)?
            .drives
            .get_mut(place % 2)?
            .as_mut()
    }

    /// Opens the tray of drive `place` (0 to 3) from outside, and takes the
    /// medium out. A locked one only if `force`; otherwise the guest is told
    /// that somebody wants it open.
    ///
    /// # Errors
    /// [`TrayError`].
    pub fn eject(&mut self, place: usize, force: bool) -> Result<(), TrayError> {
        match self.drive_mut(place).map(|drive| &mut drive.model) {
            Some(Model::Cd(atapi)) => atapi.eject(force),
            _ => Err(TrayError::NoTray),
        }
    }

    /// Puts a medium into drive `place` (0 to 3) and closes the tray.
    ///
    /// # Errors
    /// [`TrayError::NoTray`].
    pub fn insert(&mut self, place: usize, disk: Rc<dyn Disk>) -> Result<(), TrayError> {
        let drive = self.drive_mut(place).ok_or(TrayError::NoTray)?;
        let Model::Cd(atapi) = &mut drive.model else {
            return Err(TrayError::NoTray);
        };
        let waited = drive.core.is_waiting();
        drive.disk = disk;
        drive.core.forget_flight();
        atapi.insert();
        if waited {
            // What was asked of the old medium has no answer any more.
            drive.disk_done(Err(DiskError::NoMedium));
        }
        self.settle(place / 2);
        Ok(())
    }

    // --- Completions ------------------------------------------------------

    /// Does what follows from an access or a completion.
    fn settle(&mut self, channel: usize) {
        let Some(it) = self.channels.get_mut(channel) else {
            return;
        };
        it.settle(&*self.memory);
        for (number, drive) in it.drives.iter_mut().enumerate() {
            let Some(drive) = drive else {
                continue;
            };
            let Some((request, ticket)) = drive.core.take_request() else {
                continue;
            };
            let me = self.me.clone();
            let done = move |result| {
                if let Some(ide) = me.upgrade() {
                    ide.borrow_mut().landed(channel, number, ticket, result);
                }
            };
            drive.disk.start(request, Box::new(done));
        }
    }

    fn landed(
        &mut self,
        channel: usize,
        number: usize,
        ticket: u64,
        result: Result<Vec<u8>, DiskError>,
    ) {
        if let Some(drive) = self.drive_mut(channel * 2 + number)
            && drive.core.landed(ticket)
        {
            drive.disk_done(result);
        }
        self.settle(channel);
    }

    // --- Accesses ---------------------------------------------------------

    fn read_byte(&mut self, region: u8, at: u64) -> u8 {
        let [first, second] = &mut self.channels;
        match region {
            region::PRIMARY => first.read(at),
            region::SECONDARY => second.read(at),
            region::PRIMARY_CONTROL => first.peek(offset::COMMAND),
            region::SECONDARY_CONTROL => second.peek(offset::COMMAND),
            region::BUS_MASTER if at < 8 => first.bus_master.read(at),
            region::BUS_MASTER => second.bus_master.read(at - 8),
            _ => 0xff,
        }
    }

    fn write_byte(&mut self, region: u8, at: u64, value: u8) {
        let [first, second] = &mut self.channels;
        match region {
            region::PRIMARY => first.write(at, value),
            region::SECONDARY => second.write(at, value),
            region::PRIMARY_CONTROL => first.write_control(value),
            region::SECONDARY_CONTROL => second.write_control(value),
            region::BUS_MASTER => {
                let channel = if at < 8 { first } else { second };
                if channel.bus_master.write(at & 7, value) {
                    channel.stop();
                }
            }
            _ => {}
        }
    }

    /// The channel whose data port this is, accessed as one.
    fn data_port(region: u8, at: u64, width: Width) -> Option<usize> {
        let wide = matches!(width, Width::Word | Width::Dword);
        match region {
            region::PRIMARY if at == offset::DATA && wide => Some(0),
            region::SECONDARY if at == offset::DATA && wide => Some(1),
            _ => None,
        }
    }

    fn settle_region(&mut self, region: u8, at: u64) {
        match region {
            region::PRIMARY | region::PRIMARY_CONTROL => self.settle(0),
            region::SECONDARY | region::SECONDARY_CONTROL => self.settle(1),
            _ => self.settle(usize::from(at >= 8)),
        }
    }
}

impl Registers for Ide {
    fn read(&mut self, region: u8, offset: u64, width: Width) -> u64 {
        let mut bytes = [0; 8];
        let bytes = &mut bytes[..width.bytes()];
        self.read_block(region, offset, width, bytes);
        Width::Qword.from_le(bytes)
    }

    fn write(&mut self, region: u8, offset: u64, width: Width, value: u64) {
        let bytes = value.to_le_bytes();
        self.write_block(region, offset, width, &bytes[..width.bytes()]);
    }

    fn read_block(&mut self, region: u8, at: u64, width: Width, data: &mut [u8]) {
        if let Some(channel) = Self::data_port(region, at, width) {
            self.channels[channel].read_data(width, data);
        } else {
            // The registers have eight bits; the bus takes wider accesses apart.
            for element in data.chunks_mut(width.bytes()) {
                for (byte, at) in element.iter_mut().zip(at..) {
                    *byte = self.read_byte(region, at);
                }
            }
        }
        self.settle_region(region, at);
    }

    fn write_block(&mut self, region: u8, at: u64, width: Width, data: &[u8]) {
        if let Some(channel) = Self::data_port(region, at, width) {
            self.channels[channel].write_data(width, data);
            self.settle_region(region, at);
            return;
        }
        for element in data.chunks(width.bytes()) {
            for (byte, at) in element.iter().zip(at..) {
                self.write_byte(region, at, *byte);
            }
            self.settle_region(region, at);
        }
    }
}
