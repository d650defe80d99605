//! Colours, and how the menu looks on a frame buffer.

use super::*;
use crate::screen::Outputs;
use crate::screen::colour::Pair;

const DRESSED: &str = "\
color cyan/blue white/red
foreground 112233
background=445566
border 010203
shade 0
viewport 0 3 80 30
splashimage (hd0,0)/splash.xpm
title x
kernel /vmlinuz
";

const SPLASH: &str = "/* XPM */ static char *x[] = {\"2 1 1 1\", \". c #0a0b0c\", \"..\"};";

fn shelf(menu: &str) -> Shelf {
    let mut shelf = Shelf::with_menu(menu);
    shelf.put("(hd0,0)/splash.xpm", SPLASH.as_bytes());
    shelf.put("(hd0,0)/large.xpm", &[b' '; (4 << 20) + 1]);
    shelf
}

fn ran(menu: &str, script: &Script) -> Ran {
    session(&shelf(menu), script, &Start::default())
}

#[test]
fn a_menu_is_dressed() {
    let mut script = Script::default().with_graphics();
    script.looks("menu").types(b"\r");
    let ran = ran(DRESSED, &script);
    let look = ran.terminal.look.as_ref().unwrap();
    assert_eq!(look.ink, Some([0x11, 0x22, 0x33]));
    assert_eq!(look.paper, [0x44, 0x55, 0x66]);
    assert_eq!(look.border, [1, 2, 3]);
    assert_eq!((look.shade, look.above, look.rows), (false, 3, 27));
    assert_eq!(look.normal, Some(Pair::parse("cyan/blue").unwrap()));
    let picture = look.picture.as_ref().unwrap();
    let size = (picture.width(), picture.height(), picture.at(1, 0));
    assert_eq!(size, (2, 1, Some([10, 11, 12])));
    let menu = ran.terminal.picture("menu");
    assert!(menu.contains("| x "), "{menu}");
    assert!(!menu.contains("Note"), "{menu}");
    // Highlighted, then plain again; and the kernel gets a plain terminal.
    let text = ran.terminal.transcript();
    let highlighted = "\x1b[0;97;41m x ";
    assert!(text.contains(highlighted), "{text:?}");
    assert!(text.contains("  \x1b[0;36;44m\x1b"), "{text:?}");
    let end = text.rfind("\x1b[m").expect("the colours are taken back");
    assert!(!text[end + 3..].contains('\x1b'), "{text:?}");
    assert_eq!(ran.exit, Exit::Booted);
}

#[test]
fn without_a_frame_buffer_nothing_is_read_and_nothing_is_wrong() {
    let menu = DRESSED.replace("splash.xpm", "missing.xpm");
    let mut script = Script::default();
    script.looks("menu");
    let ran = ran(&menu, &script);
    let menu = ran.terminal.picture("menu");
    assert!(menu.contains("| x "), "{menu}");
    assert!(!menu.contains("Note"), "{menu}");
}

#[test]
fn what_is_wrong_is_noted() {
    for (line, note) in [
        ("splashimage /missing.xpm", "missing.xpm"),
        ("splashimage /vmlinuz", "neither an XPM nor a BMP"),
        ("splashimage /large.xpm", "too large"),
        ("splashimage", "file name is missing"),
        ("color", "colours are missing"),
        ("color mauve/black", "mauve"),
        ("color white/yellow", "too bright"),
        ("foreground red", "RRGGBB"),
        ("background", "RRGGBB"),
        ("viewport 0 0 65 30", "at least 66 by 16"),
        ("viewport 0 15 80 30", "at least 66 by 16"),
        ("viewport 0 0 81 30", "at least 66 by 16"),
        ("viewport 80 0 0 30", "at least 66 by 16"),
        ("viewport 0 0 80", "number is missing"),
        ("shade x", "not a number"),
        ("terminal hercules", "hercules"),
    ] {
        let menu = format!("{line}\ntitle x\nkernel /vmlinuz\n");
        let mut script = Script::default().with_graphics();
        script.looks("menu");
        let ran = ran(&menu, &script);
        let menu = ran.terminal.picture("menu");
        assert!(menu.contains("| x "), "{line}: {menu}");
        let noted = menu.lines().find(|text| text.contains("Note"));
        let noted = noted.unwrap_or_else(|| panic!("{line}: {menu}"));
        assert!(noted.contains(note), "{line}: {noted}");
    }
}

#[test]
fn where_the_menu_is() {
    let outputs = |console, graphics| Some(Outputs { console, graphics });
    for (command_line, menu, expected) in [
        ("", "", None),
        ("console=fb", "", outputs(false, true)),
        ("console=hvc0", "", outputs(true, false)),
        ("", "terminal graphics", outputs(false, true)),
        ("", "terminal console graphics", outputs(true, true)),
        ("console=fb", "terminal serial", outputs(true, false)),
        ("", "terminal --lines=20", None),
        ("", "terminal hercules console", outputs(true, false)),
    ] {
        let menu = format!("{menu}\ntitle x\nkernel /vmlinuz\n");
        let script = Script::default().with_graphics();
        let start = Start {
            command_line,
            ramdisk: None,
        };
        let ran = session(&shelf(&menu), &script, &start);
        assert_eq!(ran.terminal.selected, expected, "{command_line} {menu}");
    }
    let start = Start {
        command_line: "console=fb",
        ramdisk: None,
    };
    let ran = session(&shelf(DRESSED), &Script::default(), &start);
    assert!(ran.shows("There is no frame buffer"));
    let ran = with_menu("terminal graphics\ntitle x\nkernel /vmlinuz\n", "");
    assert!(ran.shows("graphics: is not there"));
    assert_eq!(ran.terminal.selected, None);
}
