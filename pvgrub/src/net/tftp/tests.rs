//! The client against scripted servers, packets written by hand from the RFCs.

use super::*;

const WISHES: Wishes = Wishes {
    block: 1468,
    window: 4,
};
const SECOND: u64 = 1_000_000_000;
/// The server's port for the transfer.
const TID: u16 = 4711;

fn data(block: u16, bytes: &[u8]) -> &'static [u8] {
    let mut packet = vec![0, 3];
    packet.extend(block.to_be_bytes());
    packet.extend(bytes);
    packet.leak()
}

fn oack(options: &[(&str, &str)]) -> &'static [u8] {
    let mut packet = vec![0, 6];
    for (name, value) in options {
        packet.extend(name.as_bytes());
        packet.push(0);
        packet.extend(value.as_bytes());
        packet.push(0);
    }
    packet.leak()
}

fn ack(block: u16) -> Option<(u16, Vec<u8>)> {
    let [high, low] = block.to_be_bytes();
    Some((TID, vec![0, 4, high, low]))
}

/// A client whose request was taken.
fn asking() -> Client {
    let mut client = Client::new("/f", WISHES, 0);
    client.take_packet();
    client
}

/// One that has agreed with its server on these options.
fn agreed(options: &[(&str, &str)]) -> Client {
    let mut client = asking();
    let came = client.receive(TID, oack(options), 0);
    assert_eq!(came, Ok(&[][..]));
    assert_eq!(client.take_packet(), ack(0));
    client
}

#[test]
fn the_request_is_as_the_rfcs_have_it() {
    let mut client = Client::new("/boot/linux", WISHES, 0);
    let request = b"\0\x01/boot/linux\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0";
    assert_eq!(client.take_packet(), Some((69, request.to_vec())));
    assert!(!client.begun());
}

#[test]
fn a_server_without_options_sends_blocks_of_512() {
    let mut client = asking();
    assert_eq!(
        client.receive(TID, data(1, &[7; 512]), 0),
        Ok(&[7; 512][..])
    );
    assert_eq!((client.begun(), client.size()), (true, None));
    assert_eq!(client.take_packet(), ack(1));
    assert_eq!(client.receive(TID, data(2, b"end"), 0), Ok(&b"end"[..]));
    assert_eq!(client.take_packet(), ack(2));
    assert!(client.done() && client.received() == 515);
    assert_eq!(client.receive(TID, data(2, b"end"), 0), Ok(&[][..]));
}

#[test]
fn a_file_of_whole_blocks_ends_with_an_empty_one() {
    let mut client = agreed(&[("tsize", "8"), ("blksize", "8")]);
    assert_eq!(
        client.receive(TID, data(1, b"12345678"), 0),
        Ok(&b"12345678"[..])
    );
    assert!(!client.done());
    assert_eq!(client.receive(TID, data(2, b""), 0), Ok(&b""[..]));
    assert!(client.done());
}

#[test]
fn a_window_is_answered_at_its_end_and_a_gap_at_once_but_once() {
    let mut client = agreed(&[("blksize", "8"), ("windowsize", "4"), ("tsize", "100")]);
    assert_eq!(client.size(), Some(100));
    for block in 1..=4 {
        assert_eq!(client.take_packet(), None, "before block {block}");
        assert_eq!(
            client.receive(TID, data(block, &[1; 8]), 0).unwrap().len(),
            8
        );
    }
    assert_eq!(client.take_packet(), ack(4));
    // 5 comes, 6 is lost, 7 and 8 come: the server is to go on after 5.
    assert!(client.receive(TID, data(5, &[1; 8]), 0).is_ok());
    assert_eq!(client.receive(TID, data(7, &[9; 8]), 0), Ok(&[][..]));
    assert_eq!(client.take_packet(), ack(5));
    assert_eq!(client.receive(TID, data(8, &[9; 8]), 0), Ok(&[][..]));
    assert_eq!(client.take_packet(), None);
    for block in 6..=9 {
        assert!(
            !client
                .receive(TID, data(block, &[1; 8]), 0)
                .unwrap()
                .is_empty()
        );
    }
    assert_eq!(client.take_packet(), ack(9));
}

#[test]
fn block_numbers_go_round() {
    let mut client = agreed(&[("blksize", "8"), ("windowsize", "1")]);
    for count in 1..=70_000u32 {
        let came = client.receive(TID, data(count as u16, &[0; 8]), 0);
        assert_eq!(came.unwrap().len(), 8);
        assert_eq!(client.take_packet(), ack(count as u16));
    }
    assert_eq!(client.received(), 560_000);
}

#[test]
fn repetitions_do_not_multiply() {
    let mut client = agreed(&[("blksize", "8"), ("windowsize", "1")]);
    assert!(client.receive(TID, data(1, &[1; 8]), 0).is_ok());
    assert_eq!(client.take_packet(), ack(1));
    // Doubled on the way, ten times: one answer was given, that is enough.
    for _ in 0..10 {
        assert_eq!(client.receive(TID, data(1, &[1; 8]), 1000), Ok(&[][..]));
        assert_eq!(client.take_packet(), None);
    }
    // Repeated after a while: the server has not heard us.
    assert_eq!(
        client.receive(TID, data(1, &[1; 8]), SECOND / 2),
        Ok(&[][..])
    );
    assert_eq!(client.take_packet(), ack(1));
    assert_eq!(
        client.receive(TID, data(1, &[1; 8]), SECOND / 2),
        Ok(&[][..])
    );
    assert_eq!(client.take_packet(), None);
}

