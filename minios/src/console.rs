//! The PV console: what a person sees of a domain (io/console.h).
//!
//! Two byte rings in one page that the domain builder made, and one event
//! channel. No byte is lost: what does not fit into the ring waits in a queue,
//! and once the queue is full the writer itself waits, for as long as nobody
//! reads. A task of the event loop drains the queue and hands input on.

use alloc::collections::VecDeque;
use core::fmt;
use core::future::poll_fn;
use core::task::Poll;

use xen_proto::ring::{ByteReader, ByteWriter, CONSOLE_IN, CONSOLE_OUT};
use xen_sys::io::console::XenconsInterface;

use crate::event::Port;
use crate::hypercall;
use crate::local::cpu_local;
use crate::shared::Shared;
use crate::waiters::Waiters;
use crate::{executor, time};

/// Bytes that may wait for a reader before writers have to.
const QUEUE_LIMIT: usize = 64 * 1024;

struct Console {
    page: Shared<XenconsInterface>,
    port: u32,
    writer: ByteWriter,
    reader: ByteReader,
    queue: VecDeque<u8>,
    /// The backend's indices made no sense: nothing can be said to it any more.
    broken: bool,
    /// Everybody who waits for the backend: for what it types or takes.
    waiting: Waiters,
}

cpu_local! {
    static CONSOLE: Option<Console> = None;
}

impl Console {
    /// Move queued bytes into the ring; true if the backend should be told.
    fn flush(&mut self) -> bool {
        let mut moved = false;
        while !self.queue.is_empty() && !self.broken {
            match self.writer.write(&self.page, self.queue.as_slices().0) {
                Ok(0) => break,
                Ok(written) => {
                    self.queue.drain(..written);
                    moved = true;
                }
                Err(_) => self.broken = true,
            }
        }
        if self.broken {
            self.queue.clear();
        }
        moved
    }

    fn read(&mut self, to: &mut [u8]) -> usize {
        match self.reader.read(&self.page, to) {
            Ok(read) => read,
            Err(_) => {
                self.broken = true;
                0
            }
        }
    }
}

/// Take over the console. `port` stays open for the next kernel.
pub(crate) fn init(page: Shared<XenconsInterface>, port: Port) {
    let console = Console {
        port: port.number(),
        writer: ByteWriter::attach(CONSOLE_OUT, &page),
        reader: ByteReader::attach(CONSOLE_IN, &page),
        page,
        queue: VecDeque::new(),
        broken: false,
        waiting: Waiters::new(),
    };
    CONSOLE.with_borrow_mut(|slot| *slot = Some(console));
    executor::spawn(async move {
        loop {
            port.wait().await;
            flush();
            wake_waiting();
        }
    });
}

fn with<R>(f: impl FnOnce(&mut Console) -> R) -> Option<R> {
    CONSOLE.with_borrow_mut(|slot| slot.as_mut().map(f))
}

fn wake_waiting() {
    if let Some(waiting) = with(|console| console.waiting.take()) {
        waiting.wake();
    }
}

fn flush() {
    let Some((moved, broken, port)) =
        with(|console| (console.flush(), console.broken, console.port))
    else {
        return;
    };
    if moved {
        let _ = hypercall::event_send(port);
    }
    if broken {
        wake_waiting();
    }
}

/// Write all of `bytes`; waits only when a great deal is unread already.
pub fn write(bytes: &[u8]) {
    for piece in bytes.chunks(QUEUE_LIMIT) {
        wait_for_queue_below(QUEUE_LIMIT - piece.len());
        with(|console| console.queue.extend(piece));
        flush();
    }
}

/// Sleep until the backend has taken enough. Nothing else runs meanwhile: the
/// caller may be anywhere, in the middle of another task's poll as well.
fn wait_for_queue_below(limit: usize) {
    loop {
        flush();
        let Some(port) =
            with(|console| (console.queue.len() > limit).then_some(console.port)).flatten()
        else {
            return;
        };
        if let Err(error) = hypercall::poll(&[port], None) {
            panic!("cannot wait for the console: {error}");
        }
        crate::event::dispatch();
    }
}

