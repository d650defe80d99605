//! Reading and writing: cutting a transfer into requests and keeping several under way.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::future::{Future, poll_fn};
use core::ops::Range;
use core::task::Poll;

use xen_proto::block::{self, DIRECT_SEGMENTS, PAGE, RequestId, SECTOR, SLOT, parts};
use xen_proto::ring::Memory;
use zerocopy::IntoBytes;

use super::buffer::{Buffer, Lent};
use super::queue::{Held, Waiting};
use super::{Block, BlockError, Operation};
use crate::mm::{OutOfMemory, PageBuf, free_pages};

/// Requests of one transfer under way at once.
const DEPTH: usize = 8;
/// The same for pages lent by the caller, each of which costs a grant.
const LENT_DEPTH: usize = 4;

/// A request under way and the bytes of the disk it is about.
type Started = (Waiting, Range<u64>);

impl Block {
    /// Read `to.len()` bytes from byte `offset`. Neither need be whole sectors.
    ///
    /// # Errors
    /// See [`BlockError`]; `to` then holds anything.
    pub async fn read(&self, offset: u64, to: &mut [u8]) -> Result<(), BlockError> {
        let wanted = self.range(offset, to.len() as u64)?;
        let mut rest = to;
        self.each_piece(wanted, |memory, at, len| {
            let (now, later) = core::mem::take(&mut rest).split_at_mut(len);
            memory.read(at, now);
            rest = later;
        })
        .await
    }

    /// The same into memory that is made for it, `len` bytes.
    ///
    /// # Errors
    /// See [`BlockError`].
    pub async fn read_vec(&self, offset: u64, len: usize) -> Result<Vec<u8>, BlockError> {
        let wanted = self.range(offset, len as u64)?;
        let mut data = Vec::new();
        if data.try_reserve_exact(len).is_err() {
            let none = OutOfMemory {
                wanted: len.div_ceil(PAGE),
                free: free_pages(),
            };
            return Err(BlockError::Buffer(none.into()));
        }
        self.each_piece(wanted, |memory, at, len| memory.append(at, len, &mut data))
            .await?;
        Ok(data)
    }

    /// Reads bytes `wanted` of the disk and calls `take` for one piece of them
    /// after the other: with memory, and where and how many bytes there are its.
    async fn each_piece(
        &self,
        wanted: Range<u64>,
        mut take: impl FnMut(&dyn Memory, usize, usize),
    ) -> Result<(), BlockError> {
        let size = u64::from(self.disk.sector_size);
        let whole = wanted.start / size * size..wanted.end.next_multiple_of(size);
        let mut pieces = pieces(whole, Buffer::bytes(self.segments) as u64).peekable();
        let mut started = VecDeque::new();
        loop {
            while started.len() < DEPTH
                && let Some(piece) = pieces.peek().cloned()
                && let Some(request) = self
                    .start(Operation::Read, &piece, &|_| {}, started.is_empty())
                    .await?
            {
                started.push_back((request, piece));
                pieces.next();
            }
            let Some((request, piece)) = started.pop_front() else {
                return Ok(());
            };
            let held = self.end(Operation::Read, (request, piece.clone())).await?;
            if let Some(buffer) = &held.buffer {
                let part = piece.start.max(wanted.start)..piece.end.min(wanted.end);
                let at = (part.start - piece.start) as usize;
                take(buffer.memory(), at, (part.end - part.start) as usize);
            }
            self.queue.borrow_mut().give_back(held);
        }
    }

    /// Write whole sectors. They are on the medium after the next [`Self::flush`].
    ///
    /// # Errors
    /// See [`BlockError`]; any part may then have been written.
    pub async fn write(&self, offset: u64, from: &[u8]) -> Result<(), BlockError> {
        let whole = self.writable(offset, from.len() as u64)?;
        let start = whole.start;
        let mut pieces = pieces(whole, Buffer::bytes(self.segments) as u64).peekable();
        let mut started = VecDeque::new();
        loop {
            while started.len() < DEPTH
                && let Some(piece) = pieces.peek().cloned()
            {
                let source = (piece.start - start) as usize..(piece.end - start) as usize;
                let fill = |buffer: &Buffer| {
                    buffer
                        .memory()
                        .write(0, from.get(source.clone()).unwrap_or_default())
                };
                let Some(request) = self
                    .start(Operation::Write, &piece, &fill, started.is_empty())
                    .await?
                else {
                    break;
                };
                started.push_back((request, piece));
                pieces.next();
            }
            let Some(first) = started.pop_front() else {
                return Ok(());
            };
            let held = self.end(Operation::Write, first).await?;
            self.queue.borrow_mut().give_back(held);
        }
    }

