//! Pixels: one line of the picture at a time, from display memory.

use alloc::vec;

use super::dispi::Frame;
use super::mode::{self, Shift};
use super::ports::Ports;
use super::text;
use crate::surroundings::VideoMemory;

/// Draws line `y` of a VGA graphics mode.
pub(super) fn graphics(
    ports: &Ports,
    memory: &dyn VideoMemory,
    y: u32,
    shift: Shift,
    repeat: u32,
    line: &mut [u32],
) {
    let at = mode::line(ports, y);
    let characters = line.len().div_ceil(8 * repeat as usize) as u64 + 1;
    let pens = text::pens(ports);
    let fetch = |character: u64| {
        let mut planes = [0; 4];
        let index = mode::address(ports, at.base + character, at.row_scan);
        memory.read(index as usize * 4, &mut planes);
        planes
    };
    let panning = match shift {
        Shift::Bytes => (at.panning & 6) as usize,
        _ => (at.panning & 7) as usize,
    };
    let dots = (0..characters).flat_map(|character| {
        let planes = fetch(character);
        (0..8u32).map(move |dot| (planes, dot))
    });
    let mut pixels = dots
        .skip(panning)
        .map(|(planes, dot)| match shift {
            Shift::Planar => pens[planar(planes, dot)],
            Shift::Interleaved => pens[interleaved(planes, dot)],
            Shift::Bytes => ports.dac.color(planes[dot as usize / 2]),
        })
        .flat_map(|pixel| (0..repeat).map(move |_| pixel));
    for pixel in line {
        *pixel = pixels.next().unwrap_or(0);
    }
}

/// Dot `dot` (0 is leftmost) of eight: a bit of each plane.
fn planar(planes: [u8; 4], dot: u32) -> usize {
    let bit = |plane: usize| usize::from(planes[plane] >> (7 - dot) & 1) << plane;
    bit(0) | bit(1) | bit(2) | bit(3)
}

/// As CGA has it: bytes of four pixels of two bits, even ones in planes 0 (and
/// 2, for the upper bits), odd ones in planes 1 (and 3).
fn interleaved(planes: [u8; 4], dot: u32) -> usize {
    let odd = dot as usize / 4;
    let bits = |plane: usize| usize::from(planes[plane] >> (6 - 2 * (dot % 4)) & 3);
    bits(odd) | bits(odd + 2) << 2
}

/// Draws line `y` of a DISPI mode of four planes.
pub(super) fn planes(
    ports: &Ports,
    memory: &dyn VideoMemory,
    y: u32,
    frame: &Frame,
    line: &mut [u32],
) {
    let pens = text::pens(ports);
    let start = (frame.start + u64::from(y) * frame.stride) as usize * 4;
    let mut bytes = vec![0; line.len().div_ceil(8) * 4];
    memory.read(start, &mut bytes);
    for (eight, planes) in line.chunks_mut(8).zip(bytes.chunks_exact(4)) {
        let planes = [planes[0], planes[1], planes[2], planes[3]];
        for (dot, pixel) in eight.iter_mut().enumerate() {
            *pixel = pens[planar(planes, dot as u32)];
        }
    }
}

/// Draws pixels from `x` on of line `y` of a DISPI mode with pixels of a byte
/// or more.
pub(super) fn linear(
    ports: &Ports,
    memory: &dyn VideoMemory,
    (x, y): (u32, u32),
    frame: &Frame,
    line: &mut [u32],
) {
    let size = usize::from(frame.bpp.div_ceil(8));
    let start = (frame.start + u64::from(y) * frame.stride) as usize + x as usize * size;
    let mut bytes = vec![0; line.len() * size];
    memory.read(start, &mut bytes);
    let word = |bytes: &[u8]| u32::from(bytes[0]) | u32::from(bytes[1]) << 8;
    for (pixel, bytes) in line.iter_mut().zip(bytes.chunks_exact(size)) {
        *pixel = match frame.bpp {
            8 => ports.dac.color(bytes[0]),
            15 => rgb(word(bytes) >> 10, 5, word(bytes) >> 5, 5, word(bytes)),
            16 => rgb(word(bytes) >> 11, 5, word(bytes) >> 5, 6, word(bytes)),
            _ => word(bytes) | u32::from(bytes[2]) << 16,
        };
    }
}

/// Components of 5 bits (green as many as `green_bits`) as XRGB8888: the
/// highest value becomes 255.
fn rgb(red: u32, red_bits: u32, green: u32, green_bits: u32, blue: u32) -> u32 {
    let widen = |value: u32, bits: u32| {
        let value = value & ((1 << bits) - 1);
        value << (8 - bits) | value >> (2 * bits - 8)
    };
    widen(red, red_bits) << 16 | widen(green, green_bits) << 8 | widen(blue, 5)
}
