//! Files of servers at the other end of a cable: servers as they should be, and
//! as they should not.

use super::*;
use crate::disk::DeviceName;
use minios::executor::{block_on, spawn};
use minios::time;
use netfront::stack::cable::{Cable, cable};
use netfront::stack::{Buffers, Config, Ipv4Cidr, Stack, Udp};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::Duration;

const NEAR: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);
const FAR: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 2);
const SECOND: u64 = 1_000_000_000;

/// What the person at the transfer does and sees.
#[derive(Default)]
struct Seen {
    lines: RefCell<Vec<String>>,
    /// These bytes are typed at this time.
    typed: RefCell<VecDeque<u8>>,
    typed_at: Cell<u64>,
    /// Those of them that ended nothing.
    kept: RefCell<Vec<u8>>,
}

impl Seen {
    /// Types `bytes` after `seconds`.
    fn types(&self, seconds: u64, bytes: &[u8]) {
        self.typed.borrow_mut().extend(bytes);
        self.typed_at.set(time::now_ns() + seconds * SECOND);
    }
}

struct Eyes(Rc<Seen>);

impl Meter for Eyes {
    fn show(&mut self, line: &str) {
        self.0.lines.borrow_mut().push(line.into());
    }

    fn key(&mut self) -> Option<u8> {
        match time::now_ns() >= self.0.typed_at.get() {
            true => self.0.typed.borrow_mut().pop_front(),
            false => None,
        }
    }

    fn keep(&mut self, key: u8) {
        self.0.kept.borrow_mut().push(key);
    }
}

struct Lan {
    network: Rc<Live<Cable>>,
    server: Stack<Cable>,
    seen: Rc<Seen>,
    opened: Rc<Cell<u32>>,
}

/// A network whose other end answers pings only.
fn lan() -> Lan {
    let (near, far) = cable(1500);
    let server = Stack::new(far, 2);
    server.set_static(Config::new(Ipv4Cidr::new(FAR, 24)));
    spawn(server.clone().run());
    let near = Rc::new(RefCell::new(Some(near)));
    let opened = Rc::new(Cell::new(0));
    let count = opened.clone();
    let open = move || -> Opening<Cable> {
        count.set(count.get() + 1);
        let port = near.take().ok_or_else(|| "no backend".to_string());
        Box::pin(async move { port })
    };
    let seen = Rc::<Seen>::default();
    let network = Rc::new(Live::new(Box::new(open), Box::new(Eyes(seen.clone()))));
    Lan {
        network,
        server,
        seen,
        opened,
    }
}

/// One with an address on this side.
fn addressed() -> Lan {
    let lan = lan();
    let change = Change {
        address: Some(NEAR),
        mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
        server: Some(FAR),
        ..Change::default()
    };
    lan.network.configure(&change).unwrap();
    lan
}

fn device(name: &str) -> DeviceName {
    DeviceName::parse(name).unwrap()
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8)
        .collect()
}

impl Lan {
    fn open(&self, name: &str, path: &str) -> Result<Box<dyn File>, NetError> {
        self.network.clone().open(device(name), path)
    }

