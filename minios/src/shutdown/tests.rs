//! What `xl shutdown` and its like write, and what comes of it.

use core::time::Duration;

use xen_proto::mock::store::Xenstored;

use super::*;
use crate::arch::host::connect_store;
use crate::executor::{block_on, spawn};
use crate::time::{sleep, timeout};

const SOON: Duration = Duration::from_millis(10);

#[test]
fn each_word_means_what_the_toolstack_means() {
    for (word, reason) in [
        ("poweroff", Shutdown::PowerOff),
        ("halt", Shutdown::PowerOff),
        ("reboot", Shutdown::Reboot),
    ] {
        let xenstored = Xenstored::new(3);
        let store = connect_store(&xenstored);
        let asked = spawn(requested(store));
        block_on(sleep(SOON));
        xenstored.set("control/shutdown", word);
        assert_eq!(block_on(asked), reason, "{word}");
        assert_eq!(
            xenstored.get("control/shutdown").as_deref(),
            Some(""),
            "taken away: xl waits for it"
        );
    }
}

#[test]
fn a_word_that_was_there_before_us_counts() {
    let xenstored = Xenstored::new(3);
    xenstored.set("control/shutdown", "reboot");
    let store = connect_store(&xenstored);
    assert_eq!(block_on(requested(store)), Shutdown::Reboot);
}

#[test]
fn other_words_are_left_alone_and_the_next_one_counts() {
    let xenstored = Xenstored::new(3);
    let store = connect_store(&xenstored);
    let asked = spawn(requested(store));
    block_on(sleep(SOON));
    for word in ["suspend", "", "POWEROFF", "poweroff "] {
        xenstored.set("control/shutdown", word);
        block_on(sleep(SOON));
        assert_eq!(xenstored.get("control/shutdown").as_deref(), Some(word));
    }
    xenstored.remove("control/shutdown");
    block_on(sleep(SOON));
    xenstored.set("control/shutdown", "poweroff");
    assert_eq!(
        block_on(timeout(Duration::from_secs(1), asked)),
        Ok(Shutdown::PowerOff)
    );
}

#[test]
fn promises_are_made_and_taken_back_in_place() {
    let xenstored = Xenstored::new(3);
    let store = connect_store(&xenstored);
    block_on(advertise(store.clone()));
    let nodes = ["feature-poweroff", "feature-reboot", "feature-halt"];
    let value = |node: &str| xenstored.get(&alloc::format!("control/{node}"));
    assert!(nodes.iter().all(|node| value(node).as_deref() == Some("1")));
    block_on(withdraw(&store));
    assert!(nodes.iter().all(|node| value(node).as_deref() == Some("")));
}
