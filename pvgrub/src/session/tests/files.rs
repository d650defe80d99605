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
No menu found. Looked for menu.lst, grub.cfg, extlinux.conf and the like:
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
            "No menu found. Looked for menu.lst, grub.cfg, extlinux.conf and the like:\n    (hd0,3): no such partition\n",
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

/// `title packed`, `kernel /vmlinuz`, by `gzip -9n`.
const GZIPPED: &[u8] = &[
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x2b, 0xc9, 0x2c, 0xc9, 0x49, 0x55,
    0x28, 0x48, 0x4c, 0xce, 0x4e, 0x4d, 0xe1, 0xca, 0x4e, 0x2d, 0xca, 0x4b, 0xcd, 0x51, 0xd0, 0x2f,
    0xcb, 0xcd, 0xc9, 0xcc, 0x2b, 0xad, 0xe2, 0x02, 0x00, 0x5f, 0xd9, 0x6a, 0x8c, 0x1d, 0x00, 0x00,
    0x00,
];

/// The same by `xz --check=crc32`, which does not tell its length.
const XZ: &[u8] = &[
    0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00, 0x00, 0x01, 0x69, 0x22, 0xde, 0x36, 0x02, 0x00, 0x21, 0x01,
    0x1c, 0x00, 0x00, 0x00, 0x10, 0xcf, 0x58, 0xcc, 0x01, 0x00, 0x1c, 0x74, 0x69, 0x74, 0x6c, 0x65,
    0x20, 0x70, 0x61, 0x63, 0x6b, 0x65, 0x64, 0x0a, 0x6b, 0x65, 0x72, 0x6e, 0x65, 0x6c, 0x20, 0x2f,
    0x76, 0x6d, 0x6c, 0x69, 0x6e, 0x75, 0x7a, 0x0a, 0x00, 0x00, 0x00, 0x00, 0x5f, 0xd9, 0x6a, 0x8c,
    0x00, 0x01, 0x31, 0x1d, 0x40, 0xde, 0xdd, 0x85, 0x90, 0x42, 0x99, 0x0d, 0x01, 0x00, 0x00, 0x00,
    0x00, 0x01, 0x59, 0x5a,
];

#[test]
fn compressed_menus() {
    for packed in [GZIPPED, XZ] {
        let mut shelf = Shelf::default();
        shelf.put("(hd0,0)/boot/grub/menu.lst", packed);
        assert_eq!(found(&shelf, &start("")), Ok("packed".into()));
        let ramdisk = Start {
            command_line: "",
            ramdisk: Some(packed),
        };
        assert_eq!(found(&Shelf::default(), &ramdisk), Ok("packed".into()));
        // Damaged in the middle, or cut: said, and no more than that.
        for damage in [packed[..packed.len() - 9].to_vec(), {
            let mut bytes = packed.to_vec();
            bytes[packed.len() / 2] ^= 0x40;
            bytes
        }] {
            shelf.put("(hd0,0)/m", &damage);
            let screen = found(&shelf, &start("(hd0,0)/m")).unwrap_err();
            let error = "No menu: Error 3: (hd0,0)/m: compressed menu: ";
            assert!(screen.starts_with(error), "{screen}");
        }
    }
}

/// What the guest's configuration says counts for the first menu, and what
/// stands behind `--` reaches every kernel.
#[test]
fn the_configuration_has_the_last_word() {
    const MENU: &str = "default 1\ntimeout 60\ntitle a\nkernel /vmlinuz a\n\
        title b\nkernel /vmlinuz\ntitle c\nconfigfile /other\n";
    for (command_line, seconds, booted) in [
        ("", 60, "[]"),
        ("timeout=3", 3, "[]"),
        ("default=0 timeout=0 (hd0,0)/boot/grub/menu.lst", 0, "[a]"),
        ("root=/dev/xvda1 -- quiet  foo=bar", 60, "[quiet  foo=bar]"),
        ("timeout=0 default=0 -- ro", 0, "[a ro]"),
        ("default=saved timeout=0", 0, "[]"),
        // Its own timeout, but the words for the kernel are the same.
        ("timeout=1 default=2 -- x", 8, "[other x]"),
        ("timeout=soon default=0 -- x", 60, "[a x]"),
    ] {
        let mut shelf = Shelf::with_menu(MENU);
        shelf.put("(hd0,0)/boot/grub/default", b"1\n");
        shelf.put(
            "(hd0,0)/other",
            b"timeout 7\ntitle o\nkernel /vmlinuz other\n",
        );
        let mut script = Script::default();
        script.waits(1_000_000_000_000);
        let before = script.terminal().now;
        let ran = session(&shelf, &script, &start(command_line));
        assert_eq!(
            ran.notes[0],
            format!("kernel (hd0,0)/vmlinuz {booted}"),
            "{command_line}"
        );
        let taken = ran.terminal.now - before;
        assert_eq!(taken, seconds * 1_000_000_000, "{command_line}");
    }
    let ran = session(
        &Shelf::with_menu(MENU),
        &Script::default(),
        &start("timeout=soon"),
    );
    assert!(ran.shows("On the command line: timeout soon: Error 23: soon: not a number"));
    // Also typed by hand, with no menu at all.
    let shelf = Shelf::new(&[("(hd0,0)/vmlinuz", "")]);
    let script = Script::keys("kernel /vmlinuz a\rboot\r");
    assert_eq!(
        session(&shelf, &script, &start("-- b")).notes[0],
        "kernel (hd0,0)/vmlinuz [a b]"
    );
}
