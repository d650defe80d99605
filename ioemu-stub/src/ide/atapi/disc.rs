//! What the drive and the disc in it are: GET CONFIGURATION (MMC-4, 6.6 and
//! clause 5), READ DISC INFORMATION, READ TRACK INFORMATION, READ DISC STRUCTURE.

use alloc::vec;
use alloc::vec::Vec;

use super::super::engine::Core;
use super::commands::{blocks, number, room_10};
use super::sense::Sense;
use super::{Atapi, Packet};
use crate::surroundings::Medium;

/// Blocks of the largest CD (80 minutes); what is larger is a DVD.
const MOST_CD_BLOCKS: u32 = 80 * 60 * 75;

const CD_ROM: u16 = 0x0008;
const DVD_ROM: u16 = 0x0010;

fn is_dvd(medium: Option<Medium>) -> bool {
    blocks(medium) > MOST_CD_BLOCKS
}

/// The current profile; 0 for none.
fn profile(medium: Option<Medium>) -> u16 {
    match medium {
        None => 0,
        Some(_) if is_dvd(medium) => DVD_ROM,
        Some(_) => CD_ROM,
    }
}

/// A feature descriptor.
struct Feature {
    code: u16,
    /// Version in bits 5 to 2.
    version: u8,
    persistent: bool,
    current: bool,
    data: Vec<u8>,
}

impl Feature {
    fn append_to(&self, data: &mut Vec<u8>) {
        data.extend_from_slice(&self.code.to_be_bytes());
        let flags = u8::from(self.persistent) << 1 | u8::from(self.current);
        data.push(self.version << 2 | flags);
        data.push(self.data.len() as u8);
        data.extend_from_slice(&self.data);
    }
}

fn features(medium: Option<Medium>) -> Vec<Feature> {
    let now = profile(medium);
    let profiles = [DVD_ROM, CD_ROM].iter().flat_map(|code| {
        let [high, low] = code.to_be_bytes();
        [high, low, u8::from(now == *code), 0]
    });
    let feature = |code, version, persistent, current, data| Feature {
        code,
        version,
        persistent,
        current,
        data,
    };
    vec![
        // Profile list.
        feature(0x0000, 0, true, true, profiles.collect()),
        // Core: ATAPI; device busy events no, INQUIRY as in MMC-5.
        feature(0x0001, 2, true, true, vec![0, 0, 0, 2, 0, 0, 0, 0]),
        // Removable medium: a tray, it can be opened by command, and locked.
        feature(0x0003, 0, true, true, vec![0x29, 0, 0, 0]),
        // Random readable: blocks of 2048 bytes, one at a time.
        feature(0x0010, 0, false, now != 0, vec![0, 0, 8, 0, 0, 1, 0, 0]),
        // CD read, DVD read.
        feature(0x001e, 2, false, now == CD_ROM, vec![0, 0, 0, 0]),
        feature(0x001f, 0, false, now == DVD_ROM, vec![]),
    ]
}

impl Atapi {
    pub(super) fn get_configuration(
        &mut self,
        core: &mut Core,
        packet: &Packet,
        medium: Option<Medium>,
    ) {
        let first = u16::from_be_bytes([packet[2], packet[3]]);
        let which = packet[1] & 3;
        let wanted = |feature: &Feature| match which {
            0 => feature.code >= first,
            1 => feature.code >= first && feature.current,
            _ => feature.code == first,
        };
        if which == 3 {
            self.check(core, Sense::INVALID_FIELD);
            return;
        }
        let mut list = Vec::new();
        for feature in features(medium).iter().filter(|feature| wanted(feature)) {
            feature.append_to(&mut list);
        }
        // What follows the length itself: two spare bytes and the profile.
        let length = list.len() as u32 + 4;
        let mut data = length.to_be_bytes().to_vec();
        data.extend_from_slice(&[0, 0]);
        data.extend_from_slice(&profile(medium).to_be_bytes());
        data.extend_from_slice(&list);
        self.reply(core, data, room_10(packet));
    }

    pub(super) fn read_disc_information(
        &mut self,
        core: &mut Core,
        packet: &Packet,
        _: Option<Medium>,
    ) {
        let mut data = vec![0; 34];
        data[1] = 32;
        // Complete, and so is its last session; not erasable.
        data[2] = 0x0e;
        // First track; sessions; first and last track of the last session.
        data[3..7].copy_from_slice(&[1, 1, 1, 1]);
        // Unrestricted use.
        data[7] = 0x20;
        self.reply(core, data, room_10(packet));
    }

    pub(super) fn read_track_information(
        &mut self,
        core: &mut Core,
        packet: &Packet,
        medium: Option<Medium>,
    ) {
        let end = blocks(medium);
        let what = number(packet, 2);
        // By block, by track, or by session.
        let known = match packet[1] & 3 {
            0 => what < end,
            1 | 2 => what == 1,
            _ => false,
        };
        if !known {
            self.check(core, Sense::INVALID_FIELD);
            return;
        }
        let mut data = vec![0; 36];
        data[1] = 34;
        // Track, session; track mode: data; data mode 1.
        data[2..4].copy_from_slice(&[1, 1]);
        data[5..7].copy_from_slice(&[0x04, 0x01]);
        data[24..28].copy_from_slice(&end.to_be_bytes());
        self.reply(core, data, room_10(packet));
    }

    pub(super) fn read_disc_structure(
        &mut self,
        core: &mut Core,
        packet: &Packet,
        medium: Option<Medium>,
    ) {
        let structure = match (packet[1] & 0x0f, packet[7], packet[6]) {
            // The list of structures may be asked for without a DVD.
            (0, 0xff, _) => structures(),
            _ if !is_dvd(medium) => {
                self.check(core, Sense::CANNOT_READ_INCOMPATIBLE);
                return;
            }
            (0, 0x00, 0) => physical(blocks(medium)),
            // Copyright: no protection, every region.
            (0, 0x01, 0) => vec![0; 4],
            _ => {
                self.check(core, Sense::INVALID_FIELD);
                return;
            }
        };
        let length = structure.len() as u16 + 2;
        let mut data = length.to_be_bytes().to_vec();
        data.extend_from_slice(&[0, 0]);
        data.extend_from_slice(&structure);
        let room = u16::from_be_bytes([packet[8], packet[9]]);
        self.reply(core, data, usize::from(room));
    }
}

/// Physical format information of a DVD-ROM: one layer of 120 mm.
fn physical(blocks: u32) -> Vec<u8> {
    const FIRST: u32 = 0x03_0000;
    let last = FIRST.saturating_add(blocks).saturating_sub(1);
    let mut data = vec![0; 2048];
    // DVD-ROM, version 1; 120 mm, any rate; one embossed layer.
    data[..3].copy_from_slice(&[0x01, 0x0f, 0x01]);
    data[4..8].copy_from_slice(&FIRST.to_be_bytes());
    data[8..12].copy_from_slice(&last.to_be_bytes());
    data
}

/// The structures that can be read: code, readable, length.
fn structures() -> Vec<u8> {
    let [high, low] = (2048u16 + 4).to_be_bytes();
    vec![0x00, 0x40, high, low, 0x01, 0x40, 0, 8]
}
