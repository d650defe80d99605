//! Disks: the frontend of `vbd` devices.
//!
//! ```text
//!   Block::read, write ──> queue: slots, ring, time-outs <── one task per disk: port, backend's state
//!         │                  │
//!         └── bounce buffers │ or the caller's own pages (read_pages)
//!                            └── xen_proto::block: requests, responses, ids
//! ```
//!
//! Two ways for data. [`Block::read`] and [`Block::write`] copy through a few
//! buffers that stay granted as long as the disk is open; a backend that keeps
//! grants mapped (`feature-persistent`) then has to map each of them only
//! once. [`Block::read_pages`] lets the backend write straight into pages that
//! the caller hands over; they come back with the answer. Memory that a backend
//! may still write to is never reused, whatever the backend does.
//!
//! Nothing a backend does hangs a request: it has a time-out, and a disk whose
//! backend lies, leaves or falls silent has failed for good.

mod buffer;
mod queue;
mod transfer;

#[cfg(test)]
mod tests;

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;
use core::time::Duration;

use xen_proto::block::{self, DIRECT_SEGMENTS, Disk, Nonsense, RequestError, SLOT};
use xen_proto::ring::RingError;
use xen_sys::io::protocols::XEN_IO_PROTO_ABI_X86_64;

use super::{ConnectError, Connection, Plan, Ring};
use crate::executor::{self, JoinHandle};
use crate::grant::GrantError;
use crate::xenbus::{self, XenbusState};
use crate::xenstore::{Error, Store};
use queue::Queue;

pub use xen_proto::block::{Oddities, Operation};

/// Most segments of one request that this frontend makes, if the backend takes as many.
const MOST_SEGMENTS: usize = 128;
/// Largest ring: 4 pages.
const MOST_RING_ORDER: u32 = 2;

/// What to use of what a backend offers.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Let the backend keep the bounce buffers mapped. [`Block::read_pages`] then copies, too.
    pub persistent: bool,
    /// Requests of more than 11 pages.
    pub indirect: bool,
    /// Ring of at most `1 << ring_order` pages (of 32 requests each), at most 2.
    pub ring_order: u32,
    /// How long the backend may take for one request; it gets up to half as long again.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            persistent: true,
            indirect: true,
            ring_order: 0,
            timeout: Duration::from_secs(30),
        }
    }
}

/// Why a disk has failed: no request to it can succeed any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A request was not answered in time.
    TimedOut,
    /// The backend's ring index cannot be.
    Ring(RingError),
    /// A response that belongs to no request.
    Nonsense(Nonsense),
    /// The backend ended the connection, or is gone.
    Ended(XenbusState),
    /// The backend answered, but keeps a page of ours mapped.
    StillMapped,
    /// It was closed from this side.
    Closed,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::TimedOut => f.write_str("the backend does not answer"),
            Failure::Ring(error) => error.fmt(f),
            Failure::Nonsense(error) => error.fmt(f),
            Failure::Ended(XenbusState::Unknown) => f.write_str("the backend is gone"),
            Failure::Ended(state) => write!(f, "the backend ended the connection and is {state}"),
            Failure::StillMapped => {
                f.write_str("the backend keeps memory that it should have given back")
            }
            Failure::Closed => f.write_str("closed"),
        }
    }
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockError {
    /// Outside the disk.
    Bounds {
        /// First byte.
        offset: u64,
        /// Bytes.
        len: u64,
        /// Bytes of the disk.
        size: u64,
    },
    /// Not whole sectors.
    Unaligned {
        /// First byte.
        offset: u64,
        /// Bytes.
        len: u64,
        /// Bytes of a sector.
        sector: u32,
    },
    /// A write to a read-only disk.
    ReadOnly,
    /// The backend does not offer the operation.
    NotSupported(Operation),
    /// The backend refused or failed the request.
    Request {
        /// What was to be done.
        operation: Operation,
        /// Where: byte of the disk.
        offset: u64,
        /// What the backend said.
        error: RequestError,
    },
    /// No memory or grants for a buffer.
    Buffer(GrantError),
    /// The disk has failed.
    Failed(Failure),
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlockError::Bounds { offset, len, size } => {
                write!(
                    f,
                    "{len} bytes at {offset} are beyond the end of the disk ({size})"
                )
            }
            BlockError::Unaligned {
                offset,
                len,
                sector,
            } => {
                write!(
                    f,
                    "{len} bytes at {offset} are not whole sectors of {sector}"
                )
            }
            BlockError::ReadOnly => f.write_str("the disk is read-only"),
            BlockError::NotSupported(operation) => write!(f, "the disk knows no {operation:?}"),
            BlockError::Request {
                operation,
                offset,
                error,
            } => write!(f, "{operation:?} at byte {offset}: {error}"),
            BlockError::Buffer(error) => error.fmt(f),
            BlockError::Failed(failure) => write!(f, "the disk has failed: {failure}"),
        }
    }
}

impl core::error::Error for BlockError {}

