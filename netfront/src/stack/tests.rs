//! Two stacks with a cable between them.

use super::cable::{Cable, cable};
use super::*;
use minios::executor::join::join;
use minios::executor::{block_on, spawn};
use std::collections::VecDeque;
use std::net::SocketAddrV4;

const NEAR: Ipv4Address = Ipv4Address::new(10, 1, 0, 1);
const FAR: Ipv4Address = Ipv4Address::new(10, 1, 0, 2);

fn config(address: Ipv4Address) -> Config {
    Config::new(Ipv4Cidr::new(address, 24))
}

/// Two stacks that run, the near one without an address.
fn stacks(near: Cable, far: Cable) -> (Stack<Cable>, Stack<Cable>) {
    let (near, far) = (Stack::new(near, 1), Stack::new(far, 2));
    far.set_static(config(FAR));
    spawn(near.clone().run());
    spawn(far.clone().run());
    (near, far)
}

fn configured() -> (Stack<Cable>, Stack<Cable>) {
    let (near, far) = cable(1500);
    let (near, far) = stacks(near, far);
    near.set_static(config(NEAR));
    (near, far)
}

/// Bytes of a pattern that does not repeat soon.
fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8)
        .collect()
}

async fn read_to_end(connection: &Tcp<Cable>) -> Result<Vec<u8>, TcpError> {
    let mut read = Vec::new();
    loop {
        let took = connection
            .receive(|bytes| {
                read.extend_from_slice(bytes);
                (bytes.len(), bytes.len())
            })
            .await?;
        if took == 0 {
            return Ok(read);
        }
    }
}

async fn transfer(near: &Stack<Cable>, far: &Stack<Cable>, bytes: &[u8]) -> Vec<u8> {
    let server = async {
        let connection = far.accept(80, Buffers::default()).await.unwrap();
        connection.send(bytes).await.unwrap();
        connection.close().await.unwrap();
    };
    let client = async {
        let to = SocketAddrV4::new(FAR, 80);
        let connection = near.connect(to, Buffers::default()).await.unwrap();
        read_to_end(&connection).await.unwrap()
    };
    join(server, client).await.1
}

#[test]
fn datagrams_go_both_ways_and_find_their_neighbour() {
    let (near, far) = configured();
    let server = far.udp(Some(69), 4, 8192).unwrap();
    let client = near.udp(None, 4, 8192).unwrap();
    client.send(SocketAddrV4::new(FAR, 69), b"question");
    let from = block_on(server.receive(|from, bytes| {
        assert_eq!(bytes, b"question");
        from
    }));
    assert_eq!(*from.ip(), NEAR);
    server.send(from, b"answer");
    let answer = block_on(client.receive(|from, bytes| (from, bytes.to_vec())));
    assert_eq!(answer, (SocketAddrV4::new(FAR, 69), b"answer".to_vec()));
}

#[test]
fn a_stream_arrives_whole_also_over_a_cable_that_loses_and_doubles() {
    let bytes = pattern(3 << 20);
    let (near, far) = configured();
    assert!(block_on(transfer(&near, &far, &bytes)) == bytes);

    let (near, far) = cable(1500);
    let mut count = 0;
    let mut held = VecDeque::new();
    far.set_fault(Box::new(move |frame| {
        count += 1;
        match count % 97 {
            5 => vec![],
            17 => vec![frame.clone(), frame],
            31 => {
                held.push_back(frame);
                vec![]
            }
            _ => held.pop_front().into_iter().chain([frame]).collect(),
        }
    }));
    let (near, far) = stacks(near, far);
    near.set_static(config(NEAR));
    let bytes = &bytes[..1 << 19];
    assert!(block_on(transfer(&near, &far, bytes)) == bytes);
}

#[test]
fn nobody_there_refused_and_broken_off_are_told_apart() {
    let (near, far) = configured();
    let to = |address, port| SocketAddrV4::new(address, port);
    let connect = |to| block_on(near.connect(to, Buffers::default())).err();
    let stranger = Ipv4Address::new(10, 1, 0, 77);
    assert_eq!(connect(to(stranger, 80)), Some(TcpError::NoAnswer));
    assert_eq!(connect(to(FAR, 80)), Some(TcpError::Refused));
    let broken = async {
        let connection = far.accept(80, Buffers::default()).await.unwrap();
        connection.send(b"beginning").await.unwrap();
        connection.receive(|bytes| (bytes.len(), ())).await.unwrap();
        // Dropped without having been closed.
    };
    let client = async {
        let connection = near.connect(to(FAR, 80), Buffers::default()).await.unwrap();
        connection.send(b"go").await.unwrap();
        read_to_end(&connection).await
    };
    let (_, read) = block_on(join(broken, client));
    assert_eq!(read, Err(TcpError::Reset));
}

#[test]
fn an_address_comes_first() {
    let (near, far) = cable(1500);
    let (near, _far) = stacks(near, far);
    let connected = block_on(near.connect(SocketAddrV4::new(FAR, 80), Buffers::default()));
    let none = TcpError::Socket(SocketError::NoAddress);
    assert_eq!(connected.err(), Some(none));
    assert_eq!(block_on(near.resolve("host")), Err(DnsError::NoServer));
    assert_eq!(
        block_on(near.resolve("10.2.3.4")),
        Ok(Ipv4Address::new(10, 2, 3, 4))
    );
}

