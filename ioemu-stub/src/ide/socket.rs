//! What a drive's cable ends in under Xen: a virtual disk of this domain.
//!
//! A [`VirtualDisk`] is there at once and connects beside everything else, so
//! that one backend that takes its time holds up nobody: until then there is no
//! medium. Each request is a task of its own.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::sync::atomic::{AtomicU32, Ordering};

use minios::executor;
use minios::frontend::block::{Block, BlockError, Options};
use minios::signal::{Gate, Signal};
use minios::xenstore::Store;

use super::readahead::ReadAhead;
use crate::surroundings::{Completion, Disk, DiskError, Medium, Request};

const SECTOR: u64 = 512;

/// How far a disk has come.
enum State {
    /// Its backend has not answered yet.
    Connecting,
    /// It can be used.
    Open(Rc<Block>),
    /// There is nothing.
    Absent,
}

/// A virtual disk behind a drive.
pub struct VirtualDisk {
    state: RefCell<State>,
    /// Nobody may write, whatever the backend says.
    read_only: bool,
    settled: Gate,
    /// A request has ended.
    ended: Signal,
    generation: u32,
    ahead: RefCell<ReadAhead>,
    /// Failures yet to be logged: a guest must not fill dom0's log.
    complaints: Cell<u32>,
}

impl VirtualDisk {
    fn new(state: State, read_only: bool) -> Rc<Self> {
        // Numbered in the order in which they are made, so that no drive takes
        // one for another.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        Rc::new(VirtualDisk {
            state: RefCell::new(state),
            read_only,
            settled: Gate::new(),
            ended: Signal::new(),
            generation: NEXT.fetch_add(1, Ordering::Relaxed),
            ahead: RefCell::default(),
            complaints: Cell::new(64),
        })
    }

    /// A drive without a medium.
    pub fn empty() -> Rc<Self> {
        let disk = Self::new(State::Absent, true);
        disk.settled.open();
        disk
    }

    /// Virtual disk `number`: 768 is hda.
    pub fn connect(store: &Store, number: u32, read_only: bool) -> Rc<Self> {
        let disk = Self::new(State::Connecting, read_only);
        let (connecting, store) = (disk.clone(), store.clone());
        executor::spawn(async move {
            let state = match Block::open(&store, number, Options::default()).await {
                Ok(block) => {
                    log::info!("{block:?}");
                    State::Open(Rc::new(block))
                }
                Err(error) => {
                    log::error!("virtual disk {number}: {error}");
                    State::Absent
                }
            };
            let was = connecting.state.replace(state);
            if matches!(was, State::Absent) {
                // It was closed meanwhile.
                connecting.close().await;
            }
            connecting.settled.open();
        });
        disk
    }

    /// Waits until it is clear whether there is a medium.
    pub async fn settled(&self) {
        self.settled.passed().await;
    }

    /// Lets the backend go, when what is under way has ended. There is no
    /// medium any more.
    pub async fn close(&self) {
        let State::Open(mut block) = self.state.replace(State::Absent) else {
            return;
        };
        loop {
            match Rc::try_unwrap(block) {
                Ok(block) => return block.close().await,
                Err(used) => block = used,
            }
            self.ended.wait().await;
        }
    }

    fn block(&self) -> Option<Rc<Block>> {
        match &*self.state.borrow() {
            State::Open(block) => Some(block.clone()),
            State::Connecting | State::Absent => None,
        }
    }
}

/// For a drive: it shares the disk with whoever closes it.
pub struct Behind(pub Rc<VirtualDisk>);

impl Disk for Behind {
    fn medium(&self) -> Option<Medium> {
        let block = self.0.block()?;
        let disk = block.disk();
        let read_only = disk.read_only || self.0.read_only;
        Some(Medium {
            sectors: disk.sectors,
            read_only,
            discard: disk.discard && !read_only,
            generation: self.0.generation,
        })
    }

    fn start(&self, request: Request, done: Completion) {
        let disk = self.0.clone();
        let block = disk.block();
        let writes = matches!(request, Request::Write { .. } | Request::Discard { .. });
        executor::spawn(async move {
            let result = match &block {
                None => Err(DiskError::NoMedium),
                Some(_) if writes && disk.read_only => Err(DiskError::ReadOnly),
                Some(block) => carry_out(&disk, block, request).await,
            };
            drop(block);
            disk.ended.set();
            done(result);
        });
    }
}

