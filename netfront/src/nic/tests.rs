//! The card against a mock backend in the toy Xen, honest and hostile.

use super::*;
use core::cell::RefCell;
use core::num::NonZeroU16;
use minios::arch::host::{OtherDomain, add_peer, connect_store, mapped_grants};
use minios::executor::block_on;
use minios::xenbus::XenbusState;
use minios::{grant, mm, time};
use smoltcp::phy::{RxToken as _, TxToken as _};
use xen_proto::mock::netback::{Frame, Manners, Netback, Offer};
use xen_proto::mock::store::Xenstored;
use xen_proto::net::{RxOddities, Violation};

type Backend = Rc<RefCell<Netback<OtherDomain>>>;

struct Machine {
    daemon: Xenstored,
    store: Store,
}

impl Machine {
    fn new() -> Machine {
        let daemon = Xenstored::new(7);
        let store = connect_store(&daemon);
        Machine { daemon, store }
    }

    fn card(&self, number: u32, offer: Offer) -> Backend {
        let backend = Netback::new(&self.daemon, OtherDomain, 7, number, offer);
        let backend = Rc::new(RefCell::new(backend));
        let peer = backend.clone();
        add_peer(Box::new(move || peer.borrow_mut().work()));
        backend
    }

    fn open(&self, number: u32, options: Options) -> Nic {
        block_on(Nic::open(&self.store, number, options)).unwrap()
    }
}

/// Lets every other domain work until none has anything to do.
fn settle() {
    block_on(time::sleep(Duration::from_millis(1)));
}

/// An Ethernet frame of no known protocol, of `len` bytes that name themselves.
fn frame(len: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8 ^ len as u8).collect();
    bytes[12..14].copy_from_slice(&[0x88, 0xb5]); // IEEE 802: local experiments
    bytes
}

