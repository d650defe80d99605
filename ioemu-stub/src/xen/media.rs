//! CDs that come and go while the guest runs.
//!
//! To a toolstack (libxl from 4.20 on), changing a CD means: open the tray, let
//! the old virtual disk go, make a new one of the same number, and, when this
//! domain says that it is there, put it into the drive. What QEMU calls a set
//! of file descriptors is here a virtual disk that came after the last one.

use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use minios::xenstore::{Error, Store};

use crate::ide::socket::{Behind, Connected, VirtualDisk};
use crate::ide::{Ide, TrayError};
use crate::qmp::verbs::FdSet;

/// A CD drive whose medium can be changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CdDrive {
    /// Which IDE drive: 0 to 3.
    pub place: usize,
    /// The number of its virtual disks: 5632 is hdc.
    pub devid: u32,
}

/// A virtual disk that is there, under a number of its own.
struct Set {
    number: i64,
    devid: u32,
}

/// All drives whose media can be changed.
pub struct Media {
    store: Store,
    drives: Vec<CdDrive>,
    ide: Rc<RefCell<Ide>>,
    connected: Rc<Connected>,
    sets: RefCell<Vec<Set>>,
    /// Disks that were let go, and that the toolstack has not taken away yet.
    leaving: RefCell<Vec<u32>>,
}

/// Why a medium can't be changed.
#[derive(Debug, PartialEq, Eq)]
pub enum MediaError {
    /// There is no such drive.
    NoDrive,
    /// There is no such disk.
    NoSet(i64),
    /// The drive.
    Tray(TrayError),
}

impl core::fmt::Display for MediaError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            MediaError::NoDrive => f.write_str("there is no such drive"),
            MediaError::NoSet(set) => write!(f, "/dev/fdset/{set}: there is no such disk"),
            MediaError::Tray(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for MediaError {}

impl From<TrayError> for MediaError {
    fn from(error: TrayError) -> Self {
        MediaError::Tray(error)
    }
}

impl Media {
    /// Those of `drives`, which are on `ide` and have their first disks in
    /// `connected`.
    pub fn new(
        store: Store,
        drives: Vec<CdDrive>,
        ide: Rc<RefCell<Ide>>,
        connected: Rc<Connected>,
    ) -> Self {
        Media {
            store,
            drives,
            ide,
            connected,
            sets: RefCell::default(),
            leaving: RefCell::default(),
        }
    }

    /// Follows which virtual disks there are, for ever.
    ///
    /// # Errors
    /// The store is gone.
    pub async fn follow(&self) -> Result<core::convert::Infallible, Error> {
        let watch = self.store.watch("device/vbd").await?;
        let mut next = 0;
        loop {
            watch.next().await;
            let present = minios::xenbus::list(&self.store, "vbd").await?;
            let (mut sets, mut leaving) = (self.sets.borrow_mut(), self.leaving.borrow_mut());
            sets.retain(|set| present.contains(&set.devid));
            leaving.retain(|devid| present.contains(devid));
            for drive in &self.drives {
                let known = leaving.contains(&drive.devid)
                    || sets.iter().any(|set| set.devid == drive.devid);
                if present.contains(&drive.devid) && !known {
                    sets.push(Set {
                        number: next,
                        devid: drive.devid,
                    });
                    next += 1;
                }
            }
        }
    }

    /// The virtual disks that there are, as a toolstack asks for them.
    pub fn sets(&self) -> Vec<FdSet> {
        let set = |set: &Set| FdSet {
            set: set.number,
            fd: set.number,
            opaque: format!("stub-devid:{}", set.devid),
        };
        self.sets.borrow().iter().map(set).collect()
    }

    /// The drive that a toolstack calls `ide-<number of its disk>`.
    fn drive(&self, id: &str) -> Result<CdDrive, MediaError> {
        let devid = id.strip_prefix("ide-").and_then(|id| id.parse().ok());
        let found = self.drives.iter().find(|drive| Some(drive.devid) == devid);
        found.copied().ok_or(MediaError::NoDrive)
    }

    /// Opens the tray of drive `id`, and lets the disk in it go.
    ///
    /// # Errors
    /// [`MediaError`].
    pub fn eject(&self, id: &str, force: bool) -> Result<(), MediaError> {
        let drive = self.drive(id)?;
        self.ide.borrow_mut().eject(drive.place, force)?;
        self.let_go(drive);
        Ok(())
    }

    /// Lets a disk go.
    ///
    /// # Errors
    /// [`MediaError::NoSet`].
    pub fn remove(&self, number: i64) -> Result<(), MediaError> {
        let mut sets = self.sets.borrow_mut();
        let at = sets.iter().position(|set| set.number == number);
        let set = sets.remove(at.ok_or(MediaError::NoSet(number))?);
        self.leaving.borrow_mut().push(set.devid);
        let mut drives = self.drives.iter();
        if let Some(drive) = drives.find(|drive| drive.devid == set.devid) {
            self.let_go(*drive);
        }
        Ok(())
    }

    /// Closes the virtual disk behind a drive; the toolstack waits for that.
    fn let_go(&self, drive: CdDrive) {
        let old = self.connected.put(drive.place, VirtualDisk::empty());
        if let Some(old) = old {
            minios::executor::spawn(async move { old.close().await });
        }
    }

    /// Puts disk `number` into drive `id`.
    ///
    /// # Errors
    /// [`MediaError`].
    pub async fn insert(&self, id: &str, number: i64) -> Result<(), MediaError> {
        let drive = self.drive(id)?;
        let mine = |set: &Set| set.number == number && set.devid == drive.devid;
        if !self.sets.borrow().iter().any(mine) {
            return Err(MediaError::NoSet(number));
        }
        let disk = VirtualDisk::connect(&self.store, drive.devid, true);
        disk.settled().await;
        self.connected.put(drive.place, disk.clone());
        let inserted = self
            .ide
            .borrow_mut()
            .insert(drive.place, Rc::new(Behind(disk)));
        Ok(inserted?)
    }
}

#[cfg(test)]
mod tests;
