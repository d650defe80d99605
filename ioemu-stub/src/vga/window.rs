//! The processor's window on display memory, A0000h to BFFFFh.
//!
//! Display memory is four planes of 64 KiB. Here byte `i` of plane `p` is byte
//! `4 * i + p` of [`VideoMemory`], so that one doubleword holds what the four
//! planes have at one address: what the latches take at once, and what the
//! linear modes see as four bytes in a row.

use super::ports::{
    BIT_MASK, COLOR_COMPARE, COLOR_DONT_CARE, DATA_ROTATE, ENABLE_SET_RESET, GRAPHICS_MODE,
    MAP_MASK, MEMORY_MODE, MISCELLANEOUS, Ports, READ_MAP, SET_RESET,
};
use crate::surroundings::VideoMemory;

/// Bytes of a plane, as VGA knows them.
const PLANE: u64 = 0x1_0000;

/// Where an access inside the window goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Target {
    /// Address in the planes.
    index: u64,
    /// The planes that the address itself allows.
    planes: u8,
    /// For reads: the plane.
    plane: u8,
}

/// `offset` in the window (from A0000h on) as an address of the mapped part.
pub(super) fn decode(ports: &Ports, offset: u64) -> Option<u64> {
    let (start, len) = match ports.graphics[MISCELLANEOUS] >> 2 & 3 {
        0 => (0, 0x2_0000),
        1 => (0, 0x1_0000),
        2 => (0x1_0000, 0x8000),
        _ => (0x1_8000, 0x8000),
    };
    offset.checked_sub(start).filter(|address| *address < len)
}

/// Which planes, and where in them. `bank` is an address of the first plane's.
pub(super) fn target(ports: &Ports, address: u64, bank: u64) -> Target {
    let low = (address & 3) as u8;
    let (index, planes, plane) = if ports.sequencer[MEMORY_MODE] & 0x08 != 0 {
        // Chain 4: the low bits choose the plane; in their place the planes get
        // bits 14 and 15, as they do from the CRTC in doubleword mode.
        (address & !3 | address >> 14 & 3, 1 << low, low)
    } else if ports.sequencer[MEMORY_MODE] & 0x04 == 0 {
        // Odd/even: bit 0 chooses between planes 0, 2 and 1, 3; in its place
        // the planes get bit 16, as in word mode.
        let map = ports.graphics[READ_MAP] & 2;
        (
            address & !1 | address >> 16 & 1,
            0b0101 << (low & 1),
            map | low & 1,
        )
    } else {
        (address, 0b1111, ports.graphics[READ_MAP])
    };
    let index = index % PLANE + bank;
    Target {
        index,
        planes,
        plane,
    }
}

/// Repeats a byte in all four planes.
fn spread(value: u8) -> u32 {
    u32::from(value) * 0x0101_0101
}

/// Makes each of the four bits a plane full of it.
fn expand(bits: u8) -> u32 {
    (0..4).fold(0, |all, plane| {
        all | (u32::from(bits >> plane & 1) * 0xff) << (8 * plane)
    })
}

/// Fills the latches, which hold a byte of each plane.
fn latch(memory: &dyn VideoMemory, index: u64) -> u32 {
    let mut planes = [0; 4];
    if let Ok(at) = usize::try_from(index * 4) {
        memory.read(at, &mut planes);
    }
    u32::from_le_bytes(planes)
}

/// The processor reads a byte.
pub(super) fn read(
    ports: &Ports,
    memory: &dyn VideoMemory,
    latches: &mut u32,
    target: Target,
) -> u8 {
    *latches = latch(memory, target.index);
    if ports.graphics[GRAPHICS_MODE] & 0x08 == 0 {
        return (*latches >> (8 * target.plane)) as u8;
    }
    // Read mode 1: which pixels have the colour.
    let unequal = *latches ^ expand(ports.graphics[COLOR_COMPARE]);
    let [a, b, c, d] = (unequal & expand(ports.graphics[COLOR_DONT_CARE])).to_le_bytes();
    !(a | b | c | d)
}

/// What the four planes get for a byte from the processor.
fn data(ports: &Ports, latches: u32, value: u8) -> u32 {
    let graphics = &ports.graphics;
    let rotated = value.rotate_right(u32::from(graphics[DATA_ROTATE] & 7));
    let mut bits = graphics[BIT_MASK];
    let new = match graphics[GRAPHICS_MODE] & 3 {
        0 => {
            let which = expand(graphics[ENABLE_SET_RESET]);
            spread(rotated) & !which | expand(graphics[SET_RESET]) & which
        }
        1 => return latches,
        2 => expand(value),
        _ => {
            bits &= rotated;
            expand(graphics[SET_RESET])
        }
    };
    let new = match graphics[DATA_ROTATE] >> 3 & 3 {
        0 => new,
        1 => new & latches,
        2 => new | latches,
        _ => new ^ latches,
    };
    new & spread(bits) | latches & !spread(bits)
}

/// The processor writes a byte. Says which planes got something.
pub(super) fn write(
    ports: &Ports,
    memory: &dyn VideoMemory,
    latches: u32,
    target: Target,
    value: u8,
) -> u8 {
    let planes = target.planes & ports.sequencer[MAP_MASK];
    let Ok(at) = usize::try_from(target.index * 4) else {
        return 0;
    };
    let bytes = data(ports, latches, value).to_le_bytes();
    let mut plane = 0;
    // Neighbouring planes at once: mostly one, or all.
    while plane < 4 {
        let run = (planes >> plane).trailing_ones() as usize;
        if run > 0 {
            memory.write(at + plane, &bytes[plane..plane + run]);
        }
        plane += run + 1;
    }
    planes
}

/// Where a byte of `target` lies in display memory.
pub(super) fn position(target: Target) -> u64 {
    target.index * 4
}
