//! READ TOC/PMA/ATIP (MMC-4, 6.31): one session with one track of data.

use alloc::vec::Vec;

use super::super::engine::Core;
use super::commands::{blocks, room_10};
use super::sense::Sense;
use super::{Atapi, Packet};
use crate::surroundings::Medium;

/// ADR 1 (position), and a data track that may not be copied by audio means.
const ADR_CONTROL: u8 = 0x14;
/// The number of the lead-out.
const LEAD_OUT: u8 = 0xaa;

/// Minute, second and frame of a block; the disc begins at 00:02:00.
fn msf(block: u32) -> [u8; 3] {
    let frames = block.saturating_add(150);
    let minute = (frames / (60 * 75)).min(255) as u8;
    [minute, (frames / 75 % 60) as u8, (frames % 75) as u8]
}

/// A block's address in four bytes, either way.
fn address(block: u32, in_msf: bool) -> [u8; 4] {
    if in_msf {
        let [minute, second, frame] = msf(block);
        [0, minute, second, frame]
    } else {
        block.to_be_bytes()
    }
}

/// First and last track (or session) and what follows, with its length before.
fn with_header(descriptors: &[u8]) -> Vec<u8> {
    let length = descriptors.len() as u16 + 2;
    let mut data = length.to_be_bytes().to_vec();
    data.extend_from_slice(&[1, 1]);
    data.extend_from_slice(descriptors);
    data
}

impl Atapi {
    pub(super) fn read_toc(&mut self, core: &mut Core, packet: &Packet, medium: Option<Medium>) {
        let in_msf = packet[1] & 0x02 != 0;
        // SFF-8020i had the format at the top of the last byte.
        let format = match packet[2] & 0x0f {
            0 => packet[9] >> 6,
            format => format,
        };
        let end = blocks(medium);
        let data = match format {
            0 => tracks(packet[6], in_msf, end),
            1 => Some(sessions(in_msf)),
            2 => Some(raw(end)),
            _ => None,
        };
        match data {
            Some(data) => self.reply(core, data, room_10(packet)),
            None => self.check(core, Sense::INVALID_FIELD),
        }
    }
}

/// Format 0: the tracks from `first` on, and the lead-out.
fn tracks(first: u8, in_msf: bool, end: u32) -> Option<Vec<u8>> {
    if first > 1 && first != LEAD_OUT {
        return None;
    }
    let mut descriptors = Vec::new();
    for (number, block) in [(1, 0), (LEAD_OUT, end)] {
        if number >= first {
            descriptors.extend_from_slice(&[0, ADR_CONTROL, number, 0]);
            descriptors.extend_from_slice(&address(block, in_msf));
        }
    }
    Some(with_header(&descriptors))
}

/// Format 1: the last session's first track.
fn sessions(in_msf: bool) -> Vec<u8> {
    let mut descriptor = [0, ADR_CONTROL, 1, 0].to_vec();
    descriptor.extend_from_slice(&address(0, in_msf));
    with_header(&descriptor)
}

/// Format 2: the lead-in as it is on the disc.
fn raw(end: u32) -> Vec<u8> {
    let points = [
        // First track and disc type; last track; lead-out; the track.
        (0xa0, [1, 0, 0]),
        (0xa1, [1, 0, 0]),
        (0xa2, msf(end)),
        (0x01, msf(0)),
    ];
    let mut descriptors = Vec::new();
    for (point, place) in points {
        descriptors.extend_from_slice(&[1, ADR_CONTROL, 0, point, 0, 0, 0, 0]);
        descriptors.extend_from_slice(&place);
    }
    with_header(&descriptors)
}
