//! Puts the machine together: one function for each row that is there.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::{Backends, Config, Device, Drive, Handles, Slot, State};
use crate::bus::pci::{Configuration, Devfn, IntxPin, Mechanism1, PciBus, PciFunction, devfn};
use crate::bus::{Decoder, Registers, Shared};
use crate::chip::cmos::{Cmos, Geometry};
use crate::chip::host_bridge::HostBridge;
use crate::chip::hotplug::Hotplug;
use crate::chip::i8042::I8042;
use crate::chip::isa_bridge::IsaBridge;
use crate::chip::platform::{self, Platform, PlatformFunction, Unplug, Unpluggable};
use crate::chip::port92::Port92;
use crate::chip::power_management::{self, PowerManagement, PowerManagementFunction};
use crate::chip::shared_line::SharedLine;
use crate::chip::uart::Uart;
use crate::ide::{self, Ide, IdeFunction, Identity};
use crate::surroundings::{Line, Surroundings};
use crate::vga::{self, Vga, VgaFunction};

/// The ISA interrupt of the ACPI hardware: the FADT says so.
const SCI: u8 = 9;

/// A machine in the making.
pub struct Assembly<'a> {
    /// What is wanted.
    pub config: &'a Config,
    /// What it stands on.
    pub surroundings: Surroundings,
    /// What is behind its devices; each takes its own.
    pub backends: Backends,
    /// Where chips show their registers.
    pub decoder: Decoder,
    /// The PCI bus.
    pub bus: Rc<RefCell<PciBus>>,
    /// The ways in, as far as built.
    pub handles: Handles,
    /// The ACPI hardware's common interrupt.
    pub sci: Rc<SharedLine>,
    /// Who is told when the guest unplugs its emulated devices.
    pub unpluggable: Unpluggable,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(config: &'a Config, surroundings: Surroundings, backends: Backends) -> Self {
        let decoder = Decoder::new(surroundings.ranges.clone());
        let bus = PciBus::new(decoder.clone(), surroundings.ranges.clone());
        let line = Line::isa(&surroundings.pins, SCI);
        let input = I8042::new(&surroundings.pins, surroundings.power.clone());
        Assembly {
            config,
            surroundings,
            backends,
            decoder,
            bus: Rc::new(RefCell::new(bus)),
            handles: Handles {
                ide: None,
                cmos: Rc::default(),
                power_management: None,
                hotplug: None,
                input: Rc::new(RefCell::new(input)),
                vga: None,
                serials: Vec::new(),
            },
            sci: Rc::new(SharedLine::new(line)),
            unpluggable: Unpluggable::default(),
        }
    }

    pub(super) fn add(&mut self, device: &Device) {
        if let State::Here(wanted, build) = &device.state
            && wanted(self.config)
        {
            build(device, self);
        }
    }

    pub(super) fn finish(self) -> (Decoder, Rc<RefCell<PciBus>>, Handles) {
        (self.decoder, self.bus, self.handles)
    }

    /// Shows the ports of `device`'s row, each range as the region of its
    /// number in the row.
    pub fn place_ports(&self, device: &Device, chip: &Shared) {
        for (region, (first, last)) in (0..).zip(device.ports) {
            let range = u64::from(*first)..u64::from(*last) + 1;
            self.decoder.place_ports(chip, region, range);
        }
    }

    /// Where `device` sits on the bus: at its place, or at the next free one.
    pub fn devfn(&self, device: &Device) -> Devfn {
        match device.slot {
            Slot::At(device, function) => devfn(device, function),
            Slot::Next | Slot::None => {
                let bus = self.bus.borrow();
                // The last one, if ever so many devices were wanted.
                let free = (2..31).find(|device| !bus.has(devfn(*device, 0)));
                devfn(free.unwrap_or(31), 0)
            }
        }
    }

    /// Puts a function on the bus, where its row says.
    pub fn attach(
        &self,
        device: &Device,
        configuration: Configuration,
        function: Rc<RefCell<dyn PciFunction>>,
    ) -> Devfn {
        let devfn = self.devfn(device);
        self.bus.borrow_mut().attach(devfn, configuration, function);
        devfn
    }
}