/// What RFC 2131's server does: answers DISCOVER with OFFER, REQUEST with ACK.
async fn dhcp_server(far: Stack<Cable>, options: Vec<u8>) {
    let socket = far.udp(Some(67), 4, 8192).unwrap();
    loop {
        let asked = socket.receive(|_, bytes| bytes.to_vec()).await;
        // Option 53 is the first one that clients write.
        let kind = match asked.get(240..243) {
            Some([53, 1, 1]) => 2,
            Some([53, 1, 3]) => 5,
            _ => continue,
        };
        let mut answer = asked[..236].to_vec();
        answer[0] = 2;
        answer[16..20].copy_from_slice(&NEAR.octets());
        answer[20..24].copy_from_slice(&FAR.octets());
        answer.extend([99, 130, 83, 99, 53, 1, kind, 54, 4]);
        answer.extend(FAR.octets());
        answer.extend([51, 4, 0, 0, 2, 88, 1, 4, 255, 255, 255, 0]);
        answer.extend(&options);
        answer.push(255);
        socket.send(SocketAddrV4::new(Ipv4Address::BROADCAST, 68), &answer);
    }
}

#[test]
fn a_lease_comes_with_its_options_and_is_renewed() {
    let (near, far) = cable(1500);
    let (near, far) = stacks(near, far);
    let mut options = vec![3, 4, 10, 1, 0, 254, 6, 8, 10, 1, 0, 2, 8, 8, 8, 8, 150, 10];
    options.extend(b"/menu.lst\0");
    spawn(dhcp_server(far.clone(), options));
    let lease = block_on(near.dhcp(Duration::from_secs(30))).unwrap();
    assert_eq!(lease.config.address, Ipv4Cidr::new(NEAR, 24));
    assert_eq!(lease.config.gateway, Some(Ipv4Address::new(10, 1, 0, 254)));
    let name_servers = [FAR, Ipv4Address::new(8, 8, 8, 8)];
    assert_eq!(lease.config.dns, name_servers);
    assert_eq!((lease.server, lease.next_server), (FAR, Some(FAR)));
    assert_eq!(lease.text(150).as_deref(), Some("/menu.lst"));
    assert_eq!(near.config(), Some(lease.config));
    // The lease is for 600 s.
    block_on(time::sleep(Duration::from_secs(2000)));
    assert!(near.config().is_some());
    // An address by hand ends it.
    near.set_static(config(NEAR));
    assert_eq!(near.lease(), None);
}

#[test]
fn without_a_server_there_is_an_end_to_it() {
    let (near, far) = cable(1500);
    let (near, _far) = stacks(near, far);
    let before = time::now_ns();
    let lease = block_on(near.dhcp(Duration::from_secs(8)));
    assert_eq!(lease, Err(DhcpError::NoAnswer));
    assert!((8_000_000_000..9_000_000_000).contains(&(time::now_ns() - before)));
}

#[test]
fn an_address_that_is_none_is_not_taken() {
    let (near, far) = cable(1500);
    let (near, far) = stacks(near, far);
    // A router that is a broadcast address, a mask with holes.
    let options = vec![3, 4, 255, 255, 255, 255, 6, 4, 0, 0, 0, 0];
    spawn(dhcp_server(far, options));
    if let Ok(lease) = block_on(near.dhcp(Duration::from_secs(30))) {
        assert_eq!(lease.config.gateway, None);
        assert!(lease.config.dns.is_empty());
    }
}

/// A name server that knows one name (RFC 1035, section 4).
async fn name_server(far: Stack<Cable>) {
    let socket = far.udp(Some(53), 4, 8192).unwrap();
    loop {
        let (from, asked) = socket.receive(|from, bytes| (from, bytes.to_vec())).await;
        let known = asked[12..].starts_with(b"\x04boot\x07example\x00");
        let mut answer = asked.clone();
        answer[2..4].copy_from_slice(if known { &[0x81, 0x80] } else { &[0x81, 0x83] });
        if known {
            answer[7] = 1;
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 9, 8, 7]);
        }
        socket.send(from, &answer);
    }
}

#[test]
fn names_are_looked_up() {
    let (near, far) = configured();
    let mut with_server = config(NEAR);
    with_server.dns = vec![FAR];
    near.set_static(with_server);
    let silent = block_on(near.resolve("boot.example"));
    assert!(matches!(
        silent,
        Err(DnsError::NoAnswer | DnsError::NotFound)
    ));
    spawn(name_server(far));
    let address = Ipv4Address::new(10, 9, 8, 7);
    assert_eq!(block_on(near.resolve("boot.example")), Ok(address));
    // More often than there is room for questions at once.
    for _ in 0..6 {
        let unknown = block_on(near.resolve("nowhere.example"));
        assert_eq!(unknown, Err(DnsError::NotFound));
    }
    for bad in ["", "a..b", &"x".repeat(64), &"abc.".repeat(100)] {
        assert_eq!(block_on(near.resolve(bad)), Err(DnsError::BadName), "{bad}");
    }
}

