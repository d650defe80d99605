//! The machine: which devices there are, and where.
//!
//! [`DEVICES`] is the list; read it first. [`Machine::new`] builds, in the
//! order of the list, those that the [`Config`] wants. The slots and numbers
//! are those of QEMU's `xenfv` machine, because installed guests know their
//! devices by them.
//!
//! What Xen itself emulates is not here and never arrives: the interrupt
//! controllers, the timers, the clock, the ACPI timer and fixed events.

mod assembly;
mod devices;
mod table;
#[cfg(test)]
mod tests;

pub use assembly::Assembly;
pub use devices::{DEVICES, Device, Irq, Slot, State};
pub use table::table;

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::bus::pci::{Devfn, PciBus};
use crate::bus::{Decoder, Shared, Space, Width};
use crate::chip::cmos::{BootDevice, Cmos, Geometry};
use crate::chip::hotplug::Hotplug;
use crate::chip::i8042::I8042;
use crate::chip::power_management::PowerManagement;
use crate::chip::uart::Uart;
use crate::ide::Ide;
use crate::surroundings::{Disk, Serial, Surroundings, VideoMemory};
use crate::vga;
use crate::xen::dispatch::Target;

/// What kind of machine it is.
#[derive(Clone, Debug)]
pub struct Config {
    /// How many processors.
    pub processors: u32,
    /// Bytes of RAM below 4 GiB.
    pub low_memory: u64,
    /// Bytes of RAM from 4 GiB on.
    pub high_memory: u64,
    /// What to boot from, in order.
    pub boot: Vec<BootDevice>,
    /// Whether firmware refuses floppies without a boot signature.
    pub check_floppy: bool,
    /// Whether there is ACPI.
    pub acpi: bool,
    /// Whether there is the Xen platform device, through which a guest's
    /// drivers unplug the emulated disks.
    pub platform: bool,
    /// Whether they may. If not, the guest stays on the emulated ones.
    pub unplug: bool,
    /// The display adapter.
    pub vga: Option<Vga>,
    /// What firmware finds about the IDE disks' geometry, by unit.
    pub geometry: [Option<Geometry>; 4],
}

impl Default for Config {
    /// What `xl` makes of a configuration that says nothing: one processor,
    /// ACPI, the platform device, boot from disk, floppy, CD.
    fn default() -> Self {
        Config {
            processors: 1,
            low_memory: 128 << 20,
            high_memory: 0,
            boot: [BootDevice::Disk, BootDevice::Floppy, BootDevice::Cd].into(),
            check_floppy: true,
            acpi: true,
            platform: true,
            unplug: true,
            vga: None,
            geometry: [None; 4],
        }
    }
}

/// Which display adapter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Vga {
    /// Bochs VGA, QEMU's "std".
    Std,
}

/// What is behind the machine's devices.
#[derive(Default)]
pub struct Backends {
    /// The IDE drives: primary master and slave, secondary master and slave.
    pub drives: [Option<Drive>; 4],
    /// The far ends of COM1 to COM4. A port without one is not there.
    pub serials: Vec<Rc<dyn Serial>>,
    /// The display adapter's memory.
    pub video: Option<Rc<dyn VideoMemory>>,
    /// The display adapter's BIOS.
    pub vga_rom: Option<Rc<[u8]>>,
}

/// A drive on the IDE cables.
#[derive(Clone)]
pub struct Drive {
    /// A CD-ROM drive, not a disk.
    pub cd: bool,
    /// What is in it.
    pub disk: Rc<dyn Disk>,
    /// Its serial number; the drive makes one up if there is none.
    pub serial: Option<String>,
    /// The revision of its firmware; the drive makes one up if there is none.
    pub firmware: Option<String>,
}

/// The machine. One for all who hold it: its methods may be called from each
/// of the stub's tasks, though not from within one another.
pub struct Machine {
    decoder: Decoder,
    bus: Rc<RefCell<PciBus>>,
    handles: Handles,
}

/// Ways into the machine beside the guest's own accesses: each chip that has
/// one leaves it here while it is built.
pub struct Handles {
    /// The IDE controller: unplugging, media.
    pub ide: Option<Rc<RefCell<Ide>>>,
    /// Boot order, memory sizes.
    pub cmos: Rc<RefCell<Cmos>>,
    /// The power button; `None` without ACPI.
    pub power_management: Option<Rc<RefCell<PowerManagement>>>,
    /// Processor and PCI hotplug; `None` without ACPI.
    pub hotplug: Option<Rc<RefCell<Hotplug>>>,
    /// Keyboard and mouse.
    pub input: Rc<RefCell<I8042>>,
    /// The display adapter, for its viewers.
    pub vga: Option<Rc<RefCell<vga::Vga>>>,
    /// The serial ports that are there, from COM1 on.
    pub serials: Vec<Rc<RefCell<Uart>>>,
}

impl Machine {
    /// Builds the machine: every row of [`DEVICES`] that is there and wanted.
    pub fn new(config: &Config, surroundings: Surroundings, backends: Backends) -> Self {
        let mut assembly = Assembly::new(config, surroundings, backends);
        for device in DEVICES {
            assembly.add(device);
        }
        let (decoder, bus, handles) = assembly.finish();
        Machine {
            decoder,
            bus,
            handles,
        }
    }

    /// The ways in beside the guest's accesses.
    pub fn handles(&self) -> &Handles {
        &self.handles
    }

    /// Who answers where.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The PCI bus.
    pub fn bus(&self) -> &Rc<RefCell<PciBus>> {
        &self.bus
    }