/// RFC 1071, over bytes.
fn sum(bytes: &[u8]) -> u16 {
    let mut sum = 0u32;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// A frame with a TCP (6) or UDP (17) datagram of `len` bytes of payload, and
/// a right checksum.
fn datagram(protocol: u8, len: usize) -> Vec<u8> {
    let header = if protocol == 6 { 20 } else { 8 };
    let total = 20 + header + len;
    let mut bytes = vec![0; 12];
    bytes.extend([8, 0]);
    bytes.extend([
        0x45,
        0,
        (total >> 8) as u8,
        total as u8,
        0,
        1,
        0,
        0,
        64,
        protocol,
        0,
        0,
    ]);
    bytes.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    let ip = !sum(&bytes[14..34]);
    bytes[24..26].copy_from_slice(&ip.to_be_bytes());
    let mut datagram = vec![0; header + len];
    datagram[..4].copy_from_slice(&[0x12, 0x34, 0, 80]);
    if protocol == 6 {
        datagram[12] = 5 << 4;
    } else {
        datagram[4..6].copy_from_slice(&((8 + len) as u16).to_be_bytes());
    }
    for (at, byte) in datagram[header..].iter_mut().enumerate() {
        *byte = at as u8;
    }
    let whole = [pseudo(protocol, header + len), datagram.clone()].concat();
    let at = if protocol == 6 { 16 } else { 6 };
    datagram[at..at + 2].copy_from_slice(&(!sum(&whole)).to_be_bytes());
    bytes.extend(datagram);
    bytes
}

/// RFC 793: source, destination, zero, protocol, length.
fn pseudo(protocol: u8, len: usize) -> Vec<u8> {
    vec![
        10,
        0,
        0,
        1,
        10,
        0,
        0,
        2,
        0,
        protocol,
        (len >> 8) as u8,
        len as u8,
    ]
}

fn send(nic: &mut Nic, bytes: &[u8], segment: Option<u16>) -> bool {
    let Some(mut token) = nic.transmit(Instant::ZERO) else {
        return false;
    };
    let mut meta = PacketMeta::default();
    meta.segmentation_offload_size = segment.and_then(NonZeroU16::new);
    token.set_meta(meta);
    token.consume(bytes.len(), |to| to.copy_from_slice(bytes));
    true
}

fn receive(nic: &mut Nic) -> Option<Vec<u8>> {
    let (rx, _) = nic.receive(Instant::ZERO)?;
    Some(rx.consume(<[u8]>::to_vec))
}

fn wire(bytes: Vec<u8>) -> Frame {
    Frame {
        bytes,
        ..Frame::default()
    }
}

#[test]
fn frames_pass_both_ways_in_every_combination() {
    for n in 0..32 {
        let bit = |at: u32| n >> at & 1 != 0;
        let offer = Offer {
            scatter_gather: bit(0),
            segmentation: bit(1),
            checksums: bit(2),
            ..Offer::default()
        };
        let options = Options {
            checksum_offload: bit(3),
            large_frames: bit(4),
            ..Options::default()
        };
        let what = format!("{offer:?} {options:?}");
        let machine = Machine::new();
        let backend = machine.card(3, offer.clone());
        let mut nic = machine.open(3, options);
        assert_eq!(nic.mac(), [0, 0x16, 0x3e, 0, 0, 3]);
        let checksums = bit(2) && bit(3);
        let segments = checksums && bit(0) && bit(1) && bit(4);
        let capabilities = nic.capabilities();
        assert_eq!(capabilities.max_transmission_unit, 1514);
        assert_eq!(capabilities.checksum.tcp.tx(), !checksums, "{what}");
        assert_eq!(
            capabilities.segmentation.tcpv4.is_some(),
            segments,
            "{what}"
        );
        let wishes: Vec<_> = (backend.borrow().seen.wishes.iter())
            .map(|(_, value)| value == "1")
            .collect();
        assert_eq!(wishes, [bit(4), bit(4) && bit(3), !bit(3)], "{what}");
        let mut sent = Vec::new();
        for round in 0..300 {
            let bytes = frame(60 + round * 4);
            assert!(send(&mut nic, &bytes, None), "{what}");
            sent.push(bytes);
            if segments && round % 50 == 0 {
                let bytes = datagram(6, 100 + round * 200);
                assert!(send(&mut nic, &bytes, Some(1460)), "{what}");
                sent.push(bytes);
            }
            backend
                .borrow_mut()
                .queue
                .push_back(wire(frame(14 + round * 4)));
            if round % 20 == 0 {
                settle();
                while receive(&mut nic).is_some() {}
            }
        }
        for len in [14, 1514, 4096, 9000, 65_535] {
            backend.borrow_mut().queue.push_back(wire(frame(len)));
            settle();
            while let Some(bytes) = receive(&mut nic) {
                if bytes.len() == len {
                    assert!(bytes == frame(len), "{what}");
                    break;
                }
            }
        }
        settle();
        let got = backend.borrow().sent.clone();
        assert_eq!(got.len(), sent.len(), "{what}");
        for (got, sent) in got.iter().zip(&sent) {
            assert!(
                got.bytes.len() == sent.len() && got.bytes[60..] == sent[60..],
                "{what}"
            );
            assert_eq!(got.segment.is_some(), sent[12] == 8, "{what}");
        }
        assert_eq!(backend.borrow().seen.nonsense, [""; 0], "{what}");
        let counters = nic.counters();
        assert_eq!(counters.received, 305, "{what}");
        assert_eq!(counters.sent, sent.len() as u64);
        assert_eq!(
            (counters.unsent, counters.refused, counters.checksum),
            (0, 0, 0)
        );
        assert_eq!(counters.dropped, RxOddities::default());
        block_on(nic.close());
        assert_eq!((mapped_grants(), grant::in_use()), (0, 0), "{what}");
    }
}

#[test]
fn checksums_are_left_to_the_backend_with_their_pseudo_header_in_place() {
    let machine = Machine::new();
    let backend = machine.card(0, Offer::default());
    let mut nic = machine.open(0, Options::default());
    let mut fragment = datagram(17, 64);
    fragment[20] = 0x20; // more fragments
    for bytes in [
        datagram(6, 1000),
        datagram(17, 33),
        fragment.clone(),
        frame(99),
    ] {
        assert!(send(&mut nic, &bytes, None));
    }
    assert!(send(&mut nic, &datagram(6, 60_000), Some(1448)));
    settle();
    let sent = core::mem::take(&mut backend.borrow_mut().sent);
    let blank: Vec<_> = sent.iter().map(|frame| frame.blank).collect();
    assert_eq!(blank, [true, true, false, false, true]);
    for (at, protocol, field) in [(0, 6, 50), (1, 17, 40), (4, 6, 50)] {
        let bytes = &sent[at].bytes;
        let field = u16::from_be_bytes([bytes[field], bytes[field + 1]]);
        assert_eq!(field, sum(&pseudo(protocol, bytes.len() - 34)), "{at}");
    }
    assert_eq!(sent[2].bytes, fragment);
    assert_eq!((sent[4].segment, sent[4].slots), (Some(1448), 16));
    block_on(nic.close());
}

#[test]
fn a_wrong_checksum_counts_unless_there_is_none() {
    let machine = Machine::new();
    let backend = machine.card(0, Offer::default());
    let mut nic = machine.open(0, Options::default());
    for protocol in [6, 17] {
        let right = datagram(protocol, 77);
        let mut wrong = right.clone();
        *wrong.last_mut().unwrap() ^= 1;
        let mut fragment = wrong.clone();
        fragment[20] = 0x20;
        for (bytes, blank, validated, passes) in [
            (&right, false, false, true),
            (&wrong, false, false, false),
            (&wrong, true, false, true),
            (&wrong, false, true, true),
            (&fragment, false, false, true),
        ] {
            let before = nic.counters().checksum;
            backend.borrow_mut().queue.push_back(Frame {
                bytes: bytes.clone(),
                blank,
                validated,
                ..Frame::default()
            });
            settle();
            let got = receive(&mut nic);
            assert_eq!(got.as_ref(), passes.then_some(bytes), "{blank} {validated}");
            assert_eq!(nic.counters().checksum - before, u64::from(!passes));
        }
    }
    block_on(nic.close());
}

#[test]
fn extra_slots_are_skipped_wherever_the_frame_goes_on() {
    let machine = Machine::new();
    let backend = machine.card(0, Offer::default());
    let mut nic = machine.open(0, Options::default());
    for (len, slots) in [(1000, 1), (1000, 3), (60_000, 15), (14, 2), (5000, 40)] {
        backend.borrow_mut().queue.push_back(Frame {
            bytes: frame(len),
            segment: Some(1448),
            slots,
            ..Frame::default()
        });
        settle();
        assert!(receive(&mut nic) == Some(frame(len)), "{len} in {slots}");
    }
    assert_eq!(nic.counters().dropped.dropped(), 0);
    block_on(nic.close());
}

#[test]
fn an_idle_card_is_left_alone_and_a_frame_ends_the_wait() {
    let machine = Machine::new();
    let backend = machine.card(0, Offer::default());
    let mut nic = machine.open(0, Options::default());
    while block_on(time::timeout(Duration::from_secs(1), nic.changed())).is_ok() {
        assert!(receive(&mut nic).is_none());
    }
    let before = backend.borrow().seen.events;
    let hour = time::timeout(Duration::from_secs(3600), nic.changed());
    assert!(block_on(hour).is_err());
    assert_eq!(backend.borrow().seen.events, before);
    backend.borrow_mut().queue.push_back(wire(frame(100)));
    block_on(nic.changed());
    assert!(receive(&mut nic).is_some());
    // Looking for more asks for the next event.
    assert!(receive(&mut nic).is_none());
    backend.borrow_mut().queue.push_back(wire(frame(100)));
    block_on(nic.changed());
    assert!(receive(&mut nic).is_some());
    block_on(nic.close());
}

/// Sends until there is no more room; how many that were.
fn fill(nic: &mut Nic) -> usize {
    (0..1000)
        .take_while(|_| send(nic, &frame(1514), None))
        .count()
}

#[test]
fn a_full_ring_waits_for_the_backend_and_goes_on() {
    let machine = Machine::new();
    let backend = machine.card(0, Offer::default());
    let mut nic = machine.open(0, Options::default());
    let sent = fill(&mut nic);
    assert!((64..256).contains(&sent), "{sent}");
    // What comes in is still received, and what would answer it is lost.
    backend.borrow_mut().manners = Manners::Never;
    backend.borrow_mut().queue.push_back(wire(frame(60)));
    settle();
    let (_, token) = nic.receive(Instant::ZERO).unwrap();
    token.consume(100, |to| to.fill(1));
    assert_eq!(nic.counters().unsent, 1);
    assert_eq!(backend.borrow().sent.len(), sent);
    block_on(nic.close());
    backend.borrow_mut().manners = Manners::Backwards;
    let mut nic = machine.open(0, Options::default());
    for _ in 0..20 {
        assert!(fill(&mut nic) > 0);
        block_on(nic.changed());
    }
    assert_eq!(nic.link(), Link::Up);
    block_on(nic.close());
    assert_eq!((mapped_grants(), grant::in_use()), (0, 0));
}

#[test]
fn a_backend_that_does_not_send_is_given_up_and_memory_it_keeps_is_not_used_again() {
    let machine = Machine::new();
    let backend = machine.card(0, Offer::default());
    backend.borrow_mut().manners = Manners::NeverAndKeeps;
    let free = mm::free_pages();
    let mut nic = machine.open(0, Options::default());
    let sent = fill(&mut nic);
    let events = nic.events();
    let failed = async {
        while events.link() == Link::Up {
            events.changed().await;
        }
    };
    let before = time::now_ns();
    block_on(failed);
    assert!(time::now_ns() - before >= 30_000_000_000);
    assert_eq!(nic.link(), Link::Failed(Failure::TimedOut));
    assert!(!send(&mut nic, &frame(60), None) && receive(&mut nic).is_none());
    block_on(nic.close());
    assert!(
        mm::free_pages() <= free - sent,
        "the backend may still read them"
    );
    assert_eq!(grant::in_use(), sent);
}

/// What each kind of bad manners comes to: a failure, or a counter.
#[test]
fn hostile_backends() {
    type Check = fn(Link, Counters) -> bool;
    fn violated(link: Link, which: fn(Violation) -> bool) -> bool {
        matches!(link, Link::Failed(Failure::Violation(violation)) if which(violation))
    }
    let ring: Check = |link, _| violated(link, |v| matches!(v, Violation::Ring(_)));
    let cases: Vec<(Manners, Check)> = vec![
        (Manners::Refuses(-1), |link, c| {
            link == Link::Up && c.refused == 6
        }),
        (Manners::Refuses(-2), |link, c| {
            link == Link::Up && c.refused == 6
        }),
        (Manners::Refuses(99), |link, c| {
            link == Link::Up && c.refused == 6
        }),
        (Manners::WrongId, |link, _| {
            violated(link, |v| matches!(v, Violation::Sent { .. }))
        }),
        (Manners::Twice, |link, _| {
            violated(link, |v| matches!(v, Violation::Sent { .. }))
        }),
        (Manners::Nothing, |link, _| {
            violated(link, |v| v == Violation::Nothing)
        }),
        (Manners::Overrun, ring),
        (Manners::RxOverrun, ring),
        (Manners::RxWrongId, |link, _| {
            violated(link, |v| matches!(v, Violation::Received { .. }))
        }),
        (Manners::RxOffset(4096), |link, c| {
            link == Link::Up && c.dropped.outside == 3
        }),
        (Manners::RxOffset(65_535), |link, c| {
            link == Link::Up && c.dropped.outside == 3
        }),
        (Manners::RxStatus(-1), |link, c| {
            link == Link::Up && c.dropped.failed == 3
        }),
        (Manners::RxStatus(i16::MIN), |link, c| {
            link == Link::Up && c.dropped.failed == 3
        }),
        (Manners::RxStatus(i16::MAX), |link, c| {
            link == Link::Up && c.dropped.outside == 3
        }),
        (Manners::RxStatus(4033), |link, c| {
            link == Link::Up && c.dropped.outside == 3
        }),
        (Manners::RxStatus(0), |link, c| {
            link == Link::Up && c.dropped.short == 3
        }),
        (Manners::RxStatus(13), |link, c| {
            link == Link::Up && c.dropped.short == 2
        }),
        (Manners::RxFlags(16), |link, c| {
            link == Link::Up && c.dropped.extra == 3
        }),
        (Manners::RxExtra(0), |link, c| {
            link == Link::Up && c.dropped.extra == 1
        }),
        (Manners::RxExtra(5), |link, c| {
            link == Link::Up && c.dropped.extra == 1
        }),
        (Manners::RxExtra(255), |link, c| {
            link == Link::Up && c.dropped.extra == 1
        }),
        (Manners::RxExtras, |link, _| {
            violated(link, |v| v == Violation::Extras)
        }),
        (Manners::RxEndless, |link, c| {
            link == Link::Up && c.dropped.oversize == 1
        }),
        (Manners::Leaves, |link, _| {
            link == Link::Failed(Failure::Ended(XenbusState::Closing))
        }),
        (Manners::Vanishes, |link, _| {
            link == Link::Failed(Failure::Ended(XenbusState::Unknown))
        }),
    ];
    for (manners, check) in cases {
        let machine = Machine::new();
        let backend = machine.card(0, Offer::default());
        let mut nic = machine.open(0, Options::default());
        backend.borrow_mut().manners = manners;
        let queue = [frame(60), frame(1514), frame(9000)].map(|bytes| Frame {
            segment: (bytes.len() > 4096).then_some(1448),
            bytes,
            ..Frame::default()
        });
        backend.borrow_mut().queue.extend(queue);
        for round in 0..6 {
            send(&mut nic, &frame(60 + round), None);
        }
        for _ in 0..10 {
            settle();
            while receive(&mut nic).is_some() {}
            let _ = nic.transmit(Instant::ZERO);
        }
        let (link, counters) = (nic.link(), nic.counters());
        assert!(check(link, counters), "{manners:?}: {link:?} {counters:?}");
        // A card that has not failed still works with a backend that behaves again.
        backend.borrow_mut().manners = Manners::Honest;
        if link == Link::Up && manners != Manners::RxEndless {
            backend.borrow_mut().queue.push_back(wire(frame(500)));
            settle();
            let mut last = None;
            while let Some(bytes) = receive(&mut nic) {
                last = Some(bytes);
            }
            assert!(last == Some(frame(500)), "{manners:?}");
        }
        block_on(nic.close());
        // One that vanishes keeps the rings; all others must have let go.
        if manners != Manners::Vanishes {
            assert_eq!((mapped_grants(), grant::in_use()), (0, 0), "{manners:?}");
            let mut nic = machine.open(0, Options::default());
            assert!(send(&mut nic, &frame(77), None));
            settle();
            assert_eq!(
                backend.borrow().sent.last().unwrap().bytes,
                frame(77),
                "{manners:?}"
            );
            block_on(nic.close());
        }
    }
}

#[test]
fn the_carrier_comes_and_goes() {
    let machine = Machine::new();
    let backend = machine.card(0, Offer::default());
    let nic = machine.open(0, Options::default());
    settle();
    assert_eq!(nic.link(), Link::Up);
    for (value, link) in [
        ("0", Link::NoCarrier),
        ("1", Link::Up),
        ("0", Link::NoCarrier),
    ] {
        backend.borrow().set("carrier", value);
        block_on(async {
            while nic.link() != link {
                nic.changed().await;
            }
        });
    }
    block_on(nic.close());
}

#[test]
fn several_cards_open_and_close_again_and_again() {
    let machine = Machine::new();
    let backends = [0, 1, 5].map(|number| machine.card(number, Offer::default()));
    for round in 1..4 {
        let cards = block_on(open_all(&machine.store, Options::default())).unwrap();
        let numbers: Vec<_> = cards.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [0, 1, 5]);
        for (number, card) in cards {
            let mut nic = card.unwrap();
            assert!(send(&mut nic, &frame(60 + number as usize), None));
            settle();
            block_on(nic.close());
        }
        for (backend, len) in backends.iter().zip([60, 61, 65]) {
            let backend = backend.borrow();
            assert_eq!(backend.sent.last().unwrap().bytes, frame(len));
            assert_eq!(backend.seen.connections, round);
            assert_eq!(backend.state(), XenbusState::InitWait);
        }
        assert_eq!((mapped_grants(), grant::in_use()), (0, 0));
    }
}

