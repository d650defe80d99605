//! One of the two channels: a cable with up to two drives.
//!
//! Both drives hear every write to the registers; the selected one answers
//! (ATA/ATAPI-6 clause 7). Where no drive is, the cable's resistors answer: all
//! ones without any drive, DD7 low if there is only a device 1 (so that nobody
//! takes it for busy), and device 0 speaks for a missing device 1, with a
//! Status of zero.

use super::busmaster::{BusMaster, Moved};
use super::drive::{Drive, Reset};
use super::engine::Phase;
use super::registers::{control, device, error, offset, status};
use crate::bus::Width;
use crate::surroundings::{GuestMemory, Line};

/// EXECUTE DEVICE DIAGNOSTIC: for both drives, whichever is selected.
const EXECUTE_DEVICE_DIAGNOSTIC: u8 = 0x90;

/// A channel.
pub(super) struct Channel {
    pub drives: [Option<Drive>; 2],
    pub bus_master: BusMaster,
    /// Which drive the DEV bit chooses.
    selected: usize,
    control: u8,
    line: Line,
}

impl Channel {
    pub fn new(drives: [Option<Drive>; 2], line: Line) -> Self {
        Channel {
            drives,
            bus_master: BusMaster::default(),
            selected: 0,
            control: 0,
            line,
        }
    }

    fn current(&self) -> Option<&Drive> {
        self.drives.get(self.selected)?.as_ref()
    }

    fn current_mut(&mut self) -> Option<&mut Drive> {
        self.drives.get_mut(self.selected)?.as_mut()
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Drive> {
        self.drives.iter_mut().flatten()
    }

    // --- Registers of eight bits ------------------------------------------

    /// The processor reads a register other than Data.
    pub fn read(&mut self, at: u64) -> u8 {
        let value = self.peek(at);
        if at == offset::COMMAND
            && let Some(drive) = self.current_mut()
        {
            drive.core.acknowledge();
        }
        value
    }

    /// The same without any effect: Alternate Status reads like this.
    pub fn peek(&self, at: u64) -> u8 {
        let high_order = self.control & control::HOB != 0;
        match (self.current(), &self.drives) {
            (Some(_), _) if at == offset::COMMAND && self.is_held() => status::BSY,
            (Some(drive), _) => drive.core.registers.read(at, high_order),
            (None, [None, None]) => 0xff,
            (None, [None, _]) => 0x7f,
            // Device 0 speaks for a missing device 1.
            (None, [Some(_), _]) if at == offset::COMMAND => 0,
            (None, [Some(zero), _]) => zero.core.registers.read(at, high_order),
        }
    }

    /// The processor writes a register other than Data.
    pub fn write(&mut self, at: u64, value: u8) {
        if at == offset::COMMAND {
            self.command(value);
            return;
        }
        // Registers are the drive's own while BSY or DRQ is set; this holds for
        // the choice of the drive, too.
        if self.is_held() || self.current().is_some_and(|drive| drive.core.is_occupied()) {
            return;
        }
        if at == offset::DEVICE {
            self.selected = usize::from(value & device::DEV != 0);
        }
        self.control &= !control::HOB;
        for drive in self.each() {
            if !drive.core.is_occupied() {
                drive.core.registers.write(at, value);
            }
        }
    }

    fn command(&mut self, opcode: u8) {
        self.control &= !control::HOB;
        if self.is_held() {
            return;
        }
        if opcode == EXECUTE_DEVICE_DIAGNOSTIC {
            self.diagnose();
        } else if let Some(drive) = self.current_mut() {
            drive.command(opcode);
        }
    }

    /// The processor writes Device Control.
    pub fn write_control(&mut self, value: u8) {
        let was = core::mem::replace(&mut self.control, value);
        if (was ^ value) & value & control::SRST != 0 {
            self.reset(Reset::Soft);
        }
    }

    /// Whether software holds the drives in reset.
    fn is_held(&self) -> bool {
        self.control & control::SRST != 0
    }

    /// Resets both drives; device 0 is selected then.
    pub fn reset(&mut self, reset: Reset) {
        self.selected = 0;
        for drive in self.each() {
            drive.reset(reset);
            drive.core.registers.device = 0;
        }
        if reset == Reset::Hard {
            self.control = 0;
            self.bus_master.reset();
        }
    }

    fn diagnose(&mut self) {
        if self.each().any(|drive| drive.core.is_occupied()) {
            return;
        }
        self.reset(Reset::Soft);
        if let Some(drive) = self.current_mut() {
            drive.core.raise();
        }
    }

    /// The bus master has been stopped: a drive in the middle of DMA gives up.
    pub fn stop(&mut self) {
        for drive in self.each() {
            if drive.is_in_dma() {
                drive.dma_stopped();
            }
        }
    }

    // --- The data port ----------------------------------------------------

    /// The processor reads the data port, again and again until `to` is full.
    pub fn read_data(&mut self, width: Width, to: &mut [u8]) {
        let mut done = 0;
        while done < to.len() {
            let Some(drive) = self.current_mut() else {
                break;
            };
            let rest = to.get_mut(done..).unwrap_or_default();
            let bytes = drive.core.read_data(rest);
            if bytes == 0 {
                break;
            }
            done += bytes;
            if drive.core.moved() {
                drive.data_done();
            }
            // An access is not shared by two DRQ blocks.
            let next = done.next_multiple_of(width.bytes()).min(to.len());
            to.get_mut(done..next).unwrap_or_default().fill(0);
            done = next;
        }
        to.get_mut(done..).unwrap_or_default().fill(0xff);
    }

    /// The processor writes the data port, again and again.
    pub fn write_data(&mut self, width: Width, from: &[u8]) {
        let mut done = 0;
        while done < from.len() {
            let Some(drive) = self.current_mut() else {
                return;
            };
            let bytes = drive.core.write_data(from.get(done..).unwrap_or_default());
            if bytes == 0 {
                return;
            }
            done = (done + bytes).next_multiple_of(width.bytes());
            if drive.core.moved() {
                drive.data_done();
            }
        }
    }

    // --- What follows from an access or a completion ----------------------

    /// Moves what the bus master can move, and drives the interrupt line.
    pub fn settle(&mut self, memory: &dyn GuestMemory) {
        for drive in self.drives.iter_mut().flatten() {
            while self.bus_master.is_active() && dma(&mut self.bus_master, drive, memory) {}
        }
        let enabled = self.control & control::N_IEN == 0;
        let mut raised = false;
        for (number, drive) in self.drives.iter_mut().enumerate() {
            if let Some(drive) = drive {
                raised |= drive.core.take_raised() && number == self.selected;
            }
        }
        let level = enabled && self.current().is_some_and(|drive| drive.core.interrupt());
        if level && (raised || !self.line.level()) {
            self.bus_master.interrupt();
        }
        self.line.set(level);
    }
}

/// Moves a drive's buffer by DMA, if it wants that. True: it may want more.
fn dma(bus_master: &mut BusMaster, drive: &mut Drive, memory: &dyn GuestMemory) -> bool {
    let moved = match drive.core.phase() {
        Phase::DmaIn => bus_master.deliver(memory, drive.core.dma_buffer()),
        Phase::DmaOut => bus_master.collect(memory, drive.core.dma_buffer()),
        _ => return false,
    };
    match moved {
        Moved::All => {
            drive.core.work();
            drive.data_done();
            return true;
        }
        Moved::Short => drive.dma_stopped(),
        Moved::Fault => drive.core.fail(error::ABRT),
    }
    bus_master.give_up(moved);
    false
}
