//! MODE SENSE: what the drive can do (MMC-4, clause 7 of SPC-3 for the frame).

use alloc::vec;
use alloc::vec::Vec;

use super::super::engine::Core;
use super::commands::room_10;
use super::sense::Sense;
use super::{Atapi, Packet};
use crate::surroundings::Medium;

/// Every page.
const ALL: u8 = 0x3f;

impl Atapi {
    pub(super) fn mode_sense_10(&mut self, core: &mut Core, packet: &Packet, _: Option<Medium>) {
        match self.pages(packet[2]) {
            Ok(pages) => {
                let length = pages.len() as u16 + 6;
                let mut data = length.to_be_bytes().to_vec();
                data.extend_from_slice(&[0; 6]);
                data.extend_from_slice(&pages);
                self.reply(core, data, room_10(packet));
            }
            Err(sense) => self.check(core, sense),
        }
    }

    pub(super) fn mode_sense_6(&mut self, core: &mut Core, packet: &Packet, _: Option<Medium>) {
        match self.pages(packet[2]) {
            Ok(pages) => {
                let mut data = vec![pages.len() as u8 + 3, 0, 0, 0];
                data.extend_from_slice(&pages);
                self.reply(core, data, usize::from(packet[4]));
            }
            Err(sense) => self.check(core, sense),
        }
    }

    /// The pages that byte 2 of the command asks for.
    fn pages(&self, which: u8) -> Result<Vec<u8>, Sense> {
        let page = which & 0x3f;
        let (current, changeable) = match which >> 6 {
            0 | 2 => (true, false),
            1 => (false, true),
            _ => return Err(Sense::SAVING_NOT_SUPPORTED),
        };
        debug_assert!(current != changeable);
        let all = [error_recovery(), audio_control(), self.capabilities()];
        let mut wanted: Vec<u8> = Vec::new();
        for mut one in all {
            if page != ALL && page != one[0] {
                continue;
            }
            if changeable {
                // None of it can be changed.
                one[2..].fill(0);
            }
            wanted.extend_from_slice(&one);
        }
        match wanted.is_empty() {
            true => Err(Sense::INVALID_FIELD),
            false => Ok(wanted),
        }
    }

    /// MM capabilities and mechanical status.
    fn capabilities(&self) -> Vec<u8> {
        /// 4x of a CD, in KB/s.
        const SPEED: u16 = 706;
        const BUFFER_KIB: u16 = 512;
        let mut page = vec![0; 22];
        page[..2].copy_from_slice(&[0x2a, 20]);
        // Reads CD-R, CD-RW, DVD-ROM, DVD-R.
        page[2] = 0x1b;
        // Mode 2 forms 1 and 2, multisession.
        page[4] = 0x70;
        // A tray that can be locked and ejected.
        page[6] = 0x29 | u8::from(self.locked) << 1;
        page[8..10].copy_from_slice(&SPEED.to_be_bytes());
        page[12..14].copy_from_slice(&BUFFER_KIB.to_be_bytes());
        page[14..16].copy_from_slice(&SPEED.to_be_bytes());
        page
    }
}

/// Read error recovery: as the drive sees fit, no retries to speak of.
fn error_recovery() -> Vec<u8> {
    vec![0x01, 6, 0, 5, 0, 0, 0, 0]
}

/// CD audio control: two ports at full volume, for what it's worth.
fn audio_control() -> Vec<u8> {
    vec![0x0e, 14, 0x04, 0, 0, 0, 0, 0, 1, 0xff, 2, 0xff, 0, 0, 0, 0]
}
