//! Tests of both kinds of rings.

use super::slots::{REQ_EVENT, REQ_PROD, RSP_EVENT, RSP_PROD};
use super::*;
use crate::mock::Page;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::offset_of;
use xen_sys::io::{
    blkif, console::XenconsInterface, ring::SringHeader, xs_wire::XenstoreDomainInterface,
};

#[test]
fn offsets_are_the_headers_ones() {
    assert_eq!(SLOTS_AT, size_of::<SringHeader>());
    assert_eq!(
        [REQ_PROD, REQ_EVENT],
        [
            offset_of!(SringHeader, req_prod),
            offset_of!(SringHeader, req_event)
        ]
    );
    assert_eq!(
        [RSP_PROD, RSP_EVENT],
        [
            offset_of!(SringHeader, rsp_prod),
            offset_of!(SringHeader, rsp_event)
        ]
    );
    macro_rules! same {
        ($ring:expr, $t:ty, $data:ident, $cons:ident, $prod:ident) => {
            assert_eq!(
                $ring,
                ByteRing {
                    data: offset_of!($t, $data),
                    size: (offset_of!($t, $data) + $ring.size as usize - offset_of!($t, $data))
                        as u32,
                    cons: offset_of!($t, $cons),
                    prod: offset_of!($t, $prod),
                }
            );
        };
    }
    same!(CONSOLE_IN, XenconsInterface, in_, in_cons, in_prod);
    same!(CONSOLE_OUT, XenconsInterface, out, out_cons, out_prod);
    same!(
        XENSTORE_REQ,
        XenstoreDomainInterface,
        req,
        req_cons,
        req_prod
    );
    same!(
        XENSTORE_RSP,
        XenstoreDomainInterface,
        rsp,
        rsp_cons,
        rsp_prod
    );
    assert_eq!(
        [
            CONSOLE_IN.size,
            CONSOLE_OUT.size,
            XENSTORE_REQ.size,
            XENSTORE_RSP.size
        ],
        [1024, 2048, 1024, 1024]
    );
}

#[test]
fn slot_counts() {
    // (bytes, slot, slots): blkif 32 a page, netif tx 256, rx 256.
    for (bytes, slot, n) in [
        (4096, size_of::<blkif::BlkifRequest>(), 32),
        (16384, 112, 128),
        (4096, 12, 256),
        (4096, 8, 256),
        (64, 8, 0),
        (72, 8, 1),
        (4096, 0, 0),
        (0, 8, 0),
    ] {
        assert_eq!(slots(bytes, slot), n, "{bytes}/{slot}");
    }
}

#[test]
fn requests_and_responses_cross_the_wrap() {
    let page = Page::new(4096);
    let mut front = FrontRing::new(page.clone(), 112).unwrap();
    let mut back = BackRing::new(page.clone(), 112).unwrap();
    // Start both just below the wrap of u32.
    let start = u32::MAX - 5;
    (front.req_prod, front.published, front.rsp_cons) = (start, start, start);
    (back.req_cons, back.rsp_prod, back.published) = (start, start, start);
    for at in [REQ_PROD, RSP_PROD] {
        page.store(at, start);
    }
    for round in 0..100u8 {
        for i in 0..32u8 {
            front.push(&[round, i]).unwrap();
        }
        assert_eq!(front.push(&[0]), Err(RingError::Full));
        let _ = front.publish();
        let mut two = [0; 2];
        let mut seen = 0;
        while back.pop(&mut two).unwrap() {
            assert_eq!(two, [round, seen]);
            back.push(&[round ^ 0xff, seen]).unwrap();
            seen += 1;
        }
        assert_eq!((seen, back.push(&[0])), (32, Err(RingError::Full)));
        assert!(!front.pop(&mut two).unwrap(), "nothing before publish");
        let _ = back.publish();
        for i in 0..32 {
            assert!(front.pop(&mut two).unwrap());
            assert_eq!(two, [round ^ 0xff, i]);
        }
        assert!(!front.pop(&mut two).unwrap());
        assert_eq!((front.in_flight(), front.free()), (0, 32));
    }
}