/// A chip, as the spaces hold it.
fn shared(chip: impl Registers + 'static) -> Shared {
    Rc::new(RefCell::new(chip))
}

pub(super) fn host_bridge(device: &Device, assembly: &mut Assembly) {
    let power = assembly.surroundings.power.clone();
    let function = Rc::new(RefCell::new(HostBridge::new(power.clone())));
    assembly.attach(device, HostBridge::configuration(), function);
    let ports = shared(Mechanism1::new(&assembly.bus, power));
    assembly.place_ports(device, &ports);
}

pub(super) fn isa_bridge(device: &Device, assembly: &mut Assembly) {
    let bridge = IsaBridge::new(assembly.surroundings.pins.clone());
    let function = Rc::new(RefCell::new(bridge));
    assembly.attach(device, IsaBridge::configuration(), function);
}

pub(super) fn ide(device: &Device, assembly: &mut Assembly) {
    let around = &assembly.surroundings;
    let backends = assembly.backends.drives.iter_mut().enumerate();
    let mut drives = backends.map(|(place, backend)| {
        let geometry = assembly.config.geometry.get(place).copied().flatten();
        backend
            .take()
            .map(|drive| ide_drive(place, drive, geometry))
    });
    let drives = [(); 4].map(|()| drives.next().flatten());
    let ide = Ide::new(around.memory.clone(), &around.pins, drives);
    assembly.handles.ide = Some(ide.clone());
    let told = ide.clone();
    let unplug = move |what| match what {
        Unplug::Disks => told.borrow_mut().unplug_disks(false),
        Unplug::AuxiliaryDisks => told.borrow_mut().unplug_disks(true),
        Unplug::NetworkCards => {}
    };
    assembly.unpluggable.borrow_mut().push(Box::new(unplug));
    // It shows its ports itself: the guest can switch them off.
    let function = IdeFunction::new(ide, assembly.decoder.clone());
    let configuration = function.configuration();
    assembly.attach(device, configuration, Rc::new(RefCell::new(function)));
}

fn ide_drive(place: usize, drive: Drive, geometry: Option<Geometry>) -> ide::Drive {
    let mut identity = match drive.cd {
        true => Identity::of_cd(place),
        false => Identity::of_disk(place),
    };
    if let Some(serial) = drive.serial {
        identity.serial = serial;
    }
    if let Some(firmware) = drive.firmware {
        identity.firmware = firmware;
    }
    let geometry = geometry.map(|geometry| ide::Geometry {
        cylinders: geometry.cylinders,
        heads: geometry.heads,
        sectors: geometry.sectors,
    });
    match drive.cd {
        true => ide::Drive::cd(drive.disk, identity),
        false => ide::Drive::disk(drive.disk, identity, geometry),
    }
}

pub(super) fn power_management(device: &Device, assembly: &mut Assembly) {
    use power_management::region;
    let around = &assembly.surroundings;
    let chip = PowerManagement::new(
        assembly.sci.clone(),
        around.clock.clone(),
        around.power.clone(),
    );
    let chip = Rc::new(RefCell::new(chip));
    assembly.handles.power_management = Some(chip.clone());
    let chip: Shared = chip;
    for (region, (first, last)) in [region::APM, region::DEBUG].into_iter().zip(device.ports) {
        let range = u64::from(*first)..u64::from(*last) + 1;
        assembly.decoder.place_ports(&chip, region, range);
    }
    let function = PowerManagementFunction::new(chip, assembly.decoder.clone());
    let function = Rc::new(RefCell::new(function));
    assembly.attach(device, PowerManagement::configuration(), function);
}