/// Wait until everything written is in the backend's hands, at most `limit`.
pub async fn drain(limit: core::time::Duration) {
    let drained = poll_fn(|context| {
        with(|console| {
            let unread = console.writer.queued(&console.page).unwrap_or(0) + console.queue.len();
            if unread == 0 || console.broken {
                return Poll::Ready(());
            }
            console.waiting.add(context.waker());
            Poll::Pending
        })
        .unwrap_or(Poll::Ready(()))
    });
    let _ = time::timeout(limit, drained).await;
}

/// Wait for input and take up to `to.len()` bytes of it. 0 if none can come
/// any more, the backend having made nonsense of the ring.
pub async fn read(to: &mut [u8]) -> usize {
    poll_fn(|context| {
        let (read, ended, port) = with(|console| {
            let read = console.read(to);
            let ended = console.broken || to.is_empty();
            if read == 0 && !ended {
                console.waiting.add(context.waker());
            }
            (read, ended, console.port)
        })
        .unwrap_or((0, false, 0));
        match (read, ended) {
            (0, true) => Poll::Ready(0),
            (0, false) => Poll::Pending,
            (read, _) => {
                // The backend may be waiting for room.
                let _ = hypercall::event_send(port);
                Poll::Ready(read)
            }
        }
    })
    .await
}

/// The console as a `core::fmt` sink; a line feed also returns the carriage.
pub struct Writer;

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                write(b"\r\n");
            }
            write(line.as_bytes());
        }
        Ok(())
    }
}

/// Text for the console.
#[macro_export]
macro_rules! print {
    ($($arg:tt)*) => {{
        let _ = core::fmt::Write::write_fmt(&mut $crate::console::Writer, format_args!($($arg)*));
    }};
}

/// A line for the console.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($arg:tt)*) => { $crate::print!("{}\n", format_args!($($arg)*)) };
}

/// The last words of a dying domain: straight into the ring, behind what was
/// still queued, waiting for a reader only for a while.
pub(crate) struct LastWords {
    console: Option<(Shared<XenconsInterface>, u32)>,
    deadline: u64,
}

impl LastWords {
    /// At most this long in all, in nanoseconds.
    const PATIENCE: u64 = 2_000_000_000;

    /// # Panics
    /// Never: a console that is in use just loses its queue.
    pub(crate) fn new(place: Option<(Shared<XenconsInterface>, u32)>) -> Self {
        let mut words = LastWords {
            console: place,
            deadline: time::now_ns().saturating_add(Self::PATIENCE),
        };
        let queue = CONSOLE.try_with_borrow_mut(|slot| {
            slot.as_mut()
                .map(|console| core::mem::take(&mut console.queue))
        });
        if let Some(queue) = queue.flatten() {
            let (first, second) = queue.as_slices();
            words.put(first);
            words.put(second);
            // Not freed: the heap may be what failed.
            core::mem::forget(queue);
        }
        words
    }

    fn put(&mut self, mut bytes: &[u8]) {
        let Some((page, port)) = &self.console else {
            return;
        };
        let mut writer = ByteWriter::attach(CONSOLE_OUT, page);
        while !bytes.is_empty() {
            match writer.write(page, bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(_) => return,
            }
            let _ = hypercall::event_send(*port);
            if !bytes.is_empty() {
                if time::now_ns() >= self.deadline {
                    return;
                }
                let _ = hypercall::poll(&[*port], Some(self.deadline));
                crate::event::clear_pending(*port);
            }
        }
    }

    /// Wait until the backend has taken everything.
    pub(crate) fn drain(&mut self) {
        let Some((page, port)) = &self.console else {
            return;
        };
        let writer = ByteWriter::attach(CONSOLE_OUT, page);
        while writer.queued(page).is_ok_and(|queued| queued > 0) && time::now_ns() < self.deadline {
            let _ = hypercall::poll(&[*port], Some(self.deadline));
            crate::event::clear_pending(*port);
        }
    }
}

impl fmt::Write for LastWords {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.put(b"\r\n");
            }
            self.put(line.as_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