    /// Read `len` bytes from byte `offset` straight into `pages`, from byte `at` of them on.
    ///
    /// All three are whole sectors (if the disk's are smaller than a page, `at`
    /// need be no more than that). The pages come back with the answer; if the
    /// backend will not let go of them, they never do. With persistent grants
    /// the data is copied, since a lent page could not be taken back.
    ///
    /// # Errors
    /// See [`BlockError`]; the pages then hold anything.
    pub async fn read_pages(
        &self,
        offset: u64,
        mut pages: PageBuf,
        at: usize,
        len: usize,
    ) -> (Option<PageBuf>, Result<(), BlockError>) {
        if self.persistent {
            let result = match pages.get_mut(at..at.saturating_add(len)) {
                Some(to) => self.read(offset, to).await,
                None => Err(BlockError::Bounds {
                    offset: at as u64,
                    len: len as u64,
                    size: pages.len() as u64,
                }),
            };
            return (Some(pages), result);
        }
        let pages = Rc::new(pages);
        let result = self.read_lent(offset, &pages, at, len).await;
        (Rc::try_unwrap(pages).ok(), result)
    }

    async fn read_lent(
        &self,
        offset: u64,
        pages: &Rc<PageBuf>,
        at: usize,
        len: usize,
    ) -> Result<(), BlockError> {
        let size = u64::from(self.disk.sector_size);
        let whole = self.whole_sectors(offset, len as u64)?;
        let memory = at as u64..(at as u64).saturating_add(len as u64);
        if !memory.start.is_multiple_of(size) || memory.end > pages.len() as u64 {
            return Err(BlockError::Bounds {
                offset: memory.start,
                len: len as u64,
                size: pages.len() as u64,
            });
        }
        let mut result = Ok(());
        let mut next = memory.start;
        let mut started = VecDeque::new();
        while next < memory.end || !started.is_empty() {
            if next < memory.end && started.len() < LENT_DEPTH {
                // A request ends at a page boundary, after as many pages as it may have.
                let pages_end = (next / PAGE as u64 + self.segments as u64) * PAGE as u64;
                let piece = next..memory.end.min(pages_end);
                match self
                    .lend(&whole, memory.start, &piece, pages, started.is_empty())
                    .await
                {
                    Ok(Some(request)) => {
                        next = piece.end;
                        started.push_back(request);
                        continue;
                    }
                    Ok(None) => {}
                    Err(error) => {
                        // No more requests, but those under way are waited for.
                        result = result.and(Err(error));
                        next = memory.end;
                    }
                }
            }
            let Some(first) = started.pop_front() else {
                continue;
            };
            match self.end(Operation::Read, first).await {
                Ok(held) => self.queue.borrow_mut().give_back(held),
                Err(error) => {
                    result = result.and(Err(error));
                    next = memory.end;
                }
            }
        }
        match self.failure() {
            Some(failure) => result.and(Err(BlockError::Failed(failure))),
            None => result,
        }
    }

    /// Start one request of [`Self::read_lent`], for bytes `piece` of the pages.
    async fn lend(
        &self,
        whole: &Range<u64>,
        memory_start: u64,
        piece: &Range<u64>,
        pages: &Rc<PageBuf>,
        wait: bool,
    ) -> Result<Option<Started>, BlockError> {
        let disk =
            whole.start + (piece.start - memory_start)..whole.start + (piece.end - memory_start);
        loop {
            self.check()?;
            if self.queue.borrow().has_slot() {
                let first = piece.start as usize / PAGE;
                let count = (piece.end as usize).div_ceil(PAGE) - first;
                let peer = self.queue.borrow().peer();
                let held = Held {
                    lent: Some(Lent::new(peer, pages, first, count)?),
                    ..Held::default()
                };
                if let Some(request) =
                    self.submit(Operation::Read, &disk, piece.start as usize % PAGE, held)?
                {
                    return Ok(Some((request, disk)));
                }
            }
            if !wait {
                return Ok(None);
            }
            self.room().await;
        }
    }

    /// Wait until everything written is on the medium. A backend that offers no way has no cache to flush.
    ///
    /// # Errors
    /// See [`BlockError`].
    pub async fn flush(&self) -> Result<(), BlockError> {
        let op = match () {
            () if self.disk.flush => Operation::Flush,
            () if self.disk.barrier => Operation::Barrier,
            () => return self.check(),
        };
        self.without_data(op, 0, |id, handle| block::request(op, handle, id, 0, &[]))
            .await
    }

    /// Tell the disk that some sectors' content is no longer needed.
    ///
    /// # Errors
    /// [`BlockError::NotSupported`] if it does not want to know; others as for a write.
    pub async fn discard(&self, offset: u64, len: u64) -> Result<(), BlockError> {
        let whole = self.writable(offset, len)?;
        if !self.disk.discard {
            return Err(BlockError::NotSupported(Operation::Discard));
        }
        let (sector, count) = (whole.start / SECTOR, (whole.end - whole.start) / SECTOR);
        self.without_data(Operation::Discard, offset, |id, handle| {
            block::discard(handle, id, sector, count)
        })
        .await
    }

