//! Who answers at a guest physical address: RAM, ROM, display memory, or a
//! chip. The shadow RAM from 0xc0000 on is switched by the host bridge (PAM
//! registers of the 82441FX data sheet). Under Xen RAM is RAM; here clients
//! test the switches.

use super::Board;
use crate::qtest::chip::TestDevice;
use ioemu_stub::bus::{Shared, Width};
use ioemu_stub::surroundings::VideoMemory as _;
use std::ops::Range;

/// What ISA shows of the firmware, at most.
const ISA_FIRMWARE: u64 = 128 << 10;
const ISA_END: u64 = 1 << 20;
const FOUR_GIB: u64 = 1 << 32;
const WINDOW: Range<u64> = 0xa_0000..0xc_0000;
const SHADOW: Range<u64> = 0xc_0000..ISA_END;
/// Configuration register of the first PAM byte, whose upper half is for the
/// 64 KiB from 0xf0000 on; the next six have two areas of 16 KiB each.
const PAM: u64 = 0x59;

/// What is at an address.
enum Place {
    /// RAM from this byte on; the guest may or may not write it.
    Ram(usize, bool),
    /// The firmware from this byte on.
    Firmware(usize),
    /// Display memory from this byte on.
    Video(usize),
    /// A chip of the machine.
    Machine,
    /// A chip of the harness.
    TestDevice(Shared, u64),
    Nothing,
}

impl Board {
    /// What is at `address`, and where that ends.
    fn place(&self, address: u64) -> (Place, u64) {
        let mut end = u64::MAX;
        // Nearer ones first: each hides those after it.
        let mut within = |range: &Range<u64>| {
            if address < range.start {
                end = end.min(range.start);
            } else if address < range.end {
                end = end.min(range.end);
                return true;
            }
            false
        };
        for range in self.claims.memory() {
            if within(&range) {
                return (Place::Machine, end);
            }
        }
        if let Some(range) = self.parts.video.as_ref().and_then(|video| video.place())
            && within(&range)
        {
            return (Place::Video((address - range.start) as usize), end);
        }
        if let Some((chip, range)) = &self.chips.test_device
            && within(range)
        {
            let offset = address - range.start;
            return (Place::TestDevice(chip.clone(), offset), end);
        }
        let firmware = self.parts.firmware.len() as u64;
        let top = FOUR_GIB - firmware..FOUR_GIB;
        if within(&top) {
            return (Place::Firmware((address - top.start) as usize), end);
        }
        if within(&WINDOW) {
            return (Place::Nothing, end);
        }
        if within(&SHADOW) {
            let (place, area_end) = self.shadow(address);
            return (place, end.min(area_end));
        }
        match self.parts.ram.find(address) {
            Some((at, left)) => (Place::Ram(at, true), end.min(address + left)),
            None => (Place::Nothing, end),
        }
    }

    /// An address from 0xc0000 to 0xfffff.
    fn shadow(&self, address: u64) -> (Place, u64) {
        let (register, high, end) = if address >= 0xf_0000 {
            (PAM, true, ISA_END)
        } else {
            let area = (address - SHADOW.start) >> 14;
            let end = SHADOW.start + ((area + 1) << 14);
            (PAM + 1 + area / 2, area % 2 == 1, end)
        };
        let byte = self.machine.config_read(0, register, Width::Byte);
        let mode = if high { byte >> 4 } else { byte } & 3;
        let firmware = self.parts.firmware.len() as u64;
        let shown = firmware.min(ISA_FIRMWARE);
        let place = match (mode, self.parts.ram.find(address)) {
            (1, Some((at, _))) => Place::Ram(at, false),
            (3, Some((at, _))) => Place::Ram(at, true),
            // Not even the real chip is used write-only.
            _ => match (address + shown).checked_sub(ISA_END) {
                Some(at) => Place::Firmware((firmware - shown + at) as usize),
                None => return (Place::Nothing, end.min(ISA_END - shown)),
            },
        };
        (place, end)
    }

