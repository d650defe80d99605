//! Further consoles: `console` devices from number 1 on.
//!
//! The domain's own console, number 0, is [`crate::console`]: its page is there
//! before the domain runs. A further one is a device like any other, whose page
//! we grant; the bytes are the same ([`xen_proto::console`]). Whatever the
//! administrator connected it to (a file, a pipe, a terminal) is at its other end.

use alloc::rc::Rc;
use alloc::vec;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use embassy_futures::select::{Either3, select3};
use xen_proto::console::Console as Rings;
use xen_proto::ring::RingError;
use xen_sys::io::console::XenconsInterface;

use super::{ConnectError, Connection, Plan, Ring};
use crate::executor::{self, JoinHandle};
use crate::hypercall;
use crate::shared::Shared;
use crate::waiters::Waiters;
use crate::xenbus::{self, XenbusState};
use crate::xenstore::{Error, Store};

/// Why nothing more can be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The backend's index cannot be.
    Ring(RingError),
    /// The backend ended the connection, or is gone.
    Ended(XenbusState),
    /// It was closed from this side.
    Closed,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Ring(error) => write!(f, "console: {error}"),
            Failure::Ended(state) => {
                write!(
                    f,
                    "console: the backend ended the connection and is {state}"
                )
            }
            Failure::Closed => f.write_str("console: closed"),
        }
    }
}

impl core::error::Error for Failure {}

struct State {
    page: Shared<XenconsInterface>,
    rings: Rings,
    port: u32,
    failure: Option<Failure>,
    /// Nobody will use it any more.
    stopped: bool,
    /// Everybody who waits for the backend: for what it types or takes.
    waiting: Waiters,
}

impl State {
    fn fail(&mut self, failure: Failure) -> Failure {
        *self.failure.get_or_insert(failure)
    }

    fn read(&mut self, to: &mut [u8]) -> Result<usize, Failure> {
        // What came before the end is still there to be read.
        match self.rings.read(&self.page, to) {
            Ok(0) if !to.is_empty() => self.failure.map_or(Ok(0), Err),
            Ok(read) => Ok(read),
            Err(error) => Err(self.fail(Failure::Ring(error))),
        }
    }

    fn write(&mut self, from: &[u8]) -> Result<usize, Failure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let written = self.rings.write(&self.page, from);
        written.map_err(|error| self.fail(Failure::Ring(error)))
    }

    fn queued(&mut self) -> Result<usize, Failure> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let queued = self.rings.queued(&self.page);
        queued.map_err(|error| self.fail(Failure::Ring(error)))
    }
}

/// One further console. Any number of tasks may read and write.
pub struct Console {
    number: u32,
    state: Rc<RefCell<State>>,
    task: Cell<Option<JoinHandle<Connection>>>,
}

/// Numbers of all further consoles of this domain.
///
/// # Errors
/// What the store says.
pub async fn list(store: &Store) -> Result<alloc::vec::Vec<u32>, Error> {
    xenbus::list(store, "console").await
}

