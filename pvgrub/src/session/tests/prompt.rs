//! The command line.

use super::*;

/// The screen after typing `keys` at the command line, from the prompt on.
fn typed(shelf: &Shelf, keys: &str) -> String {
    let mut script = Script::keys("c");
    script
        .types(keys.as_bytes())
        .waits(1_000_000_000)
        .looks("screen");
    let ran = session(shelf, &script, &Start::default());
    let screen = ran.terminal.picture("screen").to_string();
    match screen.find("grubdom> ") {
        Some(at) => screen[at..].to_string(),
        None => screen,
    }
}

fn shelf() -> Shelf {
    let mut shelf = Shelf::with_menu("title x\nboot\n");
    shelf.put("(hd0,0)/etc/fstab", b"proc\t/proc\x07\r\n\xc3\xa9\xff\n");
    shelf.put("(hd0,0)/etc/fstab.bak", b"");
    shelf.put("(hd1)/etc/other", b"");
    shelf
}

#[test]
fn commands() {
    for (keys, expected) in [
        ("# note\r\r", "grubdom> # note\ngrubdom>\ngrubdom>"),
        (
            "root\r",
            "grubdom> root\n (hd0,0): ext4, partition type 0x83\ngrubdom>",
        ),
        (
            "root (hd1)\rroot\r",
            "grubdom> root (hd1)\n (hd1): ext4, whole disk\ngrubdom> root\n (hd1): ext4, whole disk\ngrubdom>",
        ),
        (
            "root (hd0,9)\rroot\r",
            "grubdom> root (hd0,9)\n\nError 22: (hd0,9): no such partition\n\ngrubdom> root\n (hd0,0): ext4, partition type 0x83\ngrubdom>",
        ),
        (
            "root (hd0)\r",
            "grubdom> root (hd0)\n (hd0): no known file system, whole disk with partitions (hd0,0)\ngrubdom>",
        ),
        (
            "rootnoverify (hd0,9)\r",
            "grubdom> rootnoverify (hd0,9)\ngrubdom>",
        ),
        (
            "cat /etc/fstab\r",
            "grubdom> cat /etc/fstab\nproc    /proc?\né?\ngrubdom>",
        ),
        (
            "find /etc/fstab\r",
            "grubdom> find /etc/fstab\n (hd0,0)\ngrubdom>",
        ),
        (
            "find /vmlinuz\r",
            "grubdom> find /vmlinuz\n (hd0,0)\ngrubdom>",
        ),
        (
            "find /etc/other\r",
            "grubdom> find /etc/other\n (hd1)\ngrubdom>",
        ),
        ("print a  b\r", "grubdom> print a  b\na  b\ngrubdom>"),
        (
            "frobnicate\r",
            "grubdom> frobnicate\n\nError 27: frobnicate: no such command\n\ngrubdom>",
        ),
        (
            "savedefault\r",
            "grubdom> savedefault\n\nError 30: outside of an entry the number is needed\n\ngrubdom>",
        ),
        (
            "boot\r",
            "grubdom> boot\n\nError 8: no kernel is loaded; load one with `kernel' first\n\ngrubdom>",
        ),
        (
            "cmp /vmlinuz /vmlinuz\r",
            "grubdom> cmp /vmlinuz /vmlinuz\ngrubdom>",
        ),
        (
            "cmp /vmlinuz /initrd.img\r",
            "grubdom> cmp /vmlinuz /initrd.img\n Offset 0 differs: 0x6b [(hd0,0)/vmlinuz], 0x69 [(hd0,0)/initrd.img]\n Offset 1 differs: 0x65 [(hd0,0)/vmlinuz], 0x6e [(hd0,0)/initrd.img]\n Offset 2 differs: 0x72 [(hd0,0)/vmlinuz], 0x69 [(hd0,0)/initrd.img]\n Offset 3 differs: 0x6e [(hd0,0)/vmlinuz], 0x74 [(hd0,0)/initrd.img]\n Offset 4 differs: 0x65 [(hd0,0)/vmlinuz], 0x72 [(hd0,0)/initrd.img]\n Offset 5 differs: 0x6c [(hd0,0)/vmlinuz], 0x64 [(hd0,0)/initrd.img]\ngrubdom>",
        ),
        (
            "cmp /etc/fstab.bak /vmlinuz\r",
            "grubdom> cmp /etc/fstab.bak /vmlinuz\n Sizes differ: 0x0 [(hd0,0)/etc/fstab.bak], 0x6 [(hd0,0)/vmlinuz]\ngrubdom>",
        ),
        (
            "blocklist /vmlinuz\r",
            "grubdom> blocklist /vmlinuz\n (hd0,0)8[0-6]\ngrubdom>",
        ),
        (
            "geometry (hd1)\r",
            "grubdom> geometry (hd1)\n drive 0x81 (hd1): C/H/S = 65535/255/63, 2048 sectors of 512 bytes, LBA\n   no partitions, ext4\ngrubdom>",
        ),
        (
            "pager\rpager\rpager off\r",
            "grubdom> pager\n The pager is off.\ngrubdom> pager\n The pager is on.\ngrubdom> pager off\n The pager is off.\ngrubdom>",
        ),
        (
            "fstest\rcat /etc/fstab.bak\rcat /vmlinuz\r",
            "grubdom> fstest\n Tracing of file systems is on.\ngrubdom> cat /etc/fstab.bak\ngrubdom> cat /vmlinuz\nkernel\n[8,0,6]\ngrubdom>",
        ),
        (
            "map (hd0) (hd1)\r",
            "grubdom> map (hd0) (hd1)\n There is no BIOS whose drives could be swapped; passed over.\ngrubdom>",
        ),
        (
            "terminal\r",
            "grubdom> terminal\n console: the PV console, a vt100 of 24 lines\ngrubdom>",
        ),
        (
            "terminal --silent serial console\r",
            "grubdom> terminal --silent serial console\ngrubdom>",
        ),
        ("pause x\r\x1b", "grubdom> pause x\nx\ngrubdom>"),
        (
            "help cl\r",
            "grubdom> help cl\nclear\n    Clears the screen.\n    Works in entries and on the command line.\ngrubdom>",
        ),
    ] {
        assert_eq!(typed(&shelf(), keys), expected, "{keys:?}");
    }
}

