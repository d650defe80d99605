//! Files from the network: `(nd)/path` by TFTP from the server that DHCP names,
//! `(http,host)/path` and `(tftp,host)/path` from others.
//!
//! ```text
//!  Storage, commands ── Network (the trait) ── Live: card, address, servers
//!                                               ├─ RemoteFile: a file, in memory or on its way
//!                                               └─ Transfer: sockets around …
//!                             tftp::Client, http::Response ── pure state machines
//! ```
//!
//! The card is not touched before something is wanted from it. Servers are
//! hostile: what they send is limited in size, time and number, and a key ends
//! any wait.
#![forbid(unsafe_code)]

mod error;
mod file;
mod host;
pub mod http;
mod live;
mod meter;
#[cfg(test)]
mod tests;
pub mod tftp;
mod transfer;

pub use error::NetError;
pub use host::{Host, Protocol};
pub use live::{Live, Opener, Opening};
pub use meter::Meter;

use crate::disk::DeviceName;
use crate::fs::{DirEntry, File, FileSystem, FsError};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

/// The guest's network, as commands see it.
pub trait Network {
    /// Asks for an address by DHCP; a key ends that: `^C`, or any one.
    ///
    /// # Errors
    /// [`NetError`].
    fn dhcp(&self, any_key: bool) -> Result<Addresses, NetError>;

    /// Changes addresses by hand, and gives all of them.
    ///
    /// # Errors
    /// [`NetError`].
    fn configure(&self, change: &Change) -> Result<Addresses, NetError>;

    /// The addresses, if there is any.
    fn addresses(&self) -> Option<Addresses>;

    /// The menu that the DHCP server names in option 150.
    fn menu(&self) -> Option<String>;

    /// Opens the file at `path` on `device`.
    ///
    /// # Errors
    /// [`NetError`].
    fn open(self: Rc<Self>, device: DeviceName, path: &str) -> Result<Box<dyn File>, NetError>;
}

/// What is known of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// The guest's own.
    pub address: Ipv4Addr,
    /// The mask of its network.
    pub mask: Ipv4Addr,
    /// Where `(nd)` is, if that is known in figures.
    pub server: Option<Ipv4Addr>,
    /// The way to other networks.
    pub gateway: Option<Ipv4Addr>,
}

/// What `ifconfig` and `tftpserver` change; `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The guest's address.
    pub address: Option<Ipv4Addr>,
    /// The mask.
    pub mask: Option<Ipv4Addr>,
    /// The router.
    pub gateway: Option<Ipv4Addr>,
    /// The TFTP server.
    pub server: Option<Ipv4Addr>,
    /// The name server.
    pub dns: Option<Ipv4Addr>,
}

/// A server as a file system without folders.
pub struct Remote {
    network: Rc<dyn Network>,
    device: DeviceName,
}

impl Remote {
    /// The files that `device` names on `network`.
    pub fn new(network: Rc<dyn Network>, device: DeviceName) -> Self {
        Remote { network, device }
    }
}

impl FileSystem for Remote {
    fn kind(&self) -> &'static str {
        match self.device {
            DeviceName::Server(Protocol::Http, _) => "http",
            _ => "tftp",
        }
    }

    fn open(&self, path: &str) -> Result<Box<dyn File>, FsError> {
        let opened = self.network.clone().open(self.device, path);
        opened.map_err(|error| FsError::Network {
            path: path.into(),
            error,
        })
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        Err(FsError::Network {
            path: path.into(),
            error: NetError::NoFolders,
        })
    }
}
