//! The disk frontend against a mock backend in the toy Xen, honest and hostile.

use super::*;
use crate::arch::host::{OtherDomain, add_peer, connect_store, mapped_grants};
use crate::executor::block_on;
use crate::mm::PageBuf;
use crate::{grant, mm};
use alloc::boxed::Box;
use xen_proto::mock::blkback::{Blkback, Manners, Offer};
use xen_proto::mock::store::Xenstored;

type Backend = Rc<RefCell<Blkback<OtherDomain>>>;

/// A machine with a store and disks.
struct Machine {
    daemon: Xenstored,
    store: Store,
}

impl Machine {
    fn new() -> Machine {
        let daemon = Xenstored::new(7);
        let store = connect_store(&daemon);
        Machine { daemon, store }
    }

    /// A disk of `pages` pages; every sector names itself.
    fn disk(&self, number: u32, pages: usize, offer: Offer) -> Backend {
        let backend = Blkback::new(
            &self.daemon,
            OtherDomain,
            7,
            number,
            content(pages * 4096),
            offer,
        );
        let backend = Rc::new(RefCell::new(backend));
        let peer = backend.clone();
        add_peer(Box::new(move || peer.borrow_mut().work()));
        backend
    }

    fn open(&self, number: u32, options: Options) -> Block {
        block_on(Block::open(&self.store, number, options)).unwrap()
    }
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|at| (at / 512) as u8 ^ (at / 131_072) as u8 ^ (at % 251) as u8)
        .collect()
}

fn direct() -> Options {
    Options {
        persistent: false,
        ..Options::default()
    }
}

/// Every combination of what a backend offers and what we use of it.
fn combinations() -> Vec<(Offer, Options)> {
    let mut all = Vec::new();
    for (persistent_offer, persistent) in
        [(false, false), (false, true), (true, false), (true, true)]
    {
        for indirect in [None, Some(16), Some(256)] {
            for ring_order in [0, 2] {
                for sector_size in [512, 4096] {
                    let offer = Offer {
                        persistent: persistent_offer,
                        indirect,
                        sector_size,
                        ..Offer::default()
                    };
                    all.push((
                        offer,
                        Options {
                            persistent,
                            ring_order,
                            ..Options::default()
                        },
                    ));
                }
            }
        }
    }
    all
}

#[test]
fn reads_are_right_in_every_combination() {
    for (at, (offer, options)) in combinations().into_iter().enumerate() {
        let machine = Machine::new();
        let backend = machine.disk(51712, 700, offer.clone());
        let disk = machine.open(51712, options);
        let want = backend.borrow().data.clone();
        let what = alloc::format!("combination {at}: {offer:?} {options:?}");
        assert_eq!(
            disk.is_persistent(),
            offer.persistent && options.persistent,
            "{what}"
        );
        for (offset, len) in [
            (0, 512),
            (0, 1),
            (511, 2),
            (4095, 4098),
            (513, 700 * 4096 - 1000),
            (0, 700 * 4096),
            (9, 0),
        ] {
            let mut got = vec![0xaa; len];
            block_on(disk.read(offset as u64, &mut got)).unwrap();
            assert!(got == want[offset..offset + len], "{offset} {len} {what}");
        }
        assert_eq!(backend.borrow().seen.nonsense, [""; 0], "{what}");
        assert_eq!(disk.oddities(), Oddities::default());
        if offer.indirect == Some(256) {
            assert!(
                backend.borrow().seen.most_segments > 11 && backend.borrow().seen.indirect > 0,
                "{what}"
            );
        }
        assert!(
            backend.borrow().seen.most_at_once > 4,
            "many requests under way: {what}"
        );
        block_on(disk.close());
        assert_eq!((mapped_grants(), grant::in_use()), (0, 0), "{what}");
    }
}

#[test]
fn writes_flushes_and_discards() {
    for (offer, options) in combinations() {
        let machine = Machine::new();
        let backend = machine.disk(
            51712,
            300,
            Offer {
                discard: true,
                ..offer
            },
        );
        let disk = machine.open(51712, options);
        let mut want = backend.borrow().data.clone();
        let new: Vec<u8> = (0..200 * 4096).map(|at| (at % 253) as u8).collect();
        block_on(async {
            disk.write(8192, &new).await.unwrap();
            disk.flush().await.unwrap();
            disk.discard(0, 4096).await.unwrap();
        });
        want[8192..8192 + new.len()].copy_from_slice(&new);
        want[..4096].fill(0);
        assert!(backend.borrow().data == want);
        assert_eq!(backend.borrow().seen.requests[3..], [1, 1]);
        let error = block_on(disk.write(100, &new)).unwrap_err();
        assert!(
            matches!(error, BlockError::Unaligned { offset: 100, .. }),
            "{error}"
        );
        block_on(disk.close());
    }
}

