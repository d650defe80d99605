//! The store, live: [`xen_proto::xenstore`]'s client over the ring in the page
//! that the domain builder made.
//!
//! [`Store`] is a cheap handle; any task may use its own. Requests of several
//! tasks are under way together. One task of the event loop moves bytes
//! between client and ring whenever xenstored or a request asks for it.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::poll_fn;
use core::task::Poll;

use xen_proto::ring::{ByteReader, ByteWriter, XENSTORE_REQ, XENSTORE_RSP};
use xen_proto::xenstore::client::{self, Attempts};
use xen_proto::xenstore::listing::{Listing, Step};
use xen_proto::xenstore::wire::WireError;
use xen_proto::xenstore::{Client, Ticket, Tx, WatchId};
use xen_sys::io::xs_wire::XenstoreDomainInterface;

use crate::event::Port;
use crate::executor;
use crate::hypercall;
use crate::shared::Shared;
use crate::waiters::Waiters;

pub use xen_proto::xenstore::{Errno, Error};

struct Connection {
    client: Client,
    page: Shared<XenstoreDomainInterface>,
    writer: ByteWriter,
    reader: ByteReader,
    port: u32,
    /// Everybody who waits for something to arrive.
    waiting: Waiters,
}

/// Move bytes both ways, as many as there are and fit; wake who may have waited
/// for them. Once it failed, it fails for ever.
fn pump(connection: &RefCell<Connection>) -> Result<(), Error> {
    let (result, port, waiting) = {
        let mut connection = connection.borrow_mut();
        let result = connection.pump_ring();
        let waiting = match result {
            Ok(false) => Waiters::new(),
            Ok(true) | Err(_) => connection.waiting.take(),
        };
        (result, connection.port, waiting)
    };
    if let Ok(true) = result {
        let _ = hypercall::event_send(port);
    }
    waiting.wake();
    result.map(drop)
}

impl Connection {
    fn pump_ring(&mut self) -> Result<bool, Error> {
        let mut moved = false;
        let mut chunk = [0; 1024];
        loop {
            match self.reader.read(&self.page, &mut chunk) {
                Ok(0) => break,
                Ok(read) => {
                    self.client.receive(chunk.get(..read).unwrap_or_default())?;
                    moved = true;
                }
                Err(error) => return Err(self.client.lose(WireError::Ring(error))),
            }
        }
        // Last: what was received may have made the client say something.
        match self.writer.write(&self.page, self.client.outgoing()) {
            Ok(written) => {
                self.client.sent(written);
                Ok(moved || written > 0)
            }
            Err(error) => Err(self.client.lose(WireError::Ring(error))),
        }
    }
}

/// A handle on the store: inside a transaction if it came from
/// [`Store::transaction`], else outside any.
#[derive(Clone)]
pub struct Store {
    connection: Rc<RefCell<Connection>>,
    tx: Tx,
}

impl Store {
    /// Talk to xenstored over `page`; `port` tells each other. Watches and
    /// transactions of an earlier kernel in this domain are dropped first.
    pub(crate) fn connect(page: Shared<XenstoreDomainInterface>, port: Port) -> Store {
        let connection = Connection {
            client: Client::new(),
            writer: ByteWriter::attach(XENSTORE_REQ, &page),
            reader: ByteReader::attach(XENSTORE_RSP, &page),
            page,
            port: port.number(),
            waiting: Waiters::new(),
        };
        let store = Store {
            connection: Rc::new(RefCell::new(connection)),
            tx: Tx::NONE,
        };
        let connection = store.connection.clone();
        executor::spawn(async move {
            loop {
                port.wait().await;
                if let Err(error) = pump(&connection) {
                    // Everybody has been told; nothing can come any more.
                    log::error!("{error}");
                    return;
                }
            }
        });
        // Sent now, before any request of those who get the store: the reset
        // would take their watches and transactions with it.
        let reset = store.send(|client, _| client.reset_watches());
        executor::spawn(async move {
            // An old xenstored does not know the request, and has nothing to forget.
            let answer = match reset {
                Ok(reset) => reset.answer().await,
                Err(error) => Err(error),
            };
            if let Err(error) = answer {
                log::debug!("reset of watches: {error}");
            }
        });
        store
    }

    /// Send a request.
    fn send(
        &self,
        request: impl FnOnce(&mut Client, Tx) -> Result<Ticket, Error>,
    ) -> Result<Asked, Error> {
        let ticket = request(&mut self.connection.borrow_mut().client, self.tx)?;
        // If this fails, the answer is there: the error.
        let _ = pump(&self.connection);
        Ok(Asked {
            connection: self.connection.clone(),
            ticket,
        })
    }

    /// Send a request and wait for its answer.
    async fn ask(
        &self,
        request: impl FnOnce(&mut Client, Tx) -> Result<Ticket, Error>,
    ) -> Result<Vec<u8>, Error> {
        self.send(request)?.answer().await
    }

    async fn simple(
        &self,
        request: impl FnOnce(&mut Client, Tx) -> Result<Ticket, Error>,
    ) -> Result<(), Error> {
        client::ok(&self.ask(request).await?)
    }

