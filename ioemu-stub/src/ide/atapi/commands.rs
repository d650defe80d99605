//! The packet commands: the table, and those that need no more than a few lines.

use alloc::vec;
use alloc::vec::Vec;

use super::super::engine::Core;
use super::sense::Sense;
use super::{Atapi, Event, Packet, SECTORS};
use crate::surroundings::{Disk, Medium};

/// What a command may do without.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing: it works even while there is something to tell first.
    Nothing,
    /// That the guest has heard what there is to tell.
    Attention,
    /// A medium, too.
    Medium,
}

use Needs::{Attention, Nothing};

/// What does the work. The medium is what [`Needs::Medium`] has found.
type Run = fn(&mut Atapi, &mut Core, &Packet, Option<Medium>);

/// The commands. Whatever is not here is an invalid one.
const COMMANDS: &[(u8, &str, Needs, Run)] = &[
    (0x00, "TEST UNIT READY", Needs::Medium, Atapi::nothing),
    (0x03, "REQUEST SENSE", Nothing, Atapi::request_sense),
    (0x12, "INQUIRY", Nothing, Atapi::inquiry),
    (0x1a, "MODE SENSE (6)", Attention, Atapi::mode_sense_6),
    (0x1b, "START STOP UNIT", Attention, Atapi::start_stop),
    (
        0x1e,
        "PREVENT ALLOW MEDIUM REMOVAL",
        Attention,
        Atapi::prevent_allow,
    ),
    (0x25, "READ CAPACITY", Needs::Medium, Atapi::read_capacity),
    (0x28, "READ (10)", Needs::Medium, Atapi::read_10),
    (0x2b, "SEEK (10)", Needs::Medium, Atapi::seek),
    (0x35, "SYNCHRONIZE CACHE", Attention, Atapi::nothing),
    (0x43, "READ TOC/PMA/ATIP", Needs::Medium, Atapi::read_toc),
    (0x46, "GET CONFIGURATION", Nothing, Atapi::get_configuration),
    (
        0x4a,
        "GET EVENT STATUS NOTIFICATION",
        Nothing,
        Atapi::get_event_status,
    ),
    (0x4e, "STOP PLAY/SCAN", Attention, Atapi::nothing),
    (
        0x51,
        "READ DISC INFORMATION",
        Needs::Medium,
        Atapi::read_disc_information,
    ),
    (
        0x52,
        "READ TRACK INFORMATION",
        Needs::Medium,
        Atapi::read_track_information,
    ),
    (0x5a, "MODE SENSE (10)", Attention, Atapi::mode_sense_10),
    (0xa8, "READ (12)", Needs::Medium, Atapi::read_12),
    (
        0xad,
        "READ DISC STRUCTURE",
        Needs::Medium,
        Atapi::read_disc_structure,
    ),
    (0xb9, "READ CD MSF", Needs::Medium, Atapi::read_cd_msf),
    (0xbb, "SET CD SPEED", Attention, Atapi::nothing),
    (0xbd, "MECHANISM STATUS", Attention, Atapi::mechanism_status),
    (0xbe, "READ CD", Needs::Medium, Atapi::read_cd),
];

/// The allocation length of a ten-byte command.
pub(super) fn room_10(packet: &Packet) -> usize {
    usize::from(u16::from_be_bytes([packet[7], packet[8]]))
}

