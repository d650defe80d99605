//! A CD is changed as libxl (from 4.20 on) does it.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use core::cell::RefCell;

use minios::arch::host::{OtherDomain, add_peer, connect_store};
use minios::executor::{block_on, spawn};
use minios::time::sleep;
use xen_proto::mock::blkback::{Blkback, Offer};
use xen_proto::mock::store::Xenstored;

use super::*;
use crate::ide::{Drive, Identity};
use crate::surroundings::{Disk, Medium};
use crate::testing::World;

const DEVID: u32 = 5632;

/// hdc: the first drive of the second channel.
const PLACE: usize = 2;

/// A CD of that many sectors, as a backend of dom0's; gone when dropped.
fn backend(daemon: &Xenstored, sectors: usize) -> Rc<RefCell<Blkback<OtherDomain>>> {
    let content = vec![0x11; sectors * 512];
    let backend = Blkback::new(daemon, OtherDomain, 7, DEVID, content, Offer::default());
    let backend = Rc::new(RefCell::new(backend));
    let peer = Rc::downgrade(&backend);
    add_peer(Box::new(move || {
        peer.upgrade().is_some_and(|peer| peer.borrow_mut().work())
    }));
    backend
}

struct Bench {
    daemon: Xenstored,
    backend: Rc<RefCell<Blkback<OtherDomain>>>,
    media: Rc<Media>,
    connected: Rc<Connected>,
}

fn start() -> Bench {
    let daemon = Xenstored::new(7);
    let store = connect_store(&daemon);
    let backend = backend(&daemon, 64);
    let disk = VirtualDisk::connect(&store, DEVID, true);
    let mut drives = [const { None }; 4];
    let behind = Rc::new(Behind(disk.clone()));
    drives[PLACE] = Some(Drive::cd(behind, Identity::of_cd(PLACE)));
    let world = World::new(1 << 16);
    let surroundings = world.surroundings();
    let ide = Ide::new(surroundings.memory, &surroundings.pins, drives);
    let connected = Rc::new(Connected::default());
    connected.put(PLACE, disk.clone());
    block_on(disk.settled());
    let drive = CdDrive {
        place: PLACE,
        devid: DEVID,
    };
    let media = Media::new(store, vec![drive], ide, connected.clone());
    let media = Rc::new(media);
    let followed = media.clone();
    spawn(async move { followed.follow().await });
    settle();
    Bench {
        daemon,
        backend,
        media,
        connected,
    }
}

/// Lets everybody do what there is to do.
fn settle() {
    for _ in 0..50 {
        block_on(sleep(core::time::Duration::from_millis(1)));
    }
}

impl Bench {
    fn medium(&self) -> Option<Medium> {
        Behind(self.connected.get(PLACE).unwrap()).medium()
    }

    fn sets(&self) -> Vec<(i64, alloc::string::String)> {
        let sets = self.media.sets().into_iter();
        sets.map(|set| (set.set, set.opaque)).collect()
    }
}

#[test]
fn a_cd_is_changed_step_by_step() {
    let mut bench = start();
    let name = "stub-devid:5632".into();
    assert_eq!(bench.sets(), [(0, name)]);
    assert_eq!(bench.medium().map(|medium| medium.sectors), Some(64));
    bench.media.eject("ide-5632", false).unwrap();
    assert_eq!(bench.medium(), None);
    bench.media.remove(0).unwrap();
    settle();
    assert!(bench.sets().is_empty());
    // The toolstack takes the old disk away and makes the new one.
    bench.daemon.remove("/local/domain/7/device/vbd/5632");
    settle();
    bench.backend = backend(&bench.daemon, 128);
    settle();
    let sets = bench.sets();
    assert_eq!(sets.len(), 1);
    assert_ne!(sets[0].0, 0, "another disk has another number");
    block_on(bench.media.insert("ide-5632", sets[0].0)).unwrap();
    assert_eq!(bench.medium().map(|medium| medium.sectors), Some(128));
}

#[test]
fn what_is_not_there_is_an_error() {
    let bench = start();
    for id in ["ide-768", "ide-", "cd", "ide-99999999999"] {
        assert_eq!(
            bench.media.eject(id, true),
            Err(MediaError::NoDrive),
            "{id}"
        );
    }
    assert_eq!(bench.media.remove(7), Err(MediaError::NoSet(7)));
    let inserted = block_on(bench.media.insert("ide-5632", 7));
    assert_eq!(inserted, Err(MediaError::NoSet(7)));
    assert!(bench.medium().is_some(), "the CD is still there");
}
