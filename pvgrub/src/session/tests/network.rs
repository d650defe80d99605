//! A guest with a network card: where its menu comes from, and the commands.

use super::*;
use crate::net::{Addresses, Change, NetError, Network};
use netfront::stack::DhcpError;
use std::cell::{Cell, RefCell};
use std::net::Ipv4Addr;

/// A network whose DHCP server says what the test wants.
#[derive(Default)]
struct Wire {
    address: Cell<Option<Addresses>>,
    /// Option 150; without any, no server answers.
    menu: Option<&'static str>,
    answers: bool,
    asked: RefCell<Vec<String>>,
}

impl Network for Wire {
    fn dhcp(&self, any_key: bool) -> Result<Addresses, NetError> {
        self.asked.borrow_mut().push(format!("dhcp {any_key}"));
        if !self.answers {
            return Err(NetError::NoAddress(DhcpError::NoAnswer));
        }
        let addresses = Addresses {
            address: Ipv4Addr::new(10, 1, 0, 1),
            mask: Ipv4Addr::new(255, 255, 255, 0),
            server: Some(Ipv4Addr::new(10, 1, 0, 2)),
            gateway: None,
        };
        self.address.set(Some(addresses));
        Ok(addresses)
    }

    fn configure(&self, change: &Change) -> Result<Addresses, NetError> {
        self.asked.borrow_mut().push(format!("{change:?}"));
        self.address.get().ok_or(NetError::AddressFirst)
    }

    fn addresses(&self) -> Option<Addresses> {
        self.address.get()
    }

    fn menu(&self) -> Option<String> {
        self.menu.map(String::from)
    }

    fn open(self: Rc<Self>, _: DeviceName, _: &str) -> Result<Box<dyn File>, NetError> {
        Err(NetError::Silent)
    }
}

/// Files on a shelf, those on `(nd)` too, and a network.
struct Online {
    shelf: Shelf,
    wire: Wire,
}

impl Files for Online {
    fn disks(&self) -> u32 {
        self.shelf.disks()
    }
    fn partitions(&self, disk: u32) -> Result<Vec<PartitionEntry>, Error> {
        self.shelf.partitions(disk)
    }
    fn file_system(&self, device: DeviceName) -> Result<&'static str, Error> {
        self.shelf.file_system(device)
    }
    fn open(&self, spec: &FileSpec, root: DeviceName) -> Result<Box<dyn File>, Error> {
        self.shelf.open(spec, root)
    }
    fn read_dir(&self, device: DeviceName, path: &str) -> Result<Vec<DirEntry>, Error> {
        self.shelf.read_dir(device, path)
    }
    fn network(&self) -> Option<&dyn Network> {
        Some(&self.wire)
    }
}

const DISK: &str = "title from the disk\nkernel /vmlinuz\n";
const NET: &str = "title from the network\nkernel /linux\ninitrd (http,boot.example)/initrd\n";

fn online(wire: Wire) -> Online {
    let shelf = Shelf::new(&[
        ("(hd0,0)/boot/grub/menu.lst", DISK),
        ("(hd0,0)/vmlinuz", "kernel"),
        ("(nd)/pv/menu.lst", NET),
        ("(nd)/linux", "kernel"),
        ("(http,boot.example)/initrd", "initrd"),
    ]);
    Online { shelf, wire }
}

fn run_online(online: &Online, keys: &str, start: &Start<'_>) -> Ran {
    let mut terminal = Script::keys(keys).terminal();
    let mut machine = Notes::default();
    let exit = run(&mut terminal, online, &mut machine, start);
    Ran {
        exit,
        terminal,
        notes: machine.notes,
    }
}

fn answering(menu: Option<&'static str>) -> Online {
    online(Wire {
        menu,
        answers: true,
        ..Wire::default()
    })
}

#[test]
fn a_guest_that_was_told_nothing_asks_for_a_menu() {
    let online = answering(Some("(nd)/pv/menu.lst"));
    let ran = run_online(&online, "\r", &Start::default());
    assert!(
        ran.shows(
            "Address: 10.1.0.1\nNetmask: 255.255.255.0\nServer: 10.1.0.2\nGateway: 0.0.0.0\n"
        )
    );
    // Names without a device are on the menu's own.
    assert_eq!(ran.notes, ["kernel (nd)/linux []", "initrd initrd", "boot"]);
    assert_eq!(*online.wire.asked.borrow(), ["dhcp true"]);
}

#[test]
fn without_an_answer_or_a_menu_in_it_the_disk_has_one() {
    for wire in [
        Wire::default(),
        answering(None).wire,
        answering(Some("(nd)/not/there")).wire,
        answering(Some("(nd)nonsense")).wire,
    ] {
        let online = online(wire);
        let ran = run_online(&online, "\r", &Start::default());
        assert!(ran.shows("from the disk"));
        assert_eq!(ran.notes, ["kernel (hd0,0)/vmlinuz []", "boot"]);
        assert_eq!(*online.wire.asked.borrow(), ["dhcp true"]);
    }
}

#[test]
fn a_menu_from_elsewhere_costs_no_question() {
    let online = answering(Some("(nd)/pv/menu.lst"));
    let disk = Start {
        command_line: "(hd0,0)/boot/grub/menu.lst",
        ramdisk: None,
    };
    let ramdisk = Start {
        command_line: "",
        ramdisk: Some(DISK.as_bytes()),
    };
    for start in [disk, ramdisk] {
        let ran = run_online(&online, "\r", &start);
        assert_eq!(ran.notes, ["kernel (hd0,0)/vmlinuz []", "boot"]);
    }
    assert!(online.wire.asked.borrow().is_empty());
}

