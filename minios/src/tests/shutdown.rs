//! What the toolstack asks for.

use alloc::format;
use core::time::Duration;

use xen_proto::mock::store::Xenstored;

use crate::Shutdown;
use crate::arch::host::connect_store;
use crate::executor::{block_on, spawn};
use crate::shutdown;
use crate::time::sleep;

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