async fn carry_out(
    disk: &VirtualDisk,
    block: &Block,
    request: Request,
) -> Result<Vec<u8>, DiskError> {
    let result = match request {
        Request::Read { sector, count } => read(disk, block, sector, count).await,
        Request::Write { sector, data } => write(block, byte(sector)?, data).await,
        Request::Flush => block.flush().await.map(|()| Vec::new()),
        Request::Discard { sector, count } => discard(block, byte(sector)?, byte(count)?).await,
    };
    result.map_err(|error| {
        if let Some(left) = disk.complaints.get().checked_sub(1) {
            disk.complaints.set(left);
            log::warn!("{block:?}: {error}");
        }
        match error {
            BlockError::Bounds { .. } => DiskError::OutOfRange,
            BlockError::ReadOnly => DiskError::ReadOnly,
            _ => DiskError::Failed,
        }
    })
}

/// Reads sectors of 512 bytes, ahead where nobody writes.
async fn read(
    disk: &VirtualDisk,
    block: &Block,
    sector: u64,
    count: u32,
) -> Result<Vec<u8>, BlockError> {
    let at = sector.saturating_mul(SECTOR);
    let bytes = |sectors: u32| sectors as usize * SECTOR as usize;
    // Another domain may write a disk that it shares, unless it is read-only.
    if !block.disk().read_only {
        return block.read_vec(at, bytes(count)).await;
    }
    if let Some(found) = disk.ahead.borrow_mut().find(sector, count) {
        return Ok(found);
    }
    let planned = disk
        .ahead
        .borrow()
        .plan(sector, count, block.disk().sectors);
    let data = block.read_vec(at, bytes(planned)).await;
    if data.is_err() && planned > count {
        // What was not asked for is no reason to fail.
        return block.read_vec(at, bytes(count)).await;
    }
    Ok(disk.ahead.borrow_mut().keep(sector, count, data?))
}

fn byte(sector: u64) -> Result<u64, DiskError> {
    sector.checked_mul(SECTOR).ok_or(DiskError::OutOfRange)
}

/// Writes sectors of 512 bytes to a disk that may have larger ones: what lies
/// around them in the first and the last is read first. A drive has one request
/// under way at a time, so nobody else writes there meanwhile.
async fn write(block: &Block, offset: u64, data: Vec<u8>) -> Result<Vec<u8>, BlockError> {
    let size = u64::from(block.disk().sector_size);
    let end = offset.saturating_add(data.len() as u64);
    let (first, last) = (offset / size * size, end.next_multiple_of(size));
    if (first, last) == (offset, end) {
        block.write(offset, &data).await?;
        return Ok(Vec::new());
    }
    let mut whole = vec![0; (last - first) as usize];
    block.read(first, &mut whole).await?;
    let at = (offset - first) as usize;
    if let Some(part) = whole.get_mut(at..at + data.len()) {
        part.copy_from_slice(&data);
    }
    block.write(first, &whole).await?;
    Ok(Vec::new())
}

/// Gives up what is whole sectors of the disk.
async fn discard(block: &Block, offset: u64, bytes: u64) -> Result<Vec<u8>, BlockError> {
    let size = u64::from(block.disk().sector_size);
    let first = offset.next_multiple_of(size);
    let last = offset.saturating_add(bytes) / size * size;
    if first < last {
        block.discard(first, last - first).await?;
    }
    Ok(Vec::new())
}

/// Which drives have been given a disk: kept to close them, and to wait.
#[derive(Default)]
pub struct Connected {
    disks: RefCell<[Option<Rc<VirtualDisk>>; 4]>,
}

impl Connected {
    /// Drive `place` has this one now; what it had before.
    pub fn put(&self, place: usize, disk: Rc<VirtualDisk>) -> Option<Rc<VirtualDisk>> {
        self.disks.borrow_mut().get_mut(place)?.replace(disk)
    }

    /// The disk of drive `place`.
    pub fn get(&self, place: usize) -> Option<Rc<VirtualDisk>> {
        self.disks.borrow().get(place)?.clone()
    }

    /// Waits until all are settled.
    pub async fn settled(&self) {
        for place in 0..4 {
            if let Some(disk) = self.get(place) {
                disk.settled().await;
            }
        }
    }
}
