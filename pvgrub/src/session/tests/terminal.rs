//! `terminal`: other manners than a vt100's, and being asked for a key.

use super::*;

const MENU: &str = "\
timeout 5
default 1
title one
kernel /vmlinuz one
title two
kernel /vmlinuz two
";

/// A session whose menu begins with this line of `terminal`.
fn like(terminal: &str, script: &Script) -> Ran {
    let menu = format!("{terminal}\n{MENU}");
    session(&Shelf::with_menu(&menu), script, &Start::default())
}

#[test]
fn dumb() {
    let mut script = Script::default();
    script.looks("five").waits(1_500_000_000).types(b"^");
    script.looks("up").types(b"\x1b[6~").looks("down");
    // Into the command line: a word shortened, changed in its middle, and run.
    script
        .types(b"c")
        .types(b"rootte\x02\x08\x04x\x08\r")
        .looks("line");
    script
        .types(b"\x1b")
        .waits(1_000_000_000)
        .looks("back")
        .types(b"\r");
    let ran = like("terminal --dumb console", &script);
    assert_eq!(ran.exit, Exit::Booted, "{}", ran.terminal.text());
    assert_eq!(ran.notes[0], "kernel (hd0,0)/vmlinuz [two]");
    let all = ran.terminal.transcript();
    assert!(!all.contains('\x1b'), "{all:?}");
    let rule = "-".repeat(67);
    let list = format!("{rule}\n 0: one\n 1: two\n{rule}\n");
    let pictures = [
        ("five", "    Entry 1 starts on its own in 5 seconds."),
        ("up", "    Entry 0 is chosen."),
        ("down", "    Entry 1 is chosen."),
    ];
    for (name, last) in pictures {
        let picture = ran.terminal.picture(name);
        assert!(
            picture.ends_with(&format!("{list}{last}")),
            "{name}: {picture}"
        );
    }
    let line = ran.terminal.picture("line");
    assert!(line.contains("\ngrubdom> root\n (hd0,0): ext4"), "{line}");
    let back = ran.terminal.picture("back");
    assert!(back.ends_with("    Entry 1 is chosen."), "{back}");
}

/// The command list of an entry can be changed there too.
#[test]
fn dumb_editing() {
    let mut script = Script::keys(" e");
    script.looks("list").types(b"e");
    script
        .types(b"\x08\x08\x08three\r")
        .looks("edited")
        .types(b"b");
    let ran = like("terminal --dumb", &script);
    assert_eq!(ran.notes[0], "kernel (hd0,0)/vmlinuz [three]");
    let list = ran.terminal.picture("list");
    assert!(list.contains("\n 0: kernel /vmlinuz two\n"), "{list}");
    let edited = ran.terminal.picture("edited");
    assert!(edited.contains("\n 0: kernel /vmlinuz three\n"), "{edited}");
    assert!(!ran.terminal.transcript().contains('\x1b'));
}

#[test]
fn no_echo() {
    let mut script = Script::keys(" c");
    script.types(b"roox\x08t\rterminal\r").looks("line");
    let ran = like("terminal --no-echo serial", &script);
    let line = ran.terminal.picture("line");
    let expected = "\ngrubdom>\n (hd0,0): ext4, partition type 0x83\ngrubdom>\n console: the PV console, a vt100 of 24 lines, \
                    without echo\ngrubdom>";
    assert!(line.ends_with(expected), "{line}");
}

#[test]
fn no_edit() {
    // ^A, history, TAB, arrows and ^U do nothing; Backspace does.
    let mut script = Script::keys(" croot\r");
    script
        .types(b"\x10term\x01\x1b[D\x15i\tx\x08nal\r")
        .looks("line");
    let ran = like("terminal --no-edit console", &script);
    let line = ran.terminal.picture("line");
    let expected = "grubdom> terminal\n console: the PV console, a vt100 of 24 lines, without \
                    editing\ngrubdom>";
    assert!(line.ends_with(expected), "{line}");
    // Another `terminal' takes it back.
    let ran = like(
        "terminal --no-edit console\nterminal console",
        &Script::keys(" cterminal\r"),
    );
    assert!(
        ran.shows("a vt100 of 24 lines\n"),
        "{}",
        ran.terminal.text()
    );
}

/// Seconds until an unattended boot, and whether a key was asked for.
#[test]
fn timeout() {
    const ASKED: &str = "Press any key to go on here.";
    for (line, waited, asked) in [
        ("terminal --timeout=3 serial console", 3, 3),
        ("terminal --timeout=3 --silent console serial", 3, 0),
        ("terminal --timeout=0 serial console", 0, 0),
        ("terminal serial console", 0, 0),
        // Nobody needs to be asked about one.
        ("terminal --timeout=3 serial serial", 0, 0),
        ("terminal --timeout=x serial console", 0, 0),
    ] {
        let mut script = Script::default();
        script.waits(1_000_000_000_000);
        let before = script.terminal().now;
        let ran = like(line, &script);
        let seconds = (ran.terminal.now - before) / 1_000_000_000;
        assert_eq!(seconds, 5 + waited, "{line}");
        let shown = ran.terminal.transcript();
        assert_eq!(shown.matches(ASKED).count(), asked, "{line}");
    }
    // A key ends that, and is not the menu's.
    let mut script = Script::default();
    script
        .waits(1_500_000_000)
        .types(b"e")
        .waits(1_000_000_000_000);
    let ran = like("terminal --timeout=60 serial console", &script);
    assert_eq!(ran.exit, Exit::Booted);
    assert_eq!(ran.terminal.transcript().matches(ASKED).count(), 2);
}
