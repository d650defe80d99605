//! A file on its way: a state machine and its socket.

use super::NetError;
use super::http::{Head, Place, Response};
use super::tftp::{Client, Wishes};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use minios::time::now_ns;
use netfront::stack::{Buffers, Port, Stack, Tcp, Udp};

/// Bytes of the headers before a TFTP block: IPv4, UDP, opcode and number.
const HEADERS: usize = 20 + 8 + 4;
/// Blocks in a window: what comes at once fits the ring of any card.
const WINDOW: u16 = 32;
/// The largest block asked for.
const LARGEST_BLOCK: usize = 8192;

/// The window of a stream, and room for a request.
const BUFFERS: Buffers = Buffers {
    receive: 1 << 20,
    send: 8 << 10,
};

/// A transfer.
pub(super) enum Transfer<P: Port> {
    /// By TFTP.
    Tftp(Tftp<P>),
    /// By HTTP.
    Http(Http<P>),
}

/// Room for bytes of the file.
pub(super) struct Room<'a> {
    pub out: &'a mut [u8],
    pub filled: usize,
}

impl Room<'_> {
    fn rest(&mut self) -> &mut [u8] {
        self.out.get_mut(self.filled..).unwrap_or_default()
    }

    /// Copies what fits; gives how much that was.
    fn take(&mut self, bytes: &[u8]) -> usize {
        let rest = self.rest();
        let count = rest.len().min(bytes.len());
        if let (Some(to), Some(from)) = (rest.get_mut(..count), bytes.get(..count)) {
            to.copy_from_slice(from);
        }
        self.filled = self.filled.saturating_add(count);
        count
    }

    pub fn full(&self) -> bool {
        self.filled >= self.out.len()
    }
}

impl<P: Port> Transfer<P> {
    /// Bytes that have come.
    pub fn received(&self) -> u64 {
        match self {
            Transfer::Tftp(tftp) => tftp.client.received(),
            Transfer::Http(http) => http.response.received(),
        }
    }

    /// Whether there is nothing more to read.
    pub fn done(&self) -> bool {
        match self {
            Transfer::Tftp(tftp) => tftp.client.done() && tftp.kept.is_empty(),
            Transfer::Http(http) => http.response.done(),
        }
    }

    /// Whether the server has agreed to send.
    pub fn begun(&self) -> bool {
        match self {
            Transfer::Tftp(tftp) => tftp.client.begun(),
            Transfer::Http(http) => http.response.head().is_some(),
        }
    }

    /// Bytes of the whole file, as far as the server tells.
    pub fn size(&self) -> Option<u64> {
        match self {
            Transfer::Tftp(tftp) => tftp.client.size(),
            Transfer::Http(http) => {
                let head = http.response.head()?;
                match head.range {
                    Some((_, whole)) if head.status == 206 => whole,
                    _ => head.length,
                }
            }
        }
    }

    /// Where in the file the first byte is that comes.
    pub fn start(&self) -> u64 {
        match self {
            Transfer::Http(http) => match http.response.head() {
                Some(head) if head.status == 206 => head.range.map_or(0, |(start, _)| start),
                _ => 0,
            },
            Transfer::Tftp(_) => 0,
        }
    }

    /// Takes what comes until `room` is full or the file has ended. May be
    /// dropped and called again: nothing is lost.
    pub async fn fill(&mut self, room: &mut Room<'_>) -> Result<(), NetError> {
        match self {
            Transfer::Tftp(tftp) => tftp.fill(room).await,
            Transfer::Http(http) => http.fill(room).await,
        }
    }

    /// Waits until the server has agreed to send.
    pub async fn begin(&mut self) -> Result<(), NetError> {
        while !self.begun() {
            match self {
                Transfer::Tftp(tftp) => {
                    tftp.one(&mut Room {
                        out: &mut [],
                        filled: 0,
                    })
                    .await?
                }
                Transfer::Http(http) => {
                    http.one(&mut Room {
                        out: &mut [],
                        filled: 0,
                    })
                    .await?
                }
            }
        }
        Ok(())
    }

    /// Does what is due.
    pub fn tick(&mut self) -> Result<(), NetError> {
        match self {
            Transfer::Tftp(tftp) => {
                tftp.client.tick(now_ns())?;
                tftp.send();
                Ok(())
            }
            Transfer::Http(_) => Ok(()),
        }
    }
}

/// A file by TFTP; the server is told if it is dropped halfway.
pub(super) struct Tftp<P: Port> {
    socket: Udp<P>,
    server: Ipv4Addr,
    client: Client,
    /// The rest of a block for which there was no room.
    kept: Vec<u8>,
}

