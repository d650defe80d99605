//! Drives over virtual disks, on the toy Xen.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use minios::arch::host::{OtherDomain, add_peer, connect_store};
use minios::executor::block_on;
use minios::xenstore::Store;
use xen_proto::mock::blkback::{Blkback, Manners, Offer};
use xen_proto::mock::store::Xenstored;

use super::super::socket::{Behind, VirtualDisk};
use super::bench::pattern;
use crate::surroundings::{Disk, DiskError, Request};

type Backend = Rc<RefCell<Blkback<OtherDomain>>>;

fn machine(number: u32, sectors: usize, offer: Offer) -> (Store, Backend) {
    let daemon = Xenstored::new(7);
    let store = connect_store(&daemon);
    let content = pattern(0, sectors);
    let backend = Blkback::new(&daemon, OtherDomain, 7, number, content, offer);
    let backend = Rc::new(RefCell::new(backend));
    let peer = backend.clone();
    add_peer(Box::new(move || peer.borrow_mut().work()));
    (store, backend)
}

/// Asks and waits for the answer.
fn ask(disk: &Behind, request: Request) -> Result<Vec<u8>, DiskError> {
    let gate = Rc::new(minios::signal::Gate::new());
    let answer = Rc::new(RefCell::new(None));
    let (opened, place) = (gate.clone(), answer.clone());
    disk.start(
        request,
        Box::new(move |result| {
            place.replace(Some(result));
            opened.open();
        }),
    );
    assert!(answer.borrow().is_none(), "never before start has returned");
    block_on(gate.passed());
    answer.take().unwrap()
}

#[test]
fn requests_reach_the_backend_and_come_back() {
    for sector_size in [512, 2048, 4096] {
        let offer = Offer {
            sector_size,
            discard: true,
            ..Offer::default()
        };
        let (store, backend) = machine(768, 4096, offer);
        let disk = VirtualDisk::connect(&store, 768, false);
        let behind = Behind(disk.clone());
        assert_eq!(behind.medium(), None, "not yet");
        block_on(disk.settled());
        let medium = behind.medium().unwrap();
        assert_eq!(
            (medium.sectors, medium.read_only, medium.discard),
            (4096, false, true)
        );
        let read = ask(
            &behind,
            Request::Read {
                sector: 3,
                count: 3000,
            },
        );
        assert!(read.unwrap() == pattern(3, 3000));
        // Sectors that are parts of the backend's.
        let data = vec![0x5a; 9 * 512];
        ask(
            &behind,
            Request::Write {
                sector: 13,
                data: data.clone(),
            },
        )
        .unwrap();
        let mut expected = pattern(0, 40);
        expected[13 * 512..22 * 512].copy_from_slice(&data);
        assert!(
            backend.borrow().data[..40 * 512] == expected,
            "sectors of {sector_size}"
        );
        ask(&behind, Request::Flush).unwrap();
        ask(
            &behind,
            Request::Discard {
                sector: 1,
                count: 40,
            },
        )
        .unwrap();
        assert_eq!(backend.borrow().seen.requests[3..], [1, 1]);
        assert_eq!(
            backend.borrow().data[..512],
            pattern(0, 1),
            "not all of it was given up"
        );
        block_on(disk.close());
        assert_eq!(behind.medium(), None);
        let late = ask(&behind, Request::Flush);
        assert_eq!(late, Err(DiskError::NoMedium));
    }
}

#[test]
fn large_reads_are_few_requests_of_the_backend() {
    let (store, backend) = machine(768, 8192, Offer::default());
    let disk = VirtualDisk::connect(&store, 768, false);
    block_on(disk.settled());
    let data = ask(
        &Behind(disk.clone()),
        Request::Read {
            sector: 0,
            count: 2048,
        },
    );
    assert!(data.unwrap() == pattern(0, 2048));
    let seen = backend.borrow().seen.requests[0];
    assert!(seen <= 8, "1 MiB in {seen} requests");
}

#[test]
fn who_may_not_write_does_not() {
    let read_only = Offer {
        info: 4,
        ..Offer::default()
    };
    for (offer, asked) in [(read_only, false), (Offer::default(), true)] {
        let (store, backend) = machine(5632, 64, offer);
        let disk = VirtualDisk::connect(&store, 5632, asked);
        block_on(disk.settled());
        let behind = Behind(disk);
        assert!(behind.medium().unwrap().read_only);
        let data = vec![0; 512];
        let written = ask(&behind, Request::Write { sector: 0, data });
        assert_eq!(written, Err(DiskError::ReadOnly));
        assert_eq!(backend.borrow().data, pattern(0, 64));
    }
}

#[test]
fn a_hostile_backend_is_an_error() {
    for manners in [
        Manners::Errors,
        Manners::Status(99),
        Manners::WrongId,
        Manners::Overrun,
        Manners::Leaves,
        Manners::Vanishes,
    ] {
        let (store, backend) = machine(768, 4096, Offer::default());
        let disk = VirtualDisk::connect(&store, 768, false);
        block_on(disk.settled());
        backend.borrow_mut().manners = manners;
        let behind = Behind(disk.clone());
        for request in [
            Request::Read {
                sector: 0,
                count: 2000,
            },
            Request::Write {
                sector: 0,
                data: vec![1; 512],
            },
            Request::Flush,
        ] {
            assert_eq!(ask(&behind, request), Err(DiskError::Failed), "{manners:?}");
        }
        assert!(behind.medium().is_some(), "a disk with errors, not none");
        block_on(disk.close());
    }
}

#[test]
fn a_disk_that_is_not_there_is_a_drive_without_a_medium() {
    let (store, _backend) = machine(768, 64, Offer::default());
    let disk = VirtualDisk::connect(&store, 832, false);
    block_on(disk.settled());
    assert_eq!(Behind(disk).medium(), None);
    let empty = VirtualDisk::empty();
    block_on(empty.settled());
    let read = ask(
        &Behind(empty),
        Request::Read {
            sector: 0,
            count: 1,
        },
    );
    assert_eq!(read, Err(DiskError::NoMedium));
}

#[test]
fn a_read_only_medium_is_read_ahead_and_a_disk_is_not() {
    for (read_only, requests) in [(true, 2), (false, 64)] {
        // VDISK_READONLY of blkif.h.
        let offer = Offer {
            info: if read_only { 4 } else { 0 },
            ..Offer::default()
        };
        let (store, backend) = machine(768, 4096, offer);
        let disk = VirtualDisk::connect(&store, 768, false);
        block_on(disk.settled());
        let behind = Behind(disk);
        for sector in (8..264).step_by(4) {
            let read = ask(&behind, Request::Read { sector, count: 4 });
            assert!(read.unwrap() == pattern(sector as usize, 4), "{sector}");
        }
        assert_eq!(backend.borrow().seen.requests[0], requests);
        // The end of the medium is no obstacle.
        for sector in (4000..4096).step_by(4) {
            let read = ask(&behind, Request::Read { sector, count: 4 });
            assert!(read.unwrap() == pattern(sector as usize, 4), "{sector}");
        }
    }
}