#[test]
fn help_explains() {
    let expected = "\
grubdom> help init
initrd FILE [FILE...]
    Loads the ramdisk of the kernel that was loaded before. Several files,
    and those of several `initrd' lines, are put one behind the other, each
    at a multiple of 4 bytes, as Linux takes them.
      FILE    a file, passed on as it is
    Example:
      initrd /boot/ucode.img /boot/initrd.img
    Works in entries and on the command line.
grubdom>";
    assert_eq!(typed(&shelf(), "help init\r"), expected);
}

#[test]
fn help_lists_in_columns() {
    let screen = typed(&shelf(), "help\r");
    assert!(
        screen.contains("\nboot                                   bootp [--with-configfile]\n"),
        "{screen}"
    );
    assert!(!screen.contains("timeout"), "{screen}");
    assert!(typed(&shelf(), "help --all\r ").contains("timeout SEC"));
}

#[test]
fn boots_from_the_command_line() {
    let keys = "ckernel /vmlinuz console=hvc0 \"a b\"\rinitrd /initrd.img\rboot\r";
    let ran = session(&shelf(), &Script::keys(keys), &Start::default());
    assert_eq!(ran.exit, Exit::Booted);
    assert_eq!(
        ran.notes,
        [
            "kernel (hd0,0)/vmlinuz [console=hvc0 \"a b\"]",
            "initrd initrd",
            "boot"
        ]
    );
}

#[test]
fn escape_leads_back_only_to_a_menu() {
    let mut script = Script::keys("cboo\x1b");
    script.waits(1_000_000_000).looks("menu");
    let ran = session(&shelf(), &script, &Start::default());
    assert!(ran.terminal.picture("menu").contains("| x "));
    let bare = Shelf::new(&[("(hd0,0)/vmlinuz", "")]);
    let mut script = Script::keys("prin\x1b");
    script
        .waits(1_000_000_000)
        .types(b"t a\r")
        .looks("still here");
    let ran = session(&bare, &script, &Start::default());
    assert!(
        ran.terminal
            .picture("still here")
            .ends_with("grubdom> print a\na\ngrubdom>")
    );
}

#[test]
fn history() {
    for (keys, expected) in [
        ("print a\rprint b\r\x10\x10", "grubdom> print a"),
        (
            "print a\rprint b\r\x1b[A\x1b[A\x1b[A\x1b[B",
            "grubdom> print b",
        ),
        ("print a\rtyp\x10\x0e", "grubdom> typ"),
        ("print a\r\rprint a\r\x10\x10\x10!", "grubdom> print a!"),
    ] {
        let screen = typed(&shelf(), keys);
        assert_eq!(screen.lines().last(), Some(expected), "{keys:?}");
    }
}

#[test]
fn completion() {
    for (keys, expected) in [
        ("conf\t", "grubdom> configfile"),
        (
            "c\t",
            "grubdom> c\n Commands: cat chainloader clear cmp color configfile\ngrubdom> c",
        ),
        (
            "roo\t",
            "grubdom> root\n Commands: root rootnoverify\ngrubdom> root",
        ),
        ("zzz\t", "grubdom> zzz"),
        ("help --all saved\t", "grubdom> help --all savedefault"),
        ("geometry (hd1\t", "grubdom> geometry (hd1)"),
        (
            "cat /e\tf\t",
            "grubdom> cat /etc/fstab\n Files: fstab fstab.bak\ngrubdom> cat /etc/fstab",
        ),
        ("cat /etc/fstab.\tx", "grubdom> cat /etc/fstab.bak x"),
        ("cat (hd1)/\tother", "grubdom> cat (hd1)/etc/other"),
        (
            "cat (\t",
            "grubdom> cat (hd\n Devices: (hd0,0) (hd1)\ngrubdom> cat (hd",
        ),
        ("root (hd0\t\tv\t", "grubdom> root (hd0,0)/vmlinuz"),
        ("cat (hd9)/\t", "grubdom> cat (hd9)/"),
        (
            "kernel /vmlinuz root=/etc/\t",
            "grubdom> kernel /vmlinuz root=/etc/fstab\n Files: fstab fstab.bak\ngrubdom> kernel /vmlinuz root=/etc/fstab",
        ),
    ] {
        assert_eq!(typed(&shelf(), keys), expected, "{keys:?}");
    }
}

#[test]
fn long_output_pauses() {
    let mut shelf = shelf();
    let text: String = (0..100).map(|n| format!("line {n}\n")).collect();
    shelf.put("(hd0,0)/long", text.as_bytes());
    let screen = typed(&shelf, "clear\rcat /long\r");
    assert!(
        screen.ends_with("line 22\n[Enter shows more, q ends]"),
        "{screen}"
    );
    let screen = typed(&shelf, "clear\rterminal --lines=10\rcat /long\r");
    assert!(
        screen.ends_with("line 8\n[Enter shows more, q ends]"),
        "{screen}"
    );
    let screen = typed(&shelf, "pager off\rcat /long\r");
    assert!(screen.ends_with("line 99\ngrubdom>"), "{screen}");
    let screen = typed(&shelf, "clear\rcat /long\rq");
    assert!(screen.ends_with("line 22\ngrubdom>"), "{screen}");
    // In an entry nothing pauses: nobody may be there.
    let mut shelf = shelf.clone();
    shelf.put(
        "(hd0,0)/boot/grub/menu.lst",
        b"timeout 0\ntitle x\ncat /long\nkernel /vmlinuz\n",
    );
    assert_eq!(
        session(&shelf, &Script::default(), &Start::default()).exit,
        Exit::Booted
    );
}
