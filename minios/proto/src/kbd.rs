//! Keyboard and pointer: what a backend says its user does (`io/kbdif.h`).

use core::mem::offset_of;

use xen_sys::io::kbdif::*;

use crate::ring::EventRing;

/// Events from the backend.
pub const IN: EventRing = EventRing {
    data: XENKBD_IN_RING_OFFS,
    event: XENKBD_IN_EVENT_SIZE,
    len: (XENKBD_IN_RING_SIZE / XENKBD_IN_EVENT_SIZE) as u32,
    cons: offset_of!(XenkbdPage, in_cons),
    prod: offset_of!(XenkbdPage, in_prod),
};

/// The highest value of a raw coordinate (`feature-raw-pointer`).
pub const RAW_MAX: i32 = 0x7fff;

/// What a user does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// The pointer moved to the right and down, the wheel towards the user.
    Motion {
        /// To the right.
        dx: i32,
        /// Down.
        dy: i32,
        /// Of the wheel.
        dz: i32,
    },
    /// The pointer is at this place.
    Position {
        /// From the left.
        x: i32,
        /// From above.
        y: i32,
        /// The wheel turned.
        dz: i32,
    },
    /// A key or a button went down, or up.
    Key {
        /// Linux' `KEY_*` or `BTN_*`.
        code: u32,
        /// Down.
        pressed: bool,
    },
    /// Something that this end does not know.
    Unknown(u8),
}

impl Event {
    /// As it came out of the ring.
    pub fn parse(event: &[u8; XENKBD_IN_EVENT_SIZE]) -> Self {
        let word = |at: usize| {
            let bytes = event.get(at..at + 4).unwrap_or_default();
            u32::from_le_bytes(bytes.try_into().unwrap_or_default())
        };
        let signed = |at: usize| word(at).cast_signed();
        let [kind, pressed, ..] = *event;
        match kind {
            XENKBD_TYPE_MOTION => Event::Motion {
                dx: signed(4),
                dy: signed(8),
                dz: signed(12),
            },
            XENKBD_TYPE_POS => Event::Position {
                x: signed(4),
                y: signed(8),
                dz: signed(12),
            },
            XENKBD_TYPE_KEY => Event::Key {
                code: word(4),
                pressed: pressed != 0,
            },
            kind => Event::Unknown(kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_as_in_the_header() {
        let mut bytes = [0; 40];
        bytes[0] = 1;
        bytes[4..8].copy_from_slice(&(-3i32).to_le_bytes());
        bytes[8..12].copy_from_slice(&5i32.to_le_bytes());
        bytes[12..16].copy_from_slice(&(-1i32).to_le_bytes());
        let (dx, dy, dz) = (-3, 5, -1);
        assert_eq!(Event::parse(&bytes), Event::Motion { dx, dy, dz });
        bytes[0] = 4;
        let (x, y) = (-3, 5);
        assert_eq!(Event::parse(&bytes), Event::Position { x, y, dz });
        let mut key = [0; 40];
        (key[0], key[1], key[4], key[5]) = (3, 1, 0x10, 0x01);
        let pressed = true;
        assert_eq!(
            Event::parse(&key),
            Event::Key {
                code: 0x110,
                pressed
            }
        );
        assert_eq!(Event::parse(&[9; 40]), Event::Unknown(9));
    }
}