    /// The guest reads a port.
    pub fn port_read(&self, port: u64, width: Width) -> u64 {
        read(self.decoder.ports(), port, width)
    }

    /// The guest writes a port.
    pub fn port_write(&self, port: u64, width: Width, value: u64) {
        write(self.decoder.ports(), port, width, value);
    }

    /// `rep ins`: the guest reads the same port again and again. The length of
    /// `data` is a multiple of the width.
    pub fn port_read_block(&self, port: u64, width: Width, data: &mut [u8]) {
        match find(self.decoder.ports(), port, width.bytes()) {
            Some((chip, region, offset)) => {
                chip.borrow_mut().read_block(region, offset, width, data);
            }
            None => data.fill(0xff),
        }
    }

    /// `rep outs`: the guest writes the same port again and again. The length
    /// of `data` is a multiple of the width.
    pub fn port_write_block(&self, port: u64, width: Width, data: &[u8]) {
        if let Some((chip, region, offset)) = find(self.decoder.ports(), port, width.bytes()) {
            chip.borrow_mut().write_block(region, offset, width, data);
        }
    }

    /// The guest reads device memory.
    pub fn memory_read(&self, address: u64, width: Width) -> u64 {
        read(self.decoder.memory(), address, width)
    }

    /// The guest writes device memory.
    pub fn memory_write(&self, address: u64, width: Width, value: u64) {
        write(self.decoder.memory(), address, width, value);
    }

    /// `rep movs` from device memory: element by element, upwards. The length
    /// of `data` is a multiple of the width.
    pub fn memory_read_block(&self, address: u64, width: Width, data: &mut [u8]) {
        let bytes = width.bytes();
        if let Some((chip, region, offset)) = find(self.decoder.memory(), address, data.len()) {
            let mut chip = chip.borrow_mut();
            for (element, offset) in data.chunks_exact_mut(bytes).zip((offset..).step_by(bytes)) {
                let value = chip.read(region, offset, width);
                element.copy_from_slice(&value.to_le_bytes()[..bytes]);
            }
            return;
        }
        for (i, element) in data.chunks_exact_mut(bytes).enumerate() {
            let value = self.memory_read(address.wrapping_add((i * bytes) as u64), width);
            element.copy_from_slice(&value.to_le_bytes()[..bytes]);
        }
    }

    /// `rep movs` or `rep stos` to device memory: element by element, upwards.
    /// The length of `data` is a multiple of the width.
    pub fn memory_write_block(&self, address: u64, width: Width, data: &[u8]) {
        let bytes = width.bytes();
        if let Some((chip, region, offset)) = find(self.decoder.memory(), address, data.len()) {
            let mut chip = chip.borrow_mut();
            for (element, offset) in data.chunks_exact(bytes).zip((offset..).step_by(bytes)) {
                chip.write(region, offset, width, width.from_le(element));
            }
            return;
        }
        for (i, element) in data.chunks_exact(bytes).enumerate() {
            let address = address.wrapping_add((i * bytes) as u64);
            self.memory_write(address, width, width.from_le(element));
        }
    }

    /// The guest reads the configuration space of a function of bus 0.
    pub fn config_read(&self, devfn: Devfn, register: u64, width: Width) -> u64 {
        self.bus.borrow().read(devfn, register, width)
    }

    /// The guest writes it.
    pub fn config_write(&self, devfn: Devfn, register: u64, width: Width, value: u64) {
        self.bus
            .borrow_mut()
            .write(devfn, register, width, value & width.ones());
    }

    /// The power button is pressed.
    pub fn press_power_button(&self) {
        if let Some(chip) = &self.handles.power_management {
            chip.borrow_mut().press_power_button();
        }
    }

    /// Processor `processor` comes or goes.
    pub fn plug_processor(&self, processor: u8, there: bool) {
        if let Some(hotplug) = &self.handles.hotplug {
            hotplug.borrow_mut().plug_processor(processor, there);
        }
    }
}

/// Chips know the bus and the decoder that know them: nobody would go.
impl Drop for Machine {
    fn drop(&mut self) {
        self.bus.borrow_mut().clear();
        self.decoder.clear();
    }
}

impl Target for Machine {
    fn port(&self, address: u64, bytes: usize) -> Option<(Shared, u8, u64)> {
        find(self.decoder.ports(), address, bytes)
    }

    fn memory(&self, address: u64, bytes: usize) -> Option<(Shared, u8, u64)> {
        find(self.decoder.memory(), address, bytes)
    }

    fn config_read(&self, devfn: Devfn, register: u64, width: Width) -> u64 {
        Machine::config_read(self, devfn, register, width)
    }

    fn config_write(&self, devfn: Devfn, register: u64, width: Width, value: u64) {
        Machine::config_write(self, devfn, register, width, value);
    }
}

/// The space is let go before the chip is called: the chip may change it.
fn find(space: &RefCell<Space>, address: u64, bytes: usize) -> Option<(Shared, u8, u64)> {
    space.borrow().find(address, bytes)
}

fn read(space: &RefCell<Space>, address: u64, width: Width) -> u64 {
    match find(space, address, width.bytes()) {
        Some((chip, region, offset)) => {
            chip.borrow_mut().read(region, offset, width) & width.ones()
        }
        None => width.ones(),
    }
}

fn write(space: &RefCell<Space>, address: u64, width: Width, value: u64) {
    if let Some((chip, region, offset)) = find(space, address, width.bytes()) {
        let value = value & width.ones();
        chip.borrow_mut().write(region, offset, width, value);
    }
}
