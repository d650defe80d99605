//! The store as libxl leaves it, and as it may be by mistake.

use minios::arch::host::connect_store;
use minios::executor::block_on;
use xen_proto::mock::store::Xenstored;

use super::*;
use crate::arguments::{Place, SerialLine, Vga};

const VM: &str = "/vm/8c9c4d5e-0000-0000-0000-000000000001";

/// dom0's part, for guest 4 and its stub domain 5.
fn libxl(words: &[&str]) -> Xenstored {
    let store = Xenstored::new(5);
    store.set("/local/domain/5/domid", "5");
    store.set("/local/domain/5/target", "4");
    store.set("/local/domain/4/vm", VM);
    for (at, word) in words.iter().enumerate() {
        store.set(&format!("{VM}/image/dm-argv/{:03}", at + 1), word);
    }
    store
}

fn disk(store: &Xenstored, devid: u32, kind: &str, mode: &str, backend: &str) {
    let back = format!("/local/domain/0/backend/{backend}/5/{devid}");
    store.set(&format!("device/vbd/{devid}/backend"), &back);
    store.set(&format!("device/vbd/{devid}/backend-id"), "0");
    store.set(&format!("device/vbd/{devid}/device-type"), kind);
    store.set(&format!("{back}/mode"), mode);
}

fn read(daemon: &Xenstored, line: &str) -> Result<Contract, ContractError> {
    block_on(Contract::read(&connect_store(daemon), line))
}

#[test]
fn what_libxl_wrote_is_read_and_answered() {
    let daemon = libxl(&[
        "-xen-domid",
        "4",
        "-name",
        "a guest",
        "-serial",
        "/dev/hvc3",
        "-device",
        "VGA,vgamem_mb=16",
        "-machine",
        "xenfv,suppress-vmdesc=on",
        "-m",
        "496",
        "-drive",
        "file=/dev/xvda,if=ide,index=0,media=disk,format=host_device,cache=writeback",
    ]);
    disk(&daemon, 51712, "disk", "w", "qdisk");
    disk(&daemon, 5632, "cdrom", "r", "vbd");
    let store = connect_store(&daemon);
    let contract = block_on(Contract::read(&store, "log=debug")).unwrap();
    assert_eq!((contract.ours, contract.guest), (5, 4));
    let config = &contract.config;
    assert_eq!(config.name.as_deref(), Some("a guest"));
    assert_eq!(config.serials, [SerialLine::Console(3)]);
    assert_eq!(config.private("log"), Some("debug"));
    assert_eq!(config.warnings, [""; 0]);
    let behind = contract.disk(&config.drives[0]).unwrap();
    assert_eq!((behind.devid, behind.only_ours), (51712, true));
    let cd = &contract.disks[0];
    assert_eq!(
        (cd.devid, cd.media, cd.read_only, cd.only_ours),
        (5632, Media::Cd, true, false)
    );
    block_on(contract.running(&store)).unwrap();
    let state = daemon.get("/local/domain/5/device-model/4/state");
    assert_eq!(state.as_deref(), Some("running"));
}

/// A disk that dom0's QEMU serves for this domain has nobody behind the guest's
/// own driver; a CD drive stays anyway.
#[test]
fn disks_are_unplugged_only_if_the_guest_finds_them_elsewhere() {
    for (first, second, may) in [
        (("disk", "vbd"), ("disk", "vbd"), true),
        (("disk", "vbd"), ("cdrom", "qdisk"), true),
        (("disk", "vbd"), ("disk", "qdisk"), false),
        (("disk", "qdisk"), ("cdrom", "vbd"), false),
    ] {
        let daemon = libxl(&["-xen-domid", "4", "-m", "496"]);
        disk(&daemon, 768, first.0, "w", first.1);
        disk(&daemon, 5632, second.0, "w", second.1);
        let contract = read(&daemon, "").unwrap();
        assert_eq!(contract.may_unplug(), may, "{first:?} {second:?}");
    }
}