/// Makes an ICMP echo request (RFC 792) and looks for its reply on the wire.
#[test]
fn pings_are_answered() {
    let (mut near, far) = cable(1500);
    let far = Stack::new(far, 2);
    far.set_static(config(FAR));
    spawn(far.run());
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    let mut ip = vec![0x45, 0, 0, 32, 0, 0, 0, 0, 64, 1, 0, 0];
    ip.extend(NEAR.octets());
    ip.extend(FAR.octets());
    let sum = checksum(&ip);
    ip[10..12].copy_from_slice(&sum);
    let mut icmp = vec![8, 0, 0, 0, 0x12, 0x34, 0, 1, b'p', b'i', b'n', b'g'];
    let sum = checksum(&icmp);
    icmp[2..4].copy_from_slice(&sum);
    frame.extend(ip);
    frame.extend(icmp);
    let send = |near: &mut Cable, frame: &[u8]| {
        use smoltcp::phy::TxToken;
        let room = near.transmit(now()).unwrap();
        room.consume(frame.len(), |to| to.copy_from_slice(frame));
    };
    send(&mut near, &frame);
    block_on(near.changed());
    // It asks for our address first (RFC 826); then the reply comes.
    let mut arp = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6];
    arp.extend([0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 1]);
    arp.extend(NEAR.octets());
    arp.extend([2, 0, 0, 0, 0, 2]);
    arp.extend(FAR.octets());
    send(&mut near, &arp);
    send(&mut near, &frame);
    let reply = block_on(time::timeout(Duration::from_secs(5), async {
        loop {
            near.changed().await;
            while let Some((came, _)) = near.receive(now()) {
                use smoltcp::phy::RxToken;
                let frame = came.consume(|frame| frame.to_vec());
                if frame.get(34) == Some(&0) && frame.get(12..14) == Some(&[8, 0]) {
                    return frame;
                }
            }
        }
    }));
    assert!(reply.unwrap().ends_with(b"\x12\x34\0\x01ping"));
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> [u8; 2] {
    let words = bytes
        .chunks(2)
        .map(|w| u32::from(w[0]) << 8 | u32::from(w[1]));
    let sum: u32 = words.sum();
    (!((sum >> 16) + (sum & 0xffff)) as u16).to_be_bytes()
}

/// Counts how often the runner looks at its port.
struct Watched(Cable, Rc<Cell<u32>>);

impl Device for Watched {
    type RxToken<'a> = cable::Came;
    type TxToken<'a> = cable::Room;
    fn receive(&mut self, at: Instant) -> Option<(cable::Came, cable::Room)> {
        self.1.set(self.1.get() + 1);
        self.0.receive(at)
    }
    fn transmit(&mut self, at: Instant) -> Option<cable::Room> {
        self.0.transmit(at)
    }
    fn capabilities(&self) -> smoltcp::phy::DeviceCapabilities {
        self.0.capabilities()
    }
}

impl Port for Watched {
    fn hardware_address(&self) -> [u8; 6] {
        self.0.hardware_address()
    }
    fn changed(&self) -> impl Future<Output = ()> + 'static {
        self.0.changed()
    }
}

#[test]
fn an_idle_stack_does_nothing() {
    let (near, _far) = cable(1500);
    let looks = Rc::new(Cell::new(0));
    let near = Stack::new(Watched(near, looks.clone()), 1);
    near.set_static(config(NEAR));
    spawn(near.clone().run());
    block_on(time::sleep(Duration::from_secs(1)));
    let before = looks.get();
    block_on(time::sleep(Duration::from_secs(100_000)));
    assert_eq!(looks.get(), before);
    // The socket of a name server that is not asked, and one that waits, too.
    let socket = near.udp(None, 4, 4096).unwrap();
    let waited = time::timeout(Duration::from_secs(1000), socket.receive(|_, _| ()));
    assert!(block_on(waited).is_err());
    assert_eq!(looks.get(), before);
}

#[test]
fn a_shut_stack_gives_its_port_back_and_everything_ends() {
    let (near, far) = configured();
    let open = async {
        let connection = far.accept(80, Buffers::default()).await.unwrap();
        connection.send(b"ready").await.unwrap();
        read_to_end(&connection).await
    };
    let shut = async {
        let to = SocketAddrV4::new(FAR, 80);
        let connection = near.connect(to, Buffers::default()).await.unwrap();
        connection.receive(|bytes| (bytes.len(), ())).await.unwrap();
        assert!(near.shut().is_some());
        assert!(near.shut().is_none());
        assert_eq!(connection.send(b"more").await, Err(TcpError::Reset));
        let again = near.connect(to, Buffers::default()).await.err();
        assert_eq!(again, Some(TcpError::Socket(SocketError::Shut)));
        assert_eq!(
            near.dhcp(Duration::from_secs(1)).await,
            Err(DhcpError::Shut)
        );
    };
    let (read, ()) = block_on(join(open, shut));
    assert_eq!(read, Err(TcpError::Reset), "the other side was told");
}