    /// Reads the file whole, as the loader does.
    fn read(&self, name: &str, path: &str) -> Result<Vec<u8>, FsError> {
        let opened = self.open(name, path);
        let mut file = opened.map_err(|error| FsError::Network {
            path: path.into(),
            error,
        })?;
        let mut bytes = vec![0; file.len() as usize];
        let read = file.read_at(0, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    fn read_error(&self, name: &str, path: &str) -> NetError {
        match self.read(name, path) {
            Err(FsError::Network { error, .. }) => error,
            other => panic!("{:?}", other.map(|bytes| bytes.len())),
        }
    }
}

/// How a TFTP server behaves.
#[derive(Clone, Copy, PartialEq)]
enum Tftp {
    /// RFC 1350 alone.
    Plain,
    /// With all options; blocks of this size.
    Options(usize),
    /// Sends so many blocks and falls silent.
    Dies(u16),
    /// One small block each that many seconds.
    Drips(u64),
}

/// A TFTP server for one file, which any path names.
async fn tftp_server(stack: Stack<Cable>, file: Vec<u8>, how: Tftp, requests: Rc<Cell<u32>>) {
    let door = stack.udp(Some(69), 8, 8192).unwrap();
    loop {
        let (from, request) = door.receive(|from, bytes| (from, bytes.to_vec())).await;
        requests.set(requests.get() + 1);
        if request.windows(7).any(|part| part == b"missing") {
            door.send(from, b"\0\x05\0\x01gone\0");
            continue;
        }
        let socket = stack.udp(None, 8, 8192).unwrap();
        spawn(serve(socket, from, file.clone(), how));
    }
}

async fn serve(socket: Udp<Cable>, to: SocketAddrV4, file: Vec<u8>, how: Tftp) {
    let (size, window) = match how {
        Tftp::Options(size) => (size, 8),
        Tftp::Drips(_) => (8, 1),
        _ => (512, 1),
    };
    let acknowledged = async || socket.receive(|_, bytes| bytes.to_vec()).await;
    if how != Tftp::Plain {
        let oack = format!(
            "\0\x06blksize\0{size}\0windowsize\0{window}\0tsize\0{}\0",
            file.len()
        );
        socket.send(to, oack.as_bytes());
        assert_eq!(acknowledged().await[..4], [0, 4, 0, 0]);
    }
    let mut next = 1usize;
    let last = file.len() / size + 1;
    while next <= last {
        let end = (next + window - 1).min(last);
        for number in next..=end {
            let bytes = &file[(number - 1) * size..file.len().min(number * size)];
            let mut packet = vec![0, 3];
            packet.extend((number as u16).to_be_bytes());
            packet.extend(bytes);
            match how {
                Tftp::Dies(after) if number > usize::from(after) => return,
                Tftp::Drips(seconds) => time::sleep(Duration::from_secs(seconds)).await,
                _ => {}
            }
            socket.send(to, &packet);
            // Our own frames are to get out before the next.
            minios::executor::yield_now().await;
        }
        let answer = time::timeout(Duration::from_secs(2), acknowledged()).await;
        match answer {
            Ok(answer) if answer.starts_with(&[0, 5]) => return,
            Ok(answer) => {
                let number = u16::from_be_bytes([answer[2], answer[3]]);
                let behind = (end as u16).wrapping_sub(number);
                next = end + 1 - usize::from(behind);
            }
            Err(_) => {}
        }
    }
}

fn with_tftp(lan: &Lan, file: &[u8], how: Tftp) -> Rc<Cell<u32>> {
    let requests = Rc::new(Cell::new(0));
    spawn(tftp_server(
        lan.server.clone(),
        file.to_vec(),
        how,
        requests.clone(),
    ));
    requests
}

#[test]
fn files_by_tftp_arrive_whole() {
    for length in [0, 1, 511, 512, 1024, 5000, (1 << 20) - 1, 3 << 20] {
        let file = pattern(length);
        for how in [Tftp::Plain, Tftp::Options(1024), Tftp::Options(1468)] {
            let lan = addressed();
            let requests = with_tftp(&lan, &file, how);
            assert!(lan.read("(nd)", "/file").unwrap() == file, "{length}");
            assert_eq!(requests.get(), 1, "{length} bytes were asked for once");
        }
    }
    let lan = addressed();
    with_tftp(&lan, b"other", Tftp::Plain);
    assert_eq!(lan.read("(tftp,10.1.0.2)", "/file").unwrap(), b"other");
}

#[test]
fn a_large_file_is_read_in_any_order() {
    let file = pattern(2_000_000);
    let lan = addressed();
    let requests = with_tftp(&lan, &file, Tftp::Options(1468));
    let mut open = lan.open("(nd)", "/file").unwrap();
    assert_eq!(open.len(), 2_000_000);
    let mut piece = vec![0; 100_000];
    for start in [0, 100_000, 200_000] {
        assert_eq!(open.read_at(start, &mut piece), Ok(100_000));
        assert!(piece == file[start as usize..][..100_000], "{start}");
    }
    assert_eq!(requests.get(), 1, "read on where it stood");
    for start in [1_950_000, 50_000, 1_999_999] {
        let read = open.read_at(start, &mut piece).unwrap();
        let expected = &file[start as usize..];
        assert_eq!(read, expected.len().min(100_000));
        assert!(piece[..read] == expected[..read], "{start}");
    }
    assert_eq!(open.read_at(2_000_000, &mut piece), Ok(0));
    assert_eq!(open.read_at(u64::MAX, &mut piece), Ok(0));
}

#[test]
fn a_server_that_gave_up_while_we_paused_is_asked_again() {
    let file = pattern(2_000_000);
    let lan = addressed();
    let requests = with_tftp(&lan, &file, Tftp::Options(1468));
    let mut open = lan.open("(nd)", "/file").unwrap();
    let mut bytes = vec![0; 2_000_000];
    assert_eq!(open.read_at(0, &mut bytes[..1000]), Ok(1000));
    // The server repeats its window for ever; another one takes its place.
    block_on(time::sleep(Duration::from_secs(3600)));
    assert_eq!(open.read_at(1000, &mut bytes[1000..]), Ok(1_999_000));
    assert!(bytes == file);
    assert!(requests.get() <= 2);
}

#[test]
fn servers_that_fail_are_told_apart() {
    let lan = addressed();
    assert_eq!(lan.read_error("(nd)", "/file"), NetError::Silent);
    with_tftp(&lan, &pattern(4 << 20), Tftp::Dies(700));
    let missing = lan.read_error("(nd)", "/missing");
    assert_eq!(missing, NetError::NotFound("gone".into()));
    assert_eq!(lan.read_error("(nd)", "/dies"), NetError::Silent);
    let lan = addressed();
    with_tftp(&lan, &pattern(4 << 20), Tftp::Drips(1));
    let slow = lan.read_error("(nd)", "/drips");
    assert!(matches!(slow, NetError::Slow { seconds: 30, .. }), "{slow}");
}

#[test]
fn a_long_transfer_is_told_and_a_key_ends_it() {
    let lan = addressed();
    with_tftp(&lan, &pattern(4 << 20), Tftp::Dies(9));
    lan.seen.types(5, b"v\x1b[B\x03e");
    let before = time::now_ns();
    assert_eq!(lan.read_error("(nd)", "/boot/linux"), NetError::Cancelled);
    assert!(time::now_ns() - before < 6 * SECOND);
    let lines = lan.seen.lines.borrow();
    let told = lines
        .iter()
        .any(|l| l.contains("(nd)/boot/linux: 0.0 of 4.0 MiB"));
    assert!(told, "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some(""), "and taken away");
    // What else was typed is for the menu.
    assert_eq!(*lan.seen.kept.borrow(), b"v\x1b[Be");
}

/// An HTTP server: `answer` gives the whole response to a request.
async fn http_server(stack: Stack<Cable>, port: u16, answer: impl Fn(&str) -> Vec<u8> + 'static) {
    let answer = Rc::new(answer);
    loop {
        let Ok(connection) = stack.accept(port, Buffers::default()).await else {
            continue;
        };
        let answer = answer.clone();
        spawn(async move {
            let mut request = String::new();
            while !request.contains("\r\n\r\n") {
                let part = connection
                    .receive(|bytes| (bytes.len(), String::from_utf8_lossy(bytes).into_owned()))
                    .await;
                match part {
                    Ok(part) if !part.is_empty() => request.push_str(&part),
                    _ => return,
                }
            }
            if connection.send(&answer(&request)).await.is_ok() {
                let _ = time::timeout(Duration::from_secs(60), connection.close()).await;
            }
        });
    }
}

fn with_http(lan: &Lan, answer: impl Fn(&str) -> Vec<u8> + 'static) -> Rc<RefCell<Vec<String>>> {
    let requests = Rc::<RefCell<Vec<String>>>::default();
    let seen = requests.clone();
    spawn(http_server(lan.server.clone(), 80, move |request| {
        seen.borrow_mut().push(request.into());
        answer(request)
    }));
    // It listens before anybody asks.
    block_on(time::sleep(Duration::from_millis(1)));
    requests
}

fn response(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat()
}

#[test]
fn files_by_http_arrive_whole() {
    for length in [0, 1, 70_000, 5 << 20] {
        let file = pattern(length);
        let lan = addressed();
        let requests = with_http(&lan, {
            let file = file.clone();
            move |request| match request.contains("/chunked") {
                false => response(&format!("200 OK\r\nContent-Length: {length}"), &file),
                true => {
                    let mut body = Vec::new();
                    for chunk in file.chunks(40_000) {
                        body.extend(format!("{:x}\r\n", chunk.len()).bytes());
                        body.extend(chunk);
                        body.extend(b"\r\n");
                    }
                    body.extend(b"0\r\n\r\n");
                    response("200 OK\r\nTransfer-Encoding: chunked", &body)
                }
            }
        });
        assert!(
            lan.read("(http,10.1.0.2)", "/file").unwrap() == file,
            "{length}"
        );
        assert_eq!(
            requests.borrow().len(),
            1,
            "{length} bytes were asked for once"
        );
        assert!(
            lan.read("(http,10.1.0.2:80)", "/chunked").unwrap() == file,
            "{length}"
        );
    }
}

/// A large file of unknown length is not kept: it is asked for again, and must
/// be as long as it was.
#[test]
fn a_large_file_of_unknown_length_is_sent_twice() {
    let file = pattern(17 << 20);
    for shorter in [0, 1000] {
        let lan = addressed();
        let source = file.clone();
        let asked = Cell::new(0);
        let requests = with_http(&lan, move |_| {
            asked.set(asked.get() + 1);
            let less = if asked.get() > 1 { shorter } else { 0 };
            let body = &source[..source.len() - less];
            let mut chunked = format!("{:x}\r\n", body.len()).into_bytes();
            chunked.extend_from_slice(body);
            chunked.extend(b"\r\n0\r\n\r\n");
            response("200 OK\r\nTransfer-Encoding: chunked", &chunked)
        });
        let mut open = lan.open("(http,10.1.0.2)", "/file").unwrap();
        assert_eq!(open.len(), file.len() as u64);
        let mut bytes = vec![0; file.len()];
        let read = open.read_at(0, &mut bytes).unwrap();
        assert_eq!(read, file.len() - shorter);
        assert!(bytes[..read] == file[..read]);
        assert_eq!(requests.borrow().len(), 2);
    }
}

#[test]
fn a_part_is_asked_for_and_a_server_without_parts_is_skipped_through() {
    let file = pattern(2_000_000);
    for parts in [true, false] {
        let lan = addressed();
        let source = file.clone();
        let requests = with_http(&lan, move |request| {
            let from = request.split("bytes=").nth(1).filter(|_| parts);
            match from.and_then(|rest| rest.split('-').next()?.parse::<usize>().ok()) {
                None => response("200 OK\r\nContent-Length: 2000000", &source),
                Some(from) => {
                    let head = format!(
                        "206 Part\r\nContent-Length: {}\r\nContent-Range: bytes {from}-1999999/2000000",
                        2_000_000 - from
                    );
                    response(&head, &source[from..])
                }
            }
        });
        let mut open = lan.open("(http,10.1.0.2)", "/file").unwrap();
        let mut piece = vec![0; 1000];
        for start in [1_500_000, 20] {
            assert_eq!(open.read_at(start, &mut piece), Ok(1000));
            assert!(piece == file[start as usize..][..1000], "{start}");
        }
        assert_eq!(requests.borrow().len(), 3);
        assert!(requests.borrow()[1].contains("Range: bytes=1500000-\r\n"));
    }
}

#[test]
fn redirections_are_followed_but_not_for_ever() {
    let lan = addressed();
    spawn(http_server(lan.server.clone(), 8080, |_| {
        response("200 OK\r\nContent-Length: 4", b"here")
    }));
    with_http(&lan, |request| {
        let to = match request.split(' ').nth(1).unwrap() {
            "/away" => "http://10.1.0.2:8080/x",
            "/circle" => "/circle",
            _ => "https://10.1.0.2/x",
        };
        response(
            &format!("302 Found\r\nLocation: {to}\r\nContent-Length: 0"),
            b"",
        )
    });
    let http = "(http,10.1.0.2)";
    assert_eq!(lan.read(http, "/away").unwrap(), b"here");
    assert_eq!(lan.read_error(http, "/circle"), NetError::Redirects);
    let secure = NetError::Elsewhere("https://10.1.0.2/x".into());
    assert_eq!(lan.read_error(http, "/secure"), secure);
}

#[test]
fn http_servers_that_fail_are_told_apart() {
    let lan = addressed();
    let refused = NetError::Tcp(netfront::stack::TcpError::Refused);
    assert_eq!(lan.read_error("(http,10.1.0.2)", "/x"), refused);
    with_http(&lan, |request| match request.split(' ').nth(1).unwrap() {
        "/missing" => response("404 Not Found\r\nContent-Length: 0", b""),
        "/short" => response("200 OK\r\nContent-Length: 2000000", b"abc"),
        "/nothing" => Vec::new(),
        _ => b"220 mail.example ESMTP\r\n\r\n".to_vec(),
    });
    let error = |path| lan.read_error("(http,10.1.0.2)", path);
    assert_eq!(
        error("/missing"),
        NetError::NotFound("404 Not Found".into())
    );
    assert_eq!(error("/short"), NetError::Short(3, 2_000_000));
    assert!(matches!(error("/nothing"), NetError::Protocol(_)));
    assert!(matches!(error("/mail"), NetError::Protocol(_)));
    let named = lan.read_error("(http,boot.example)", "/x");
    assert_eq!(named.to_string(), "boot.example: no name server is known");
}

/// RFC 2131: answers everything with the address `NEAR`, and these options.
async fn dhcp_server(stack: Stack<Cable>, siaddr: Ipv4Addr, options: Vec<u8>) {
    let socket = stack.udp(Some(67), 4, 8192).unwrap();
    loop {
        let asked = socket.receive(|_, bytes| bytes.to_vec()).await;
        let kind = match asked.get(240..243) {
            Some([53, 1, 1]) => 2,
            Some([53, 1, 3]) => 5,
            _ => continue,
        };
        let mut answer = asked[..236].to_vec();
        answer[0] = 2;
        answer[16..20].copy_from_slice(&NEAR.octets());
        answer[20..24].copy_from_slice(&siaddr.octets());
        answer.extend([99, 130, 83, 99, 53, 1, kind, 54, 4]);
        answer.extend(FAR.octets());
        answer.extend([51, 4, 0, 0, 2, 88, 1, 4, 255, 255, 0, 0]);
        answer.extend(&options);
        answer.push(255);
        socket.send(SocketAddrV4::new(Ipv4Addr::BROADCAST, 68), &answer);
    }
}

#[test]
fn an_address_is_asked_for_when_the_first_file_is() {
    let lan = lan();
    let mut options = vec![3, 4, 10, 1, 0, 254, 150, 9];
    options.extend(b"/menu.lst");
    spawn(dhcp_server(lan.server.clone(), FAR, options));
    with_tftp(&lan, b"title x", Tftp::Options(512));
    assert_eq!((lan.network.addresses(), lan.network.menu()), (None, None));
    assert_eq!(lan.opened.get(), 0, "nothing was touched");
    assert_eq!(lan.read("(nd)", "/menu.lst").unwrap(), b"title x");
    let addresses = Addresses {
        address: NEAR,
        mask: Ipv4Addr::new(255, 255, 0, 0),
        server: Some(FAR),
        gateway: Some(Ipv4Addr::new(10, 1, 0, 254)),
    };
    assert_eq!(lan.network.addresses(), Some(addresses));
    assert_eq!(lan.network.menu().as_deref(), Some("(nd)/menu.lst"));
    // What is set by hand counts from then on; the rest stays.
    let router = Some(Ipv4Addr::new(10, 1, 0, 7));
    let change = Change {
        gateway: router,
        ..Change::default()
    };
    let changed = Addresses {
        gateway: router,
        ..addresses
    };
    assert_eq!(lan.network.configure(&change), Ok(changed));
    assert_eq!(lan.opened.get(), 1);
    assert!(lan.network.shut().is_some());
    assert!(lan.network.shut().is_none());
}

#[test]
fn who_the_server_is_if_the_header_does_not_say() {
    let lan = lan();
    let mut options = vec![66, 9];
    options.extend(b"10.1.0.2\0");
    spawn(dhcp_server(
        lan.server.clone(),
        Ipv4Addr::UNSPECIFIED,
        options,
    ));
    let addresses = lan.network.dhcp(false).unwrap();
    assert_eq!(addresses.server, Some(FAR));
    assert_eq!(lan.network.menu(), None);
}

#[test]
fn without_a_server_or_a_card_there_is_no_address() {
    let lan = lan();
    // Any key, also one of several bytes: nothing is left of it.
    lan.seen.types(3, b"\x1b[B");
    assert_eq!(lan.network.dhcp(true), Err(NetError::Cancelled));
    assert!(lan.seen.kept.borrow().is_empty() && lan.seen.typed.borrow().is_empty());
    let before = time::now_ns();
    let error = lan.network.dhcp(false).unwrap_err();
    assert!(matches!(error, NetError::NoAddress(_)), "{error}");
    assert!(time::now_ns() - before <= 11 * SECOND);
    assert_eq!(error.number(), 33);
    let broken = self::lan();
    broken
        .network
        .configure(&Change {
            server: Some(FAR),
            ..Change::default()
        })
        .unwrap_err();
    broken.network.shut();
    let error = broken.network.dhcp(false).unwrap_err();
    assert_eq!(error, NetError::Card("no backend".into()));
}

#[test]
fn addresses_by_hand() {
    let lan = lan();
    let ip = |text: &str| Some(text.parse::<Ipv4Addr>().unwrap());
    let configure = |address, mask, gateway| {
        let change = Change {
            address,
            mask,
            gateway,
            ..Change::default()
        };
        lan.network.configure(&change)
    };
    assert_eq!(
        configure(None, None, ip("10.0.0.1")),
        Err(NetError::AddressFirst)
    );
    for (address, mask, gateway) in [
        ("0.0.0.0", "255.0.0.0", "10.0.0.1"),
        ("224.0.0.1", "255.0.0.0", "10.0.0.1"),
        ("255.255.255.255", "255.0.0.0", "10.0.0.1"),
        ("10.0.0.2", "255.0.255.0", "10.0.0.1"),
        ("10.0.0.2", "255.0.0.0", "255.255.255.255"),
    ] {
        let result = configure(ip(address), ip(mask), ip(gateway));
        assert_eq!(
            result,
            Err(NetError::BadAddress),
            "{address} {mask} {gateway}"
        );
    }
    for (address, mask) in [
        ("10.0.0.2", "255.0.0.0"),
        ("172.16.0.2", "255.255.0.0"),
        ("192.168.0.2", "255.255.255.0"),
    ] {
        let addresses = configure(ip(address), None, None).unwrap();
        assert_eq!(
            (Some(addresses.address), Some(addresses.mask)),
            (ip(address), ip(mask))
        );
    }
}

#[test]
fn nothing_moves_while_nothing_is_read() {
    let lan = addressed();
    with_http(&lan, |_| {
        response("200 OK\r\nContent-Length: 4000000", &pattern(4_000_000))
    });
    let mut open = lan.open("(http,10.1.0.2)", "/file").unwrap();
    block_on(time::sleep(Duration::from_secs(20)));
    let mut bytes = vec![0; 4_000_000];
    assert_eq!(open.read_at(0, &mut bytes), Ok(4_000_000));
    assert!(bytes == pattern(4_000_000));
}

#[test]
fn frames_that_are_lost_cost_time_and_nothing_else() {
    let lan = lan();
    let (near, far) = cable(1500);
    let mut count = 0u32;
    let mut held = VecDeque::new();
    far.set_fault(Box::new(move |frame| {
        count += 1;
        match count % 61 {
            7 => vec![],
            19 => vec![frame.clone(), frame],
            33 => {
                held.push_back(frame);
                vec![]
            }
            _ => [frame].into_iter().chain(held.pop_front()).collect(),
        }
    }));
    let server = Stack::new(far, 3);
    server.set_static(Config::new(Ipv4Cidr::new(FAR, 24)));
    spawn(server.clone().run());
    let near = Rc::new(RefCell::new(Some(near)));
    let open = move || -> Opening<Cable> {
        let port = near.take().ok_or_else(String::new);
        Box::pin(async move { port })
    };
    let network = Rc::new(Live::new(Box::new(open), Box::new(Eyes(lan.seen.clone()))));
    let lan = Lan {
        network,
        server,
        ..lan
    };
    let change = Change {
        address: Some(NEAR),
        server: Some(FAR),
        ..Change::default()
    };
    lan.network.configure(&change).unwrap();
    let file = pattern(300_000);
    with_tftp(&lan, &file, Tftp::Options(1024));
    assert!(lan.read("(nd)", "/file").unwrap() == file);
}
