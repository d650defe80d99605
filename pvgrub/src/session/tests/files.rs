//! Which menu is found, and what is said when none is.

use super::*;

fn start(command_line: &str) -> Start<'_> {
    Start {
        command_line,
        ramdisk: None,
    }
}

/// A menu whose only entry is called `title`.
fn menu(title: &str) -> String {
    format!("title {title}\nkernel /vmlinuz\n")
}

/// The title that the menu shows, or what is on the screen instead.
fn found(shelf: &Shelf, start: &Start<'_>) -> Result<String, String> {
    let mut script = Script::default();
    script.looks("start");
    let ran = session(shelf, &script, start);
    let screen = ran.terminal.picture("start").to_string();
    let row = screen
        .lines()
        .nth(4)
        .and_then(|row| row.strip_prefix(" | "));
    match row.and_then(|row| row.split_once(" ")) {
        Some((title, _)) => Ok(title.into()),
        None => Err(screen),
    }
}

#[test]
fn where_menus_are_found() {
    for (files, command_line, expected) in [
        (&["(hd0,0)/boot/grub/menu.lst"][..], "", "0"),
        (&["(hd0)/boot/grub/menu.lst"], "", "0"),
        (&["(hd0,0)/grub/menu.lst"], "", "0"),
        (&["(hd0,0)/boot/grub/grub.conf"], "", "0"),
        (&["(hd0,4)/grub/menu.lst", "(hd0,0)/etc/fstab"], "", "0"),
        (&["(hd1,1)/grub/menu.lst", "(hd0)/etc/fstab"], "", "0"),
        // The first partition wins, and menu.lst over grub.conf.
        (
            &["(hd0,1)/boot/grub/menu.lst", "(hd0,0)/grub/menu.lst"],
            "",
            "1",
        ),
        (
            &["(hd0,0)/boot/grub/grub.conf", "(hd0,0)/boot/grub/menu.lst"],
            "",
            "1",
        ),
        // What the command line names.
        (
            &["(hd0,0)/boot/grub/menu.lst", "(hd1,0)/m"],
            "(hd1,0)/m",
            "1",
        ),
        (&["(hd0,0)/boot/grub/menu.lst", "(hd0,0)/m"], "/m", "1"),
        (
            &["(hd0,0)/boot/grub/menu.lst", "(hd1,0)/grub/menu.lst"],
            "(hd1,0)",
            "1",
        ),
        (
            &["(hd0,0)/boot/grub/menu.lst", "(hd0,0)/a b"],
            "'(hd0,0)/a b'",
            "1",
        ),
        (
            &["(hd0,0)/grub/menu.lst"],
            "root=/dev/xvda1 ro loglevel=debug",
            "0",
        ),
    ] {
        let mut shelf = Shelf::default();
        for (index, file) in files.iter().enumerate() {
            shelf.put(file, menu(&index.to_string()).as_bytes());
        }
        assert_eq!(
            found(&shelf, &start(command_line)),
            Ok(expected.into()),
            "{files:?}"
        );
    }
}

#[test]
fn the_ramdisk_wins() {
    let shelf = Shelf::with_menu(&menu("disk"));
    for (ramdisk, command_line, expected) in [
        (menu("ram").into_bytes(), "", "ram"),
        (
            menu("ram").into_bytes(),
            "(hd0,0)/boot/grub/menu.lst",
            "ram",
        ),
        ([menu("ram").as_bytes(), &[0; 4000]].concat(), "", "ram"),
        // No menu at all: the disk's.
        (vec![], "", "disk"),
        (vec![0; 4096], "", "disk"),
        (b"070701 a cpio archive".to_vec(), "", "disk"),
    ] {
        let start = Start {
            command_line,
            ramdisk: Some(&ramdisk),
        };
        assert_eq!(found(&shelf, &start), Ok(expected.into()));
    }
    // Its entries boot from the first partition; its errors name it.
    let ramdisk = b"timeout 0\nfallback 1\ntitle x\nkernel /none\ntitle y\nkernel /vmlinuz\n";
    let start = Start {
        command_line: "",
        ramdisk: Some(ramdisk),
    };
    let ran = session(&shelf, &Script::default(), &start);
    assert_eq!(ran.notes, ["kernel (hd0,0)/vmlinuz []", "boot"]);
    assert!(ran.shows("Error 15: (hd0,0)/none: no such file (ramdisk line 4)"));
}

#[test]
fn no_menu_leads_to_the_command_line() {
    let other = Shelf::new(&[("(hd0,0)/etc/fstab", ""), ("(hd1)/x", "")]);
    for (shelf, command_line, expected) in [
        (
            &other,
            "",
            "\
No menu found. Looked for menu.lst and grub.conf in /boot/grub and /grub:
    (hd0,0): ext4, has none of them
    (hd1): ext4, has none of them
",
        ),
        (
            &other,
            "(hd0,0)/m",
            "No menu: Error 15: (hd0,0)/m: no such file\n",
        ),
        (
            &other,
            "(hd0,3)/m",
            "No menu: Error 22: (hd0,3): no such partition\n",
        ),
        (
            &other,
            "(hd0,3)",
            "No menu found. Looked for menu.lst and grub.conf in /boot/grub and /grub:\n    (hd0,3): no such partition\n",
        ),
        (&Shelf::default(), "", "This guest has no disk.\n"),
        (
            &Shelf::with_menu(""),
            "",
            "(hd0,0)/boot/grub/menu.lst: this menu has no entries.\n",
        ),
        (
            &Shelf::with_menu("nonsense\ntitle x\n"),
            "",
            "(hd0,0)/boot/grub/menu.lst: this menu has no entries.
    line 2: `x' has no commands and is left out
    line 1: `nonsense' is not a command
",
        ),
    ] {
        let screen = found(shelf, &start(command_line)).unwrap_err();
        let banner = "       [ Lines are edited as in a shell.";
        assert!(
            screen.starts_with(&format!("{expected}{banner}")),
            "{screen}"
        );
        assert!(
            screen.ends_with("devices and files. ]\n\ngrubdom>"),
            "{screen}"
        );
    }
}

#[test]
fn odd_menus_do_no_harm() {
    let long = "x".repeat(1 << 20);
    for (name, text) in [
        ("a 1 MiB line", format!("{long}\n{}", menu("ok"))),
        (
            "a 1 MiB title",
            format!("{}title {long}\nboot\n", menu("ok")),
        ),
        (
            "a 1 MiB command line",
            format!("{}title x\nkernel /vmlinuz {long}\n", menu("ok")),
        ),
        ("CRs", menu("ok").replace('\n', "\r\n")),
        ("NULs", menu("ok").replace("title", "ti\0tle")),
        ("many entries", menu("ok").repeat(100_000)),
    ] {
        assert_eq!(
            found(&Shelf::with_menu(&text), &start("")),
            Ok("ok".into()),
            "{name}"
        );
    }
    // Larger than any menu: a clear refusal.
    let huge = Shelf::with_menu(&"#\n".repeat(3 << 20));
    let screen = found(&huge, &start("")).unwrap_err();
    assert!(screen.contains("too large for a menu"), "{screen}");
}