    /// The processor reads one value.
    pub fn memory_read(&self, address: u64, width: Width) -> u64 {
        let bytes = width.bytes() as u64;
        let (place, end) = self.place(address);
        match place {
            Place::Machine if end - address >= bytes => self.machine.memory_read(address, width),
            Place::TestDevice(chip, offset) if end - address >= bytes => {
                chip.borrow_mut().read(1, offset, width)
            }
            _ => {
                let mut data = [0; 8];
                let data = &mut data[..width.bytes()];
                self.memory_read_block(address, data);
                width.from_le(data)
            }
        }
    }

    /// The processor writes one value.
    pub fn memory_write(&self, address: u64, width: Width, value: u64) {
        let bytes = width.bytes() as u64;
        let (place, end) = self.place(address);
        match place {
            Place::Machine if end - address >= bytes => {
                self.machine.memory_write(address, width, value);
            }
            Place::TestDevice(chip, offset) if end - address >= bytes => {
                chip.borrow_mut().write(1, offset, width, value);
            }
            _ => self.memory_write_block(address, &value.to_le_bytes()[..width.bytes()]),
        }
    }

    /// Reads many bytes; chips are read in the widest aligned values.
    pub fn memory_read_block(&self, mut address: u64, mut data: &mut [u8]) {
        while !data.is_empty() {
            let (place, end) = self.place(address);
            let length = piece(address, end, data.len(), &place);
            let (part, rest) = data.split_at_mut(length);
            match place {
                Place::Ram(at, _) => self.parts.ram.copy_out(at, part),
                Place::Firmware(at) => part.copy_from_slice(&self.parts.firmware[at..at + length]),
                Place::Video(at) => {
                    if let Some(video) = &self.parts.video {
                        video.read(at, part);
                    }
                }
                Place::Machine => {
                    let value = self.machine.memory_read(address, width(length));
                    part.copy_from_slice(&value.to_le_bytes()[..length]);
                }
                Place::TestDevice(chip, offset) => {
                    let value = chip.borrow_mut().read(1, offset, width(length));
                    part.copy_from_slice(&value.to_le_bytes()[..length]);
                }
                Place::Nothing => part.fill(0xff),
            }
            data = rest;
            address = address.wrapping_add(length as u64);
        }
    }

    /// Writes many bytes; chips are written in the widest aligned values.
    pub fn memory_write_block(&self, mut address: u64, mut data: &[u8]) {
        while !data.is_empty() {
            let (place, end) = self.place(address);
            let length = piece(address, end, data.len(), &place);
            let (part, rest) = data.split_at(length);
            let value = || width(length).from_le(part);
            match place {
                Place::Ram(at, true) => self.parts.ram.copy_in(at, part),
                Place::Video(at) => {
                    if let Some(video) = &self.parts.video {
                        video.guest_write(at, part);
                    }
                }
                Place::Machine => self.machine.memory_write(address, width(length), value()),
                Place::TestDevice(chip, offset) => {
                    chip.borrow_mut().write(1, offset, width(length), value());
                }
                Place::Ram(_, false) | Place::Firmware(_) | Place::Nothing => {}
            }
            data = rest;
            address = address.wrapping_add(length as u64);
        }
    }
}

/// Where the test device's memory is.
pub fn test_memory() -> Range<u64> {
    0xff00_0000..0xff00_0000 + TestDevice::MEMORY
}

/// How many of `left` bytes from `address` on can be moved at once.
fn piece(address: u64, end: u64, left: usize, place: &Place) -> usize {
    // The very last byte has no end that a number could tell.
    let left = (end - address).clamp(1, left as u64);
    match place {
        Place::Machine | Place::TestDevice(..) => {
            let fits = |bytes: &u64| address.is_multiple_of(*bytes) && *bytes <= left;
            [4, 2].into_iter().find(fits).unwrap_or(1) as usize
        }
        _ => left as usize,
    }
}

fn width(bytes: usize) -> Width {
    Width::from_bytes(bytes).unwrap_or(Width::Byte)
}
