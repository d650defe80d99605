//! What is loaded and booted, and what happens when that fails.

use super::*;

const KERNEL: &str = "kernel (hd0,0)/vmlinuz [root=/dev/xvda1  ro]";

const TWO: &str = "\
title one
kernel /vmlinuz root=/dev/xvda1  ro
initrd /initrd.img
title two
root (hd0,0)
kernel --type=linux --no-mem-option (hd0,0)/vmlinuz two = x
boot
";

#[test]
fn enter_boots() {
    let ran = with_menu(TWO, "\r");
    assert_eq!(ran.exit, Exit::Booted);
    assert_eq!(ran.notes, [KERNEL, "initrd initrd", "boot"]);
    assert!(ran.shows(
        "  Booting 'one'\n\nkernel /vmlinuz root=/dev/xvda1  ro\n   [Linux, 6 bytes]\ninitrd /initrd.img\n   [initrd, 1 files]\n"
    ));
}

#[test]
fn keys_that_boot() {
    for keys in [
        "v\r",
        "\x0e\n",
        "\x1b[B\x1b[C",
        "\x1bOB\r",
        "v\x06",
        "vve\x1bb\r",
        "veb",
    ] {
        let ran = with_menu(TWO, keys);
        assert_eq!(ran.exit, Exit::Booted, "{keys:?}");
        assert_eq!(
            ran.notes,
            ["kernel (hd0,0)/vmlinuz [two = x]", "boot"],
            "{keys:?}"
        );
    }
}

#[test]
fn timeouts() {
    // Seconds until it boots; `None` never.
    for (global, default, seconds) in [
        ("timeout 0\n", KERNEL, Some(0)),
        ("timeout 0\nhiddenmenu\n", KERNEL, Some(0)),
        (
            "timeout=7\ndefault=1\n",
            "kernel (hd0,0)/vmlinuz [two = x]",
            Some(7),
        ),
        ("timeout 3\nhiddenmenu\n", KERNEL, Some(3)),
        ("", KERNEL, None),
        ("hiddenmenu\n", KERNEL, None),
        ("timeout never\n", KERNEL, None),
    ] {
        let mut script = Script::default();
        script.waits(1_000_000_000_000);
        let before = script.terminal().now;
        let ran = session(
            &Shelf::with_menu(&format!("{global}{TWO}")),
            &script,
            &Start::default(),
        );
        match seconds {
            Some(seconds) => {
                assert_eq!(ran.exit, Exit::Booted, "{global}");
                assert_eq!(ran.notes.first().unwrap(), default);
                assert_eq!(
                    ran.terminal.now - before,
                    seconds * 1_000_000_000,
                    "{global}"
                );
                // One sleep for each second shown, none beyond.
                assert_eq!(ran.terminal.waits, seconds as usize, "{global}");
            }
            None => {
                assert_eq!(ran.exit, Exit::InputEnded, "{global}");
                assert_eq!(ran.terminal.waits, 1, "{global}");
            }
        }
    }
}

#[test]
fn a_timeout_of_nought_shows_no_menu() {
    let ran = with_menu(&format!("timeout 0\n{TWO}"), "");
    assert!(!ran.shows("+---"));
}

const BROKEN: &str = "\
timeout 2
default 0
fallback 2 9 1
title broken
kernel /missing
title good
kernel /vmlinuz good
title broken too
initrd /initrd.img
";

#[test]
fn fallback_when_unattended() {
    let mut script = Script::default();
    script.waits(5_000_000_000);
    let ran = session(&Shelf::with_menu(BROKEN), &script, &Start::default());
    assert_eq!(ran.exit, Exit::Booted);
    assert_eq!(ran.notes, ["kernel (hd0,0)/vmlinuz [good]", "boot"]);
    assert!(ran.shows("Error 15: (hd0,0)/missing: no such file ((hd0,0)/boot/grub/menu.lst line 5)\n\n  Booting 'broken too'"));
    assert!(ran.shows("Error 19: an initrd needs a kernel loaded before it ((hd0,0)/boot/grub/menu.lst line 9)\n\n  Booting 'good'"));
}