#[test]
fn cards_that_make_no_sense() {
    for (node, value, says) in [
        ("mac", Some("00:16:3e:01:02"), "\"mac\""),
        ("mac", Some("01:16:3e:01:02:03"), "\"mac\""),
        ("mac", None, "\"mac\""),
        ("mtu", Some("12"), "\"mtu\""),
        ("mtu", Some("999999999999999999999"), "\"mtu\""),
    ] {
        let machine = Machine::new();
        let _backend = machine.card(0, Offer::default());
        match value {
            Some(value) => machine.daemon.set(&format!("device/vif/0/{node}"), value),
            None => machine
                .daemon
                .remove(&format!("/local/domain/7/device/vif/0/{node}")),
        }
        let error = block_on(Nic::open(&machine.store, 0, Options::default())).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(grant::in_use(), 0);
    }
    for overrides in [("feature-rx-copy", None), ("feature-sg", Some("x"))] {
        let machine = Machine::new();
        let offer = Offer {
            overrides: vec![overrides],
            ..Offer::default()
        };
        let _backend = machine.card(0, offer);
        let error = block_on(Nic::open(&machine.store, 0, Options::default())).unwrap_err();
        assert!(error.to_string().contains(overrides.0), "{error}");
    }
}

#[test]
fn large_frames_of_a_large_mtu() {
    let machine = Machine::new();
    for (scatter_gather, mtu) in [(true, 9000), (false, 4082)] {
        let offer = Offer {
            scatter_gather,
            ..Offer::default()
        };
        let backend = machine.card(0, offer);
        machine.daemon.set("device/vif/0/mtu", "9000");
        let mut nic = machine.open(0, Options::default());
        assert_eq!(nic.capabilities().max_transmission_unit, mtu + 14);
        assert!(send(&mut nic, &frame(mtu + 14), None));
        settle();
        assert_eq!(backend.borrow().sent[0].bytes, frame(mtu + 14));
        block_on(nic.close());
        backend.borrow_mut().leave();
    }
}