#[test]
fn words_are_in_the_order_of_their_numbers() {
    // As many as a large guest has; the store lists them in no order.
    let mut words: Vec<String> = Vec::new();
    for at in 0..600 {
        words.extend(["-ioemu".to_string(), format!("last={at}")]);
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let contract = read(&libxl(&words), "").unwrap();
    assert_eq!(contract.config.private("last"), Some("599"));
    assert_eq!(contract.config.private.len(), 600);
}

#[test]
fn the_old_way_names_no_disks() {
    let daemon = libxl(&[]);
    daemon.set(
        &format!("{VM}/image/dmargs"),
        "-d 4 -domain-name old -std-vga -boot c",
    );
    disk(&daemon, 768, "disk", "w", "vbd");
    disk(&daemon, 5632, "cdrom", "r", "vbd");
    disk(&daemon, 51792, "disk", "w", "vbd");
    let contract = read(&daemon, "").unwrap();
    assert_eq!(contract.config.vga, Vga::Std);
    let places: Vec<_> = contract
        .config
        .drives
        .iter()
        .map(|drive| (drive.place, drive.media))
        .collect();
    let ide = |bus| Place::Ide { bus, unit: 0 };
    assert_eq!(places, [(ide(0), Media::Disk), (ide(1), Media::Cd)]);
    assert_eq!(contract.disks.len(), 3, "the fifth disk is PV only");
}

#[test]
fn the_oldest_way_has_the_words_on_the_kernels_line() {
    let contract = read(&libxl(&[]), "-d 4 -domain-name x -videoram 8 log=info").unwrap();
    assert_eq!(contract.config.vga_memory, 8);
    assert_eq!(contract.config.private("log"), Some("info"));
}

#[test]
fn what_is_missing_is_said_in_one_line() {
    let daemon = Xenstored::new(5);
    daemon.set("/local/domain/5/domid", "5");
    let error = read(&daemon, "").unwrap_err();
    assert_eq!(error, ContractError::NoTarget);
    assert!(
        error
            .to_string()
            .contains("device_model_stubdomain_override")
    );
    daemon.set("/local/domain/5/target", "me");
    let error = read(&daemon, "").unwrap_err().to_string();
    assert!(
        error.contains("target") && error.contains("\"me\""),
        "{error}"
    );
    daemon.set("/local/domain/5/target", "70000");
    assert!(read(&daemon, "").is_err());
    daemon.set("/local/domain/5/target", "4");
    let error = read(&daemon, "").unwrap_err().to_string();
    assert!(error.contains("/local/domain/4/vm"), "{error}");
    daemon.set("/local/domain/4/vm", VM);
    assert!(read(&daemon, "").is_ok());
    let error = read(&daemon, "-kernel /boot/vmlinuz").unwrap_err();
    assert!(error.to_string().contains("/boot/vmlinuz"));
    assert!(!error.to_string().contains('\n'));
}

#[test]
fn a_command_line_of_another_guest_is_noticed() {
    let contract = read(&libxl(&["-xen-domid", "9"]), "").unwrap();
    assert!(contract.config.warnings[0].contains('9'));
}

#[test]
fn refusals_of_xen_have_their_reason() {
    // errno.h: EPERM 1, ESRCH 3, ENOMEM 12, EINVAL 22, ENOSYS 38.
    for (attempt, number, words) in [
        (Attempt::DeviceModel, 1, "device_model_stubdomain_override"),
        (Attempt::GuestMemory, 1, "no power over the guest"),
        (Attempt::EventChannel, 1, "silo"),
        (Attempt::DeviceModel, 38, "4.9"),
        (Attempt::RequestPage, 38, "too old"),
        (Attempt::GuestMemory, 3, "gone"),
        (Attempt::GuestMemory, 12, "videoram"),
        (Attempt::RequestPage, 22, "EINVAL"),
    ] {
        let line = explain(attempt, 4, Errno(number));
        assert!(line.contains(words) && line.contains("domain 4"), "{line}");
        assert!(!line.contains('\n'));
    }
}

/// Closed is 6 in io/xenbus.h, initialising 1.
#[test]
fn the_guests_keyboard_that_nobody_serves_is_closed() {
    let daemon = libxl(&["-xen-domid", "4"]);
    let front = "/local/domain/4/device/vkbd";
    for (number, kind) in [(0, "vkbd"), (1, "vinput")] {
        let back = format!("/local/domain/0/backend/{kind}/4/{number}");
        daemon.set(&format!("{front}/{number}/backend"), &back);
        daemon.set(&format!("{front}/{number}/state"), "1");
    }
    let store = connect_store(&daemon);
    let contract = block_on(Contract::read(&store, "")).unwrap();
    block_on(contract.close_unserved(&store)).unwrap();
    let state = |number: u32| daemon.get(&format!("{front}/{number}/state")).unwrap();
    assert_eq!((state(0).as_str(), state(1).as_str()), ("6", "1"));
    // A guest without any.
    daemon.remove(front);
    block_on(contract.close_unserved(&store)).unwrap();
}