#[test]
fn no_fallback_once_a_key_was_pressed() {
    let mut script = Script::keys(" \r");
    script.looks("error").types(b"x").looks("menu");
    let ran = session(&Shelf::with_menu(BROKEN), &script, &Start::default());
    assert_eq!(
        ran.terminal.picture("error"),
        "  Booting 'broken'

kernel /missing

Error 15: (hd0,0)/missing: no such file ((hd0,0)/boot/grub/menu.lst line 5)

Press any key to continue..."
    );
    let menu = ran.terminal.picture("menu");
    assert!(
        menu.contains("| good ") && !menu.contains("starts on its own"),
        "{menu}"
    );
    assert!(ran.notes.is_empty());
}

#[test]
fn what_fails_says_why() {
    let place = "((hd0,0)/boot/grub/menu.lst line 2)";
    for (commands, error) in [
        ("kernel", "Error 30: a file name is missing"),
        ("kernel vmlinuz", "Error 1: "),
        ("kernel (hd0,7)/vmlinuz", "Error 22: (hd0,7)"),
        ("kernel (hdx)/vmlinuz", "Error 11: "),
        ("kernel --type=hurd /vmlinuz", "Error 30: hurd: "),
        ("kernel --mem /vmlinuz", "Error 30: --mem: "),
        ("kernel /bad", "Error 13: (hd0,0)/bad: no Xen notes"),
        ("initrd /initrd.img", "Error 19: "),
        ("boot", "Error 8: "),
        ("root (hd7,0)", "Error 22: (hd7,0)"),
        ("root", "Error 8: nothing to boot"),
        ("module /vmlinuz", "Error 20: "),
        ("modulenounzip /vmlinuz", "Error 20: "),
        ("chainloader (hd0)+1", "Error 13: a PV guest has no BIOS"),
        ("read 0x400", "Error 30: a PV guest has no physical memory"),
        ("cmp /vmlinuz", "Error 30: the names of two files"),
        ("cmp /vmlinuz /nowhere", "Error 15: (hd0,0)/nowhere: "),
        ("geometry (nd)", "Error 12: (nd): is no disk"),
        ("pager maybe", "Error 30: maybe: neither on nor off"),
        ("terminal teletype", "Error 30: teletype: "),
        ("terminal graphics", "Error 33: graphics: "),
        ("terminal --lines=0 console", "Error 30: --lines=0: "),
        ("parttype (hd0,0) 0x100", "Error 30: 0x100: "),
        (
            "hide (hd0,0)",
            "Error 30: partition 0 has no entry in an MBR",
        ),
        ("unhide (hd0,7)", "Error 22: (hd0,7): "),
        ("configfile /nowhere", "Error 15: (hd0,0)/nowhere: "),
        ("lock", "Error 8: nothing to boot"),
        ("cat /nowhere", "Error 15: (hd0,0)/nowhere: "),
        ("find /nowhere", "Error 15: /nowhere: on no device"),
    ] {
        let mut shelf = Shelf::with_menu(&format!("title x\n{commands}\n"));
        shelf.put("(hd0,0)/bad", b"bad");
        let mut script = Script::keys("\r");
        script.looks("error");
        let ran = session(&shelf, &script, &Start::default());
        let screen = ran.terminal.picture("error").replace('\n', " ");
        assert!(screen.contains(error), "{commands}: {screen}");
        assert!(ran.shows(place), "{commands}: {screen}");
        assert!(
            screen.ends_with("Press any key to continue..."),
            "{commands}: {screen}"
        );
    }
}

#[test]
fn a_kernel_forgets_the_initrd_before_it() {
    let menu = "title x\nkernel /vmlinuz a\ninitrd /initrd.img\nkernel /bad\nboot";
    let mut shelf = Shelf::with_menu(menu);
    shelf.put("(hd0,0)/bad", b"bad");
    let ran = session(&shelf, &Script::keys("\r"), &Start::default());
    // The second kernel is bad: nothing is loaded any more, nothing boots.
    assert!(!ran.notes.contains(&"boot".into()));
    assert!(ran.shows("Error 13"));
}