impl From<GrantError> for BlockError {
    fn from(error: GrantError) -> Self {
        BlockError::Buffer(error)
    }
}

/// An open disk.
pub struct Block {
    number: u32,
    disk: Disk,
    /// Segments a request may have.
    segments: usize,
    /// The backend keeps grants: pages may not be lent for one request only.
    persistent: bool,
    queue: Rc<RefCell<Queue>>,
    task: Cell<Option<JoinHandle<Connection>>>,
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vbd {}: {:?}", self.number, self.disk)
    }
}

/// Numbers of all disks of this domain, in order: 51712 (xvda) before 51728 (xvdb).
///
/// # Errors
/// What the store says.
pub async fn list(store: &Store) -> Result<Vec<u32>, Error> {
    xenbus::list(store, "vbd").await
}

/// Open every disk, all at once: a backend that does not answer holds up no other.
///
/// # Errors
/// Of the list; each disk has its own result.
pub async fn open_all(
    store: &Store,
    options: Options,
) -> Result<Vec<(u32, Result<Block, ConnectError>)>, Error> {
    let mut tasks = Vec::new();
    for number in list(store).await? {
        let store = store.clone();
        tasks.push((
            number,
            executor::spawn(async move { Block::open(&store, number, options).await }),
        ));
    }
    let mut disks = Vec::new();
    for (number, task) in tasks {
        disks.push((number, task.await));
    }
    Ok(disks)
}

impl Block {
    /// Connect to the disk with this number.
    ///
    /// # Errors
    /// [`ConnectError`]; a description that makes no sense is one, too.
    pub async fn open(store: &Store, number: u32, options: Options) -> Result<Block, ConnectError> {
        let mut order = 0;
        let connection =
            super::connect(store, "vbd", number, &["max-ring-page-order"], |backend| {
                let most = backend
                    .number("max-ring-page-order")
                    .unwrap_or(0)
                    .min(u64::from(MOST_RING_ORDER)) as u32;
                order = options.ring_order.min(most);
                plan(order, options.persistent)
            })
            .await?;
        let description =
            Disk::parse(|name| connection.features.get(name)).map_err(|e| e.to_string());
        let queue = description.and_then(|disk| Ok((disk, new_queue(&connection, order)?)));
        let (disk, queue) = match queue {
            Ok(both) => both,
            Err(why) => {
                let error = ConnectError::Description(format!("{}: {why}", connection.path()));
                connection.close().await;
                return Err(error);
            }
        };
        let queue = Rc::new(RefCell::new(queue));
        let task = executor::spawn(queue::run(connection, queue.clone()));
        executor::spawn(queue::watch(queue.clone(), options.timeout));
        let indirect = if options.indirect {
            disk.max_indirect_segments as usize
        } else {
            0
        };
        Ok(Block {
            number,
            disk,
            segments: indirect.clamp(DIRECT_SEGMENTS, MOST_SEGMENTS),
            persistent: options.persistent && disk.persistent,
            queue,
            task: Cell::new(Some(task)),
        })
    }

    /// Its number: `virtual-device`.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What the backend says about it.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Whether the backend keeps our buffers mapped.
    pub fn is_persistent(&self) -> bool {
        self.persistent
    }

    /// Why it has failed, if it has.
    pub fn failure(&self) -> Option<Failure> {
        self.queue.borrow().failure()
    }

    /// What the backend sent that it should not have.
    pub fn oddities(&self) -> Oddities {
        self.queue.borrow().oddities()
    }

    /// Close it so that the next owner (a kernel booted from it) can connect.
    /// Requests under way fail.
    pub async fn close(self) {
        self.queue.borrow_mut().stop(Failure::Closed);
        if let Some(task) = self.task.take() {
            let connection = task.await;
            connection.close().await;
        }
        // The backend has unmapped everything now: buffers can be given back.
        self.queue.borrow_mut().clear();
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.queue.borrow_mut().stop(Failure::Closed);
    }
}

fn plan(order: u32, persistent: bool) -> Plan {
    let mut nodes = vec![("protocol", String::from(XEN_IO_PROTO_ABI_X86_64))];
    if persistent {
        nodes.push(("feature-persistent", String::from("1")));
    }
    if order > 0 {
        nodes.push(("ring-page-order", order.to_string()));
    }
    Plan {
        rings: vec![Ring {
            node: "ring-ref",
            pages: 1 << order,
        }],
        ports: vec!["event-channel"],
        nodes,
        reads: &Disk::NODES,
    }
}

fn new_queue(connection: &Connection, order: u32) -> Result<Queue, String> {
    let (Some(ring), Some(port)) = (connection.rings.first(), connection.ports.first()) else {
        return Err("no ring".to_string());
    };
    let pages = buffer::memory(ring, 1 << order);
    Queue::new(pages, port.number(), connection.backend_domain()).map_err(|error| error.to_string())
}

const _: () = assert!(SLOT == 112 && block::RESPONSE == 16);