impl<P: Port> Tftp<P> {
    pub fn ask(stack: &Stack<P>, server: Ipv4Addr, path: &str) -> Result<Self, NetError> {
        let block = stack
            .mtu()
            .saturating_sub(HEADERS)
            .clamp(512, LARGEST_BLOCK);
        let wishes = Wishes {
            block: u16::try_from(block).unwrap_or(512),
            window: WINDOW,
        };
        // A window, and what a server sends twice.
        let packets = usize::from(WINDOW) * 2;
        let socket = stack.udp(None, packets, packets * (block + HEADERS))?;
        let mut tftp = Tftp {
            socket,
            server,
            client: Client::new(path, wishes, now_ns()),
            kept: Vec::new(),
        };
        tftp.send();
        Ok(tftp)
    }

    fn send(&mut self) {
        if let Some((port, packet)) = self.client.take_packet() {
            self.socket
                .send(SocketAddrV4::new(self.server, port), &packet);
        }
    }

    async fn fill(&mut self, room: &mut Room<'_>) -> Result<(), NetError> {
        if !self.kept.is_empty() {
            let taken = room.take(&self.kept);
            self.kept.drain(..taken);
        }
        while !room.full() && !self.client.done() {
            self.one(room).await?;
        }
        Ok(())
    }

    /// Takes one packet.
    async fn one(&mut self, room: &mut Room<'_>) -> Result<(), NetError> {
        let Tftp {
            socket,
            server,
            client,
            kept,
        } = self;
        let took = socket
            .receive(|from, packet| {
                if from.ip() != server {
                    return Ok(());
                }
                let bytes = client.receive(from.port(), packet, now_ns())?;
                let taken = room.take(bytes);
                kept.extend_from_slice(bytes.get(taken..).unwrap_or_default());
                Ok(())
            })
            .await;
        self.send();
        took
    }
}

impl<P: Port> Drop for Tftp<P> {
    fn drop(&mut self) {
        if let Some((port, packet)) = self.client.farewell() {
            self.socket
                .send(SocketAddrV4::new(self.server, port), &packet);
        }
    }
}

/// A file by HTTP.
pub(super) struct Http<P: Port> {
    connection: Tcp<P>,
    response: Response,
}

/// Redirections that are followed.
const MOST_REDIRECTS: usize = 5;

impl<P: Port> Http<P> {
    /// Asks for the file from byte `from` on, wherever the server says it is.
    pub async fn ask(stack: &Stack<P>, place: Place, from: u64) -> Result<Self, NetError> {
        let mut place = place;
        for _ in 0..=MOST_REDIRECTS {
            let address = stack.resolve(&place.host).await;
            let address = address.map_err(|why| NetError::Name(place.host.clone(), why))?;
            let to = SocketAddrV4::new(address, place.port);
            let connection = stack.connect(to, BUFFERS).await?;
            connection.send(place.request(from).as_bytes()).await?;
            let response = Response::default();
            let mut http = Http {
                connection,
                response,
            };
            let head = http.head().await?;
            if head.redirects() {
                let location = head.location.clone().unwrap_or_default();
                let next = place.follow(&location);
                let shown = location.chars().filter(|c| !c.is_control()).take(80);
                place = next.ok_or_else(|| NetError::Elsewhere(shown.collect()))?;
                continue;
            }
            head.check()?;
            return Ok(http);
        }
        Err(NetError::Redirects)
    }

    async fn head(&mut self) -> Result<&Head, NetError> {
        while self.response.head().is_none() {
            self.one(&mut Room {
                out: &mut [],
                filled: 0,
            })
            .await?;
        }
        self.response.head().ok_or(NetError::Silent)
    }

    async fn fill(&mut self, room: &mut Room<'_>) -> Result<(), NetError> {
        while !room.full() && !self.response.done() {
            self.one(room).await?;
        }
        Ok(())
    }

    /// Takes what the connection has.
    async fn one(&mut self, room: &mut Room<'_>) -> Result<(), NetError> {
        let response = &mut self.response;
        let taken = self.connection.receive(|bytes| {
            if bytes.is_empty() {
                return (0, response.end());
            }
            match response.feed(bytes, room.rest()) {
                Ok(fed) => {
                    room.filled = room.filled.saturating_add(fed.written);
                    (fed.used, Ok(()))
                }
                Err(error) => (bytes.len(), Err(error)),
            }
        });
        taken.await?
    }
}
