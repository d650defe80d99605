//! The firmware configuration device (QEMU's `docs/specs/fw_cfg`): numbered
//! items and named files that firmware, and every client with an allocator of
//! guest memory, reads first. Selector at port 0x510, data at 0x511, DMA at
//! 0x514. Items can only be read.

use ioemu_stub::bus::{Registers, Width};
use ioemu_stub::surroundings::GuestMemory;
use std::collections::BTreeMap;
use std::rc::Rc;

const SIGNATURE: u16 = 0x00;
const ID: u16 = 0x01;
const UUID: u16 = 0x02;
const RAM_SIZE: u16 = 0x03;
const NO_GRAPHIC: u16 = 0x04;
const CPUS: u16 = 0x05;
const NUMA: u16 = 0x0d;
const BOOT_MENU: u16 = 0x0e;
const MAX_CPUS: u16 = 0x0f;
const FILE_DIRECTORY: u16 = 0x19;
const FIRST_FILE: u16 = 0x20;
/// Items of one architecture have this bit.
const IRQ0_OVERRIDE: u16 = 0x8002;

/// The traditional interface and DMA.
const FEATURES: u32 = 3;

const DMA_ERROR: u32 = 1;
const DMA_READ: u32 = 2;
const DMA_SKIP: u32 = 4;
const DMA_SELECT: u32 = 8;
const DMA_WRITE: u32 = 16;

/// What the items tell.
#[derive(Clone, Default, Debug)]
pub struct Contents {
    /// Bytes of RAM.
    pub ram: u64,
    /// Virtual CPUs.
    pub cpus: u16,
    /// The machine's UUID.
    pub uuid: [u8; 16],
    /// Whether there is no display.
    pub no_graphic: bool,
    /// Whether firmware offers a boot menu.
    pub boot_menu: bool,
    /// The files.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// The device. Region 0 is ports 0x510 to 0x51b.
pub struct FwCfg {
    memory: Rc<dyn GuestMemory>,
    items: BTreeMap<u16, Vec<u8>>,
    selected: u16,
    offset: usize,
    /// The upper half of the address of a DMA command.
    address_high: u32,
}

impl FwCfg {
    /// A device with these contents.
    pub fn new(memory: Rc<dyn GuestMemory>, contents: &Contents) -> Self {
        let mut items = BTreeMap::from([
            (SIGNATURE, b"QEMU".to_vec()),
            (ID, FEATURES.to_le_bytes().to_vec()),
            (UUID, contents.uuid.to_vec()),
            (RAM_SIZE, contents.ram.to_le_bytes().to_vec()),
            (NO_GRAPHIC, word(contents.no_graphic.into())),
            (CPUS, word(contents.cpus)),
            // The number of nodes, and one node for each CPU.
            (NUMA, vec![0; 8 + 8 * usize::from(contents.cpus)]),
            (BOOT_MENU, word(contents.boot_menu.into())),
            (MAX_CPUS, word(contents.cpus)),
            (IRQ0_OVERRIDE, 1u32.to_le_bytes().to_vec()),
        ]);
        let mut directory = (contents.files.len() as u32).to_be_bytes().to_vec();
        for (key, (name, file)) in (FIRST_FILE..).zip(&contents.files) {
            directory.extend((file.len() as u32).to_be_bytes());
            directory.extend(key.to_be_bytes());
            directory.extend([0; 2]);
            let mut field = [0; 56];
            // The last byte stays zero.
            for (place, byte) in field.iter_mut().take(55).zip(name.bytes()) {
                *place = byte;
            }
            directory.extend(field);
            items.insert(key, file.clone());
        }
        items.insert(FILE_DIRECTORY, directory);
        FwCfg {
            memory,
            items,
            selected: 0,
            offset: 0,
            address_high: 0,
        }
    }

    fn select(&mut self, key: u16) {
        self.selected = key;
        self.offset = 0;
    }

    /// The next bytes of the selected item; zeroes after its end.
    fn take(&mut self, length: usize) -> Vec<u8> {
        let item = self.items.get(&self.selected);
        let rest = item.and_then(|item| item.get(self.offset..));
        let mut bytes: Vec<u8> = rest.unwrap_or(&[]).iter().take(length).copied().collect();
        bytes.resize(length, 0);
        self.offset = self.offset.saturating_add(length);
        bytes
    }

    /// The command at guest address `address`: control, length, address, all
    /// big endian.
    fn dma(&mut self, address: u64) {
        let mut command = [0; 16];
        if self.memory.read(address, &mut command).is_err() {
            return;
        }
        let [control, length] = [0, 4].map(|at| {
            let bytes = command[at..at + 4].try_into().unwrap_or_default();
            u32::from_be_bytes(bytes)
        });
        let target = u64::from_be_bytes(command[8..].try_into().unwrap_or_default());
        if control & DMA_SELECT != 0 {
            self.select((control >> 16) as u16);
        }
        let result = self.transfer(control, length, target);
        // The command was read from there, so it can be written.
        let _ = self.memory.write(address, &result.to_be_bytes());
    }

    /// Says what becomes of the command's control word.
    fn transfer(&mut self, control: u32, length: u32, mut target: u64) -> u32 {
        if control & DMA_SKIP != 0 {
            self.offset = self.offset.saturating_add(length as usize);
        }
        if control & DMA_WRITE != 0 {
            return DMA_ERROR;
        }
        if control & DMA_READ == 0 {
            return 0;
        }
        let mut left = length as usize;
        while left > 0 {
            let chunk = self.take(left.min(4096));
            if self.memory.write(target, &chunk).is_err() {
                return DMA_ERROR;
            }
            left -= chunk.len();
            target = target.wrapping_add(chunk.len() as u64);
        }
        0
    }
}

fn word(value: u16) -> Vec<u8> {
    value.to_le_bytes().to_vec()
}

impl Registers for FwCfg {
    fn read(&mut self, _: u8, offset: u64, width: Width) -> u64 {
        match (offset, width) {
            (0, Width::Word) => u64::from(self.selected),
            (1, Width::Byte) => u64::from(self.take(1)[0]),
            // The DMA interface shows its name.
            (4, Width::Dword) => u64::from(u32::from_le_bytes(*b"QEMU")),
            (8, Width::Dword) => u64::from(u32::from_le_bytes(*b" CFG")),
            _ => width.ones(),
        }
    }

    fn write(&mut self, _: u8, offset: u64, width: Width, value: u64) {
        match (offset, width) {
            (0, Width::Word) => self.select(value as u16),
            (4, Width::Dword) => self.address_high = (value as u32).swap_bytes(),
            (8, Width::Dword) => {
                let high = std::mem::take(&mut self.address_high);
                self.dma(u64::from(high) << 32 | u64::from((value as u32).swap_bytes()));
            }
            _ => {}
        }
    }
}
