//! Function 0 of the 82371SB (PIIX3): the bridge to ISA, which routes the four
//! PCI interrupt links to ISA interrupts.
//!
//! Register values are the data sheet's (order number 290550), chapter 2.1.
//! The chip's ports (interrupt controllers, timer, speaker) are in Xen; the
//! reset control register is in [`Mechanism1`](crate::bus::pci::Mechanism1).

use alloc::rc::Rc;

use crate::bus::Width;
use crate::bus::pci::{Configuration, Identity, PciFunction, register};
use crate::surroundings::Pins;

/// PIRQRC: the first of four route control registers.
const PIRQ_ROUTE: u8 = 0x60;
/// PIRQRC: routed nowhere.
const ROUTING_OFF: u8 = 0x80;

/// The bridge.
pub struct IsaBridge {
    pins: Rc<dyn Pins>,
    routes: [u8; 4],
}

impl IsaBridge {
    /// A bridge whose links lead nowhere yet.
    pub fn new(pins: Rc<dyn Pins>) -> Self {
        IsaBridge {
            pins,
            routes: [ROUTING_OFF; 4],
        }
    }

    /// Its configuration space after reset.
    pub fn configuration() -> Configuration {
        let identity = Identity {
            vendor: 0x8086,
            device: 0x7000,
            revision: 0,
            class: 0x06_0100,
            subsystem: (0x1af4, 0x1100),
        };
        Configuration::new(identity)
            .multifunction()
            // Always decodes and is a master; special cycles and SERR can be
            // set.
            .with(register::COMMAND, &[0x07, 0], &[0x08, 0x01])
            .with(register::STATUS, &[0x00, 0x02], &[])
            .with(register::CACHE_LINE_SIZE, &[0], &[0])
            .with(register::LATENCY_TIMER, &[0], &[0])
            .with(register::INTERRUPT_LINE, &[0], &[0])
            // IORT, XBCS
            .with(0x4c, &[0x4d], &[0xff])
            .with(0x4e, &[0x03, 0x00], &[0xff, 0x01])
            .with(PIRQ_ROUTE, &[ROUTING_OFF; 4], &[0x8f; 4])
            // TOM, MSTAT
            .with(0x69, &[0x02], &[0xff])
            .with(0x6a, &[0, 0], &[0x80, 0x80])
            // MBIRQ0 and 1, MBDMA0 and 1, PCSC, APICBASE, DLC
            .with(0x70, &[0x80, 0x80], &[0xef, 0xef])
            .with(0x76, &[0x0c, 0x0c], &[0x8f, 0x8f])
            .with(0x78, &[0x02, 0x00], &[0xff, 0xff])
            .with(0x80, &[0x00], &[0x7f])
            .with(0x82, &[0x00], &[0x0f])
            // SMICNTL, SMIEN, SEE, FTMR, SMIREQ, CTLTMR, CTHTMR
            .with(0xa0, &[0x08], &[0x1f])
            .with(0xa2, &[0, 0], &[0xff, 0x01])
            .with(0xa4, &[0; 4], &[0xff, 0xff, 0xff, 0xf1])
            .with(0xa8, &[0x0f], &[0xff])
            .with(0xaa, &[0, 0], &[0xff, 0x01])
            .with(0xac, &[0], &[0xff])
            .with(0xae, &[0], &[0xff])
    }
}

impl PciFunction for IsaBridge {
    fn configured(&mut self, configuration: &mut Configuration, _: u64, _: Width) {
        for link in 0..4u8 {
            let route = configuration.byte(PIRQ_ROUTE + link);
            let known = &mut self.routes[usize::from(link)];
            if *known == route {
                continue;
            }
            *known = route;
            let irq = if route & ROUTING_OFF != 0 {
                0
            } else {
                route & 0xf
            };
            self.pins.route_link(link, irq);
        }
    }
}