#[test]
fn a_boot_that_fails_comes_back() {
    let machine = Notes {
        boot_fails: true,
        ..Notes::default()
    };
    let mut script = Script::keys("\r");
    script.looks("error").types(b"\r").looks("menu");
    let ran = session_with(&Shelf::with_menu(TWO), &script, &Start::default(), machine);
    let error = ran.terminal.picture("error");
    assert!(
        error.contains("Error 9: the hypervisor said no ((hd0,0)/boot/grub/menu.lst line 3)"),
        "{error}"
    );
    assert!(ran.terminal.picture("menu").contains("| one "));
}

#[test]
fn several_initrds() {
    let mut shelf =
        Shelf::with_menu("title x\nkernel /vmlinuz\ninitrd /ucode.img (hd0,0)/initrd.img\n");
    shelf.put("(hd0,0)/ucode.img", b"ucode");
    let ran = session(&shelf, &Script::keys("\r"), &Start::default());
    assert_eq!(
        ran.notes,
        ["kernel (hd0,0)/vmlinuz []", "initrd ucode+initrd", "boot"]
    );
}

#[test]
fn words_that_are_no_commands_here_do_not_break_an_entry() {
    let menu = "title x\nuuid 1234\nquiet\nsavedefault\ntimeout 5\nkernel /vmlinuz\n";
    let ran = with_menu(menu, "\r");
    assert_eq!(ran.exit, Exit::Booted);
    for notice in [
        "Error 27: uuid: no such command; passed over ((hd0,0)/boot/grub/menu.lst line 2)",
        "Error 15: savedefault: (hd0,0)/boot/grub/default: no such file; going on",
        "Error 27: timeout: only works before the first title; passed over",
    ] {
        assert!(ran.shows(notice), "{notice}");
    }
}

#[test]
fn each_entry_begins_anew() {
    // The first sets a root and loads a kernel, then fails; the second must
    // see neither.
    let menu = "title one\nroot (hd1,0)\nkernel (hd0,0)/vmlinuz\ninitrd /none\ntitle two\nkernel /vmlinuz\ntitle three\ninitrd /initrd.img\n";
    let mut shelf = Shelf::with_menu(menu);
    shelf.put("(hd1,0)/other", b"");
    let ran = session(&shelf, &Script::keys("\rx\x1b[B\r"), &Start::default());
    assert_eq!(ran.exit, Exit::Booted);
    let ran = session(&shelf, &Script::keys("\rx\x1b[F\r"), &Start::default());
    assert!(ran.shows("Error 19"));
}

#[test]
fn other_ends() {
    for (commands, exit) in [
        ("halt", Exit::Halt),
        ("halt --no-apm", Exit::Halt),
        ("reboot", Exit::Reboot),
    ] {
        assert_eq!(
            with_menu(&format!("title x\n{commands}\n"), "\r").exit,
            exit
        );
        assert_eq!(
            with_menu("title x\nboot\n", &format!("c{commands}\r")).exit,
            exit
        );
    }
}

#[test]
fn pause_and_print() {
    let menu = "title x\nprint  Hello  you\npause Now?\nkernel /vmlinuz\n";
    let ran = with_menu(menu, "\r ");
    assert_eq!(ran.exit, Exit::Booted);
    assert!(ran.shows("  Booting 'x'\n\nHello  you\nNow?\nkernel /vmlinuz\n"));
    let mut script = Script::keys("\r\x1b");
    script.waits(1_000_000_000).looks("back");
    let ran = session(&Shelf::with_menu(menu), &script, &Start::default());
    assert_eq!(ran.exit, Exit::InputEnded);
    assert!(ran.terminal.picture("back").contains("+---"));
}

