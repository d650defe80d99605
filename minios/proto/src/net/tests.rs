//! The rings, restated from netif.h: slots of 12 and 8 bytes from byte 64 on,
//! flags 1 (validated or blank), 2, 4 (more), 8 (extra), and the nodes.

use super::*;
use crate::mock::Page;
use crate::ring::Memory;
use alloc::vec;
use alloc::vec::Vec;

#[test]
fn hardware_addresses() {
    let good = parse_mac(" 00:16:3e:0a:Bc:ff\n");
    assert_eq!(good, Ok([0, 0x16, 0x3e, 0x0a, 0xbc, 0xff]));
    for text in [
        "",
        "00:16:3e:0a:bc",
        "00:16:3e:0a:bc:ff:00",
        "0:16:3e:0a:bc:ff",
        "00:16:3e:0a:bc:+f",
        "00-16-3e-0a-bc-ff",
        "01:16:3e:0a:bc:ff",
        "ff:ff:ff:ff:ff:ff",
        "00:00:00:00:00:00",
    ] {
        assert_eq!(parse_mac(text), Err(CardError::Value("mac")), "{text:?}");
    }
}

#[test]
fn nodes() {
    let parse = |nodes: &[(&str, &'static str)], mtu| {
        Card::parse(
            |name| nodes.iter().find(|(n, _)| *n == name).map(|(_, v)| *v),
            mtu,
        )
    };
    let copy = ("feature-rx-copy", "1");
    assert_eq!(parse(&[], None), Err(CardError::NoCopy));
    let plain = parse(&[copy], None).unwrap();
    let expected = Card {
        mtu: 1500,
        scatter_gather: false,
        segmentation: false,
        checksums: true,
    };
    assert_eq!(plain, expected);
    let (sg, gso) = (("feature-sg", "1"), ("feature-gso-tcpv4", "1"));
    let blank = ("feature-no-csum-offload", "1");
    assert!(parse(&[copy, sg, gso], None).unwrap().segmentation);
    assert!(!parse(&[copy, gso], None).unwrap().segmentation);
    assert!(!parse(&[copy, sg, gso, blank], None).unwrap().segmentation);
    for (text, mtu) in [
        ("576", 576),
        ("1500", 1500),
        ("9000", 4082),
        (" 1400 ", 1400),
    ] {
        assert_eq!(parse(&[copy], Some(text)).unwrap().mtu, mtu);
    }
    assert_eq!(parse(&[copy, sg], Some("9000")).unwrap().mtu, 9000);
    for text in ["0", "575", "65001", "-1", "x", ""] {
        assert_eq!(parse(&[copy], Some(text)), Err(CardError::Value("mtu")));
    }
    assert_eq!(
        parse(&[copy, ("feature-sg", "yes")], None),
        Err(CardError::Value("feature-sg"))
    );
}

fn bytes(page: &Page, at: usize, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    page.read(at, &mut bytes);
    bytes
}

/// Writes what the backend answers, and its `rsp_prod` (byte 8).
fn answer(page: &Page, slot: usize, responses: &[(usize, &[u8])], produced: u32) {
    for (at, response) in responses {
        page.write(64 + at * slot, response);
    }
    page.store(8, produced);
}

#[test]
fn a_frame_of_two_parts_and_an_extra_slot() {
    let page = Page::new(4096);
    let mut tx = Tx::new(page.clone()).unwrap();
    assert_eq!(tx.slots(), 256);
    let part = |gref, len| Part {
        gref,
        offset: 0x10,
        len,
    };
    let frame = Outgoing {
        checksum_blank: true,
        segment: Some(0x5a8),
    };
    let id = tx.send(frame, &[part(7, 4080), part(9, 0x123)]).unwrap();
    assert!(tx.publish(), "the first request is always told");
    assert_eq!(page.load(0), 3);
    // gref, offset, flags (blank, validated, more, extra), id, size of all
    let first = bytes(&page, 64, 12);
    assert_eq!(first[..8], [7, 0, 0, 0, 0x10, 0, 15, 0]);
    assert_eq!(first[10..], (4080 + 0x123u16).to_le_bytes());
    // type GSO, no flags, size, TCPv4, pad, features
    assert_eq!(bytes(&page, 76, 8), [1, 0, 0xa8, 5, 1, 0, 0, 0]);
    let second = bytes(&page, 88, 12);
    assert_eq!(second[..8], [9, 0, 0, 0, 0x10, 0, 0, 0]);
    assert_eq!(second[10..], [0x23, 1]);
    assert_ne!(first[8..10], second[8..10]);
    assert_eq!(tx.reap(), Ok(None));
    let null = [0xff, 0xff, 1, 0];
    let ok = |id: &[u8]| [id[0], id[1], 0, 0];
    let failed = |id: &[u8]| [id[0], id[1], 0xff, 0xff];
    answer(&page, 12, &[(0, &failed(&first[8..])), (1, &null)], 2);
    assert_eq!(tx.reap(), Ok(None));
    answer(&page, 12, &[(2, &ok(&second[8..]))], 3);
    let sent = Sent {
        frame: id,
        ok: false,
    };
    assert_eq!(tx.reap(), Ok(Some(sent)), "one part that failed is enough");
    assert!(tx.is_idle());
    assert_eq!(tx.oddities.refused, 1);
    // The same answer to the next frame is none.
    let _ = tx.send(Outgoing::default(), &[part(7, 60)]).unwrap();
    let _ = tx.publish();
    answer(&page, 12, &[(3, &ok(&first[8..]))], 4);
    assert!(matches!(tx.reap(), Err(Violation::Sent { .. })));
}

#[test]
fn what_cannot_be_sent() {
    let mut tx = Tx::new(Page::new(4096)).unwrap();
    let part = Part {
        gref: 1,
        offset: 0,
        len: 4096,
    };
    let plain = Outgoing::default();
    assert_eq!(tx.send(plain, &[]), None);
    assert_eq!(tx.send(plain, &[part; 16]), None, "65536 bytes");
    assert_eq!(tx.send(plain, &[Part { len: 9, ..part }; 19]), None);
    assert!(tx.is_idle());
    let sent = (0..1000).take_while(|_| tx.send(plain, &[part]).is_some());
    assert_eq!(
        sent.count(),
        256 - 17,
        "room is kept for a frame of any size"
    );
}

#[test]
fn received_parts_become_frames_and_buffers_go_back() {
    let page = Page::new(4096);
    let mut rx = Rx::new(page.clone(), (100..132).collect()).unwrap();
    assert!(rx.publish());
    assert_eq!(page.load(0), 32);
    let id = |at: usize| bytes(&page, 64 + at * 8, 2);
    assert_eq!(bytes(&page, 66, 6), [0, 0, 100, 0, 0, 0]);
    let response = |at: usize, offset: u16, flags: u8, status: i16| {
        let [a, b] = offset.to_le_bytes();
        let [c, d] = status.to_le_bytes();
        let id = id(at);
        [id[0], id[1], a, b, flags, 0, c, d]
    };
    let (zero, two) = (response(0, 5, 2 | 4 | 8, 4000), response(2, 0, 0, 16));
    let gso = [1, 0, 0xa8, 5, 1, 0, 0, 0];
    answer(&page, 8, &[(0, &zero), (1, &gso)], 2);
    let mut copies = Vec::new();
    let mut copy = |buffer, offset, at, len| copies.push((buffer, offset, at, len));
    assert_eq!(rx.next(&mut copy), Ok(None), "the frame is not whole yet");
    answer(&page, 8, &[(2, &two)], 3);
    let frame = Received {
        len: 4016,
        checked: true,
    };
    assert_eq!(rx.next(&mut copy), Ok(Some(frame)));
    assert_eq!(copies, [(0, 5, 0, 4000), (2, 0, 4000, 16)]);
    assert!(!rx.publish_many(), "three are not many");
    let _ = rx.publish();
    assert_eq!(page.load(0), 35);
    assert_eq!(bytes(&page, 64 + 33 * 8 + 4, 4), [101, 0, 0, 0]);
    assert_ne!(id(32), id(0), "a buffer comes back under another id");
    let old = response(0, 0, 0, 60);
    answer(&page, 8, &[(3, &old)], 4);
    let result = rx.next(|_, _, _, _| panic!("nothing to copy"));
    assert!(matches!(result, Err(Violation::Received { .. })));
}
