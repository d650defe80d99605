//! What the toolstack asks for.

use alloc::format;
use core::time::Duration;

use xen_proto::mock::store::Xenstored;

use crate::Shutdown;
use crate::arch::host::connect_store;
use crate::executor::{block_on, spawn};
use crate::shutdown;
use crate::time::{sleep, timeout};

#[test]
fn requests_are_taken_and_answered() {
    for (word, reason) in [
        ("poweroff", Shutdown::PowerOff),
        ("halt", Shutdown::PowerOff),
        ("reboot", Shutdown::Reboot),
    ] {
        let daemon = Xenstored::new(5);
        let store = connect_store(&daemon);
        block_on(shutdown::advertise(store.clone()));
        assert_eq!(
            daemon.get(&format!("control/feature-{word}")).as_deref(),
            Some("1")
        );
        let task = spawn(shutdown::requested(store));
        block_on(sleep(Duration::from_millis(1)));
        daemon.set("control/shutdown", "suspend");
        block_on(sleep(Duration::from_millis(1)));
        assert_eq!(
            daemon.get("control/shutdown").as_deref(),
            Some("suspend"),
            "not for us"
        );
        daemon.set("control/shutdown", word);
        assert_eq!(block_on(task), reason);
        assert_eq!(daemon.get("control/shutdown").as_deref(), Some(""), "taken");
    }
}

#[test]
fn promises_are_taken_back() {
    let daemon = Xenstored::new(5);
    let store = connect_store(&daemon);
    block_on(async {
        shutdown::advertise(store.clone()).await;
        shutdown::withdraw(&store).await;
    });
    assert_eq!(daemon.get("control/feature-poweroff").as_deref(), Some(""));
}

#[test]
fn a_word_that_was_there_before_us_counts() {
    let daemon = Xenstored::new(3);
    daemon.set("control/shutdown", "reboot");
    let store = connect_store(&daemon);
    assert_eq!(block_on(shutdown::requested(store)), Shutdown::Reboot);
}

#[test]
fn other_words_are_left_alone_and_the_next_one_counts() {
    let daemon = Xenstored::new(3);
    let store = connect_store(&daemon);
    let asked = spawn(shutdown::requested(store));
    block_on(sleep(Duration::from_millis(10)));
    for word in ["suspend", "", "POWEROFF", "poweroff "] {
        daemon.set("control/shutdown", word);
        block_on(sleep(Duration::from_millis(10)));
        assert_eq!(daemon.get("control/shutdown").as_deref(), Some(word));
    }
    daemon.remove("control/shutdown");
    block_on(sleep(Duration::from_millis(10)));
    daemon.set("control/shutdown", "poweroff");
    assert_eq!(
        block_on(timeout(Duration::from_secs(1), asked)),
        Ok(Shutdown::PowerOff)
    );
}