    /// The value of a node, as text.
    pub async fn read(&self, path: &str) -> Result<String, Error> {
        let answer = self.ask(|client, tx| client.read(tx, path)).await?;
        client::string(&answer).map(String::from)
    }

    /// The value of a node, or `None` if there is no such node.
    pub async fn read_if_there(&self, path: &str) -> Result<Option<String>, Error> {
        match self.read(path).await {
            Err(error) if error.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    }

    /// Set a node's value; makes the node if need be.
    pub async fn write(&self, path: &str, value: &str) -> Result<(), Error> {
        self.simple(|client, tx| client.write(tx, path, value.as_bytes()))
            .await
    }

    /// Make an empty node.
    pub async fn mkdir(&self, path: &str) -> Result<(), Error> {
        self.simple(|client, tx| client.mkdir(tx, path)).await
    }

    /// Remove a node and all below it; that it was not there is no error.
    pub async fn rm(&self, path: &str) -> Result<(), Error> {
        match self.simple(|client, tx| client.rm(tx, path)).await {
            Err(error) if error.is_not_found() => Ok(()),
            other => other,
        }
    }

    /// Names of a node's children, however many.
    pub async fn directory(&self, path: &str) -> Result<Vec<String>, Error> {
        let mut listing = Listing::new(path);
        loop {
            let answer = self.ask(|client, tx| client.list(tx, &listing)).await;
            if let Step::Done(names) = listing.answer(answer)? {
                return Ok(names);
            }
        }
    }

    /// Run `body` in a transaction, again and again while others interfere.
    /// An error of `body` ends it without effect, and so does giving it up.
    pub async fn transaction<T>(
        &self,
        body: impl AsyncFn(&Store) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut attempts = Attempts::default();
        loop {
            let tx = client::transaction(&self.ask(|client, _| client.start()).await?)?;
            let mut open = Open {
                inside: Store {
                    connection: self.connection.clone(),
                    tx,
                },
                ended: false,
            };
            let result = body(&open.inside).await;
            open.ended = true;
            let end = self
                .simple(|client, _| client.end(tx, result.is_ok()))
                .await;
            let result = result?;
            if attempts.ended(end)? {
                return Ok(result);
            }
        }
    }

    /// Watch a node and all below it. The first event comes at once.
    pub async fn watch(&self, path: &str) -> Result<Watch, Error> {
        let (ticket, id) = self.connection.borrow_mut().client.watch(path)?;
        // From here on it is taken back if it fails or is given up.
        let watch = Watch {
            connection: self.connection.clone(),
            id,
        };
        client::ok(&self.send(|_, _| Ok(ticket))?.answer().await?)?;
        Ok(watch)
    }

    /// Wait until nothing is under way: before another kernel takes over.
    pub async fn settle(&self) {
        poll_fn(|context| {
            let mut connection = self.connection.borrow_mut();
            if connection.client.under_way() == 0 && connection.client.outgoing().is_empty() {
                return Poll::Ready(());
            }
            connection.waiting.add(context.waker());
            Poll::Pending
        })
        .await;
    }

    /// Drop every watch and transaction of this domain: before another kernel takes over.
    pub async fn reset_watches(&self) -> Result<(), Error> {
        self.simple(|client, _| client.reset_watches()).await
    }
}

/// A transaction under way: ended without effect if its body goes away.
struct Open {
    inside: Store,
    ended: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.ended {
            // Sent, and its answer forgotten.
            drop(self.inside.send(|client, tx| client.end(tx, false)));
        }
    }
}

/// A request under way; given up if its asker goes away.
struct Asked {
    connection: Rc<RefCell<Connection>>,
    ticket: Ticket,
}

impl Asked {
    async fn answer(self) -> Result<Vec<u8>, Error> {
        poll_fn(|context| {
            let mut connection = self.connection.borrow_mut();
            match connection.client.take(self.ticket) {
                Some(answer) => Poll::Ready(answer),
                None => {
                    connection.waiting.add(context.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Ok(mut connection) = self.connection.try_borrow_mut() {
            connection.client.forget(self.ticket);
        }
    }
}

/// Tells when something below a node changes; ends when dropped.
pub struct Watch {
    connection: Rc<RefCell<Connection>>,
    id: WatchId,
}

impl Watch {
    /// Wait for the next change; the path that changed. Changes that nobody
    /// has looked at yet may be told as one. Waits for ever once the connection
    /// is lost: that is for requests to tell.
    pub async fn next(&self) -> String {
        poll_fn(|context| {
            let mut connection = self.connection.borrow_mut();
            match connection.client.take_event(self.id) {
                Some(path) => Poll::Ready(path),
                None => {
                    connection.waiting.add(context.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Ok(mut connection) = self.connection.try_borrow_mut() else {
            return;
        };
        if let Some(Ok(ticket)) = connection.client.unwatch(self.id) {
            connection.client.forget(ticket);
            drop(connection);
            let _ = pump(&self.connection);
        }
    }
}

#[cfg(test)]
mod tests;
