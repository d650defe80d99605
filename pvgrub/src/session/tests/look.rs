//! What the screens look like, against pictures.

use super::*;

const THREE: &str = "\
default 1
timeout 5
title Debian GNU/Linux
root (hd0,0)
kernel /vmlinuz root=/dev/xvda1 ro
initrd /initrd.img
title Debian GNU/Linux (recovery mode)
root (hd0,0)
kernel /vmlinuz root=/dev/xvda1 ro single
title An entry whose title is much longer than the seventy columns that a menu has for it
boot
";

/// The blank box with `rows` in it, each 74 columns between the edges, and
/// `below` under it.
fn screen(rows: &[&str], marks: (bool, bool), below: &[&str]) -> String {
    let mut lines = vec![
        String::new(),
        "    PV-GRUB  version 0.1  (262144K lower / 0K upper memory)".into(),
        String::new(),
        format!(" +{}+", "-".repeat(73)),
    ];
    for row in 0..12 {
        let text = rows.get(row).copied().unwrap_or("");
        let mark = match row {
            0 if marks.0 => " ^",
            11 if marks.1 => " v",
            _ => "",
        };
        lines.push(format!(" | {text:72}|{mark}"));
    }
    lines.push(format!(" +{}+", "-".repeat(73)));
    lines.extend(below.iter().map(|line| line.to_string()));
    lines.join("\n")
}

const MENU_HELP: &[&str] = &[
    "    Choose an entry with the ^ and v keys: it is highlighted.",
    "    Enter boots the highlighted entry, 'e' shows and edits its",
    "    commands, and 'c' opens a command line.",
];

const EDIT_HELP: &[&str] = &[
    "    Choose an entry with the ^ and v keys: it is highlighted.",
    "    'b' boots these commands, 'e' edits the highlighted one, 'c'",
    "    opens a command line, 'o' adds a line after it ('O' before",
    "    it), 'd' deletes it, and Escape goes back to the menu",
    "    without these changes.",
];

const THREE_TITLES: &[&str] = &[
    "Debian GNU/Linux",
    "Debian GNU/Linux (recovery mode)",
    "An entry whose title is much longer than the seventy columns that a m>",
];

#[test]
fn menu_with_countdown() {
    let mut script = Script::default();
    script
        .looks("five")
        .waits(1_500_000_000)
        .looks("four")
        .types(b" ")
        .looks("stopped");
    let ran = session(&Shelf::with_menu(THREE), &script, &Start::default());
    let with = |seconds: Option<u32>| {
        let mut below = MENU_HELP.to_vec();
        let line =
            seconds.map(|n| format!("    The highlighted entry starts on its own in {n} seconds."));
        if let Some(line) = &line {
            below.extend(["", "", line.as_str()]);
        }
        screen(THREE_TITLES, (false, false), &below)
    };
    assert_eq!(ran.terminal.picture("five"), with(Some(5)));
    assert_eq!(ran.terminal.picture("four"), with(Some(4)));
    assert_eq!(ran.terminal.picture("stopped"), with(None));
    let highlight = format!("5: {:72}\n", THREE_TITLES[1]);
    assert_eq!(ran.terminal.picture_inverse("five"), highlight);
    assert_eq!(ran.exit, Exit::InputEnded);
}

#[test]
fn moving_draws_little() {
    let mut script = Script::keys(" ");
    script.looks("before").types(b"\x1b[A").looks("after");
    let ran = session(&Shelf::with_menu(THREE), &script, &Start::default());
    let highlight = format!("4: {:72}\n", THREE_TITLES[0]);
    assert_eq!(ran.terminal.picture_inverse("after"), highlight);
    assert_eq!(
        ran.terminal.picture("before"),
        ran.terminal.picture("after")
    );
    let all = ran.terminal.transcript();
    let last = all.rfind("starts on its own").unwrap();
    // Two rows of 73 columns with their escapes, no more.
    assert!(all.len() - last < 300, "{}", all.len() - last);
}

#[test]
fn scrolling() {
    let menu: String = (0..30)
        .map(|n| format!("title entry {n}\nboot\n"))
        .collect();
    let mut script = Script::default();
    script.looks("top");
    for (keys, name) in [
        ("\x1b[B".repeat(12), "down"),
        ("v".to_string(), "v"),
        ("\x1b[6~".into(), "page down"),
        ("\x1b[6~".into(), "last page"),
        ("\x10".repeat(11), "up in the box"),
        ("^".into(), "up"),
        ("\x1b[5~".into(), "page up"),
        ("\x1b[5~\x1b[5~".into(), "first page"),
        ("\x1b[F".into(), "end"),
        ("\x1bOH".into(), "home"),
    ] {
        script.types(keys.as_bytes()).looks(name);
    }
    let ran = session(&Shelf::with_menu(&menu), &script, &Start::default());
    for (name, first, selected) in [
        ("top", 0, 0),
        ("down", 1, 12),
        ("v", 2, 13),
        ("page down", 14, 25),
        ("last page", 18, 29),
        ("up in the box", 18, 18),
        ("up", 17, 17),
        ("page up", 5, 5),
        ("first page", 0, 0),
        ("end", 18, 29),
        ("home", 0, 0),
    ] {
        let titles: Vec<String> = (first..first + 12).map(|n| format!("entry {n}")).collect();
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let expected = screen(&titles, (first > 0, first < 18), MENU_HELP);
        assert_eq!(ran.terminal.picture(name), expected, "{name}");
        let row = 4 + selected - first;
        let highlight = format!("{row}: {:72}\n", format!("entry {selected}"));
        assert_eq!(ran.terminal.picture_inverse(name), highlight, "{name}");
    }
}