#[test]
fn pages_are_read_in_place_where_the_backend_does_not_keep_them() {
    let machine = Machine::new();
    let backend = machine.disk(
        51712,
        400,
        Offer {
            persistent: true,
            ..Offer::default()
        },
    );
    let want = backend.borrow().data.clone();
    for options in [
        direct(),
        Options::default(),
        Options {
            indirect: false,
            ..direct()
        },
    ] {
        let disk = machine.open(51712, options);
        let before = grant::in_use();
        let (pages, result) = block_on(async {
            let pages = PageBuf::new(300 * 4096 + 512).unwrap();
            disk.read_pages(1024, pages, 512, 300 * 4096).await
        });
        result.unwrap();
        let pages = pages.unwrap();
        assert!(pages[512..] == want[1024..1024 + 300 * 4096]);
        assert_eq!(pages[..512], [0; 512]);
        if !options.persistent {
            assert!(grant::in_use() <= before + 4, "what was lent came back");
        }
        for (offset, at, len) in [
            (1, 0, 512),
            (0, 1, 512),
            (0, 0, 511),
            (0, 4096, 512),
            (u64::MAX - 511, 0, 512),
        ] {
            let (pages, result) =
                block_on(disk.read_pages(offset, PageBuf::new(4096).unwrap(), at, len));
            assert!(pages.is_some());
            assert!(
                result.is_err() || options.persistent && at < 4096,
                "{offset} {at} {len}"
            );
        }
        block_on(disk.close());
    }
    assert_eq!(backend.borrow().seen.nonsense, [""; 0]);
}

#[test]
fn the_next_owner_connects_to_the_same_backend() {
    let machine = Machine::new();
    let backend = machine.disk(
        51712,
        4,
        Offer {
            persistent: true,
            ..Offer::default()
        },
    );
    let mut free = None;
    for round in 1..6 {
        let disk = machine.open(
            51712,
            Options {
                ring_order: round % 3,
                persistent: round % 2 == 0,
                ..Options::default()
            },
        );
        block_on(disk.read(0, &mut [0; 5000])).unwrap();
        block_on(disk.close());
        assert_eq!(backend.borrow().seen.connections, round);
        // As the toolstack left it: our state 1, the backend waiting, nothing else of ours.
        assert_eq!(
            machine.daemon.get("device/vbd/51712/state").as_deref(),
            Some("1")
        );
        assert_eq!(backend.borrow().state(), XenbusState::InitWait);
        let left = machine.daemon.list("device/vbd/51712");
        assert_eq!(
            left,
            [
                "backend",
                "backend-id",
                "device-type",
                "state",
                "virtual-device"
            ]
        );
        assert_eq!((mapped_grants(), grant::in_use()), (0, 0));
        // The first round made the grant table; from then on no page is lost.
        assert_eq!(mm::free_pages(), *free.get_or_insert(mm::free_pages()));
    }
    block_on(machine.store.settle());
    assert_eq!(machine.daemon.watches(), 0);
}

#[test]
fn a_crashed_owners_connection_is_ended_first() {
    let machine = Machine::new();
    let backend = machine.disk(51712, 4, Offer::default());
    let disk = machine.open(51712, direct());
    drop(disk); // no close: the store says Connected on both ends
    assert_eq!(
        machine.daemon.get("device/vbd/51712/state").as_deref(),
        Some("4")
    );
    let disk = machine.open(51712, direct());
    block_on(disk.read(0, &mut [0; 512])).unwrap();
    assert_eq!(backend.borrow().seen.connections, 2);
}

