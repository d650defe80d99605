//! Processor and PCI hotplug: the registers behind Xen's ACPI tables.
//!
//! GPE0 (four ports at afe0h) says that something happened; the ACPI code then
//! reads which processors are there (af00h, 32 ports) or which PCI slots
//! changed (ae00h, 16 ports) and tells the operating system. The meanings are
//! those of tools/libacpi/mk_dsdt.c in Xen.

use alloc::rc::Rc;

use super::shared_line::SharedLine;
use crate::bus::{Fields, Registers, Width};

/// Its regions, in the order of the row in the list of devices.
pub mod region {
    /// GPE0_STS and GPE0_EN, a word each.
    pub const GPE0: u8 = 0;
    /// PCIU, PCID, B0EJ and B0RM, a double word each.
    pub const PCI: u8 = 1;
    /// A bit for each processor.
    pub const PROCESSORS: u8 = 2;
}

/// The chip's number among those that hold up the SCI.
const SCI_ASKER: u8 = 1;

/// GPE0_STS: a PCI slot changed (_E01).
const PCI_EVENT: u16 = 1 << 1;
/// GPE0_STS: a processor came or went (_E02).
const PROCESSOR_EVENT: u16 = 1 << 2;

const GPE0_STS: u8 = 0;
const GPE0_EN: u8 = 2;
const PCIU: u8 = 0;
const PCID: u8 = 4;
const B0EJ: u8 = 8;
const B0RM: u8 = 12;

/// The three blocks.
pub struct Hotplug {
    gpe0: Fields<4>,
    pci: Fields<16>,
    processors: Fields<32>,
    sci: Rc<SharedLine>,
    ejected: u32,
}

impl Hotplug {
    /// With `processors` processors and all PCI devices fixed.
    pub fn new(sci: Rc<SharedLine>, processors: u32) -> Self {
        let mut new = Hotplug {
            gpe0: Fields::new().with_clearable(GPE0_STS, &[0xff, 0xff]).with(
                GPE0_EN,
                &[0, 0],
                &[0xff, 0xff],
            ),
            pci: Fields::new(),
            processors: Fields::new(),
            sci,
            ejected: 0,
        };
        for processor in 0..processors.min(256) {
            new.set_processor(processor as u8, true);
        }
        new
    }

    fn set_processor(&mut self, processor: u8, there: bool) {
        let (at, bit) = (processor / 8, 1 << (processor % 8));
        let others = self.processors.byte(at) & !bit;
        self.processors
            .set_byte(at, others | if there { bit } else { 0 });
    }

    /// A processor comes or goes.
    pub fn plug_processor(&mut self, processor: u8, there: bool) {
        self.set_processor(processor, there);
        self.raise(PROCESSOR_EVENT);
    }

    /// A device is in PCI slot `slot` (1 to 31) that can be taken out.
    pub fn slot_is_removable(&mut self, slot: u8) {
        let removable = self.pci.dword(B0RM) | bit(slot);
        self.pci.set_dword(B0RM, removable);
    }

    /// A device has been put into PCI slot `slot`.
    pub fn insert(&mut self, slot: u8) {
        self.slot_is_removable(slot);
        // One change at a time, so that an old one is not announced again.
        self.pci.set_dword(PCIU, bit(slot));
        self.pci.set_dword(PCID, 0);
        self.raise(PCI_EVENT);
    }

    /// The device in PCI slot `slot` shall be taken out: the guest is asked to
    /// eject it.
    pub fn request_removal(&mut self, slot: u8) {
        self.pci.set_dword(PCIU, 0);
        let down = self.pci.dword(PCID) | bit(slot);
        self.pci.set_dword(PCID, down);
        self.raise(PCI_EVENT);
    }

    /// The slots that the guest has ejected since the last call, as bits. Only
    /// those whose removal was asked for.
    pub fn take_ejected(&mut self) -> u32 {
        core::mem::take(&mut self.ejected)
    }

    fn eject(&mut self, slots: u32) {
        let down = self.pci.dword(PCID);
        let gone = slots & down;
        self.ejected |= gone;
        self.pci.set_dword(PCID, down & !gone);
        let removable = self.pci.dword(B0RM) & !gone;
        self.pci.set_dword(B0RM, removable);
    }

    fn raise(&mut self, event: u16) {
        let status = self.gpe0.word(GPE0_STS) | event;
        self.gpe0.set_word(GPE0_STS, status);
        self.update_sci();
    }

    fn update_sci(&self) {
        let pending = self.gpe0.word(GPE0_STS) & self.gpe0.word(GPE0_EN);
        self.sci.set(SCI_ASKER, pending != 0);
    }
}

/// The bit of a slot; none where there is no such slot.
fn bit(slot: u8) -> u32 {
    1u32.checked_shl(slot.into()).unwrap_or(0)
}

impl Registers for Hotplug {
    fn read(&mut self, region: u8, offset: u64, width: Width) -> u64 {
        match region {
            region::GPE0 => self.gpe0.read(offset, width),
            region::PCI => self.pci.read(offset, width),
            region::PROCESSORS => self.processors.read(offset, width),
            _ => width.ones(),
        }
    }

    fn write(&mut self, region: u8, offset: u64, width: Width, value: u64) {
        match region {
            region::GPE0 => {
                self.gpe0.write(offset, width, value);
                self.update_sci();
            }
            region::PCI if offset == B0EJ.into() && width == Width::Dword => {
                self.eject(value as u32);
            }
            // The firmware's view of what is there is not the guest's to say.
            _ => {}
        }
    }
}
