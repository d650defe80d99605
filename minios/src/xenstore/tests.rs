//! The live store over the toy Xen: what those leave behind who give up, and a
//! connection that breaks. What it does when all is well is in `crate::tests`.

use alloc::boxed::Box;
use core::cell::Cell;
use core::time::Duration;

use xen_proto::mock::blkback::Domain;
use xen_proto::mock::store::{Quirks, Xenstored};

use super::*;
use crate::arch::host::{OtherDomain, add_peer, connect_store};
use crate::executor::{block_on, join::join, spawn};
use crate::mm::{PAGE_SIZE, PageBuf};
use crate::time::{sleep, timeout};

const SOON: Duration = Duration::from_millis(10);

fn connected() -> (Xenstored, Store) {
    let xenstored = Xenstored::new(3);
    let store = connect_store(&xenstored);
    (xenstored, store)
}

#[test]
fn the_reset_at_the_start_takes_nothing_of_ours() {
    let (xenstored, store) = connected();
    // The very first thing that is asked of the store.
    block_on(async {
        let watch = store.watch("data").await.unwrap();
        assert_eq!(watch.next().await, "data");
        sleep(SOON).await;
        assert_eq!(xenstored.watches(), 1);
        xenstored.set("data/x", "1");
        assert_eq!(watch.next().await, "data/x");
    });
}

#[test]
fn a_transaction_that_is_given_up_is_ended() {
    let (xenstored, store) = connected();
    let given_up = block_on(timeout(
        SOON,
        store.transaction(async |inside: &Store| {
            inside.write("data/a", "1").await?;
            core::future::pending::<()>().await;
            Ok(())
        }),
    ));
    assert!(given_up.is_err());
    block_on(timeout(SOON, store.settle())).unwrap();
    assert_eq!(
        (xenstored.get("data/a"), xenstored.transactions()),
        (None, 0)
    );
}

#[test]
fn a_transaction_given_up_before_it_has_a_number_is_ended() {
    let (xenstored, store) = connected();
    block_on(async {
        let mut starting = Box::pin(store.transaction(async |_: &Store| Ok(())));
        core::future::poll_fn(|context| {
            assert!(core::future::Future::poll(starting.as_mut(), context).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(starting);
        timeout(SOON, store.settle()).await.unwrap();
    });
    assert_eq!(xenstored.transactions(), 0);
}

#[test]
fn a_request_given_up_leaves_nothing_behind() {
    let (_xenstored, store) = connected();
    for _ in 0..50 {
        block_on(async {
            let mut reading = Box::pin(store.read("no/such/node"));
            core::future::poll_fn(|context| {
                assert!(core::future::Future::poll(reading.as_mut(), context).is_pending());
                Poll::Ready(())
            })
            .await;
        });
    }
    block_on(timeout(SOON, store.settle())).unwrap();
    assert_eq!(store.connection.borrow().client.under_way(), 0);
    block_on(store.write("data/a", "still works")).unwrap();
}

#[test]
fn watches_end_when_dropped_also_before_they_have_begun() {
    let (xenstored, store) = connected();
    block_on(async {
        let mut starting = Box::pin(store.watch("data"));
        core::future::poll_fn(|context| {
            assert!(core::future::Future::poll(starting.as_mut(), context).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(starting);
        timeout(SOON, store.settle()).await.unwrap();
        assert_eq!(xenstored.watches(), 0);
        let watch = store.watch("data").await.unwrap();
        assert_eq!(xenstored.watches(), 1);
        drop(watch);
        timeout(SOON, store.settle()).await.unwrap();
        assert_eq!(xenstored.watches(), 0);
    });
    assert!(block_on(store.watch("bad//path")).is_err());
    assert_eq!(xenstored.watches(), 0);
}

#[test]
fn a_watch_tells_of_all_that_lies_below_and_of_nothing_else() {
    let (xenstored, store) = connected();
    block_on(async {
        let (mine, other) = join(store.watch("data/mine"), store.watch("data/other")).await;
        let (mine, other) = (mine.unwrap(), other.unwrap());
        assert_eq!(mine.next().await, "data/mine");
        assert_eq!(other.next().await, "data/other");
        xenstored.set("data/mine/deep/below", "1");
        xenstored.set("data/third", "1");
        assert_eq!(mine.next().await, "data/mine/deep/below");
        assert!(timeout(SOON, mine.next()).await.is_err());
        assert!(timeout(SOON, other.next()).await.is_err());
    });
}

#[test]
fn one_who_is_polled_often_waits_once() {
    let (_xenstored, store) = connected();
    block_on(spawn(async move {
        let watch = store.watch("data").await.unwrap();
        watch.next().await;
        let ticking = async {
            for _ in 0..100 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(SOON * 100, join(watch.next(), ticking))
            .await
            .unwrap_err();
        let waiting = store.connection.borrow_mut().waiting.take();
        assert!(waiting.len() <= 2, "{} wakers", waiting.len());
    }));
}

#[test]
fn a_lost_connection_fails_all_now_and_later() {
    let (xenstored, store) = connected();
    block_on(sleep(SOON));
    xenstored.quirks(Quirks {
        too_long: true,
        ..Quirks::default()
    });
    let (first, second) = block_on(join(store.read("data/a"), store.read("data/b")));
    assert!(matches!(first, Err(Error::Lost(_))), "{first:?}");
    assert!(matches!(second, Err(Error::Lost(_))), "{second:?}");
    let third = block_on(store.write("data/c", "1"));
    assert!(matches!(third, Err(Error::Lost(_))), "{third:?}");
    let fourth = block_on(store.transaction(async |_: &Store| Ok(())));
    assert!(matches!(fourth, Err(Error::Lost(_))), "{fourth:?}");
    block_on(timeout(SOON, store.settle())).unwrap();
}

#[test]
fn indices_that_make_no_sense_lose_the_connection_and_do_not_spin() {
    // xs_wire.h: req_cons at 2048, rsp_prod at 2060.
    for offset in [2048, 2060] {
        let page: Shared<XenstoreDomainInterface> =
            Shared::from_pages(Rc::new(PageBuf::new(PAGE_SIZE).unwrap()));
        let ours = Port::alloc_unbound(0).unwrap();
        let theirs = OtherDomain.bind(ours.number()).unwrap();
        let store = Store::connect(page.clone(), ours);
        let noisy = Cell::new(20);
        add_peer(Box::new(move || {
            // Again and again, as a mad peer would.
            noisy.set(noisy.get() - 1);
            page.store_release(offset, 0x8000_0000);
            OtherDomain.notify(theirs);
            noisy.get() > 0
        }));
        let answer = block_on(store.read("data/a"));
        assert!(matches!(answer, Err(Error::Lost(_))), "{answer:?}");
        block_on(sleep(SOON));
    }
}
