//! The requests of one disk: who waits for what, and what happens to memory under way.
//!
//! A request's memory belongs to its entry here, not to whoever waits for it:
//! a waiter may go away (a time-out, a lost race) while the backend still
//! writes. Only the backend's answer frees it; a failed disk frees none
//! until it is closed.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::pin;
use core::task::{Poll, Waker};
use core::time::Duration;

use embassy_futures::select::{Either3, select, select3};
use xen_proto::block::{Oddities, Operation, RESPONSE, RequestError, RequestId, SLOT, Tracker};
use xen_proto::ring::{FrontRing, Memory, RingError};

use super::buffer::{Buffer, Descriptor, Lent};
use super::{BlockError, Failure};
use crate::frontend::Connection;
use crate::grant::GrantError;
use crate::hypercall;
use crate::time;

/// Bounce buffers of one disk: together at most 1 MiB.
const MOST_BUFFERS: usize = 8;

/// Memory that belongs to a request.
#[derive(Default)]
pub(super) struct Held {
    pub buffer: Option<Buffer>,
    pub descriptor: Option<Descriptor>,
    pub lent: Option<Lent>,
}

enum Slot {
    Busy {
        held: Held,
        waker: Option<Waker>,
        abandoned: bool,
        /// The queue's [`Queue::ticks`] when it was sent.
        since: u32,
    },
    Done {
        held: Held,
        result: Result<(), RequestError>,
    },
}

pub(super) struct Queue {
    ring: FrontRing<Rc<dyn Memory>>,
    tracker: Tracker,
    port: u32,
    peer: u16,
    count: usize,
    slots: BTreeMap<RequestId, Slot>,
    /// Everybody who waits for a slot or a buffer.
    waiting: Vec<Waker>,
    buffers: Vec<Buffer>,
    made: usize,
    descriptors: Vec<Descriptor>,
    failure: Option<Failure>,
    /// Half time-outs that have passed while there were requests.
    ticks: u32,
    /// The watchdog, asleep while there is no request.
    watchdog: Option<Waker>,
    stopped: bool,
    /// Who must know that the disk is being closed: its task, and its watchdog.
    stop_wakers: [Option<Waker>; 2],
}

impl Queue {
    pub fn new(memory: Rc<dyn Memory>, port: u32, peer: u16) -> Result<Queue, RingError> {
        let ring = FrontRing::new(memory, SLOT)?;
        let count = ring.slots();
        Ok(Queue {
            ring,
            tracker: Tracker::new(count),
            port,
            peer,
            count: count as usize,
            slots: BTreeMap::new(),
            waiting: Vec::new(),
            buffers: Vec::new(),
            made: 0,
            descriptors: Vec::new(),
            failure: None,
            ticks: 0,
            watchdog: None,
            stopped: false,
            stop_wakers: [None, None],
        })
    }

    pub fn peer(&self) -> u16 {
        self.peer
    }

    pub fn failure(&self) -> Option<Failure> {
        self.failure
    }

    pub fn oddities(&self) -> Oddities {
        self.tracker.oddities
    }

    /// Whether a request can be made now.
    pub fn has_slot(&self) -> bool {
        self.ring.free() > 0 && self.tracker.under_way() < self.count
    }