impl Console {
    /// Connect to console `number`, from 1 on.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn open(store: &Store, number: u32) -> Result<Console, ConnectError> {
        let connection = super::connect(store, "console", number, &[], |_| Plan {
            rings: vec![Ring {
                node: "ring-ref",
                pages: 1,
            }],
            ports: vec!["port"],
            ..Plan::default()
        })
        .await?;
        let (page, port) = match (connection.rings.first(), connection.ports.first()) {
            (Some(ring), Some(port)) => (ring.shared(), port.number()),
            _ => return Err(ConnectError::Description("console: no ring".into())),
        };
        let state = Rc::new(RefCell::new(State {
            rings: Rings::attach(&page),
            page,
            port,
            failure: None,
            stopped: false,
            waiting: Waiters::new(),
        }));
        let task = executor::spawn(run(connection, state.clone()));
        Ok(Console {
            number,
            state,
            task: Cell::new(Some(task)),
        })
    }

    /// Its number: `device/console/<number>`.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Wait until `step` gives something; it is asked again whenever the backend did anything.
    fn until<T>(
        &self,
        mut step: impl FnMut(&mut State) -> Poll<Result<T, Failure>>,
    ) -> impl Future<Output = Result<T, Failure>> {
        poll_fn(move |context| {
            let mut state = self.state.borrow_mut();
            let result = step(&mut state);
            if result.is_pending() {
                state.waiting.add(context.waker());
            }
            result
        })
    }

    /// Wait for input and take up to `to.len()` bytes of it.
    ///
    /// # Errors
    /// [`Failure`], once everything that came has been taken.
    pub async fn read(&self, to: &mut [u8]) -> Result<usize, Failure> {
        self.until(|state| match state.read(to) {
            Ok(0) if !to.is_empty() => Poll::Pending,
            Ok(read) => {
                // The backend may be waiting for room.
                let _ = hypercall::event_send(state.port);
                Poll::Ready(Ok(read))
            }
            Err(failure) => Poll::Ready(Err(failure)),
        })
        .await
    }

    /// Write all of `bytes`, waiting for room as long as it takes. Of several
    /// tasks that write at once, each one's bytes keep their order.
    ///
    /// # Errors
    /// [`Failure`]: what is not with the backend then will never be.
    pub async fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut rest = bytes;
        self.until(|state| {
            match state.write(rest) {
                Ok(0) => {}
                Ok(written) => {
                    rest = rest.get(written..).unwrap_or_default();
                    let _ = hypercall::event_send(state.port);
                }
                Err(failure) => return Poll::Ready(Err(failure)),
            }
            if rest.is_empty() {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            }
        })
        .await
    }

    /// Write what fits now, and say how much that was.
    ///
    /// # Errors
    /// As [`Console::write`].
    pub fn try_write(&self, bytes: &[u8]) -> Result<usize, Failure> {
        let mut state = self.state.borrow_mut();
        let written = state.write(bytes)?;
        if written > 0 {
            let _ = hypercall::event_send(state.port);
        }
        Ok(written)
    }

    /// Wait until the backend has taken everything that was written.
    ///
    /// # Errors
    /// As [`Console::write`].
    pub async fn drain(&self) -> Result<(), Failure> {
        self.until(|state| match state.queued() {
            Ok(0) => Poll::Ready(Ok(())),
            Ok(_) => Poll::Pending,
            Err(failure) => Poll::Ready(Err(failure)),
        })
        .await
    }

    fn stop(&self) {
        let waiting = {
            let mut state = self.state.borrow_mut();
            state.stopped = true;
            state.fail(Failure::Closed);
            state.waiting.take()
        };
        waiting.wake();
    }

    /// Close it so that the next owner can connect. Who still reads or writes fails.
    pub async fn close(self) {
        self.stop();
        if let Some(task) = self.task.take() {
            let connection = task.await;
            connection.close().await;
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The task of one console: wakes who waits, until it is over.
async fn run(connection: Connection, state: Rc<RefCell<State>>) -> Connection {
    {
        let Some(port) = connection.ports.first() else {
            return connection;
        };
        // One future for all turns: it reads the store only when its watch tells.
        let mut ended = pin!(connection.ended());
        loop {
            let stopped = poll_fn(|context| {
                let mut state = state.borrow_mut();
                if state.stopped {
                    return Poll::Ready(());
                }
                state.waiting.add(context.waker());
                Poll::Pending
            });
            let happened = select3(port.wait(), ended.as_mut(), stopped).await;
            let waiting = {
                let mut state = state.borrow_mut();
                if let Either3::Second(backend) = happened {
                    state.fail(Failure::Ended(backend));
                }
                state.waiting.take()
            };
            waiting.wake();
            if !matches!(happened, Either3::First(())) {
                break;
            }
        }
    }
    connection
}

#[cfg(test)]
mod tests;