#[test]
fn locked_entries() {
    let menu = "password secret\ntitle x\nlock\nkernel /vmlinuz\ntitle y\npassword other\nkernel /vmlinuz y\n";
    let ran = with_menu(menu, "\r");
    assert!(ran.shows("Error 32: locked; enter the password"));
    assert!(ran.notes.is_empty());
    assert_eq!(with_menu(menu, "psecret\r\r").exit, Exit::Booted);
    assert_eq!(with_menu(menu, "v\rother\r").notes.last().unwrap(), "boot");
    let ran = with_menu(menu, "v\rsecret\r");
    assert!(ran.shows("Error 32: that was not the password"));
    assert!(ran.notes.is_empty());
    // A lock that cannot be opened is no open door.
    for password in ["--md5 $1$x$y", "--md5 secret", "--sha x", ""] {
        let menu = format!("password {password}\ntitle x\nlock\nkernel /vmlinuz\n");
        assert!(with_menu(&menu, "p\rx\r").notes.is_empty(), "{password}");
    }
}

#[test]
fn other_menus() {
    let mut shelf = Shelf::with_menu("title x\nconfigfile /other.lst\n");
    shelf.put(
        "(hd0,0)/other.lst",
        b"password p (hd0,0)/third.lst\ntitle y\nlock\n",
    );
    shelf.put(
        "(hd0,0)/third.lst",
        b"timeout 0\ntitle z\nkernel /vmlinuz\n",
    );
    let ran = session(&shelf, &Script::keys("\rpp\r"), &Start::default());
    assert_eq!(ran.exit, Exit::Booted);
    assert_eq!(ran.notes, ["kernel (hd0,0)/vmlinuz []", "boot"]);
    let ran = session(
        &shelf,
        &Script::keys("cconfigfile /third.lst\r"),
        &Start::default(),
    );
    assert_eq!(ran.exit, Exit::Booted);
}

#[test]
fn passwords_that_are_hashed() {
    // `secret` by openssl passwd -1, -5 and -6.
    for password in [
        "--md5 $1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1",
        "--encrypted $5$a$tCYspCVtCn1.MmJdxOr008Us2DcT3YW7dL1YBGz6mE2",
        "$6$a$DkL.VXUfAmPhzDh.OEz4mRpnHS/zKOvB4eLJuV07HjGZRVaYToFFKaEKnIoL.eZI6Vq5tRCyIzPnM6lJn/E7Y0",
    ] {
        let menu = format!("password {password}\ntitle x\nlock\nkernel /vmlinuz\n");
        assert_eq!(
            with_menu(&menu, "psecret\r\r").exit,
            Exit::Booted,
            "{password}"
        );
        assert!(with_menu(&menu, "psecre\rx\r\r").notes.is_empty());
        // The hash itself opens nothing.
        let hash = password.rsplit(' ').next().unwrap();
        assert!(
            with_menu(&menu, &format!("p{hash}\rx\r\r"))
                .notes
                .is_empty()
        );
    }
}

#[test]
fn modules() {
    let menu = "title x\nkernel /vmlinuz\ninitrd /initrd.img\nmodule /initrd.img a  b\nmodulenounzip (hd0,0)/vmlinuz\n";
    let ran = with_menu(menu, "\r");
    assert_eq!(
        ran.notes[2..],
        [
            "module (hd0,0)/initrd.img [/initrd.img a  b] initrd",
            "modulenounzip (hd0,0)/vmlinuz [(hd0,0)/vmlinuz] kernel",
            "boot"
        ]
    );
}

