//! What an interface is told: its address, and what a DHCP server says beside.

use super::{Ipv4Address, Ipv4Cidr};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use smoltcp::wire::DhcpPacket;

/// An address and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The interface's address and the length of its network's prefix.
    pub address: Ipv4Cidr,
    /// The router to everywhere else.
    pub gateway: Option<Ipv4Address>,
    /// Name servers, the first ones count.
    pub dns: Vec<Ipv4Address>,
}

impl Config {
    /// This address, alone.
    pub fn new(address: Ipv4Cidr) -> Self {
        Config {
            address,
            gateway: None,
            dns: Vec::new(),
        }
    }
}

/// The options that a server is asked for (RFC 2132; 150: RFC 5859, and before
/// it GRUB's name of a menu): mask, router, name servers, host name, domain,
/// root path, TFTP server, boot file, 150.
pub(super) const WANTED: &[u8] = &[1, 3, 6, 12, 15, 17, 66, 67, 150];

/// Bytes of options that are kept of one answer.
const MOST_KEPT: usize = 4096;

/// What a DHCP server said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The address, and the way out.
    pub config: Config,
    /// The server itself (option 54).
    pub server: Ipv4Address,
    /// The server to load from (the header's siaddr), unless it says 0.
    pub next_server: Option<Ipv4Address>,
    /// The boot file of the header.
    pub boot_file: Option<String>,
    /// Options with their values as they came, the first of each number.
    options: Vec<(u8, Vec<u8>)>,
}

impl Lease {
    pub(super) fn new(
        config: Config,
        server: Ipv4Address,
        packet: Option<DhcpPacket<&[u8]>>,
    ) -> Self {
        let mut lease = Lease {
            config,
            server,
            next_server: None,
            boot_file: None,
            options: Vec::new(),
        };
        if let Some(packet) = packet.filter(|packet| packet.check_len().is_ok()) {
            let next = packet.server_ip();
            lease.next_server = (!next.is_unspecified() && !next.is_broadcast()).then_some(next);
            // The library gives an error for a field that is empty.
            lease.boot_file = packet.get_boot_file().ok().and_then(|f| text(f.as_bytes()));
            let mut room = MOST_KEPT;
            for option in packet.options() {
                let known = lease.options.iter().any(|(kind, _)| *kind == option.kind);
                if known || !WANTED.contains(&option.kind) || option.data.len() > room {
                    continue;
                }
                room -= option.data.len();
                lease.options.push((option.kind, option.data.to_vec()));
            }
        }
        lease
    }

    /// The value of option `number`, one of those that are asked for.
    pub fn option(&self, number: u8) -> Option<&[u8]> {
        let found = self.options.iter().find(|(kind, _)| *kind == number);
        found.map(|(_, value)| value.as_slice())
    }

    /// Option `number` as text; `None` if it holds anything else.
    pub fn text(&self, number: u8) -> Option<String> {
        self.option(number).and_then(text)
    }
}

/// Printable text, which some servers end with NUL (RFC 2132, section 2).
fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    let text = core::str::from_utf8(bytes.get(..end)?).ok()?.trim();
    let printable = !text.is_empty() && !text.chars().any(char::is_control);
    printable.then(|| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A DHCPACK by hand: RFC 2131, figure 1.
    fn packet(siaddr: [u8; 4], file: &[u8], options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 236];
        bytes[..4].copy_from_slice(&[2, 1, 6, 0]);
        bytes[20..24].copy_from_slice(&siaddr);
        bytes[108..108 + file.len()].copy_from_slice(file);
        bytes.extend([99, 130, 83, 99]);
        bytes.extend(options);
        bytes
    }

    fn lease(bytes: &[u8]) -> Lease {
        let config = Config::new(Ipv4Cidr::new(Ipv4Address::new(10, 0, 0, 9), 24));
        let packet = DhcpPacket::new_checked(bytes).ok();
        Lease::new(config, Ipv4Address::new(10, 0, 0, 1), packet)
    }

    #[test]
    fn options_are_read_once_and_as_text() {
        let mut options = vec![150, 9];
        options.extend(b"(nd)/menu");
        options.extend([150, 3, b'b', b'a', b'd']);
        options.extend([66, 5, b'h', b'o', b's', b't', 0]);
        options.extend([67, 2, 0, 0]);
        options.extend([12, 3, b'a', 7, b'b']);
        options.extend([200, 1, 1, 255]);
        let lease = lease(&packet([10, 0, 0, 2], b"pxelinux.0\0junk", &options));
        assert_eq!(lease.next_server, Some(Ipv4Address::new(10, 0, 0, 2)));
        assert_eq!(lease.boot_file.as_deref(), Some("pxelinux.0"));
        assert_eq!(lease.text(150).as_deref(), Some("(nd)/menu"));
        assert_eq!(lease.text(66).as_deref(), Some("host"));
        assert_eq!(lease.text(67), None, "empty");
        assert_eq!(lease.text(12), None, "a control character");
        assert_eq!(lease.option(12), Some(&b"a\x07b"[..]));
        assert_eq!(lease.option(200), None, "was not asked for");
    }

    #[test]
    fn an_answer_that_says_little_or_is_cut_is_no_harm() {
        let full = packet([0; 4], b"", &[150, 200, 1, 2]);
        let lease_of = lease(&full);
        assert_eq!(lease_of.next_server, None);
        assert_eq!(lease_of.boot_file, None);
        assert_eq!(lease_of.option(150), None, "runs out of the packet");
        for length in 0..full.len() {
            lease(&full[..length]);
        }
        let unending = packet([0; 4], &[b'x'; 128], &[255]);
        assert_eq!(lease(&unending).boot_file, None);
    }
}
