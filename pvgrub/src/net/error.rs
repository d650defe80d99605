//! Why something could not be had from the network.

use alloc::string::String;
use core::fmt;
use netfront::stack::{DhcpError, DnsError, SocketError, TcpError};

/// What went wrong between us and a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetError {
    /// The guest has no vif.
    NoCard,
    /// The vif cannot be used; why.
    Card(String),
    /// No address could be had.
    NoAddress(DhcpError),
    /// Nobody has said which TFTP server it is.
    NoServer,
    /// The name of a server has no address; the name, and why.
    Name(String, DnsError),
    /// The stream to the server.
    Tcp(TcpError),
    /// The server says nothing (any more).
    Silent,
    /// The server sends, but as good as nothing; bytes in that many seconds.
    Slow {
        /// Bytes that came.
        bytes: u64,
        /// In this time.
        seconds: u64,
    },
    /// Somebody pressed a key that ends the transfer.
    Cancelled,
    /// The server has no such file; its words.
    NotFound(String),
    /// The server refuses; its words.
    Refused(String),
    /// The server breaks the protocol; how.
    Protocol(&'static str),
    /// The file ends early; bytes that came, and bytes that were announced.
    Short(u64, u64),
    /// More bytes than were announced.
    Long(u64),
    /// The file does not fit into memory; bytes it had so far.
    Memory(u64),
    /// One redirection after the other.
    Redirects,
    /// Redirected to where we cannot go.
    Elsewhere(String),
    /// Something else is set by hand, but not the address.
    AddressFirst,
    /// Not the address of a machine, or not a mask.
    BadAddress,
    /// The network holds files, not sectors or folders.
    NoFolders,
}

impl NetError {
    /// The number that GRUB Legacy gives to this kind of error.
    #[must_use]
    pub fn number(&self) -> u32 {
        match self {
            NetError::NoCard | NetError::Card(_) | NetError::NoAddress(_) | NetError::NoServer => {
                33
            }
            NetError::NotFound(_) => 15,
            NetError::Memory(_) => 28,
            NetError::NoFolders => 2,
            NetError::AddressFirst | NetError::BadAddress => 30,
            _ => 25,
        }
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetError::NoCard => f.write_str("this guest has no network card"),
            NetError::Card(why) => write!(f, "the network card cannot be used: {why}"),
            NetError::NoAddress(why) => {
                write!(f, "no address: {why}; `ifconfig' sets one by hand")
            }
            NetError::NoServer => f.write_str("no TFTP server is known; `tftpserver' names one"),
            NetError::Name(name, why) => write!(f, "{name}: {why}"),
            NetError::Tcp(error) => error.fmt(f),
            NetError::Silent => f.write_str("the server does not answer"),
            NetError::Slow { bytes, seconds } => {
                write!(f, "given up: {bytes} bytes in {seconds} seconds")
            }
            NetError::Cancelled => f.write_str("cancelled"),
            NetError::NotFound(words) => write!(f, "the server has no such file{}", Said(words)),
            NetError::Refused(words) => write!(f, "the server refuses{}", Said(words)),
            NetError::Protocol(how) => write!(f, "the server breaks the protocol: {how}"),
            NetError::Short(came, said) => {
                write!(f, "ends after {came} of the {said} bytes announced")
            }
            NetError::Long(said) => write!(f, "goes on after the {said} bytes announced"),
            NetError::Memory(came) => {
                write!(f, "does not fit into memory, {came} bytes have come so far")
            }
            NetError::Redirects => f.write_str("redirected too often"),
            NetError::Elsewhere(to) => write!(f, "redirected to {to}, which is not http://"),
            NetError::AddressFirst => f.write_str("the guest has no address yet"),
            NetError::BadAddress => f.write_str("not an address that a machine can have"),
            NetError::NoFolders => f.write_str("only files can be had from the network"),
        }
    }
}

impl core::error::Error for NetError {}

impl From<TcpError> for NetError {
    fn from(error: TcpError) -> Self {
        NetError::Tcp(error)
    }
}

impl From<SocketError> for NetError {
    fn from(error: SocketError) -> Self {
        NetError::Tcp(TcpError::Socket(error))
    }
}

/// A server's own words in parentheses, if it said any.
struct Said<'a>(&'a str);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            words => write!(f, " ({words})"),
        }
    }
}

/// What a server said, as far as it can be shown.
pub(super) fn words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let shown = text.chars().filter(|c| !c.is_control()).take(80);
    shown.collect()
}
