//! Function 1 of the 82371SB (PIIX3): the IDE controller on the PCI bus.
//!
//! Its two channels are at the ports and interrupts that PCs have always had;
//! only the bus master has a base address. Register values are the data
//! sheet's (order number 290550), chapter 2.3.

use alloc::rc::Rc;
use core::cell::RefCell;

use super::controller::{Ide, region};
use crate::bus::pci::{BarKind, Configuration, Identity, PciFunction, command};
use crate::bus::{Decoder, Shared, Width};

/// IDETIM: the timing of a channel, a word for each; bit 15 makes it answer.
const IDETIM: [u8; 2] = [0x40, 0x42];
/// IDETIM's IDE decode enable.
const DECODE: u16 = 1 << 15;

/// Command and control ports of both channels.
const PORTS: [[(u8, u64, u64); 2]; 2] = [
    [
        (region::PRIMARY, 0x1f0, 0x1f8),
        (region::PRIMARY_CONTROL, 0x3f6, 0x3f7),
    ],
    [
        (region::SECONDARY, 0x170, 0x178),
        (region::SECONDARY_CONTROL, 0x376, 0x377),
    ],
];

/// The function.
pub struct IdeFunction {
    ide: Rc<RefCell<Ide>>,
    chip: Shared,
    decoder: Decoder,
    /// Which channels answer.
    decodes: [bool; 2],
}

impl IdeFunction {
    /// The function of a controller. Its channels answer from the start: not
    /// every firmware enables them, since QEMU's need not be.
    pub fn new(ide: Rc<RefCell<Ide>>, decoder: Decoder) -> Self {
        let chip: Shared = ide.clone();
        let mut function = IdeFunction {
            ide,
            chip,
            decoder,
            decodes: [false; 2],
        };
        function.decode([true; 2]);
        function
    }

    /// Its configuration space after reset.
    pub fn configuration(&self) -> Configuration {
        use crate::bus::pci::register::{CACHE_LINE_SIZE, COMMAND, LATENCY_TIMER, STATUS};
        let identity = Identity {
            vendor: 0x8086,
            device: 0x7010,
            revision: 0,
            // Legacy ports on both channels, and a bus master.
            class: 0x01_0180,
            subsystem: (0x1af4, 0x1100),
        };
        let bus_master = BarKind::Io { size: 16 };
        Configuration::new(identity)
            .with(COMMAND, &[0, 0], &[0x07, 0])
            .with(STATUS, &[0x80, 0x02], &[])
            .with(CACHE_LINE_SIZE, &[0], &[0])
            .with(LATENCY_TIMER, &[0], &[0xf0])
            .with_bar(4, bus_master, &self.chip, region::BUS_MASTER)
            .with(
                IDETIM[0],
                &[0x00, 0x80, 0x00, 0x80],
                &[0xff, 0xf3, 0xff, 0xf3],
            )
            // SIDETIM
            .with(0x44, &[0], &[0xff])
    }

    fn decode(&mut self, wanted: [bool; 2]) {
        let channels = self.decodes.iter_mut().zip(wanted).zip(PORTS);
        for ((decodes, wanted), ports) in channels {
            if core::mem::replace(decodes, wanted) == wanted {
                continue;
            }
            for (region, start, end) in ports {
                if wanted {
                    self.decoder.place_ports(&self.chip, region, start..end);
                } else {
                    self.decoder.remove(&self.chip, region);
                }
            }
        }
    }
}

impl PciFunction for IdeFunction {
    fn configured(&mut self, configuration: &mut Configuration, _: u64, _: Width) {
        let master = configuration.command() & command::BUS_MASTER != 0;
        self.ide.borrow_mut().set_bus_master(master);
        self.decode(IDETIM.map(|timing| configuration.word(timing) & DECODE != 0));
    }
}