#[test]
fn all_disks_are_found_in_order_of_number() {
    let machine = Machine::new();
    for number in [51728, 768, 51712, 268439552] {
        let offer = match number {
            51728 => Offer {
                overrides: vec![("sectors", Some("none"))],
                ..Offer::default()
            },
            768 => Offer {
                info: 5,
                ..Offer::default()
            },
            _ => Offer::default(),
        };
        machine.disk(number, 1, offer);
    }
    machine.daemon.set("device/vbd/odd", "");
    // One without a backend at all.
    machine.daemon.set("device/vbd/51760/state", "1");
    let disks = block_on(open_all(&machine.store, Options::default())).unwrap();
    let numbers: Vec<_> = disks.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [768, 51712, 51728, 51760, 268439552]);
    let cd = disks[0].1.as_ref().unwrap();
    assert!(cd.disk().cdrom && cd.disk().read_only);
    assert_eq!(block_on(cd.write(0, &[0; 512])), Err(BlockError::ReadOnly));
    let error = disks[2].1.as_ref().unwrap_err().to_string();
    assert!(error.contains("sectors"), "{error}");
    assert!(disks[3].1.is_err() && disks[4].1.is_ok());
    let none = Machine::new();
    assert_eq!(block_on(list(&none.store)).unwrap(), []);
}

#[test]
fn many_readers_share_the_buffers() {
    let machine = Machine::new();
    let backend = machine.disk(51712, 512, Offer::default());
    let disk = Rc::new(machine.open(51712, Options::default()));
    let want = backend.borrow().data.clone();
    let tasks: Vec<_> = (0..20u64)
        .map(|at| {
            let disk = disk.clone();
            executor::spawn(async move {
                let mut buffer = vec![0; 1 << 20];
                disk.read(at * 4096, &mut buffer).await.map(|()| buffer)
            })
        })
        .collect();
    for (at, task) in tasks.into_iter().enumerate() {
        let got = block_on(task).unwrap();
        assert!(got == want[at * 4096..at * 4096 + (1 << 20)], "reader {at}");
    }
}

#[test]
fn answers_in_any_order_and_one_at_a_time() {
    for manners in [Manners::Backwards, Manners::OneAtATime] {
        let machine = Machine::new();
        let backend = machine.disk(
            51712,
            512,
            Offer {
                indirect: None,
                ..Offer::default()
            },
        );
        let disk = machine.open(51712, Options::default());
        backend.borrow_mut().manners = manners;
        let mut got = vec![0; 2 << 20];
        block_on(disk.read(0, &mut got)).unwrap();
        assert!(got == backend.borrow().data, "{manners:?}");
    }
}

#[test]
fn errors_reach_the_caller_and_the_disk_goes_on() {
    for (manners, want) in [
        (Manners::Errors, RequestError::Failed),
        (Manners::Status(-2), RequestError::NotSupported),
        (Manners::Status(77), RequestError::Status(77)),
    ] {
        let machine = Machine::new();
        let backend = machine.disk(51712, 64, Offer::default());
        let disk = machine.open(51712, direct());
        backend.borrow_mut().manners = manners;
        let error = BlockError::Request {
            operation: Operation::Read,
            offset: 512,
            error: want,
        };
        assert_eq!(block_on(disk.read(512, &mut [0; 512])), Err(error));
        let (pages, result) = block_on(disk.read_pages(512, PageBuf::new(8192).unwrap(), 0, 8192));
        assert_eq!((pages.is_some(), result), (true, Err(error)));
        assert!(block_on(disk.flush()).is_err() && block_on(disk.write(0, &[0; 512])).is_err());
        backend.borrow_mut().manners = Manners::Honest;
        let mut all = vec![0; 64 * 4096];
        block_on(disk.read(0, &mut all)).unwrap();
        assert_eq!(disk.failure(), None);
        let beyond = block_on(disk.read(64 * 4096 - 1, &mut [0; 2]));
        assert_eq!(
            beyond,
            Err(BlockError::Bounds {
                offset: 262_143,
                len: 2,
                size: 262_144
            })
        );
        block_on(disk.close());
        assert_eq!(grant::in_use(), 0);
    }
}

#[test]
fn nonsense_is_an_error_and_no_hang() {
    for (manners, want) in [
        (Manners::WrongId, "never was"),
        (Manners::Twice, "second or late"),
        (Manners::Overrun, "index"),
        (Manners::Never, "does not answer"),
        (Manners::Leaves, "ended the connection"),
        (Manners::Vanishes, "is gone"),
    ] {
        for options in [Options::default(), direct()] {
            let machine = Machine::new();
            let backend = machine.disk(51712, 512, Offer::default());
            let disk = machine.open(51712, options);
            backend.borrow_mut().manners = manners;
            let mut buffer = vec![0; 2 << 20];
            let error = block_on(disk.read(0, &mut buffer)).unwrap_err();
            assert!(error.to_string().contains(want), "{manners:?}: {error}");
            // From now on everything fails at once.
            assert!(matches!(
                block_on(disk.read(0, &mut [0; 1])),
                Err(BlockError::Failed(_))
            ));
            assert!(matches!(block_on(disk.flush()), Err(BlockError::Failed(_))));
            let (pages, result) =
                block_on(disk.read_pages(0, PageBuf::new(4096).unwrap(), 0, 4096));
            assert!(pages.is_some() && matches!(result, Err(BlockError::Failed(_))));
            block_on(disk.close());
            // A backend that is gone unmaps nothing any more.
            if manners != Manners::Vanishes {
                assert_eq!((mapped_grants(), grant::in_use()), (0, 0), "{manners:?}");
            }
        }
    }
}