    async fn without_data(
        &self,
        op: Operation,
        offset: u64,
        encode: impl Fn(RequestId, u16) -> [u8; SLOT],
    ) -> Result<(), BlockError> {
        loop {
            self.check()?;
            let sent = self
                .queue
                .borrow_mut()
                .submit(op, Held::default(), |id, _| encode(id, self.handle()));
            if let Ok(id) = sent {
                let held = self
                    .end(op, (Waiting::new(&self.queue, id), offset..offset))
                    .await?;
                self.queue.borrow_mut().give_back(held);
                return Ok(());
            }
            self.room().await;
        }
    }

    /// Start a request for bytes `piece` of the disk with a bounce buffer.
    /// `None` if there is no buffer or slot now and `wait` is false.
    async fn start(
        &self,
        op: Operation,
        piece: &Range<u64>,
        fill: &dyn Fn(&Buffer),
        wait: bool,
    ) -> Result<Option<Waiting>, BlockError> {
        loop {
            self.check()?;
            if self.queue.borrow().has_slot() {
                let buffer = self.queue.borrow_mut().take_buffer(self.segments)?;
                if let Some(buffer) = buffer {
                    fill(&buffer);
                    let held = Held {
                        buffer: Some(buffer),
                        ..Held::default()
                    };
                    if let Some(request) = self.submit(op, piece, 0, held)? {
                        return Ok(Some(request));
                    }
                }
            }
            if !wait {
                return Ok(None);
            }
            self.room().await;
        }
    }

    /// Send a request for bytes `disk`, its memory starting `skip` bytes into the first page of `held`.
    fn submit(
        &self,
        op: Operation,
        disk: &Range<u64>,
        skip: usize,
        mut held: Held,
    ) -> Result<Option<Waiting>, BlockError> {
        let mut queue = self.queue.borrow_mut();
        let reference = |page| match (&held.buffer, &held.lent) {
            (Some(buffer), _) => buffer.reference(page),
            (None, Some(lent)) => lent.reference(page),
            (None, None) => 0,
        };
        let bytes = (disk.end - disk.start) as usize;
        let segments: Vec<_> = parts(skip, bytes)
            .map(|part| part.segment(reference(part.page)))
            .collect();
        if segments.len() > DIRECT_SEGMENTS {
            let descriptor = queue.take_descriptor()?;
            descriptor.write(segments.as_bytes());
            held.descriptor = Some(descriptor);
        }
        let (handle, sector) = (self.handle(), disk.start / SECTOR);
        let sent = queue.submit(op, held, |id, held| match &held.descriptor {
            Some(page) => block::indirect(
                op,
                handle,
                id,
                sector,
                segments.len() as u16,
                &[page.reference()],
            ),
            None => block::request(op, handle, id, sector, &segments),
        });
        match sent {
            Ok(id) => Ok(Some(Waiting::new(&self.queue, id))),
            Err(held) => {
                queue.give_back(held);
                Ok(None)
            }
        }
    }

    /// Wait for the end of a request; its memory, if it went well.
    async fn end(
        &self,
        operation: Operation,
        (request, disk): Started,
    ) -> Result<Held, BlockError> {
        let (held, result) = request.end().await?;
        match result {
            Ok(()) => Ok(held),
            Err(error) => {
                self.queue.borrow_mut().give_back(held);
                Err(BlockError::Request {
                    operation,
                    offset: disk.start,
                    error,
                })
            }
        }
    }

    /// Wait until a slot or buffer may be free, or the disk has failed.
    fn room(&self) -> impl Future<Output = ()> + '_ {
        let mut asked = false;
        poll_fn(move |context| {
            if core::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            self.queue.borrow_mut().wait(context.waker());
            Poll::Pending
        })
    }

    fn check(&self) -> Result<(), BlockError> {
        match self.failure() {
            Some(failure) => Err(BlockError::Failed(failure)),
            None => Ok(()),
        }
    }

    /// The device's number as requests name it.
    fn handle(&self) -> u16 {
        self.number as u16
    }

    fn range(&self, offset: u64, len: u64) -> Result<Range<u64>, BlockError> {
        let size = self.disk.bytes();
        match offset.checked_add(len) {
            Some(end) if end <= size => Ok(offset..end),
            _ => Err(BlockError::Bounds { offset, len, size }),
        }
    }

    fn whole_sectors(&self, offset: u64, len: u64) -> Result<Range<u64>, BlockError> {
        let range = self.range(offset, len)?;
        if self.disk.holds(offset, len) {
            Ok(range)
        } else {
            Err(BlockError::Unaligned {
                offset,
                len,
                sector: self.disk.sector_size,
            })
        }
    }

    fn writable(&self, offset: u64, len: u64) -> Result<Range<u64>, BlockError> {
        if self.disk.read_only {
            return Err(BlockError::ReadOnly);
        }
        self.whole_sectors(offset, len)
    }
}

/// Cuts `whole` into pieces of at most `most` bytes.
fn pieces(whole: Range<u64>, most: u64) -> impl Iterator<Item = Range<u64>> {
    let mut at = whole.start;
    core::iter::from_fn(move || {
        let piece = at..whole.end.min(at.saturating_add(most));
        at = piece.end;
        (!piece.is_empty()).then_some(piece)
    })
}
