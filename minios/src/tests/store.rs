//! The store over its ring, against a mock xenstored.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::Cell;
use core::time::Duration;

use xen_proto::mock::store::{Quirks, Xenstored};

use crate::arch::host::connect_store;
use crate::executor::{block_on, spawn};
use crate::time::{sleep, timeout};
use crate::xenstore::{Errno, Error, Store};

fn machine() -> (Xenstored, Store) {
    let daemon = Xenstored::new(5);
    let store = connect_store(&daemon);
    (daemon, store)
}

#[test]
fn nodes_are_written_read_listed_and_removed() {
    let (daemon, store) = machine();
    block_on(async {
        store.write("data/a", "one").await.unwrap();
        assert_eq!(daemon.get("/local/domain/5/data/a").as_deref(), Some("one"));
        assert_eq!(store.read("/local/domain/5/data/a").await.unwrap(), "one");
        assert_eq!(store.read_if_there("data/b").await, Ok(None));
        assert_eq!(
            store.read("data/b").await,
            Err(Error::Server(Errno::ENOENT))
        );
        store.mkdir("data/dir").await.unwrap();
        assert_eq!(store.directory("data").await.unwrap(), ["a", "dir"]);
        store.rm("data/a").await.unwrap();
        store.rm("data/a").await.unwrap();
        store.rm("nothing/at/all").await.unwrap();
        assert_eq!(store.directory("data").await.unwrap(), ["dir"]);
        let long = "x".repeat(4000);
        store.write("long", &long).await.unwrap();
        assert_eq!(store.read("long").await.unwrap(), long);
        assert!(matches!(
            store.write("long", &"x".repeat(5000)).await,
            Err(Error::TooLong { .. })
        ));
        assert!(matches!(store.read("a//b").await, Err(Error::Path(_))));
    });
}

#[test]
fn long_listings_come_whole_or_say_why_not() {
    let (daemon, store) = machine();
    for at in 0..1500 {
        daemon.set(&format!("many/{at:05}"), "");
    }
    daemon.quirks(Quirks {
        restless_listings: 2,
        ..Quirks::default()
    });
    assert_eq!(block_on(store.directory("many")).unwrap().len(), 1502);
    daemon.quirks(Quirks {
        no_directory_part: true,
        ..Quirks::default()
    });
    assert_eq!(
        block_on(store.directory("many")),
        Err(Error::Server(Errno::E2BIG))
    );
}

#[test]
fn transactions_are_all_or_nothing_and_tried_again() {
    let (daemon, store) = machine();
    daemon.quirks(Quirks {
        conflicts: 3,
        ..Quirks::default()
    });
    let rounds = Cell::new(0);
    let result = block_on(store.transaction(async |inside| {
        rounds.set(rounds.get() + 1);
        inside.write("a", "1").await?;
        inside.write("b", "2").await?;
        assert_eq!(inside.read("a").await?, "1");
        assert_eq!(
            store.read_if_there("a").await?,
            None,
            "not yet seen outside"
        );
        Ok(rounds.get())
    }));
    assert_eq!(result, Ok(4));
    assert_eq!(daemon.get("b").as_deref(), Some("2"));
    let result: Result<(), _> = block_on(store.transaction(async |inside| {
        inside.write("a", "9").await?;
        inside.read("none").await.map(drop)
    }));
    assert_eq!(result, Err(Error::Server(Errno::ENOENT)));
    assert_eq!(daemon.get("a").as_deref(), Some("1"));
    daemon.quirks(Quirks {
        conflicts: u32::MAX,
        ..Quirks::default()
    });
    let result = block_on(store.transaction(async |inside| inside.write("a", "9").await));
    assert!(matches!(result, Err(Error::Conflict { .. })));
}

#[test]
fn watches_tell_of_changes_until_they_are_dropped() {
    let (daemon, store) = machine();
    let watch = block_on(store.watch("/local/domain/0/backend")).unwrap();
    assert_eq!(block_on(watch.next()), "/local/domain/0/backend");
    daemon.set("/local/domain/0/backend/vbd/state", "4");
    daemon.set("/local/domain/0/other", "");
    assert_eq!(block_on(watch.next()), "/local/domain/0/backend/vbd/state");
    assert!(block_on(timeout(Duration::from_secs(1), watch.next())).is_err());
    // A change while somebody waits.
    let waiting = spawn(async move { (watch.next().await, watch) });
    block_on(sleep(Duration::from_millis(1)));
    daemon.set("/local/domain/0/backend", "");
    let (path, watch) = block_on(waiting);
    assert_eq!(path, "/local/domain/0/backend");
    assert_eq!(daemon.watches(), 1);
    drop(watch);
    block_on(store.settle());
    assert_eq!(daemon.watches(), 0);
}

#[test]
fn many_tasks_ask_at_once_and_each_gets_its_own_answer() {
    for backwards in [false, true] {
        let (daemon, store) = machine();
        daemon.quirks(Quirks {
            backwards,
            unasked: true,
            ..Quirks::default()
        });
        for at in 0..100 {
            daemon.set(&format!("node/{at}"), &format!("{}", at * at).repeat(30));
        }
        let tasks: Vec<_> = (0..100)
            .map(|at| {
                let store = store.clone();
                spawn(async move { store.read(&format!("node/{at}")).await })
            })
            .collect();
        for (at, task) in tasks.into_iter().enumerate() {
            assert_eq!(block_on(task), Ok(format!("{}", at * at).repeat(30)));
        }
    }
}

#[test]
fn a_request_that_nobody_waits_for_any_more_disturbs_no_other() {
    let (daemon, store) = machine();
    daemon.set("a", "A");
    daemon.set("b", "B");
    let given_up = block_on(timeout(Duration::ZERO, store.read("a")));
    assert!(given_up.is_err());
    assert_eq!(block_on(store.read("b")).as_deref(), Ok("B"));
}

#[test]
fn a_server_gone_mad_fails_everything_and_hangs_nothing() {
    let (daemon, store) = machine();
    block_on(store.settle());
    daemon.quirks(Quirks {
        too_long: true,
        ..Quirks::default()
    });
    let other = spawn({
        let store = store.clone();
        async move { store.read("b").await }
    });
    let error = block_on(store.read("a")).unwrap_err();
    assert!(matches!(error, Error::Lost(_)), "{error}");
    assert!(block_on(other).is_err());
    assert!(error.to_string().contains("connection lost"));
    assert_eq!(block_on(store.read("c")), Err(error));
}

#[test]
fn an_old_server_will_do() {
    let (daemon, store) = machine();
    daemon.quirks(Quirks {
        no_reset_watches: true,
        no_directory_part: true,
        ..Quirks::default()
    });
    block_on(async {
        store.settle().await;
        assert_eq!(
            store.reset_watches().await,
            Err(Error::Server(Errno::ENOSYS))
        );
        store.write("a", "1").await.unwrap();
        assert_eq!(store.directory("a").await, Ok(Vec::<String>::new()));
    });
    drop(Rc::new(daemon));
}