    /// A bounce buffer, if one is free or may still be made.
    pub fn take_buffer(&mut self, segments: usize) -> Result<Option<Buffer>, GrantError> {
        if let Some(buffer) = self.buffers.pop() {
            return Ok(Some(buffer));
        }
        if self.made >= MOST_BUFFERS {
            return Ok(None);
        }
        match Buffer::new(self.peer, segments) {
            Ok(buffer) => {
                self.made += 1;
                Ok(Some(buffer))
            }
            // Fewer buffers are slower, not wrong.
            Err(_) if self.made > 0 => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub fn take_descriptor(&mut self) -> Result<Descriptor, GrantError> {
        self.descriptors
            .pop()
            .map_or_else(|| Descriptor::new(self.peer), Ok)
    }

    /// Memory of a request that has ended.
    pub fn give_back(&mut self, held: Held) {
        self.buffers.extend(held.buffer);
        self.descriptors.extend(held.descriptor);
        if let Some(mut lent) = held.lent
            && !lent.take_back()
        {
            self.fail(Failure::StillMapped);
        }
        self.wake_waiting();
    }

    /// Send a request, written by `encode` for its id, with its memory.
    ///
    /// # Errors
    /// The memory back, if there is no slot (see [`Self::has_slot`]).
    #[allow(clippy::result_large_err)] // the memory must come back
    pub fn submit(
        &mut self,
        op: Operation,
        held: Held,
        encode: impl FnOnce(RequestId, &Held) -> [u8; SLOT],
    ) -> Result<RequestId, Held> {
        let Some(id) = self.tracker.begin(op) else {
            return Err(held);
        };
        if self.ring.push(&encode(id, &held)).is_err() {
            self.tracker.abandon(id, true);
            return Err(held);
        }
        self.slots.insert(
            id,
            Slot::Busy {
                held,
                waker: None,
                abandoned: false,
                since: self.ticks,
            },
        );
        if self.ring.publish() {
            let _ = hypercall::event_send(self.port);
        }
        if let Some(waker) = self.watchdog.take() {
            waker.wake();
        }
        Ok(id)
    }

    /// Take every response that is there.
    fn drain(&mut self) {
        loop {
            let mut response = [0; RESPONSE];
            match self.ring.pop(&mut response) {
                Ok(true) => match self.tracker.finish(&response) {
                    Ok((id, result)) => self.finished(id, result),
                    Err(nonsense) => return self.fail(Failure::Nonsense(nonsense)),
                },
                Ok(false) if self.ring.arm() => {}
                Ok(false) => return,
                Err(error) => return self.fail(Failure::Ring(error)),
            }
        }
    }

    fn finished(&mut self, id: RequestId, result: Result<(), RequestError>) {
        match self.slots.remove(&id) {
            Some(Slot::Busy {
                held,
                abandoned: true,
                ..
            }) => self.give_back(held),
            Some(Slot::Busy {
                held,
                waker,
                abandoned: false,
                ..
            }) => {
                self.slots.insert(id, Slot::Done { held, result });
                if let Some(waker) = waker {
                    waker.wake();
                }
                self.wake_waiting();
            }
            // The tracker ends no request twice.
            Some(Slot::Done { .. }) | None => {}
        }
    }

    /// From now on nothing works; everybody learns why.
    pub fn fail(&mut self, why: Failure) {
        if self.failure.is_none() {
            if why != Failure::Closed {
                log::error!("disk: {why}");
            }
            self.failure = Some(why);
        }
        for slot in self.slots.values_mut() {
            if let Slot::Busy { waker, .. } = slot
                && let Some(waker) = waker.take()
            {
                waker.wake();
            }
        }
        self.wake_waiting();
    }

    fn wake_waiting(&mut self) {
        self.waiting.drain(..).for_each(Waker::wake);
    }

    /// Wake `waker` when a slot or a buffer may be free, or the disk has failed.
    pub fn wait(&mut self, waker: &Waker) {
        self.waiting.push(waker.clone());
    }

    /// Fail, and let the disk's task end.
    pub fn stop(&mut self, why: Failure) {
        self.fail(why);
        self.stopped = true;
        self.stop_wakers
            .iter_mut()
            .filter_map(Option::take)
            .for_each(Waker::wake);
        if let Some(waker) = self.watchdog.take() {
            waker.wake();
        }
    }

    fn is_busy(&self) -> bool {
        self.slots
            .values()
            .any(|slot| matches!(slot, Slot::Busy { .. }))
    }

    /// Half a time-out has passed. A request that saw the third since it was
    /// sent has waited for more than a whole one.
    fn tick(&mut self) {
        self.ticks = self.ticks.wrapping_add(1);
        let late = |slot: &Slot| match slot {
            Slot::Busy { since, .. } => self.ticks.wrapping_sub(*since) >= 3,
            Slot::Done { .. } => false,
        };
        if self.slots.values().any(late) {
            self.fail(Failure::TimedOut);
        }
    }

    /// Let go of all memory, the backend having done so.
    pub fn clear(&mut self) {
        self.slots.clear();
        self.buffers.clear();
        self.descriptors.clear();
    }
}

/// The task of one disk: takes responses when the port says so, until stopped.
pub(super) async fn run(connection: Connection, queue: Rc<RefCell<Queue>>) -> Connection {
    {
        let Some(port) = connection.ports.first() else {
            return connection;
        };
        let mut ended = pin!(connection.ended());
        let mut is_over = false;
        loop {
            let ended = async {
                if is_over {
                    core::future::pending::<()>().await;
                }
                ended.as_mut().await
            };
            let stopped = stopped(&queue, 0);
            let happened = select3(port.wait(), pin!(ended), stopped).await;
            match happened {
                Either3::First(()) => {
                    let mut queue = queue.borrow_mut();
                    if queue.failure.is_none() {
                        queue.drain();
                    }
                }
                Either3::Second(state) => {
                    queue.borrow_mut().fail(Failure::Ended(state));
                    is_over = true;
                }
                Either3::Third(()) => break,
            }
        }
    }
    connection
}

/// Ends when the disk is being closed; `who` is the caller's place among the waiting.
async fn stopped(queue: &RefCell<Queue>, who: usize) {
    poll_fn(|context| {
        let mut queue = queue.borrow_mut();
        if queue.stopped {
            return Poll::Ready(());
        }
        if let Some(waker) = queue.stop_wakers.get_mut(who) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    })
    .await;
}

/// The other task of one disk: fails it when a request has waited for longer
/// than `patience`, at the latest after half as long again. One timer for all
/// requests: to read the clock can cost more than to make a request. A disk
/// without requests has no timer.
pub(super) async fn watch(queue: Rc<RefCell<Queue>>, patience: Duration) {
    loop {
        poll_fn(|context| {
            let mut queue = queue.borrow_mut();
            if queue.is_busy() || queue.stopped {
                return Poll::Ready(());
            }
            queue.watchdog = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        select(time::sleep(patience / 2), stopped(&queue, 1)).await;
        let mut queue = queue.borrow_mut();
        queue.tick();
        if queue.stopped || queue.failure.is_some() {
            return;
        }
    }
}

/// A request under way. Dropping it gives up waiting, not the request.
pub(super) struct Waiting {
    queue: Rc<RefCell<Queue>>,
    id: Option<RequestId>,
}

impl Waiting {
    pub fn new(queue: &Rc<RefCell<Queue>>, id: RequestId) -> Waiting {
        Waiting {
            queue: queue.clone(),
            id: Some(id),
        }
    }

    /// Its end: how it went, and its memory.
    pub async fn end(mut self) -> Result<(Held, Result<(), RequestError>), BlockError> {
        let Some(id) = self.id else {
            return Err(BlockError::Failed(Failure::Closed));
        };
        let end = poll_fn(|context| {
            let mut queue = self.queue.borrow_mut();
            let failure = queue.failure;
            match queue.slots.remove(&id) {
                Some(Slot::Done { held, result }) => return Poll::Ready(Ok((held, result))),
                Some(Slot::Busy {
                    held,
                    abandoned,
                    since,
                    ..
                }) => {
                    let waker = Some(context.waker().clone());
                    queue.slots.insert(
                        id,
                        Slot::Busy {
                            held,
                            waker,
                            abandoned,
                            since,
                        },
                    );
                }
                None => return Poll::Ready(Err(BlockError::Failed(Failure::Closed))),
            }
            match failure {
                Some(failure) => Poll::Ready(Err(BlockError::Failed(failure))),
                None => Poll::Pending,
            }
        })
        .await;
        if end.is_ok() {
            self.id = None;
        }
        end
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        let mut queue = self.queue.borrow_mut();
        match queue.slots.remove(&id) {
            Some(Slot::Busy { held, since, .. }) => {
                queue.slots.insert(
                    id,
                    Slot::Busy {
                        held,
                        waker: None,
                        abandoned: true,
                        since,
                    },
                );
            }
            Some(Slot::Done { held, .. }) => queue.give_back(held),
            None => {}
        }
    }
}