/// The number in four bytes of a command.
pub(super) fn number(packet: &Packet, at: usize) -> u32 {
    let bytes = packet.get(at..).unwrap_or_default().iter().take(4);
    bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// The blocks of a medium.
pub(super) fn blocks(medium: Option<Medium>) -> u32 {
    let blocks = medium.map_or(0, |medium| medium.sectors / SECTORS);
    u32::try_from(blocks).unwrap_or(u32::MAX)
}

impl Atapi {
    /// Does a command.
    pub(super) fn execute(&mut self, core: &mut Core, disk: &dyn Disk, packet: &Packet) {
        self.look(disk);
        let row = COMMANDS.iter().find(|(opcode, ..)| *opcode == packet[0]);
        let Some((_, _, needs, run)) = row else {
            self.check(core, Sense::INVALID_COMMAND);
            return;
        };
        if *needs != Nothing
            && let Some(attention) = self.attention.take()
        {
            self.check(core, attention);
            return;
        }
        let medium = self.medium(disk);
        if *needs == Needs::Medium && medium.is_none() {
            let why = match self.tray_open {
                true => Sense::NO_MEDIUM_TRAY_OPEN,
                false => Sense::NO_MEDIUM_TRAY_CLOSED,
            };
            self.check(core, why);
            return;
        }
        // Sense data lives until the next command (SPC-3, 4.5.6).
        if packet[0] != 0x03 {
            self.sense = Sense::NONE;
        }
        run(self, core, packet, medium);
    }

    fn nothing(&mut self, core: &mut Core, _: &Packet, _: Option<Medium>) {
        self.good(core);
    }

    fn request_sense(&mut self, core: &mut Core, packet: &Packet, _: Option<Medium>) {
        let mut sense = core::mem::replace(&mut self.sense, Sense::NONE);
        if sense == Sense::NONE {
            sense = self.attention.take().unwrap_or(Sense::NONE);
        }
        self.reply(core, sense.to_bytes(), usize::from(packet[4]));
    }

    fn inquiry(&mut self, core: &mut Core, packet: &Packet, _: Option<Medium>) {
        let vital = packet[1] & 1 != 0;
        let data = match (vital, packet[2]) {
            (false, 0) => self.standard_inquiry(),
            // The vital product data: which there are, and the serial number.
            (true, 0x00) => vec![0x05, 0x00, 0, 2, 0x00, 0x80],
            (true, 0x80) => {
                let serial = self.identity.serial.as_bytes();
                let serial = &serial[..serial.len().min(20)];
                let mut data = vec![0x05, 0x80, 0, serial.len() as u8];
                data.extend_from_slice(serial);
                data
            }
            _ => {
                self.check(core, Sense::INVALID_FIELD);
                return;
            }
        };
        let room = u16::from_be_bytes([packet[3], packet[4]]);
        self.reply(core, data, usize::from(room));
    }

    fn standard_inquiry(&self) -> Vec<u8> {
        // A CD drive, removable, as ATAPI has it (SFF-8020i), 31 more bytes.
        let mut data = vec![0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0];
        let model = &self.identity.model;
        let vendor = model.split(' ').next().unwrap_or_default();
        for (text, bytes) in [(vendor, 8), (model, 16), (&self.identity.firmware, 4)] {
            let spaces = core::iter::repeat(b' ');
            data.extend(text.bytes().chain(spaces).take(bytes));
        }
        data
    }

    fn start_stop(&mut self, core: &mut Core, packet: &Packet, _: Option<Medium>) {
        const START: u8 = 0x01;
        const LOAD_EJECT: u8 = 0x02;
        let (start, move_tray) = (packet[4] & START != 0, packet[4] & LOAD_EJECT != 0);
        // A power condition in the upper half: the other bits mean nothing.
        if move_tray && packet[4] & 0xf0 == 0 {
            if !start && self.locked {
                self.check(core, Sense::REMOVAL_PREVENTED);
                return;
            }
            self.tray_open = !start;
        }
        self.good(core);
    }

    fn prevent_allow(&mut self, core: &mut Core, packet: &Packet, _: Option<Medium>) {
        self.locked = packet[4] & 1 != 0;
        self.good(core);
    }

    fn read_capacity(&mut self, core: &mut Core, _: &Packet, medium: Option<Medium>) {
        let last = blocks(medium).saturating_sub(1);
        let mut data = last.to_be_bytes().to_vec();
        data.extend_from_slice(&(super::BLOCK as u32).to_be_bytes());
        self.reply(core, data, 8);
    }

    fn seek(&mut self, core: &mut Core, packet: &Packet, medium: Option<Medium>) {
        if number(packet, 2) < blocks(medium) {
            self.good(core);
        } else {
            self.check(core, Sense::BLOCK_OUT_OF_RANGE);
        }
    }

    fn get_event_status(&mut self, core: &mut Core, packet: &Packet, medium: Option<Medium>) {
        const POLLED: u8 = 0x01;
        const MEDIA_CLASS: u8 = 4;
        const NONE_AVAILABLE: u8 = 0x80;
        if packet[1] & POLLED == 0 {
            // Nobody is told later.
            self.check(core, Sense::INVALID_FIELD);
            return;
        }
        let mut data = vec![0, 2, NONE_AVAILABLE, 1 << MEDIA_CLASS];
        if packet[4] & 1 << MEDIA_CLASS != 0 {
            let event = core::mem::replace(&mut self.event, Event::None);
            let state = u8::from(self.tray_open) | u8::from(medium.is_some()) << 1;
            data = vec![0, 6, MEDIA_CLASS, 1 << MEDIA_CLASS];
            data.extend_from_slice(&[event as u8, state, 0, 0]);
        }
        self.reply(core, data, room_10(packet));
    }

    fn mechanism_status(&mut self, core: &mut Core, packet: &Packet, _: Option<Medium>) {
        // Idle, the door perhaps open, no current block, no changer's slots.
        let door = if self.tray_open { 0x10 } else { 0 };
        let room = usize::from(u16::from_be_bytes([packet[8], packet[9]]));
        self.reply(core, vec![0, door, 0, 0, 0, 1, 0, 0], room);
    }
}
