//! The frame buffer: the frontend of `vfb` devices.
//!
//! A backend shows a picture that lies in memory which we name to it frame by
//! frame: pages of our own, and others that it may map too (a device model's
//! guest's display memory, which Xen lets us name to a PV dom0). It is told
//! where in that memory the picture lies, and what of it changed.

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
use xen_proto::fb::{self, Event, Told};
use xen_proto::ring::{EventReader, EventWriter, RingError};
use xen_sys::io::protocols::XEN_IO_PROTO_ABI_X86_64;

use super::frames::{FramePage, Frames};
use super::{ConnectError, Connection, Plan};
use crate::executor::{self, JoinHandle};
use crate::hypercall;
use crate::mm::{Mfn, PAGE_SIZE};
use crate::waiters::Waiters;
use crate::xenbus::{self, Nodes, XenbusState};
use crate::xenstore::{Error, Store};

pub use xen_proto::fb::Layout;

/// Why nothing more can be shown.
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
            Failure::Ring(error) => write!(f, "frame buffer: {error}"),
            Failure::Ended(state) => write!(
                f,
                "frame buffer: the backend ended the connection and is {state}"
            ),
            Failure::Closed => f.write_str("frame buffer: closed"),
        }
    }
}

impl core::error::Error for Failure {}

/// What a frame buffer starts with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where the picture lies at first.
    pub layout: Layout,
    /// Bytes of memory of our own: the frame buffer's first part.
    pub own: usize,
    /// What follows in it: frames that somebody else writes to.
    pub others: Vec<Mfn>,
}

/// How often the backend looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// It has not said.
    Unknown,
    /// Not at all.
    Never,
    /// Every so many ms.
    Milliseconds {
        /// As it said last.
        now: u32,
        /// As it had said before that, if it had.
        before: Option<u32>,
    },
}

struct State {
    page: FramePage,
    out: EventWriter,
    told: EventReader,
    port: u32,
    period: Period,
    failure: Option<Failure>,
    stopped: bool,
    waiting: Waiters,
}

impl State {
    fn fail(&mut self, failure: Failure) -> Failure {
        *self.failure.get_or_insert(failure)
    }

    /// Takes what the backend said.
    fn listen(&mut self) {
        let mut event = [0; 40];
        // No more than fits: what comes meanwhile has its own notification.
        for _ in 0..fb::IN.len {
            match self.told.read(&self.page.memory, &mut event) {
                Ok(true) => self.heed(Told::parse(&event)),
                Ok(false) => return,
                Err(error) => {
                    self.fail(Failure::Ring(error));
                    return;
                }
            }
        }
    }

    fn heed(&mut self, told: Told) {
        match told {
            Told::Period(None) => self.period = Period::Never,
            Told::Period(Some(now)) => {
                let before = match self.period {
                    Period::Milliseconds { now, .. } => Some(now),
                    Period::Unknown | Period::Never => None,
                };
                self.period = Period::Milliseconds { now, before };
            }
            Told::Unknown(_) => {}
        }
    }
}

/// A frame buffer that a backend shows.
pub struct FrameBuffer {
    state: Rc<RefCell<State>>,
    memory: Frames,
    directory: Frames,
    bytes: u64,
    updates: bool,
    task: Cell<Option<JoinHandle<Connection>>>,
}

/// Numbers of all frame buffers of this domain.
///
/// # Errors
/// What the store says.
pub async fn list(store: &Store) -> Result<Vec<u32>, Error> {
    xenbus::list(store, "vfb").await
}

fn no_memory(error: crate::mm::OutOfMemory) -> ConnectError {
    ConnectError::Grant(error.into())
}

impl FrameBuffer {
    /// Connect to frame buffer `number`.
    ///
    /// # Errors
    /// [`ConnectError`]; a layout that does not fit in the memory is one.
    pub async fn open(
        store: &Store,
        number: u32,
        setup: Setup,
    ) -> Result<FrameBuffer, ConnectError> {
        FrameBuffer::open_until(store, number, setup, pending()).await
    }

