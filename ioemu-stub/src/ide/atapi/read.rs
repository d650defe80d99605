//! Reading blocks.

use alloc::vec::Vec;

use super::super::engine::Core;
use super::commands::{blocks, number};
use super::sense::Sense;
use super::{Atapi, BLOCK, Job, Packet, SECTORS};
use crate::surroundings::{DiskError, Medium, Request};

/// Most blocks of one request: 512 KiB by DMA, 128 KiB through the data port.
const DMA_CHUNK: u32 = 256;
const PIO_CHUNK: u32 = 64;

/// The blocks that a command is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    next: u32,
    left: u32,
    /// Most of one request.
    chunk: u32,
}

impl Span {
    fn now(&self) -> u32 {
        self.left.min(self.chunk)
    }
}

impl Atapi {
    pub(super) fn read_10(&mut self, core: &mut Core, packet: &Packet, medium: Option<Medium>) {
        let count = u16::from_be_bytes([packet[7], packet[8]]);
        self.read(core, number(packet, 2), u32::from(count), medium);
    }

    pub(super) fn read_12(&mut self, core: &mut Core, packet: &Packet, medium: Option<Medium>) {
        self.read(core, number(packet, 2), number(packet, 6), medium);
    }

    pub(super) fn read_cd(&mut self, core: &mut Core, packet: &Packet, medium: Option<Medium>) {
        let count = number(packet, 6) >> 8;
        self.read_sectors(core, packet, number(packet, 2), count, medium);
    }

    pub(super) fn read_cd_msf(&mut self, core: &mut Core, packet: &Packet, medium: Option<Medium>) {
        let at = |msf: &[u8]| match msf {
            [minute, second, frame] => {
                let seconds = u32::from(*minute) * 60 + u32::from(*second);
                (seconds * 75 + u32::from(*frame)).checked_sub(150)
            }
            _ => None,
        };
        match (at(&packet[3..6]), at(&packet[6..9])) {
            (Some(start), Some(end)) if start <= end => {
                self.read_sectors(core, packet, start, end - start, medium);
            }
            _ => self.check(core, Sense::INVALID_FIELD),
        }
    }

    /// READ CD in both forms: byte 9 says which parts of a sector are wanted.
    fn read_sectors(
        &mut self,
        core: &mut Core,
        packet: &Packet,
        start: u32,
        count: u32,
        medium: Option<Medium>,
    ) {
        const USER_DATA: u8 = 0x10;
        match packet[9] & 0xf8 {
            // No part of it: nothing to send.
            0 => self.good(core),
            USER_DATA => self.read(core, start, count, medium),
            // The image has no more of a sector than its data.
            _ => self.check(core, Sense::ILLEGAL_MODE_FOR_TRACK),
        }
    }

    fn read(&mut self, core: &mut Core, start: u32, count: u32, medium: Option<Medium>) {
        let end = u64::from(start) + u64::from(count);
        if end > u64::from(blocks(medium)) {
            self.check(core, Sense::BLOCK_OUT_OF_RANGE);
            return;
        }
        let span = Span {
            next: start,
            left: count,
            chunk: if self.dma { DMA_CHUNK } else { PIO_CHUNK },
        };
        self.request(core, span);
    }

    /// Asks the medium for the next chunk, if there is one.
    fn request(&mut self, core: &mut Core, span: Span) {
        if span.left == 0 {
            self.good(core);
            return;
        }
        self.job = Job::Read(span);
        core.wait(Request::Read {
            sector: u64::from(span.next) * SECTORS,
            count: span.now() * SECTORS as u32,
        });
    }

    pub(super) fn read_ended(
        &mut self,
        core: &mut Core,
        span: Span,
        result: Result<Vec<u8>, DiskError>,
    ) {
        match result {
            Ok(data) if data.len() == span.now() as usize * BLOCK => {
                self.job = Job::Read(span);
                self.offer(core, data);
            }
            Err(DiskError::NoMedium) => self.check(core, Sense::NO_MEDIUM),
            Err(DiskError::OutOfRange) => self.check(core, Sense::BLOCK_OUT_OF_RANGE),
            _ => self.check(core, Sense::unreadable(span.next)),
        }
    }

    pub(super) fn read_taken(&mut self, core: &mut Core, mut span: Span) {
        let chunk = span.now();
        span.next = span.next.saturating_add(chunk);
        span.left -= chunk;
        self.request(core, span);
    }
}