#[test]
fn a_menu_on_the_network_has_an_address_asked_for_first() {
    let online = answering(None);
    let start = Start {
        command_line: "root=/dev/xvda (nd)/pv/menu.lst",
        ramdisk: None,
    };
    let ran = run_online(&online, "\r", &start);
    assert!(ran.shows("Address: 10.1.0.1\n"));
    assert_eq!(ran.notes, ["kernel (nd)/linux []", "initrd initrd", "boot"]);
    assert_eq!(*online.wire.asked.borrow(), ["dhcp false"]);
}

/// A menu whose first lines ask DHCP for another gives way to that one, if it
/// can be had.
#[test]
fn a_menu_that_sends_to_the_one_that_dhcp_names() {
    const SENDS: &str = "timeout 1\ndhcp --with-configfile\n";
    let disk = format!("{SENDS}{DISK}");
    let start = Start {
        command_line: "timeout=3 (hd0,0)/boot/grub/menu.lst",
        ramdisk: None,
    };
    let net = &["kernel (nd)/linux []", "initrd initrd", "boot"][..];
    let own = &["kernel (hd0,0)/vmlinuz []", "boot"][..];
    for (named, expected, asked) in [
        (Some("(nd)/pv/menu.lst"), net, 1),
        (None, own, 1),
        (Some("(nd)/not/there"), own, 2),
        (Some("(hd0,0)/boot/grub/menu.lst"), own, 1),
    ] {
        let mut online = answering(named);
        online
            .shelf
            .put("(hd0,0)/boot/grub/menu.lst", disk.as_bytes());
        // Unattended: the seconds are those of the command line.
        let ran = run_online(&online, "", &start);
        assert_eq!(ran.notes, expected, "{named:?}");
        assert!(ran.shows("on its own in 3 seconds"), "{named:?}");
        assert_eq!(online.wire.asked.borrow().len(), asked, "{named:?}");
    }
    // One that sends back here does so a few times only.
    let mut online = answering(Some("(nd)/pv/menu.lst"));
    let back = format!("timeout 1\nbootp --with-configfile\n{NET}");
    online
        .shelf
        .put("(hd0,0)/boot/grub/menu.lst", disk.as_bytes());
    online.shelf.put("(nd)/pv/menu.lst", back.as_bytes());
    let ran = run_online(&online, "", &start);
    assert_eq!(ran.notes, net);
}

/// What the commands `typed` at the command line print.
fn typed(online: &Online, typed: &str) -> String {
    let start = Start {
        command_line: "(hd0,0)/none",
        ramdisk: None,
    };
    let ran = run_online(online, &format!("{typed}\rhalt\r"), &start);
    assert_eq!(ran.exit, Exit::Halt);
    let shown = ran.terminal.transcript().replace("\r\n", "\n");
    let from = shown.find("grubdom> ").unwrap();
    shown[from..].to_string()
}

#[test]
fn commands() {
    let online = answering(Some("(nd)/pv/menu.lst"));
    assert!(typed(&online, "ifconfig").contains("No address yet"));
    assert!(typed(&online, "dhcp").contains("\nAddress: 10.1.0.1\nNetmask: "));
    assert!(typed(&online, "bootp").contains("\nAddress: 10.1.0.1\n"));
    assert!(typed(&online, "ifconfig").contains("\nServer: 10.1.0.2\n"));
    assert!(typed(&online, "dhcp --with-configfile\r\x1bc").contains("from the network"));
    assert!(typed(&online, "dhcp --what").contains("Error 30: --what: "));
    assert!(typed(&online, "cat (n\t/pv/menu.lst").contains("title from the network"));
    assert!(typed(&online, "rarp").contains("Error 33: "));
    online.wire.asked.borrow_mut().clear();
    typed(
        &online,
        "ifconfig --address=10.0.0.9 --mask=255.0.0.0 --gateway=10.0.0.1 --server=10.0.0.2",
    );
    assert_eq!(
        *online.wire.asked.borrow(),
        [
            "Change { address: Some(10.0.0.9), mask: Some(255.0.0.0), gateway: Some(10.0.0.1), \
          server: Some(10.0.0.2), dns: None }"
        ]
    );
    assert!(typed(&online, "tftpserver 10.9.9.9").contains("\nServer: 10.9.9.9\n"));
    for wrong in [
        "ifconfig --address=10.0.0",
        "ifconfig --address=",
        "ifconfig --adress=10.0.0.1",
        "ifconfig 10.0.0.1",
        "tftpserver",
        "tftpserver host",
    ] {
        assert!(typed(&online, wrong).contains("Error 30: "), "{wrong}");
    }
}

#[test]
fn a_server_may_be_named_before_there_is_an_address() {
    let online = online(Wire::default());
    assert!(typed(&online, "tftpserver 10.9.9.9").contains("\nServer: 10.9.9.9\n"));
    assert!(typed(&online, "ifconfig --server=10.9.9.9").contains("No address yet"));
    assert!(typed(&online, "ifconfig --mask=255.0.0.0").contains("Error 30: "));
    assert!(typed(&online, "dhcp").contains("Error 33: no address: no DHCP server answers"));
}

#[test]
fn without_a_card_they_say_so() {
    let shelf = Shelf::new(&[]);
    for command in ["dhcp", "bootp", "ifconfig", "tftpserver 10.0.0.1"] {
        let ran = session(
            &shelf,
            &Script::keys(&format!("{command}\rhalt\r")),
            &Start::default(),
        );
        assert!(
            ran.shows("Error 33: this guest has no network card"),
            "{command}"
        );
    }
}
