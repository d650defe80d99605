//! Keyboard and pointer: the frontend of `vkbd` devices.

use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::future::{Future, pending, poll_fn};
use core::pin::pin;
use core::task::Poll;

use embassy_futures::select::{Either3, select3};
use xen_proto::kbd;
use xen_proto::ring::{EventReader, RingError};

use super::frames::FramePage;
use super::{ConnectError, Connection, Plan};
use crate::executor::{self, JoinHandle};
use crate::waiters::Waiters;
use crate::xenbus::{self, Nodes, XenbusState};
use crate::xenstore::{Error, Store};

pub use xen_proto::kbd::{Event, RAW_MAX};

/// Why nothing more can come.
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
            Failure::Ring(error) => write!(f, "keyboard: {error}"),
            Failure::Ended(state) => write!(
                f,
                "keyboard: the backend ended the connection and is {state}"
            ),
            Failure::Closed => f.write_str("keyboard: closed"),
        }
    }
}

impl core::error::Error for Failure {}

/// How the backend tells where the pointer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// By how far it moves.
    Relative,
    /// In pixels of the frame buffer.
    Pixels,
    /// From 0 to [`RAW_MAX`] in both directions, whatever the size.
    Raw,
}

struct State {
    page: FramePage,
    events: EventReader,
    failure: Option<Failure>,
    stopped: bool,
    waiting: Waiters,
}

/// A keyboard with a pointer.
pub struct Keyboard {
    state: Rc<RefCell<State>>,
    pointer: Pointer,
    task: Cell<Option<JoinHandle<Connection>>>,
}

/// Numbers of all keyboards of this domain.
///
/// # Errors
/// What the store says.
pub async fn list(store: &Store) -> Result<Vec<u32>, Error> {
    xenbus::list(store, "vkbd").await
}

impl Keyboard {
    /// Connect to keyboard `number`, and ask for as much of its pointer as
    /// there is.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn open(store: &Store, number: u32) -> Result<Keyboard, ConnectError> {
        Keyboard::open_until(store, number, pending()).await
    }

    /// The same, but given up once `give_up` has come to its end.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn open_until(
        store: &Store,
        number: u32,
        give_up: impl Future<Output = ()>,
    ) -> Result<Keyboard, ConnectError> {
        let page = FramePage::new().map_err(|error| ConnectError::Grant(error.into()))?;
        let frame = page.mfn().map_or(0, |mfn| mfn.0);
        let mut pointer = Pointer::Relative;
        let before = &["feature-abs-pointer", "feature-raw-pointer"];
        let plan = |backend: &Nodes| {
            let mut nodes = vec![("page-ref", frame.to_string())];
            if backend.number("feature-abs-pointer") == Some(1) {
                pointer = Pointer::Pixels;
                nodes.push(("request-abs-pointer", String::from("1")));
                if backend.number("feature-raw-pointer") == Some(1) {
                    pointer = Pointer::Raw;
                    nodes.push(("request-raw-pointer", String::from("1")));
                }
            }
            Plan {
                ports: vec!["event-channel"],
                nodes,
                ..Plan::default()
            }
        };
        let connection = super::connect_until(store, "vkbd", number, before, plan, give_up).await?;
        let state = Rc::new(RefCell::new(State {
            events: EventReader::attach(kbd::IN, &page.memory),
            page,
            failure: None,
            stopped: false,
            waiting: Waiters::new(),
        }));
        let task = executor::spawn(run(connection, state.clone()));
        Ok(Keyboard {
            state,
            pointer,
            task: Cell::new(Some(task)),
        })
    }

    /// How the backend tells where the pointer is.
    pub fn pointer(&self) -> Pointer {
        self.pointer
    }

    /// Wait for what the user does next.
    ///
    /// # Errors
    /// [`Failure`], once everything that came has been taken.
    pub async fn next(&self) -> Result<Event, Failure> {
        poll_fn(|context| {
            let mut state = self.state.borrow_mut();
            let State { events, page, .. } = &mut *state;
            let mut event = [0; 40];
            match events.read(&page.memory, &mut event) {
                Ok(true) => return Poll::Ready(Ok(Event::parse(&event))),
                Ok(false) => {}
                Err(error) => {
                    state.failure.get_or_insert(Failure::Ring(error));
                }
            }
            if let Some(failure) = state.failure {
                return Poll::Ready(Err(failure));
            }
            state.waiting.add(context.waker());
            Poll::Pending
        })
        .await
    }

    fn stop(&self) {
        let waiting = {
            let mut state = self.state.borrow_mut();
            state.stopped = true;
            state.failure.get_or_insert(Failure::Closed);
            state.waiting.take()
        };
        waiting.wake();
    }

    /// Close it so that the next owner can connect.
    pub async fn close(self) {
        self.stop();
        let Some(task) = self.task.take() else {
            return;
        };
        if task.await.close().await {
            self.state.borrow_mut().page.give_back();
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The task of one keyboard: wakes who waits, until it is over.
async fn run(connection: Connection, state: Rc<RefCell<State>>) -> Connection {
    {
        let Some(port) = connection.ports.first() else {
            return connection;
        };
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
                    state.failure.get_or_insert(Failure::Ended(backend));
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