    /// The same, but given up once `give_up` has come to its end.
    ///
    /// # Errors
    /// As for [`FrameBuffer::open`].
    pub async fn open_until(
        store: &Store,
        number: u32,
        setup: Setup,
        give_up: impl Future<Output = ()>,
    ) -> Result<FrameBuffer, ConnectError> {
        let memory = Frames::new(setup.own).map_err(no_memory)?;
        let others = setup.others.iter().copied();
        let frames: Vec<u64> = memory.mfns().chain(others).map(|mfn| mfn.0).collect();
        let bytes = (frames.len() * PAGE_SIZE) as u64;
        let pages = fb::directory(&frames);
        let length = u32::try_from(bytes).ok();
        let length = length.filter(|_| setup.layout.fits(bytes) && pages.len() <= fb::DIRECTORIES);
        let Some(length) = length else {
            return Err(ConnectError::Description(
                "frame buffer: the picture is larger than its memory".into(),
            ));
        };
        let directory = Frames::new(pages.len() * PAGE_SIZE).map_err(no_memory)?;
        for (at, page) in pages.iter().enumerate() {
            directory.write(at * PAGE_SIZE, page);
        }
        let page = FramePage::new().map_err(no_memory)?;
        let names: Vec<u64> = directory.mfns().map(|mfn| mfn.0).collect();
        fb::write_page(&page.memory, &setup.layout, length, &names);
        let mut new = FrameBuffer {
            state: Rc::new(RefCell::new(State {
                out: EventWriter::attach(fb::OUT, &page.memory),
                told: EventReader::attach(fb::IN, &page.memory),
                page,
                port: 0,
                period: Period::Unknown,
                failure: None,
                stopped: false,
                waiting: Waiters::new(),
            })),
            memory,
            directory,
            bytes,
            updates: false,
            task: Cell::new(None),
        };
        new.connect(store, number, give_up).await?;
        Ok(new)
    }

    async fn connect(
        &mut self,
        store: &Store,
        number: u32,
        give_up: impl Future<Output = ()>,
    ) -> Result<(), ConnectError> {
        let page = self.state.borrow().page.mfn();
        let plan = |_: &Nodes| Plan {
            ports: vec!["event-channel"],
            nodes: vec![
                ("page-ref", page.map_or(0, |mfn| mfn.0).to_string()),
                ("protocol", String::from(XEN_IO_PROTO_ABI_X86_64)),
                ("feature-update", String::from("1")),
            ],
            reads: &["request-update"],
            ..Plan::default()
        };
        let connection = super::connect_until(store, "vfb", number, &[], plan, give_up).await?;
        if let Some(port) = connection.ports.first() {
            self.state.borrow_mut().port = port.number();
        }
        self.updates = connection.features.number("request-update") == Some(1);
        let task = executor::spawn(run(connection, self.state.clone()));
        self.task.set(Some(task));
        Ok(())
    }

    /// Bytes of memory of our own.
    pub fn own(&self) -> usize {
        self.memory.len()
    }

    /// Whether the backend wants to be told what changed. Otherwise it looks at
    /// all of the picture, again and again.
    pub fn wants_updates(&self) -> bool {
        self.updates
    }

    /// How often the backend looks.
    pub fn period(&self) -> Period {
        self.state.borrow().period
    }

    /// Why it has failed, if it has.
    pub fn failure(&self) -> Option<Failure> {
        self.state.borrow().failure
    }

    /// Copies pixels into memory of our own, from `offset` on. What lies
    /// outside is lost.
    pub fn write(&self, offset: usize, pixels: &[u8]) {
        self.memory.write(offset, pixels);
    }

    /// How many more events the backend could be told of now.
    pub fn room(&self) -> u32 {
        let mut state = self.state.borrow_mut();
        if state.failure.is_some() {
            return 0;
        }
        match state.out.room(&state.page.memory) {
            Ok(room) => room,
            Err(error) => {
                state.fail(Failure::Ring(error));
                0
            }
        }
    }

    /// Tells the backend that the picture lies elsewhere from now on. Says
    /// whether there was room to tell, and for the picture.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn resize(&self, layout: Layout) -> Result<bool, Failure> {
        Ok(layout.fits(self.bytes) && self.tell(Event::Resize(layout))?)
    }

    /// Tells the backend that a part of the picture changed. Says whether there
    /// was room to tell.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn update(&self, x: u32, y: u32, width: u32, height: u32) -> Result<bool, Failure> {
        self.tell(Event::Update {
            x,
            y,
            width,
            height,
        })
    }

    fn tell(&self, event: Event) -> Result<bool, Failure> {
        let mut state = self.state.borrow_mut();
        if let Some(failure) = state.failure {
            return Err(failure);
        }
        let State { out, page, .. } = &mut *state;
        let written = out.write(&page.memory, &event.bytes());
        let written = written.map_err(|error| state.fail(Failure::Ring(error)))?;
        if written {
            let _ = hypercall::event_send(state.port);
        }
        Ok(written)
    }

    /// Wait until the backend has said something, or ended.
    pub async fn happening(&self) {
        let mut waited = false;
        poll_fn(|context| {
            if core::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            self.state.borrow_mut().waiting.add(context.waker());
            Poll::Pending
        })
        .await;
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

    /// Close it so that the next owner can connect.
    pub async fn close(mut self) {
        self.stop();
        let Some(task) = self.task.take() else {
            return;
        };
        if task.await.close().await {
            self.memory.give_back();
            self.directory.give_back();
            self.state.borrow_mut().page.give_back();
        }
    }
}

impl Drop for FrameBuffer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The task of one frame buffer: hears what the backend says, until it is over.
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
                match happened {
                    Either3::First(()) => state.listen(),
                    Either3::Second(backend) => {
                        state.fail(Failure::Ended(backend));
                    }
                    Either3::Third(()) => {}
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
