//! What is asked for: a URL's parts, and the request (RFC 9112, section 3).

use alloc::format;
use alloc::string::{String, ToString};

/// The port of servers unless another one is named.
pub const PORT: u16 = 80;

/// The longest path that is followed, in bytes.
const LONGEST_PATH: usize = 2048;

/// A file on an HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The host's name or address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path, ready to be sent.
    pub path: String,
}

impl Place {
    /// `path` on `host`, which may end in `:port`; `None` if that makes no sense.
    pub fn new(host: &str, path: &str) -> Option<Place> {
        let (name, port) = match host.split_once(':') {
            Some((name, port)) => (name, port.parse().ok().filter(|&port| port != 0)?),
            None => (host, PORT),
        };
        let sane = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if name.is_empty() || name.len() > 253 || !name.bytes().all(sane) {
            return None;
        }
        let path = escaped(path);
        (path.starts_with('/') && path.len() <= LONGEST_PATH).then(|| Place {
            host: name.to_string(),
            port,
            path,
        })
    }

    /// Where `location` leads to from here (RFC 3986, section 5, as far as
    /// servers use it); `None` if that is no place we can go to.
    pub fn follow(&self, location: &str) -> Option<Place> {
        let location = location.split('#').next().unwrap_or_default();
        let scheme = location
            .get(..7)
            .filter(|s| s.eq_ignore_ascii_case("http://"));
        let absolute = match scheme {
            Some(_) => location.get(7..),
            None => location.strip_prefix("//"),
        };
        if let Some(rest) = absolute {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (host, path) = rest.split_at(end);
            return Place::new(host, &rooted(path));
        }
        if location.contains("://") || location.is_empty() {
            return None;
        }
        let here = format!("{}:{}", self.host, self.port);
        if location.starts_with('/') {
            return Place::new(&here, location);
        }
        let folder = self.path.split('?').next().unwrap_or_default();
        let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
        Place::new(&here, &format!("{folder}/{location}"))
    }

    /// The request for the file from byte `from` on.
    pub fn request(&self, from: u64) -> String {
        let Place { host, port, path } = self;
        let port = match *port {
            PORT => String::new(),
            port => format!(":{port}"),
        };
        let range = match from {
            0 => String::new(),
            from => format!("Range: bytes={from}-\r\n"),
        };
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}{port}\r\nUser-Agent: pv-grub\r\n\
             Accept: */*\r\nAccept-Encoding: identity\r\n{range}Connection: close\r\n\r\n"
        )
    }
}

/// A path without one begins at the root.
fn rooted(path: &str) -> String {
    match path.starts_with('/') {
        true => path.to_string(),
        false => format!("/{path}"),
    }
}

/// `path` with everything that a request cannot hold as it is in %XX; what is
/// escaped already stays so.
fn escaped(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'!'..=b'~'
                if !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{'..=b'}') =>
            {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