#[test]
fn the_default_is_saved() {
    const FILE: &str = "/boot/grub/default";
    const LONG: &str = "1\n#\n#\n#\n#\n#\n";
    let menu = "default saved\nfallback 1 2\ntimeout 0\n\
        title a\nsavedefault WORDS\nkernel /vmlinuz a\n\
        title b\nsavedefault\nkernel /vmlinuz b\n\
        title c\nkernel /vmlinuz c\n";
    for (words, before, booted, after) in [
        // The second entry saves itself over and over.
        ("2", LONG, "b", "1\n\n\n\n\n\n\n\n\n#\n"),
        ("2", "0\n########", "a", "2\n\n\n\n\n\n\n\n\n"),
        ("fallback", "0\n########", "a", "1\n\n\n\n\n\n\n\n\n"),
        (
            "--default=2 --once",
            "0\n########",
            "a",
            "0:2\n\n\n\n\n\n\n",
        ),
        // Once means once: it is taken back before it is tried.
        ("", "1:2\n######", "c", "1\n\n\n\n\n\n\n\n\n"),
        // What cannot be saved does not keep the entry from booting.
        ("9999999999", "0\n########", "a", "0\n########"),
        ("", "0\n", "a", "0\n"),
        ("", "nonsense\n\n", "a", "nonsense\n\n"),
    ] {
        let mut shelf = Shelf::with_menu(&menu.replace("WORDS", words));
        shelf.put("(hd0,0)/boot/grub/default", before.as_bytes());
        let ran = session(&shelf, &Script::default(), &Start::default());
        assert_eq!(ran.exit, Exit::Booted, "{words} {before}");
        assert_eq!(
            ran.notes[0],
            format!("kernel (hd0,0)/vmlinuz [{booted}]"),
            "{words} {before}"
        );
        assert_eq!(shelf.holds(FILE), after, "{words} {before}");
    }
    // One that cannot be taken back is not tried: it would be for ever.
    let mut shelf = Shelf::with_menu(menu);
    shelf.put("(hd0,0)/boot/grub/default", b"1:2");
    let ran = session(&shelf, &Script::default(), &Start::default());
    assert_eq!(ran.notes[0], "kernel (hd0,0)/vmlinuz [b]");
    assert!(ran.shows("meant for once"));
}

#[test]
fn a_saved_default() {
    let mut shelf = Shelf::with_menu(&format!("default saved\ntimeout 0\n{TWO}"));
    assert_eq!(
        session(&shelf, &Script::default(), &Start::default()).notes[0],
        KERNEL
    );
    shelf.put("(hd0,0)/boot/grub/default", b"1\n#\n#\n#");
    let ran = session(&shelf, &Script::default(), &Start::default());
    assert_eq!(ran.notes[0], "kernel (hd0,0)/vmlinuz [two = x]");
}

#[test]
fn escape_typed_ahead_stops_a_timeout_of_nought() {
    let menu = format!("timeout 0\n{TWO}");
    let mut script = Script::keys("x\x1b");
    script.waits(1_000_000_000).looks("menu");
    let ran = session(&Shelf::with_menu(&menu), &script, &Start::default());
    assert!(ran.terminal.picture("menu").contains("| one "));
    assert!(ran.notes.is_empty());
    // Other keys do not.
    assert_eq!(with_menu(&menu, "x\r").exit, Exit::Booted);
}

#[test]
fn menus_that_load_each_other_end_at_the_menu() {
    let menu = "timeout 0\ntitle again\nconfigfile /boot/grub/menu.lst\n";
    let mut script = Script::default();
    script.waits(1_000_000_000).looks("menu");
    let ran = session(&Shelf::with_menu(menu), &script, &Start::default());
    let menu = ran.terminal.picture("menu");
    assert!(
        menu.contains("waits for you: unattended it leads nowhere"),
        "{menu}"
    );
}

#[test]
fn another_menu_that_cannot_be_read_leads_back() {
    let mut shelf =
        Shelf::with_menu("timeout 0\ntitle x\nconfigfile /huge\ntitle y\nkernel /vmlinuz\n");
    shelf.put("(hd0,0)/huge", &vec![b'#'; 5 << 20]);
    let mut script = Script::default();
    script
        .waits(1)
        .looks("error")
        .types(b" ")
        .waits(1_000_000_000)
        .looks("menu")
        .types(b"\x1b[B\r");
    let ran = session(&shelf, &script, &Start::default());
    let error = ran.terminal.picture("error");
    assert!(error.contains("too large for a menu"), "{error}");
    assert!(ran.terminal.picture("menu").contains("| y "));
    assert_eq!(ran.exit, Exit::Booted);
}
