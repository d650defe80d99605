//! A network card's two rings against a backend that writes anything into
//! them: no panic, no byte copied from outside a buffer or to outside the
//! frame, and no memory said to be free that was not under way.
//!
//! An input is a list of steps of six bytes: what to do, where, and a number.

use std::collections::BTreeSet;
use xen_proto::mock::Page;
use xen_proto::net::{LARGEST_FRAME, Outgoing, PAGE, Part, RX_SLOT, Rx, TX_SLOT, Tx};
use xen_proto::ring::{BackRing, Memory};

/// Buffers to receive into.
const BUFFERS: u32 = 64;

pub fn fuzz(data: &[u8]) {
    sending(data);
    receiving(data);
}

fn step(record: &[u8]) -> (u8, usize, u32) {
    let number = u32::from_le_bytes([record[2], record[3], record[4], record[5]]);
    (record[0], usize::from(record[1]), number)
}

fn scribble(page: &Page, what: u8, at: usize, number: u32) {
    match what % 3 {
        0 => page.store(at % 4 * 4, number),
        1 => page.write(64 + at * 12, &number.to_le_bytes()),
        _ => page.store((64 + at * 16) & !3, number),
    }
}

fn sending(data: &[u8]) {
    let page = Page::new(4096);
    let mut tx = Tx::new(page.clone()).expect("a page holds slots");
    let mut back = BackRing::new(page.clone(), TX_SLOT).expect("a page holds slots");
    let mut under_way = BTreeSet::new();
    let mut extra = false;
    for record in data.chunks_exact(6) {
        let (what, at, number) = step(record);
        match what % 8 {
            0 | 1 => {
                let part = Part {
                    gref: number,
                    offset: 0,
                    len: (number >> 16) as u16 % 4097,
                };
                let frame = Outgoing {
                    checksum_blank: number & 1 != 0,
                    segment: (number & 2 != 0).then_some(1448),
                };
                if let Some(id) = tx.send(frame, &vec![part; at % 20]) {
                    assert!(id.index() < tx.slots());
                    assert!(under_way.insert(id.index()), "a frame is two");
                }
                let _ = tx.publish();
            }
            2 => {
                while let Ok(Some(sent)) = tx.reap() {
                    assert!(under_way.remove(&sent.frame.index()), "free twice");
                }
                let _ = tx.arm();
            }
            // Honest answers: the id with a status, none for an extra slot.
            3 | 4 => {
                let mut slot = [0; TX_SLOT];
                if let Ok(true) = back.pop(&mut slot) {
                    let answer = match std::mem::take(&mut extra) {
                        true => [0xff, 0xff, 1, 0],
                        false => {
                            extra = slot[6] & 8 != 0;
                            [slot[8], slot[9], 0, 0]
                        }
                    };
                    let _ = back.push(&answer);
                }
                let _ = back.arm();
                let _ = back.publish();
            }
            _ => scribble(&page, what / 8, at, number),
        }
        assert_eq!(tx.is_idle(), under_way.is_empty());
    }
}

fn receiving(data: &[u8]) {
    let page = Page::new(4096);
    let mut rx = Rx::new(page.clone(), (0..BUFFERS).collect()).expect("a page holds slots");
    let mut back = BackRing::new(page.clone(), RX_SLOT).expect("a page holds slots");
    let _ = rx.publish();
    for record in data.chunks_exact(6) {
        let (what, at, number) = step(record);
        match what % 8 {
            0 | 1 => {
                let received = rx.next(|buffer, offset, to, len| {
                    assert!(buffer < BUFFERS as usize && offset + len <= PAGE);
                    assert!(to + len <= LARGEST_FRAME);
                });
                if let Ok(Some(frame)) = received {
                    assert!((14..=LARGEST_FRAME).contains(&frame.len));
                }
            }
            2 => {
                let _ = rx.publish();
                let _ = rx.arm();
            }
            // A part with the right id, or any eight bytes.
            3..=5 => {
                let mut slot = [0; RX_SLOT];
                if let Ok(true) = back.pop(&mut slot) {
                    let [a, b, c, d] = number.to_le_bytes();
                    let answer = match what / 8 % 4 {
                        0 => [at as u8, 0, a, b, c, 0, d, 0],
                        _ => [slot[0], slot[1], a, b & 15, at as u8 & 31, 0, c, d],
                    };
                    let _ = back.push(&answer);
                }
                let _ = back.publish();
            }
            _ => scribble(&page, what / 8, at, number),
        }
    }
}
