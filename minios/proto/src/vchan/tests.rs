//! Server against client, and both against nonsense. Offsets and values are the header's.

use super::*;
use crate::mock::Page;
use alloc::vec;
use alloc::vec::Vec;

const LEFT_PROD: usize = 4;
const RIGHT_CONS: usize = 8;
const CLI_LIVE: usize = 20;
const SRV_LIVE: usize = 21;
const CLI_NOTIFY: usize = 22;
const SRV_NOTIFY: usize = 23;

fn byte(page: &Page, at: usize) -> u8 {
    let mut byte = [0];
    page.read(at, &mut byte);
    byte[0]
}

fn pair() -> (Page, Server<Page>, Client<Page>) {
    let page = Page::new(4096);
    let mut server = Server::new(page.clone());
    assert_eq!(server.look(), Change::None);
    let client = Client::attach(page.clone()).unwrap();
    assert_eq!(server.look(), Change::Connected);
    (page, server, client)
}

fn take(server: &mut Server<Page>) -> Vec<u8> {
    let mut bytes = vec![0; 4096];
    let moved = server.read(&mut bytes).unwrap();
    bytes.truncate(moved.bytes);
    bytes
}

#[test]
fn a_fresh_page_is_as_the_header_says() {
    let page = Page::new(4096);
    let _server = Server::new(page.clone());
    let mut start = [0; 24];
    page.read(0, &mut start);
    assert_eq!(start[..16], [0; 16], "both rings empty");
    assert_eq!(start[16..], [10, 0, 11, 0, 2, 1, 1, 1]);
}

#[test]
fn bytes_lie_where_the_orders_say() {
    let (page, mut server, mut client) = pair();
    client.write(b"left").unwrap();
    server.write(b"right").unwrap();
    let mut at = [0; 5];
    page.read(1024, &mut at[..4]);
    assert_eq!(&at[..4], b"left");
    page.read(2048, &mut at);
    assert_eq!(&at, b"right");
}

#[test]
fn a_long_stream_arrives_whole_both_ways() {
    let (_, mut server, mut client) = pair();
    let text: Vec<u8> = (0..20_000u32).map(|at| (at % 251) as u8).collect();
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    let (mut up, mut down) = (0, 0);
    let mut some = [0; 700];
    while to_server.len() < text.len() || to_client.len() < text.len() {
        up += client.write(&text[up..]).unwrap().bytes;
        down += server.write(&text[down..]).unwrap().bytes;
        let n = server.read(&mut some).unwrap().bytes;
        to_server.extend_from_slice(&some[..n]);
        let n = client.read(&mut some).unwrap().bytes;
        to_client.extend_from_slice(&some[..n]);
    }
    assert!(to_server == text && to_client == text);
}

#[test]
fn an_end_is_told_exactly_when_it_asked() {
    let (page, mut server, mut client) = pair();
    assert!(client.write(b"a").unwrap().notify, "asked for at first");
    assert!(!client.write(b"b").unwrap().notify, "told once");
    assert_eq!(take(&mut server), b"ab");
    assert!(!client.write(b"c").unwrap().notify, "has not run dry yet");
    take(&mut server);
    assert_eq!(take(&mut server), b"");
    assert_eq!(byte(&page, CLI_NOTIFY), 1, "WRITE");
    assert!(client.write(b"d").unwrap().notify);
    // A full ring: whoever makes room is asked to tell.
    let moved = server.write(&[0; 3000]).unwrap();
    assert_eq!((moved.bytes, byte(&page, CLI_NOTIFY)), (2048, 2), "READ");
    let mut some = [0; 10];
    let moved = client.read(&mut some).unwrap();
    assert_eq!(
        moved,
        Moved {
            bytes: 10,
            notify: true
        }
    );
    assert!(!client.read(&mut some).unwrap().notify);
    assert_eq!(byte(&page, SRV_NOTIFY) & 2, 0);
}

#[test]
fn a_client_that_goes_and_comes_is_seen_as_another() {
    let (page, mut server, mut client) = pair();
    server.write(b"unread").unwrap();
    client.write(b"unheard").unwrap();
    client.close();
    assert_eq!(byte(&page, CLI_LIVE), 0);
    assert_eq!(server.look(), Change::Gone);
    assert_eq!(server.look(), Change::None);
    assert_eq!(take(&mut server), b"");
    let mut next = Client::attach(page.clone()).unwrap();
    assert_eq!(next.read(&mut [0; 8]).unwrap().bytes, 0, "nothing stale");
    assert_eq!(server.look(), Change::Connected);
    assert_eq!(server.look(), Change::None);
    assert!(next.write(b"new").unwrap().notify);
    assert_eq!(take(&mut server), b"new");
}