#[test]
fn silence_is_asked_again_more_and_more_slowly_and_ends() {
    for mut client in [Client::new("/f", WISHES, 0), agreed(&[("blksize", "8")])] {
        client.take_packet();
        let (mut sent, mut now) = (Vec::new(), 0);
        let error = loop {
            now += SECOND / 5;
            if let Err(error) = client.tick(now) {
                break error;
            }
            if client.take_packet().is_some() {
                sent.push(now / SECOND);
            }
        };
        assert_eq!(error, NetError::Silent);
        assert_eq!(sent, [1, 3, 7, 15, 23]);
        assert_eq!(now / SECOND, 31);
    }
}

#[test]
fn an_old_server_is_asked_without_options() {
    for code in [0, 4, 8] {
        let mut client = asking();
        assert_eq!(
            client.receive(TID, &[0, 5, 0, code, b'?', 0], 0),
            Ok(&[][..])
        );
        let plain = b"\0\x01/f\0octet\0".to_vec();
        assert_eq!(client.take_packet(), Some((69, plain)));
        // It answers from another port.
        assert_eq!(client.receive(99, data(1, b"x"), 0), Ok(&b"x"[..]));
        assert_eq!(client.take_packet(), Some((99, vec![0, 4, 0, 1])));
        // Once is enough.
        let mut client = asking();
        let refuse = [0, 5, 0, code, b'?', 0];
        assert!(client.receive(TID, &refuse, 0).is_ok());
        assert_eq!(
            client.receive(TID, &refuse, 0),
            Err(NetError::Refused("?".into()))
        );
    }
}

#[test]
fn refusals_are_told_in_the_servers_words() {
    let refused = |packet: &[u8]| asking().receive(TID, packet, 0).unwrap_err();
    let not_found = refused(b"\0\x05\0\x01file \x1b[2Jmissing\0junk");
    assert_eq!(not_found, NetError::NotFound("file [2Jmissing".into()));
    assert_eq!(not_found.number(), 15);
    assert_eq!(refused(b"\0\x05\0\x02"), NetError::Refused(String::new()));
    let long = [&b"\0\x05\0\x02"[..], &[b'x'; 2000]].concat();
    assert!(refused(&long).to_string().len() < 200);
}

#[test]
fn what_was_not_asked_for_is_refused() {
    for options in [
        [("blksize", "1469")],
        [("blksize", "7")],
        [("blksize", "")],
        [("blksize", "99999999999999999999")],
        [("windowsize", "5")],
        [("windowsize", "0")],
        [("tsize", "-1")],
        [("tsize", "+1")],
        [("multicast", "1")],
    ] {
        let mut client = asking();
        let error = client.receive(TID, oack(&options), 0).unwrap_err();
        assert!(matches!(error, NetError::Protocol(_)), "{options:?}");
        let (port, packet) = client.take_packet().unwrap();
        assert_eq!(
            (port, &packet[..4]),
            (TID, &[0, 5, 0, 8][..]),
            "{options:?}"
        );
    }
}

#[test]
fn lies_about_the_size_are_found() {
    let mut client = agreed(&[("tsize", "9"), ("blksize", "8")]);
    assert!(client.receive(TID, data(1, &[1; 8]), 0).is_ok());
    let error = client.receive(TID, data(2, &[1; 2]), 0);
    assert_eq!(error, Err(NetError::Long(9)));
    let mut client = agreed(&[("tsize", "99"), ("blksize", "8")]);
    let error = client.receive(TID, data(1, &[1; 3]), 0);
    assert_eq!(error, Err(NetError::Short(3, 99)));
    let mut client = agreed(&[("blksize", "8")]);
    let error = client.receive(TID, data(1, &[1; 9]), 0);
    assert!(matches!(error, Err(NetError::Protocol(_))));
}

#[test]
fn strangers_are_told_off_and_do_no_harm() {
    let mut client = agreed(&[("blksize", "8")]);
    for packet in [data(1, b"stranger"), b"\0\x05\0\x01gone\0", b""] {
        assert_eq!(client.receive(TID + 1, packet, 0), Ok(&[][..]));
        let (port, packet) = client.take_packet().unwrap();
        assert_eq!((port, &packet[..4]), (TID + 1, &[0, 5, 0, 5][..]));
    }
    assert_eq!(client.receive(TID, data(1, &[1; 8]), 0).unwrap().len(), 8);
}

#[test]
fn nonsense_is_passed_over() {
    for bytes in [
        &b""[..],
        b"\0",
        b"\0\x03",
        b"\0\x03\0",
        b"\0\x05\0",
        b"\0\x01/f\0",
        b"\xff\xff",
    ] {
        let mut client = asking();
        assert_eq!(client.receive(TID, bytes, 0), Ok(&[][..]), "{bytes:?}");
        assert!(!client.begun());
    }
    // An OACK that is cut off agrees to what it holds.
    let client = agreed(&[]);
    assert_eq!(client.size(), None);
    let mut client = asking();
    assert!(client.receive(TID, b"\0\x06tsize\x00100", 0).is_ok());
    assert_eq!(client.size(), None);
}

#[test]
fn a_wrong_block_number_never_ends_up_in_the_file() {
    for wrong in [0, 2, 3, 40_000, 65_535] {
        let mut client = agreed(&[("blksize", "8")]);
        let came = client.receive(TID, data(wrong, b"x"), 0);
        assert_eq!(came, Ok(&[][..]), "{wrong}");
        assert!(!client.done());
    }
}

#[test]
fn a_cancelled_transfer_says_so() {
    let client = agreed(&[("blksize", "8")]);
    let (port, packet) = client.farewell().unwrap();
    assert_eq!((port, &packet[..4]), (TID, &[0, 5, 0, 0][..]));
    assert_eq!(asking().farewell(), None);
}