#[test]
fn a_default_far_down_is_shown() {
    let menu: String = (0..30)
        .map(|n| format!("title entry {n}\nboot\n"))
        .collect();
    let mut script = Script::default();
    script.looks("menu");
    let ran = session(
        &Shelf::with_menu(&format!("default 20\n{menu}")),
        &script,
        &Start::default(),
    );
    assert!(
        ran.terminal
            .picture_inverse("menu")
            .starts_with("15: entry 20 ")
    );
}

#[test]
fn editing_an_entry() {
    let mut script = Script::keys(" ^e");
    script
        .looks("commands")
        .types(b"vd")
        .looks("deleted")
        .types(b"o")
        .looks("opened");
    script
        .types(b"einitrd /initrd.img")
        .looks("line")
        .types(b"\r")
        .looks("edited");
    script.types(b"b");
    let ran = session(&Shelf::with_menu(THREE), &script, &Start::default());
    let commands = [
        "root (hd0,0)",
        "kernel /vmlinuz root=/dev/xvda1 ro",
        "initrd /initrd.img",
    ];
    let picture = |rows: &[&str]| screen(rows, (false, false), EDIT_HELP);
    assert_eq!(ran.terminal.picture("commands"), picture(&commands));
    assert_eq!(
        ran.terminal.picture("deleted"),
        picture(&[commands[0], commands[2]])
    );
    assert_eq!(
        ran.terminal.picture_inverse("deleted"),
        format!("5: {:72}\n", commands[2])
    );
    assert_eq!(
        ran.terminal.picture("opened"),
        picture(&[commands[0], commands[2]])
    );
    assert_eq!(
        ran.terminal.picture_inverse("opened"),
        format!("6: {:72}\n", "")
    );
    assert_eq!(
        ran.terminal.picture("line"),
        "
    PV-GRUB  version 0.1  (262144K lower / 0K upper memory)

       [ Lines are edited as in a shell.  For the first word,
         TAB completes or lists the commands; after it, the
         devices and files.  ESC leads back to the
         menu. ]

grubdom edit> initrd /initrd.img"
    );
    assert_eq!(
        ran.terminal.picture("edited"),
        picture(&[commands[0], commands[2], commands[2]])
    );
    assert!(ran.shows("  Booting command-list\n\nroot (hd0,0)\n"));
    // The kernel's line is gone, so the initrd has none; edited or not, the
    // first such line is told with its place.
    assert!(ran.shows(
        "Error 19: an initrd needs a kernel loaded before it ((hd0,0)/boot/grub/menu.lst line 6)\n"
    ));
}

#[test]
fn hidden_menu() {
    let menu = format!("hiddenmenu\n{THREE}");
    let mut script = Script::default();
    script
        .looks("hidden")
        .waits(1_200_000_000)
        .looks("later")
        .types(b"\x1b")
        .waits(1_000_000_000)
        .looks("shown");
    let ran = session(&Shelf::with_menu(&menu), &script, &Start::default());
    assert_eq!(
        ran.terminal.picture("hidden"),
        "`ESC' shows the menu before it boots... 5"
    );
    assert_eq!(
        ran.terminal.picture("later"),
        "`ESC' shows the menu before it boots... 4"
    );
    assert_eq!(
        ran.terminal.picture("shown"),
        screen(THREE_TITLES, (false, false), MENU_HELP)
    );
}

#[test]
fn locked_menu() {
    let menu = format!("password secret\n{THREE}");
    let mut script = Script::keys(" ec");
    script
        .looks("locked")
        .types(b"pwrong")
        .looks("typed")
        .types(b"\r")
        .looks("wrong");
    script
        .types(b" psecret\r")
        .looks("unlocked")
        .types(b"e")
        .looks("edit");
    let ran = session(&Shelf::with_menu(&menu), &script, &Start::default());
    let locked = [
        MENU_HELP[0],
        "    Enter boots the highlighted entry; 'p' asks for the password",
        "    that the other keys need.",
    ];
    assert_eq!(
        ran.terminal.picture("locked"),
        screen(THREE_TITLES, (false, false), &locked)
    );
    let typed = [&locked[..], &["", "  Password: *****"]].concat();
    assert_eq!(
        ran.terminal.picture("typed"),
        screen(THREE_TITLES, (false, false), &typed)
    );
    let wrong = [
        &typed[..],
        &["Wrong.", "      Press any key to continue..."],
    ]
    .concat();
    assert_eq!(
        ran.terminal.picture("wrong"),
        screen(THREE_TITLES, (false, false), &wrong)
    );
    assert_eq!(
        ran.terminal.picture("unlocked"),
        screen(THREE_TITLES, (false, false), MENU_HELP)
    );
    assert!(ran.terminal.picture("edit").contains("'o' adds a line"));
    assert!(!ran.shows("secret"));
}

#[test]
fn passed_over_lines_are_noted() {
    let mut script = Script::default();
    script.looks("menu");
    let menu = "colour red\ntimout 3\ntitle A\nboot\n";
    let ran = session(&Shelf::with_menu(menu), &script, &Start::default());
    let below = [
        MENU_HELP,
        &["", "    Note (2 in all): line 1: `colour' is not a command"],
    ]
    .concat();
    assert_eq!(
        ran.terminal.picture("menu"),
        screen(&["A"], (false, false), &below)
    );
}
