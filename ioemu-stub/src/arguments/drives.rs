//! Drives: where they are in the machine, and which virtual disk is behind them.
//!
//! The toolstack gives this domain the guest's own list of disks, under the
//! same numbers. Its command line names them by a Linux device
//! (`/dev/xvd<letter>`), whose letter is the disk's index whatever it is called
//! in the configuration: `hda`, `xvda` and `sda` are all index 0.

use alloc::string::String;
use alloc::vec::Vec;

/// Where a drive is plugged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On one of the two IDE cables.
    Ide {
        /// 0 or 1.
        bus: u8,
        /// 0 is the first, the "master".
        unit: u8,
    },
    /// On a port of the AHCI controller.
    Ahci(u8),
    /// On the SCSI controller, by target.
    Scsi(u8),
}

/// What kind of drive it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// A disk.
    Disk,
    /// A CD drive.
    Cd,
}

/// A drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drive {
    /// Its name in commands to the monitor, if it has one: `ide-5632`.
    pub id: Option<String>,
    /// Where it is.
    pub place: Place,
    /// Disk or CD.
    pub media: Media,
    /// Index of the disk behind it; `None` for a drive without a medium.
    pub index: Option<u32>,
    /// It must not be written to.
    pub read_only: bool,
}

/// Virtual device numbers of disk `index` as (`hd`, `xvd`, `sd`) names give them
/// (docs/man/xen-vbd-interface.7.pandoc).
#[must_use]
pub fn devids(index: u32) -> [Option<u32>; 3] {
    let hd = match index {
        0 | 1 => Some(3 << 8 | index << 6),
        2 | 3 => Some(22 << 8 | (index - 2) << 6),
        _ => None,
    };
    let xvd = match index {
        0..16 => Some(202 << 8 | index << 4),
        16..0x10_0000 => Some(1 << 28 | index << 8),
        _ => None,
    };
    let sd = (index < 16).then_some(8 << 8 | index << 4);
    [hd, xvd, sd]
}

impl Drive {
    /// The number of its virtual disk among those that there are. Of several
    /// with the same index the one is meant that is called as the drive is.
    #[must_use]
    pub fn devid(&self, present: &[u32]) -> Option<u32> {
        let named = self.id.as_deref().and_then(|id| id.strip_prefix("ide-"));
        let named = named.and_then(|number| number.parse().ok());
        let [hd, xvd, sd] = devids(self.index.unwrap_or(u32::MAX));
        let wanted = match self.place {
            Place::Scsi(_) => [named, sd, xvd, hd],
            Place::Ide { .. } | Place::Ahci(_) => [named, hd, xvd, sd],
        };
        let mut wanted = wanted.into_iter().flatten();
        wanted.find(|devid| present.contains(devid))
    }

    /// The drive that qemu-traditional makes of a virtual disk: the first four
    /// are IDE drives, whatever they are called.
    #[must_use]
    pub fn from_devid(devid: u32, media: Media, read_only: bool) -> Option<Drive> {
        let index = (0..4).find(|index| {
            let [hd, xvd, sd] = devids(*index);
            [hd, xvd, sd].contains(&Some(devid))
        })?;
        Some(Drive {
            id: Some(alloc::format!("ide-{devid}")),
            place: Place::ide(index)?,
            media,
            index: Some(index),
            read_only,
        })
    }
}

impl Place {
    /// One of the four IDE drives.
    #[must_use]
    pub fn ide(index: u32) -> Option<Place> {
        let index = u8::try_from(index).ok().filter(|index| *index < 4)?;
        Some(Place::Ide {
            bus: index / 2,
            unit: index % 2,
        })
    }
}

/// Drives at a place where there is one already are left out.
pub(super) fn without_doubles(drives: Vec<Drive>) -> (Vec<Drive>, Vec<Drive>) {
    let mut kept: Vec<Drive> = Vec::new();
    let mut dropped = Vec::new();
    for drive in drives {
        if kept.iter().any(|known| known.place == drive.place) {
            dropped.push(drive);
        } else {
            kept.push(drive);
        }
    }
    (kept, dropped)
}
