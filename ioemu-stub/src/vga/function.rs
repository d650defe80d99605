//! The adapter on the PCI bus.

use alloc::rc::Rc;

use super::{MMIO, ROM};
use crate::bus::Shared;
use crate::bus::pci::{BarKind, Configuration, Identity, PciFunction};
use crate::surroundings::VideoMemory;

/// The base address register of the linear frame buffer.
const FRAME_BUFFER: u8 = 0;
/// That of the registers in memory.
const REGISTERS: u8 = 2;
/// Bytes of registers.
const REGISTER_BYTES: u64 = 0x1000;
/// The smallest expansion ROM.
const SMALLEST_ROM: u64 = 0x800;

/// Moves display memory to where its base address register says.
pub struct VgaFunction {
    memory: Rc<dyn VideoMemory>,
}

impl VgaFunction {
    /// For a `chip` with this memory and `rom` bytes of BIOS.
    pub fn new(memory: Rc<dyn VideoMemory>, chip: &Shared, rom: usize) -> (Self, Configuration) {
        let frame_buffer = BarKind::Memory32 {
            size: (memory.len() as u64).max(4096).next_power_of_two(),
            prefetchable: true,
        };
        let registers = BarKind::Memory32 {
            size: REGISTER_BYTES,
            prefetchable: false,
        };
        // As QEMU's "VGA".
        let mut configuration = Configuration::new(Identity {
            vendor: 0x1234,
            device: 0x1111,
            revision: 2,
            class: 0x03_0000,
            subsystem: (0x1af4, 0x1100),
        })
        .with_memory_bar(FRAME_BUFFER, frame_buffer)
        .with_bar(REGISTERS, registers, chip, MMIO);
        if rom > 0 {
            let size = (rom as u64).next_power_of_two().max(SMALLEST_ROM);
            configuration = configuration.with_rom(size, chip, ROM);
        }
        (VgaFunction { memory }, configuration)
    }
}

impl PciFunction for VgaFunction {
    fn place(&mut self, bar: u8, address: Option<u64>) {
        // Where it can't be, the guest finds nothing; who can't put it there says why.
        if bar == FRAME_BUFFER {
            let _ = self.memory.place(address);
        }
    }
}