#[test]
fn a_client_that_comes_back_before_anybody_looked_is_seen_as_another() {
    let (page, mut server, mut client) = pair();
    for _ in 0..1000 {
        server.write(b"half an ans").unwrap();
        client.write(b"half a question").unwrap();
        client.close();
        client = Client::attach(page.clone()).unwrap();
        assert_eq!(server.look(), Change::Connected);
        assert_eq!(server.look(), Change::None);
        assert_eq!(take(&mut server), b"", "the old one's words are gone");
        let moved = server.write(b"greeting").unwrap();
        assert!(moved.notify, "the new one waits");
        let mut some = [0; 64];
        let n = client.read(&mut some).unwrap().bytes;
        assert_eq!(&some[..n], b"greeting");
        assert!(client.write(b"?").unwrap().notify);
        assert_eq!(take(&mut server), b"?");
    }
}

#[test]
fn the_mark_is_one_that_no_client_mistakes_for_its_own() {
    let (page, mut server, _client) = pair();
    assert!(![0, 1, 2].contains(&byte(&page, CLI_LIVE)));
    // The kernel of a client that was killed writes 0 for it.
    page.write(CLI_LIVE, &[0]);
    assert_eq!(server.look(), Change::Gone);
    // Nobody has been there: that is no client that went.
    page.write(CLI_LIVE, &[2]);
    assert_eq!(server.look(), Change::None);
}

#[test]
fn a_server_that_goes_is_seen() {
    let (page, mut server, client) = pair();
    assert!(client.is_open());
    server.close();
    assert!(!client.is_open());
    assert_eq!(byte(&page, SRV_LIVE), 0);
    assert_eq!(Client::attach(page).unwrap_err(), NoVchan::Closed);
}

#[test]
fn nonsense_from_a_client_is_an_error_until_the_next_one() {
    for (at, value) in [
        (LEFT_PROD, 1025),
        (LEFT_PROD, u32::MAX),
        (RIGHT_CONS, 1),
        (RIGHT_CONS, 0x8000_0000),
    ] {
        let (page, mut server, _client) = pair();
        page.store(at, value);
        let read = server.read(&mut [0; 8]);
        let wrote = server.write(b"x");
        assert!(read.is_err() != wrote.is_err(), "{at} {value:#x}");
        let mut next = Client::attach(page.clone()).unwrap();
        assert_eq!(server.look(), Change::Connected);
        server.write(b"hello").unwrap();
        let mut some = [0; 8];
        assert_eq!(next.read(&mut some).unwrap().bytes, 5);
        next.write(b"hi").unwrap();
        assert_eq!(take(&mut server), b"hi");
    }
}

#[test]
fn a_page_with_other_rings_is_refused() {
    for (left, right) in [(10, 10), (11, 11), (12, 11), (0, 0), (10, 20), (65535, 10)] {
        let page = Page::new(4096);
        let _server = Server::new(page.clone());
        page.store(16, left | right << 16);
        let error = Client::attach(page).unwrap_err();
        assert_eq!(error, NoVchan::Orders(left as u16, right as u16));
    }
    let page = Page::new(4096);
    let mut server = Server::new(page.clone());
    page.store(16, 11 | 10 << 16);
    let mut client = Client::attach(page).unwrap();
    // The sizes a client sees are its business; ours were made by us.
    assert_eq!(client.write(&[1; 4096]).unwrap().bytes, 2048);
    assert!(server.read(&mut [0; 8]).is_err());
}

/// A page whose other end changes the words between every two looks.
#[derive(Debug)]
struct Restless(Page);

impl Memory for Restless {
    fn size(&self) -> usize {
        self.0.size()
    }
    fn load(&self, at: usize) -> u32 {
        self.0.load(at)
    }
    fn store(&self, at: usize, value: u32) {
        self.0.store(at, value);
    }
    fn fence(&self) {}
    fn read(&self, at: usize, to: &mut [u8]) {
        self.0.read(at, to);
    }
    fn write(&self, at: usize, from: &[u8]) {
        self.0.write(at, from);
    }
}

impl Atomic for Restless {
    fn compare_exchange(&self, _: usize, current: u16, _: u16) -> Result<u16, u16> {
        Err(!current)
    }
}

#[test]
fn words_that_never_stand_still_hang_nothing() {
    let page = Page::new(4096);
    let mut server = Server::new(Restless(page.clone()));
    page.write(CLI_LIVE, &[1]);
    assert_eq!(server.look(), Change::None);
    let moved = server.write(b"x").unwrap();
    assert!(moved.notify, "rather told once too often");
    assert_eq!(server.read(&mut [0; 8]).unwrap().bytes, 0);
}
