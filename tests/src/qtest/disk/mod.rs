//! Files as disks.
//!
//! A [`Drive`] is what an emulated drive asks: requests wait in it until the
//! board pumps them, after each access of the client. A client may hold them
//! up on the way or have them fail ([`Faults`]), as with the block layer that
//! clients of the protocol are used to.

mod faults;
pub mod geometry;
mod image;
mod qcow2;

pub use faults::Faults;
pub use image::Image;

use anyhow::Result;
use ioemu_stub::surroundings::{Completion, Disk, DiskError, Medium, Request};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

/// What happens at an error of the host's file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum OnError {
    /// The guest hears of it.
    #[default]
    Report,
    /// The machine stops; `cont` tries again.
    Stop,
}

/// What pumping a drive came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pumped {
    /// Nothing was left to do.
    Idle,
    /// Something was done.
    Worked,
    /// An error stops the machine.
    Stopped,
}

/// A drive of the board.
pub struct Drive {
    image: RefCell<Option<Image>>,
    generation: Cell<u32>,
    on_error: OnError,
    faults: RefCell<Faults>,
    waiting: RefCell<VecDeque<(Request, Completion)>>,
}

impl Drive {
    /// A drive with `image` in it; `None` is an empty CD drive.
    pub fn new(image: Option<Image>, faults: Faults, on_error: OnError) -> Self {
        Drive {
            image: RefCell::new(image),
            generation: Cell::new(0),
            on_error,
            faults: RefCell::new(faults),
            waiting: RefCell::default(),
        }
    }

    /// Puts another medium in, or takes it out.
    pub fn change(&self, image: Option<Image>) {
        *self.image.borrow_mut() = image;
        self.generation.set(self.generation.get().wrapping_add(1));
    }

    /// Does what `qemu-io` calls `break` and `resume`.
    ///
    /// # Errors
    /// If it is no such command.
    pub fn command(&self, command: &str) -> Result<()> {
        self.faults.borrow_mut().command(command)
    }

    /// Reads without going through the queue, for the harness itself. What is
    /// not there reads as zero.
    pub fn peek(&self, sector: u64) -> [u8; 512] {
        let mut data = [0; 512];
        let image = self.image.borrow();
        let inside = image.as_ref().filter(|image| sector < image.sectors());
        if inside.is_none_or(|image| image.read(sector * 512, &mut data).is_err()) {
            data.fill(0);
        }
        data
    }

    /// Its size in sectors; 0 without a medium.
    pub fn sectors(&self) -> u64 {
        self.image.borrow().as_ref().map_or(0, Image::sectors)
    }

    /// Forgets all requests: the machine is built anew.
    pub fn reset(&self) {
        self.waiting.borrow_mut().clear();
    }

    /// Ends the first request that may end. Completions are called with
    /// nothing of the drive borrowed: they start the next request.
    pub fn pump(&self) -> Pumped {
        let Some((request, done)) = self.next() else {
            return Pumped::Idle;
        };
        let result = match self.faults.borrow_mut().fails(&request) {
            true => Err(DiskError::Failed),
            false => self.serve(&request),
        };
        if result == Err(DiskError::Failed) && self.on_error == OnError::Stop {
            self.waiting.borrow_mut().push_front((request, done));
            return Pumped::Stopped;
        }
        done(result);
        Pumped::Worked
    }

    fn next(&self) -> Option<(Request, Completion)> {
        let mut waiting = self.waiting.borrow_mut();
        let faults = self.faults.borrow();
        let free = waiting
            .iter()
            .position(|(request, _)| !faults.holds(request))?;
        waiting.remove(free)
    }

    fn serve(&self, request: &Request) -> Result<Vec<u8>, DiskError> {
        let mut image = self.image.borrow_mut();
        let image = image.as_mut().ok_or(DiskError::NoMedium)?;
        let inside = |sector: u64, count: u64| match sector.checked_add(count) {
            Some(end) if end <= image.sectors() => Ok(()),
            _ => Err(DiskError::OutOfRange),
        };
        let failed = |_| DiskError::Failed;
        match request {
            Request::Read { sector, count } => {
                inside(*sector, u64::from(*count))?;
                let mut data = vec![0; *count as usize * 512];
                image.read(sector * 512, &mut data).map_err(failed)?;
                Ok(data)
            }
            _ if image.read_only() && !matches!(request, Request::Flush) => {
                Err(DiskError::ReadOnly)
            }
            Request::Write { sector, data } => {
                inside(*sector, data.len() as u64 / 512)?;
                image.write(sector * 512, data).map_err(failed)?;
                Ok(Vec::new())
            }
            Request::Flush => image.flush().map(|()| Vec::new()).map_err(failed),
            Request::Discard { sector, count } => {
                inside(*sector, *count)?;
                image.discard(sector * 512, count * 512).map_err(failed)?;
                Ok(Vec::new())
            }
        }
    }
}

impl Disk for Drive {
    fn medium(&self) -> Option<Medium> {
        self.image.borrow().as_ref().map(|image| Medium {
            sectors: image.sectors(),
            read_only: image.read_only(),
            discard: !image.read_only(),
            generation: self.generation.get(),
        })
    }

    fn start(&self, request: Request, done: Completion) {
        self.waiting.borrow_mut().push_back((request, done));
    }
}
