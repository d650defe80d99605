//! Addresses for names (RFC 1035).

use super::{Inner, Ipv4Address, Port, Stack};
use alloc::vec::Vec;
use core::fmt;
use core::future::poll_fn;
use core::task::Poll;
use core::time::Duration;
use minios::time;
use smoltcp::socket::dns;
use smoltcp::wire::{DnsQueryType, IpAddress};

/// Why a name has no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsError {
    /// Not a name.
    BadName,
    /// Nobody to ask.
    NoServer,
    /// The server knows no such name, or will not tell.
    NotFound,
    /// No server answers.
    NoAnswer,
    /// Too many questions at once.
    Busy,
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DnsError::BadName => "not the name of a host",
            DnsError::NoServer => "no name server is known",
            DnsError::NotFound => "the name server knows no address for it",
            DnsError::NoAnswer => "no name server answers",
            DnsError::Busy => "too many names are being looked up",
        })
    }
}

impl core::error::Error for DnsError {}

/// How long all name servers together may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Names looked up at the same time.
const QUESTIONS: usize = 4;

/// The socket, which asks nobody yet.
pub(super) fn socket() -> dns::Socket<'static> {
    let questions: Vec<_> = (0..QUESTIONS).map(|_| None).collect();
    dns::Socket::new(&[], questions)
}

/// Takes a question back if nobody waits for its answer any more.
struct Question<'a, P: Port> {
    stack: &'a Stack<P>,
    handle: Option<dns::QueryHandle>,
}

impl<P: Port> Drop for Question<'_, P> {
    fn drop(&mut self) {
        if let Some(handle) = self.handle {
            let mut inner = self.stack.0.inner.borrow_mut();
            inner.dns().cancel_query(handle);
        }
    }
}

impl<P: Port> Stack<P> {
    /// The first IPv4 address of `name`; an address in figures is itself.
    ///
    /// # Errors
    /// Any [`DnsError`].
    pub async fn resolve(&self, name: &str) -> Result<Ipv4Address, DnsError> {
        if let Ok(address) = name.parse() {
            return Ok(address);
        }
        let handle = {
            let mut inner = self.0.inner.borrow_mut();
            if inner.config.as_ref().is_none_or(|c| c.dns.is_empty()) {
                return Err(DnsError::NoServer);
            }
            let handle = inner.ask(name)?;
            self.push(&mut inner);
            handle
        };
        let mut question = Question {
            stack: self,
            handle: Some(handle),
        };
        let answer = poll_fn(|context| {
            let mut inner = self.0.inner.borrow_mut();
            let socket = inner.dns();
            match socket.get_query_result(handle) {
                Err(dns::GetQueryResultError::Pending) => {
                    socket.register_query_waker(handle, context.waker());
                    Poll::Pending
                }
                Err(dns::GetQueryResultError::Failed) => {
                    question.handle = None;
                    Poll::Ready(Err(DnsError::NotFound))
                }
                Ok(addresses) => {
                    question.handle = None;
                    let first = addresses.iter().next().copied();
                    Poll::Ready(match first {
                        Some(IpAddress::Ipv4(address)) => Ok(address),
                        _ => Err(DnsError::NotFound),
                    })
                }
            }
        });
        let answer = time::timeout(PATIENCE, answer).await;
        answer.unwrap_or(Err(DnsError::NoAnswer))
    }
}

impl<P: Port> Inner<P> {
    fn dns(&mut self) -> &mut dns::Socket<'static> {
        self.sockets.get_mut(self.dns)
    }

    fn ask(&mut self, name: &str) -> Result<dns::QueryHandle, DnsError> {
        let socket = self.sockets.get_mut::<dns::Socket<'_>>(self.dns);
        let asked = socket.start_query(self.iface.context(), name, DnsQueryType::A);
        asked.map_err(|error| match error {
            dns::StartQueryError::NoFreeSlot => DnsError::Busy,
            _ => DnsError::BadName,
        })
    }

    pub(super) fn set_name_servers(&mut self, servers: &[Ipv4Address]) {
        let most = smoltcp::config::DNS_MAX_SERVER_COUNT;
        let servers: Vec<IpAddress> = servers
            .iter()
            .take(most)
            .map(|&server| IpAddress::Ipv4(server))
            .collect();
        self.dns().update_servers(&servers);
    }
}
