//! Datagrams (RFC 768).

use super::{Inner, Ipv4Address, Port, SocketError, Stack, buffer};
use alloc::vec;
use core::future::poll_fn;
use core::net::SocketAddrV4;
use core::task::Poll;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::udp;
use smoltcp::wire::IpAddress;

/// A UDP socket; closed when dropped.
pub struct Udp<P: Port> {
    stack: Stack<P>,
    handle: SocketHandle,
}

/// Datagrams that may wait to be sent, and their bytes.
const UNSENT: (usize, usize) = (8, 8 << 10);

impl<P: Port> Stack<P> {
    /// A socket on `port`, or on one of its own choice. Up to `packets`
    /// datagrams of together `bytes` wait to be received; more are lost.
    ///
    /// # Errors
    /// [`SocketError`].
    pub fn udp(
        &self,
        port: Option<u16>,
        packets: usize,
        bytes: usize,
    ) -> Result<Udp<P>, SocketError> {
        let mut inner = self.0.inner.borrow_mut();
        if inner.port.is_none() {
            return Err(SocketError::Shut);
        }
        let received =
            udp::PacketBuffer::new(vec![udp::PacketMetadata::EMPTY; packets], buffer(bytes)?);
        let unsent = udp::PacketBuffer::new(
            vec![udp::PacketMetadata::EMPTY; UNSENT.0],
            buffer(UNSENT.1)?,
        );
        let mut socket = udp::Socket::new(received, unsent);
        let port = port.unwrap_or_else(|| inner.ephemeral());
        // A fresh socket takes any port but 0.
        let _ = socket.bind(port);
        let handle = inner.sockets.add(socket);
        drop(inner);
        Ok(Udp {
            stack: self.clone(),
            handle,
        })
    }
}

impl<P: Port> Udp<P> {
    /// Sends a datagram, unless there is no room: datagrams may be lost.
    pub fn send(&self, to: SocketAddrV4, bytes: &[u8]) {
        let mut inner = self.stack.0.inner.borrow_mut();
        let _ = inner.udp(self.handle).send_slice(bytes, to);
        self.stack.push(&mut inner);
    }

    /// Waits for a datagram and gives it to `take`, with its sender.
    pub async fn receive<R>(&self, mut take: impl FnMut(SocketAddrV4, &[u8]) -> R) -> R {
        poll_fn(|context| {
            let mut inner = self.stack.0.inner.borrow_mut();
            let socket = inner.udp(self.handle);
            while let Ok((bytes, from)) = socket.recv() {
                let IpAddress::Ipv4(address) = from.endpoint.addr else {
                    continue;
                };
                let from = SocketAddrV4::new(address, from.endpoint.port);
                return Poll::Ready(take(from, bytes));
            }
            socket.register_recv_waker(context.waker());
            Poll::Pending
        })
        .await
    }

    /// The address that datagrams to `to` are sent from.
    pub fn source(&self, to: Ipv4Address) -> Option<Ipv4Address> {
        self.stack
            .0
            .inner
            .borrow()
            .iface
            .get_source_address_ipv4(&to)
    }
}

impl<P: Port> Inner<P> {
    fn udp(&mut self, handle: SocketHandle) -> &mut udp::Socket<'static> {
        self.sockets.get_mut(handle)
    }
}

impl<P: Port> Drop for Udp<P> {
    fn drop(&mut self) {
        self.stack.0.inner.borrow_mut().sockets.remove(self.handle);
    }
}
