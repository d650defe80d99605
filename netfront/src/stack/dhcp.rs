//! An address from a DHCP server (RFC 2131), renewed for as long as it is used.

use super::config::WANTED;
use super::{Config, Inner, Lease, Port, Stack};
use alloc::boxed::Box;
use alloc::vec;
use core::fmt;
use core::time::Duration;
use minios::time;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::{Socket, dhcpv4};
use smoltcp::wire::Ipv4Address;

/// Why there is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DhcpError {
    /// No server has answered.
    NoAnswer,
    /// The stack was shut.
    Shut,
}

impl fmt::Display for DhcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DhcpError::NoAnswer => "no DHCP server answers",
            DhcpError::Shut => "the network is shut down",
        })
    }
}

impl core::error::Error for DhcpError {}

/// The client's socket, which is only among the others while it is used: there
/// it would ask at once.
#[derive(Default)]
pub(super) enum Client {
    /// Never used yet.
    #[default]
    None,
    /// Put by.
    Idle(Box<dhcpv4::Socket<'static>>),
    /// Asking, or holding a lease.
    Running(SocketHandle),
}

/// How long a server may take for an offer before it is asked again.
const OFFER: Duration = Duration::from_secs(2);

/// Room for an answer: the largest frame that any card gives.
const ANSWER: usize = 1 << 16;

fn socket() -> dhcpv4::Socket<'static> {
    let mut socket = dhcpv4::Socket::new();
    let mut retry = dhcpv4::RetryConfig::default();
    retry.discover_timeout = super::span(OFFER);
    retry.initial_request_timeout = super::span(OFFER);
    socket.set_retry_config(retry);
    socket.set_parameter_request_list(WANTED);
    // Kept with the socket for good: it is made once for a stack.
    socket.set_receive_packet_buffer(vec![0; ANSWER].leak());
    socket
}

impl<P: Port> Stack<P> {
    /// Asks for an address, for as long as `patience`. Once there is one it is
    /// renewed in time; a later call asks anew.
    ///
    /// # Errors
    /// [`DhcpError`]; without an answer nobody asks any more.
    pub async fn dhcp(&self, patience: Duration) -> Result<Lease, DhcpError> {
        {
            let mut inner = self.0.inner.borrow_mut();
            inner.lease = None;
            inner.apply(None);
            inner.start_dhcp();
            self.push(&mut inner);
        }
        let _asking = Asking(self);
        let wait = async {
            loop {
                if self.0.inner.borrow().port.is_none() {
                    return Err(DhcpError::Shut);
                }
                if let Some(lease) = self.lease() {
                    return Ok(lease);
                }
                self.0.configured.wait().await;
            }
        };
        let result = time::timeout(patience, wait).await;
        result.unwrap_or(Err(DhcpError::NoAnswer))
    }
}

/// Whoever stops to wait for an address stops to ask for one.
struct Asking<'a, P: Port>(&'a Stack<P>);

impl<P: Port> Drop for Asking<'_, P> {
    fn drop(&mut self) {
        let mut inner = self.0.0.inner.borrow_mut();
        if inner.lease.is_none() {
            inner.stop_dhcp();
        }
    }
}

impl<P: Port> Inner<P> {
    fn start_dhcp(&mut self) {
        self.stop_dhcp();
        let mut socket = match core::mem::take(&mut self.dhcp) {
            Client::Idle(socket) => socket,
            _ => Box::new(socket()),
        };
        socket.reset();
        self.dhcp = Client::Running(self.sockets.add(*socket));
    }

    pub(super) fn stop_dhcp(&mut self) {
        if let Client::Running(handle) = self.dhcp
            && let Socket::Dhcpv4(socket) = self.sockets.remove(handle)
        {
            self.dhcp = Client::Idle(Box::new(socket));
        }
    }

    /// Does what the client has come to; true if the address is another one.
    pub(super) fn follow_dhcp(&mut self) -> bool {
        let Client::Running(handle) = self.dhcp else {
            return false;
        };
        let lease = match self.sockets.get_mut::<dhcpv4::Socket<'_>>(handle).poll() {
            None => return false,
            Some(dhcpv4::Event::Deconfigured) => None,
            Some(dhcpv4::Event::Configured(said)) => {
                let gateway = said.router.filter(|&router| usable(router));
                let config = Config {
                    address: said.address,
                    gateway,
                    dns: said
                        .dns_servers
                        .iter()
                        .copied()
                        .filter(|&s| usable(s))
                        .collect(),
                };
                let lease = Lease::new(config, said.server.identifier, said.packet);
                // The interface takes nothing but an address of one machine.
                usable(said.address.address()).then_some(lease)
            }
        };
        if lease == self.lease {
            return false;
        }
        self.apply(lease.as_ref().map(|lease| lease.config.clone()));
        self.lease = lease;
        true
    }
}

/// Whether this may be the address of a machine.
fn usable(address: Ipv4Address) -> bool {
    !address.is_unspecified() && !address.is_broadcast() && !address.is_multicast()
}
