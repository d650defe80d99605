//! The guest's IDE drives, each over a virtual disk of this domain.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::time::Duration;

use minios::time::timeout;
use minios::xenstore::Store;

use super::media::CdDrive;
use crate::arguments::{Media, Place};
use crate::contract::Contract;
use crate::ide::socket::{Behind, Connected, VirtualDisk};
use crate::machine::Drive;

/// How long the guest waits for its disks at most. It could start without, but
/// it would look for them only once.
const PATIENCE: Duration = Duration::from_secs(20);

/// Begins to connect all disks that the machine has an IDE drive for.
pub fn connect(store: &Store, contract: &Contract) -> ([Option<Drive>; 4], Rc<Connected>) {
    let connected = Rc::new(Connected::default());
    let mut drives = [const { None }; 4];
    for drive in &contract.config.drives {
        let Place::Ide { bus, unit } = drive.place else {
            log::warn!(
                "{:?}: there is no such controller, so no drive",
                drive.place
            );
            continue;
        };
        let place = usize::from(bus) * 2 + usize::from(unit);
        let cd = drive.media == Media::Cd;
        let disk = match contract.disk(drive) {
            Some(behind) if drive.index.is_some() => {
                let read_only = cd || drive.read_only || behind.read_only;
                VirtualDisk::connect(store, behind.devid, read_only)
            }
            _ if cd => VirtualDisk::empty(),
            _ => {
                log::error!("drive {place}: there is no virtual disk for it");
                continue;
            }
        };
        if let Some(slot) = drives.get_mut(place) {
            connected.put(place, disk.clone());
            *slot = Some(Drive {
                cd,
                disk: Rc::new(Behind(disk)),
                serial: None,
                firmware: None,
            });
        }
    }
    (drives, connected)
}

/// Waits until it is clear which disks there are.
pub async fn settled(connected: &Connected) {
    if timeout(PATIENCE, connected.settled()).await.is_err() {
        log::error!("some disks are still not there; the guest starts without them");
    }
}

/// The drives whose medium can be changed, with the numbers of the virtual
/// disks that will be in them: those they have, or what their names say.
pub fn cd_drives(contract: &Contract) -> Vec<CdDrive> {
    let cds = contract.config.drives.iter();
    cds.filter(|drive| drive.media == Media::Cd)
        .filter_map(|drive| {
            let Place::Ide { bus, unit } = drive.place else {
                return None;
            };
            let named = drive.id.as_deref()?.strip_prefix("ide-")?.parse().ok();
            let behind = contract.disk(drive).map(|disk| disk.devid);
            Some(CdDrive {
                place: usize::from(bus) * 2 + usize::from(unit),
                devid: behind.or(named)?,
            })
        })
        .collect()
}