#[test]
fn events_hold_off_notifications() {
    let page = Page::new(4096);
    let mut front = FrontRing::new(page.clone(), 16).unwrap();
    let mut back = BackRing::new(page, 16).unwrap();
    front.push(&[1]).unwrap();
    assert!(front.publish(), "a fresh ring wants the first event");
    front.push(&[2]).unwrap();
    assert!(!front.publish(), "the backend has not asked again");
    let mut b = [0];
    assert!(
        back.pop(&mut b).unwrap() && back.arm(),
        "arming shows the second request"
    );
    assert!(back.pop(&mut b).unwrap() && !back.arm());
    front.push(&[3]).unwrap();
    assert!(front.publish());
    assert!(!front.publish(), "nothing new, nothing to tell");
    back.push(&[1]).unwrap();
    back.push(&[2]).unwrap();
    assert!(back.publish());
    assert!(
        front.pop(&mut b).unwrap() && front.arm() && front.pop(&mut b).unwrap() && !front.arm()
    );
}

#[test]
fn a_lying_peer_gives_errors() {
    let page = Page::new(4096);
    let mut front = FrontRing::new(page.clone(), 16).unwrap();
    let mut b = [0; 16];
    for lie in [1, 3, 256, 257, 0x8000_0000, u32::MAX] {
        page.store(RSP_PROD, lie);
        assert!(
            matches!(front.pop(&mut b), Err(RingError::Overrun { theirs, .. }) if theirs == lie)
        );
        assert!(front.arm(), "an overrun is something to look at");
    }
    let mut back = BackRing::new(page.clone(), 16).unwrap();
    for lie in [253, 1 << 31, u32::MAX] {
        page.store(REQ_PROD, lie);
        assert!(
            matches!(back.pop(&mut b), Err(RingError::Overrun { .. })),
            "{lie}"
        );
    }
    // Responses may not outrun the requests even within the ring's size.
    front.push(&[1]).unwrap();
    let _ = front.publish();
    page.store(RSP_PROD, 2);
    assert_eq!(
        front.pop(&mut b),
        Err(RingError::Overrun {
            theirs: 2,
            ours: 0,
            limit: 1
        })
    );
    assert_eq!(
        front.push(&[0; 17]),
        Err(RingError::Size {
            given: 17,
            needed: 16
        })
    );
    assert!(FrontRing::new(Page::new(64), 16).is_err());
}

#[test]
fn bytes_cross_the_wrap() {
    for ring in [CONSOLE_IN, CONSOLE_OUT, XENSTORE_REQ, XENSTORE_RSP] {
        let page = Page::new(4096);
        let start = 0u32.wrapping_sub(700);
        page.store(ring.cons, start);
        page.store(ring.prod, start);
        let mut writer = ByteWriter::attach(ring, &page);
        let mut reader = ByteReader::attach(ring, &page);
        let text: Vec<u8> = (0..10_000u32).map(|i| (i * 7 + i / 256) as u8).collect();
        let (mut sent, mut got) = (0, Vec::new());
        let mut step = 1;
        while got.len() < text.len() {
            sent += writer.write(&page, &text[sent..]).unwrap();
            let mut some = vec![0; step];
            let n = reader.read(&page, &mut some).unwrap();
            got.extend_from_slice(&some[..n]);
            step = step * 3 % 1000 + 1;
        }
        assert_eq!(got, text);
        assert_eq!(writer.queued(&page), Ok(0));
    }
}

#[test]
fn a_full_byte_ring_takes_no_more() {
    let page = Page::new(4096);
    let mut writer = ByteWriter::attach(CONSOLE_OUT, &page);
    assert_eq!(writer.write(&page, &[7; 5000]), Ok(2048));
    assert_eq!(writer.write(&page, &[8]), Ok(0));
    let mut reader = ByteReader::attach(CONSOLE_OUT, &page);
    assert_eq!(reader.available(&page), Ok(2048));
    assert_eq!(reader.read(&page, &mut [0; 3]), Ok(3));
    assert_eq!(writer.room(&page), Ok(3));
    reader.skip_all(&page);
    assert_eq!(
        (reader.available(&page), writer.room(&page)),
        (Ok(0), Ok(2048))
    );
}

#[test]
fn a_lying_byte_peer_gives_errors() {
    let page = Page::new(4096);
    let mut reader = ByteReader::attach(XENSTORE_RSP, &page);
    let mut writer = ByteWriter::attach(XENSTORE_REQ, &page);
    for lie in [1025, 1 << 31, u32::MAX] {
        page.store(XENSTORE_RSP.prod, lie);
        assert!(
            matches!(
                reader.read(&page, &mut [0; 8]),
                Err(RingError::Overrun { .. })
            ),
            "{lie}"
        );
    }
    for lie in [1, 1 << 31, 0u32.wrapping_sub(1025)] {
        page.store(XENSTORE_REQ.cons, lie);
        assert!(
            matches!(writer.write(&page, b"x"), Err(RingError::Overrun { .. })),
            "{lie}"
        );
    }
}