#[test]
fn memory_that_a_backend_keeps_is_never_reused() {
    let machine = Machine::new();
    let backend = machine.disk(51712, 64, Offer::default());
    let free = mm::free_pages();
    let disk = machine.open(51712, direct());
    backend.borrow_mut().manners = Manners::NeverAndKeeps;
    let (pages, result) =
        block_on(disk.read_pages(0, PageBuf::new(16 * 4096).unwrap(), 0, 16 * 4096));
    assert_eq!(result, Err(BlockError::Failed(Failure::TimedOut)));
    assert!(pages.is_none(), "the backend may still write to them");
    assert_eq!(backend.borrow().kept(), 16);
    block_on(disk.close());
    assert!(mm::free_pages() <= free - 16, "and they stay out of use");
    assert!(grant::in_use() >= 16);
}

#[test]
fn a_backend_that_leaves_on_its_own() {
    let machine = Machine::new();
    let backend = machine.disk(51712, 64, Offer::default());
    let disk = machine.open(51712, Options::default());
    block_on(disk.read(0, &mut [0; 512])).unwrap();
    backend.borrow_mut().leave();
    block_on(crate::time::sleep(Duration::from_secs(1)));
    assert_eq!(disk.failure(), Some(Failure::Ended(XenbusState::Closing)));
    block_on(disk.close());
}

#[test]
fn a_reader_that_goes_away_takes_no_buffer_with_it() {
    let machine = Machine::new();
    let _backend = machine.disk(51712, 64, Offer::default());
    let disk = machine.open(51712, Options::default());
    for _ in 0..50 {
        let mut buffer = [0; 512];
        let late = crate::time::timeout(Duration::ZERO, disk.read(0, &mut buffer));
        let _ = block_on(late);
    }
    block_on(disk.read(0, &mut vec![0; 64 * 4096])).unwrap();
    block_on(disk.close());
    assert_eq!(grant::in_use(), 0);
}

#[test]
fn backends_that_cannot_be_connected() {
    // Refuses the ring.
    let machine = Machine::new();
    let backend = machine.disk(51712, 1, Offer::default());
    machine.daemon.set(
        "/local/domain/0/backend/vbd/7/51712/max-ring-page-order",
        "2",
    );
    let error = {
        let offer = Offer {
            ring_order: None,
            ..Offer::default()
        };
        let other = machine.disk(51728, 1, offer);
        machine.daemon.set(
            "/local/domain/0/backend/vbd/7/51728/max-ring-page-order",
            "2",
        );
        let options = Options {
            ring_order: 2,
            ..Options::default()
        };
        let error = block_on(Block::open(&machine.store, 51728, options)).unwrap_err();
        assert_eq!(other.borrow().seen.connections, 0);
        error.to_string()
    };
    assert!(error.contains("refused"), "{error}");
    assert_eq!(grant::in_use(), 0);
    assert!(
        machine
            .daemon
            .get("error/device/vbd/51728/error")
            .is_some_and(|e| e.contains("refused"))
    );
    drop(backend);
    // Never starts: its hotplug script hangs.
    for (node, value) in [
        ("backend", "/local/domain/0/backend/vbd/7/9"),
        ("backend-id", "0"),
        ("state", "1"),
    ] {
        machine
            .daemon
            .set(&alloc::format!("device/vbd/9/{node}"), value);
    }
    machine
        .daemon
        .set("/local/domain/0/backend/vbd/7/9/state", "1");
    let error = block_on(Block::open(&machine.store, 9, Options::default())).unwrap_err();
    assert!(
        matches!(
            error,
            ConnectError::TimedOut {
                backend: XenbusState::Initialising,
                ..
            }
        ),
        "{error}"
    );
}
