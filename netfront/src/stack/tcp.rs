//! Streams (RFC 9293).

use super::{Inner, Port, SocketError, Stack, buffer, span};
use core::fmt;
use core::future::poll_fn;
use core::net::SocketAddrV4;
use core::task::Poll;
use core::time::Duration;
use minios::time;
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp;

/// Why a stream failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcpError {
    /// No socket.
    Socket(SocketError),
    /// The other side refuses the connection.
    Refused,
    /// Nobody answers.
    NoAnswer,
    /// The other side broke the connection off, or fell silent.
    Reset,
}

impl fmt::Display for TcpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TcpError::Socket(error) => error.fmt(f),
            TcpError::Refused => f.write_str("the server refuses the connection"),
            TcpError::NoAnswer => f.write_str("the server does not answer"),
            TcpError::Reset => f.write_str("the connection broke off"),
        }
    }
}

impl core::error::Error for TcpError {}

impl From<SocketError> for TcpError {
    fn from(error: SocketError) -> Self {
        TcpError::Socket(error)
    }
}

/// A TCP connection; broken off when dropped, unless it was closed.
pub struct Tcp<P: Port> {
    stack: Stack<P>,
    handle: SocketHandle,
}

/// How large the buffers of a connection are, in bytes. The receive buffer is
/// the window that the sender may fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffers {
    /// Bytes that may wait to be read.
    pub receive: usize,
    /// Bytes that may wait to be acknowledged.
    pub send: usize,
}

impl Default for Buffers {
    fn default() -> Self {
        Buffers {
            receive: 512 << 10,
            send: 64 << 10,
        }
    }
}

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(15);
/// How long the other side may leave what we sent unanswered.
const SILENCE: Duration = Duration::from_secs(60);

impl<P: Port> Stack<P> {
    fn tcp(
        &self,
        buffers: Buffers,
        open: impl FnOnce(&mut tcp::Socket<'static>, &mut Inner<P>) -> Result<(), TcpError>,
    ) -> Result<Tcp<P>, TcpError> {
        let mut inner = self.0.inner.borrow_mut();
        if inner.port.is_none() {
            return Err(SocketError::Shut.into());
        }
        let receive = tcp::SocketBuffer::new(buffer(buffers.receive)?);
        let send = tcp::SocketBuffer::new(buffer(buffers.send)?);
        let mut socket = tcp::Socket::new(receive, send);
        socket.set_timeout(Some(span(SILENCE)));
        open(&mut socket, &mut inner)?;
        let handle = inner.sockets.add(socket);
        self.push(&mut inner);
        drop(inner);
        Ok(Tcp {
            stack: self.clone(),
            handle,
        })
    }

    /// Connects to `to`.
    ///
    /// # Errors
    /// Any [`TcpError`].
    pub async fn connect(&self, to: SocketAddrV4, buffers: Buffers) -> Result<Tcp<P>, TcpError> {
        let connection = self.tcp(buffers, |socket, inner| {
            let port = inner.ephemeral();
            let begun = socket.connect(inner.iface.context(), to, port);
            begun.map_err(|_| SocketError::NoAddress.into())
        })?;
        match time::timeout(CONNECT, connection.established()).await {
            Ok(true) => Ok(connection),
            Ok(false) => Err(TcpError::Refused),
            Err(_) => Err(TcpError::NoAnswer),
        }
    }

    /// Waits for one connection to `port`.
    ///
    /// # Errors
    /// [`TcpError::Socket`].
    pub async fn accept(&self, port: u16, buffers: Buffers) -> Result<Tcp<P>, TcpError> {
        let connection = self.tcp(buffers, |socket, _| {
            socket
                .listen(port)
                .map_err(|_| SocketError::NoAddress.into())
        })?;
        match connection.established().await {
            true => Ok(connection),
            false => Err(TcpError::Reset),
        }
    }
}

impl<P: Port> Tcp<P> {
    /// Waits until the connection has come about, or failed.
    async fn established(&self) -> bool {
        poll_fn(|context| {
            let mut inner = self.stack.0.inner.borrow_mut();
            let socket = inner.tcp(self.handle);
            match socket.state() {
                tcp::State::Closed => Poll::Ready(false),
                tcp::State::Listen | tcp::State::SynSent | tcp::State::SynReceived => {
                    socket.register_send_waker(context.waker());
                    Poll::Pending
                }
                _ => Poll::Ready(true),
            }
        })
        .await
    }

    /// Waits for bytes and gives those that lie together to `take`, which says
    /// how many it has used; no bytes stand for the end of the stream.
    ///
    /// # Errors
    /// [`TcpError::Reset`].
    pub async fn receive<R>(
        &self,
        mut take: impl FnMut(&[u8]) -> (usize, R),
    ) -> Result<R, TcpError> {
        poll_fn(|context| {
            let mut inner = self.stack.0.inner.borrow_mut();
            let socket = inner.tcp(self.handle);
            if socket.can_recv() {
                let taken = socket.recv(|bytes| {
                    let (used, result) = take(bytes);
                    (used.min(bytes.len()), result)
                });
                // The window has grown.
                self.stack.push(&mut inner);
                return Poll::Ready(taken.map_err(|_| TcpError::Reset));
            }
            match socket.recv(|_| (0, ())) {
                Err(tcp::RecvError::Finished) => Poll::Ready(Ok(take(&[]).1)),
                Err(tcp::RecvError::InvalidState) => Poll::Ready(Err(TcpError::Reset)),
                Ok(()) => {
                    socket.register_recv_waker(context.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }

    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// [`TcpError::Reset`].
    pub async fn send(&self, bytes: &[u8]) -> Result<(), TcpError> {
        let mut rest = bytes;
        poll_fn(|context| {
            let mut inner = self.stack.0.inner.borrow_mut();
            while !rest.is_empty() {
                let socket = inner.tcp(self.handle);
                match socket.send_slice(rest) {
                    Err(_) => return Poll::Ready(Err(TcpError::Reset)),
                    Ok(0) => {
                        socket.register_send_waker(context.waker());
                        return Poll::Pending;
                    }
                    Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                }
                self.stack.push(&mut inner);
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Says that nothing more is sent, and waits until the other side has got
    /// everything.
    ///
    /// # Errors
    /// [`TcpError::Reset`].
    pub async fn close(&self) -> Result<(), TcpError> {
        {
            let mut inner = self.stack.0.inner.borrow_mut();
            inner.tcp(self.handle).close();
            self.stack.push(&mut inner);
        }
        poll_fn(|context| {
            let mut inner = self.stack.0.inner.borrow_mut();
            let socket = inner.tcp(self.handle);
            match socket.state() {
                tcp::State::FinWait1 | tcp::State::Closing | tcp::State::LastAck => {
                    socket.register_send_waker(context.waker());
                    Poll::Pending
                }
                _ if socket.send_queue() > 0 => Poll::Ready(Err(TcpError::Reset)),
                _ => Poll::Ready(Ok(())),
            }
        })
        .await
    }
}

impl<P: Port> Inner<P> {
    fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }
}

impl<P: Port> Drop for Tcp<P> {
    fn drop(&mut self) {
        let mut inner = self.stack.0.inner.borrow_mut();
        inner.tcp(self.handle).abort();
        // The reset goes out before the socket is forgotten.
        self.stack.push(&mut inner);
        inner.sockets.remove(self.handle);
    }
}