pub(super) fn hotplug(device: &Device, assembly: &mut Assembly) {
    let chip = Hotplug::new(assembly.sci.clone(), assembly.config.processors);
    let chip = Rc::new(RefCell::new(chip));
    assembly.handles.hotplug = Some(chip.clone());
    let chip: Shared = chip;
    assembly.place_ports(device, &chip);
}

pub(super) fn cmos(device: &Device, assembly: &mut Assembly) {
    let chip = assembly.handles.cmos.clone();
    configure_cmos(&mut chip.borrow_mut(), assembly.config);
    let chip: Shared = chip;
    assembly.place_ports(device, &chip);
}

fn configure_cmos(cmos: &mut Cmos, config: &Config) {
    cmos.set_memory(config.low_memory, config.high_memory);
    cmos.set_boot(&config.boot, config.check_floppy);
    cmos.set_processors(config.processors);
    for (unit, geometry) in (0..).zip(config.geometry) {
        if let Some(geometry) = geometry {
            cmos.set_disk(unit, geometry);
        }
    }
}

pub(super) fn port92(device: &Device, assembly: &mut Assembly) {
    let chip = shared(Port92::new(assembly.surroundings.power.clone()));
    assembly.place_ports(device, &chip);
}

pub(super) fn i8042(device: &Device, assembly: &mut Assembly) {
    let chip: Shared = assembly.handles.input.clone();
    assembly.place_ports(device, &chip);
}

/// Without memory there is no adapter: its owner has said why.
pub(super) fn vga(device: &Device, assembly: &mut Assembly) {
    let Some(memory) = assembly.backends.video.take() else {
        return;
    };
    let rom = assembly.backends.vga_rom.take().unwrap_or_default();
    let bytes = rom.len();
    let chip = Vga::new(memory.clone(), assembly.surroundings.clock.clone(), rom);
    let chip = Rc::new(RefCell::new(chip));
    assembly.handles.vga = Some(chip.clone());
    let chip: Shared = chip;
    assembly.place_ports(device, &chip);
    for (first, last) in device.memory {
        assembly
            .decoder
            .place_memory(&chip, vga::WINDOW, *first..last + 1);
    }
    let (function, configuration) = VgaFunction::new(memory, &chip, bytes);
    assembly.attach(device, configuration, Rc::new(RefCell::new(function)));
}

pub(super) fn uarts(device: &Device, assembly: &mut Assembly) {
    let pins = &assembly.surroundings.pins;
    // COM1 and COM3 have one interrupt, COM2 and COM4 the other.
    let irqs = [4, 3].map(|irq| Rc::new(SharedLine::new(Line::isa(pins, irq))));
    let serials = core::mem::take(&mut assembly.backends.serials);
    for (i, serial) in serials.into_iter().take(device.ports.len()).enumerate() {
        let irq = irqs[i % 2].clone();
        let chip = Rc::new(RefCell::new(Uart::new(serial, irq, i as u8)));
        assembly.handles.serials.push(chip.clone());
        let (first, last) = device.ports[i];
        let chip: Shared = chip;
        let range = u64::from(first)..u64::from(last) + 1;
        assembly.decoder.place_ports(&chip, 0, range);
    }
}

pub(super) fn platform(device: &Device, assembly: &mut Assembly) {
    use platform::region;
    let refuses = !assembly.config.unplug;
    let chip = shared(Platform::new(assembly.unpluggable.clone(), refuses));
    let (first, last) = device.ports[0];
    let range = u64::from(first)..u64::from(last) + 1;
    assembly.decoder.place_ports(&chip, region::FIXED, range);
    // Xen raises its interrupt; the pin only has to be there.
    let slot = assembly.devfn(device) >> 3;
    let line = Line::intx(&assembly.surroundings.pins, slot, 0);
    let pin = Rc::new(IntxPin::new(line, 0));
    let configuration = Platform::configuration(&chip, &pin);
    let function = Rc::new(RefCell::new(PlatformFunction));
    assembly.attach(device, configuration, function);
}
