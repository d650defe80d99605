//! The store, from dom0: one request at a time over xenstored's socket.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use xen_proto::xenstore::wire::{Kind, Packet, strings};

/// Where xenstored listens; Linux' own way to it comes last.
const SOCKETS: &[&str] = &["/run/xenstored/socket", "/var/run/xenstored/socket"];
const DEVICE: &str = "/dev/xen/xenbus";

enum Stream {
    Socket(UnixStream),
    Device(File),
}

/// A connection.
pub struct Store(Stream);

impl Store {
    /// Connect.
    pub fn open() -> io::Result<Store> {
        for path in SOCKETS {
            if let Ok(socket) = UnixStream::connect(path) {
                return Ok(Store(Stream::Socket(socket)));
            }
        }
        let device = OpenOptions::new().read(true).write(true).open(DEVICE)?;
        Ok(Store(Stream::Device(device)))
    }

    fn ask(&mut self, kind: Kind, parts: &[&[u8]]) -> io::Result<Vec<u8>> {
        let mut request = Vec::new();
        Packet::emit(&mut request, kind, 0, 0, parts)
            .map_err(|_| io::Error::other("too long for the store"))?;
        let (reader, writer): (&mut dyn Read, &mut dyn Write) = match &mut self.0 {
            Stream::Socket(socket) => (&mut &*socket, &mut &*socket),
            Stream::Device(device) => (&mut &*device, &mut &*device),
        };
        writer.write_all(&request)?;
        let mut answer = Vec::new();
        loop {
            let mut some = [0; 4096];
            let read = reader.read(&mut some)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&some[..read]);
            let parsed = Packet::parse(&answer).map_err(io::Error::other)?;
            let Some((packet, _)) = parsed else { continue };
            let payload = packet.payload.to_vec();
            if packet.kind == Kind::Error {
                let word = String::from_utf8_lossy(&payload).into_owned();
                return Err(io::Error::other(word.trim_end_matches('\0').to_string()));
            }
            return Ok(payload);
        }
    }

    /// A node's value; nothing if it is not there.
    pub fn read(&mut self, path: &str) -> Option<String> {
        let value = self.ask(Kind::Read, &[path.as_bytes(), b"\0"]).ok()?;
        String::from_utf8(value).ok()
    }

    /// A node's children.
    pub fn list(&mut self, path: &str) -> Vec<String> {
        let names = self.ask(Kind::Directory, &[path.as_bytes(), b"\0"]);
        let names = names.unwrap_or_default();
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        strings(&names).map(text).collect()
    }

    /// Set a node.
    pub fn write(&mut self, path: &str, value: &str) -> io::Result<()> {
        self.ask(Kind::Write, &[path.as_bytes(), b"\0", value.as_bytes()])
            .map(drop)
    }

    /// Make an empty node.
    pub fn make(&mut self, path: &str) -> io::Result<()> {
        self.ask(Kind::Mkdir, &[path.as_bytes(), b"\0"]).map(drop)
    }

    /// Let `owner` own a node, and `reader` read it.
    pub fn permit(&mut self, path: &str, owner: u16, reader: u16) -> io::Result<()> {
        let rights = format!("n{owner}\0r{reader}\0");
        self.ask(Kind::SetPerms, &[path.as_bytes(), b"\0", rights.as_bytes()])
            .map(drop)
    }

    /// `stub` may do in the store what `guest` may.
    pub fn set_target(&mut self, stub: u16, guest: u16) -> io::Result<()> {
        let numbers = format!("{stub}\0{guest}\0");
        self.ask(Kind::SetTarget, &[numbers.as_bytes()]).map(drop)
    }
}
