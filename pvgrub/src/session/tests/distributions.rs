//! The menus that distributions write today, from the disk to the boot.

use super::*;

/// What an unattended session boots.
fn boots(files: &[(&str, &str)]) -> Vec<String> {
    let ran = session(&Shelf::new(files), &Script::default(), &Start::default());
    assert_eq!(ran.exit, Exit::Booted, "{}", ran.terminal.text());
    ran.notes
}

/// Entries on a /boot of their own; the newest is booted, errors name the
/// entry's own file.
#[test]
fn bls() {
    let entry = |version: &str| {
        format!(
            "title Fedora Linux ({version})\nversion {version}\nlinux /vmlinuz-{version}\n\
             initrd /initramfs-{version}.img\noptions root=UUID=0a5e ro console=hvc0\n"
        )
    };
    let (old, new) = (entry("6.5.6"), entry("6.5.10"));
    let files = [
        ("(hd0,0)/EFI/fedora/README", ""),
        ("(hd0,1)/loader/entries/c0ffee-6.5.6.conf", old.as_str()),
        ("(hd0,1)/loader/entries/c0ffee-6.5.10.conf", new.as_str()),
        ("(hd0,1)/vmlinuz-6.5.10", "k"),
        ("(hd0,1)/initramfs-6.5.10.img", "i"),
    ];
    assert_eq!(
        boots(&files),
        [
            "kernel (hd0,1)/vmlinuz-6.5.10 [root=UUID=0a5e ro console=hvc0]",
            "initrd i",
            "boot"
        ]
    );
    // A menu.lst before it counts more.
    let mut both = files.to_vec();
    both.push((
        "(hd0,1)/grub/menu.lst",
        "timeout 0\ntitle x\nkernel /vmlinuz-6.5.10",
    ));
    assert_eq!(boots(&both), ["kernel (hd0,1)/vmlinuz-6.5.10 []", "boot"]);
    // The second is the kernel that is not there.
    let ran = session(
        &Shelf::new(&files),
        &Script::keys("\x1b[B\r"),
        &Start {
            command_line: "(hd0,1)/loader/entries",
            ramdisk: None,
        },
    );
    assert!(ran.shows(".6.conf line 3)"), "{}", ran.terminal.text());
}

/// /boot on the root file system of a whole disk; the name can be given too.
#[test]
fn extlinux() {
    let files = [
        (
            "(hd0)/boot/extlinux.conf",
            "DEFAULT virt\nTIMEOUT 10\nMENU TITLE Alpine\nLABEL lts\n  LINUX vmlinuz-lts\n\
             LABEL virt\n  MENU LABEL Linux ^virt\n  LINUX vmlinuz-virt\n\
             \x20 INITRD a.img,initramfs-virt\n  APPEND root=/dev/xvda console=hvc0\n",
        ),
        ("(hd0)/boot/vmlinuz-virt", "k"),
        ("(hd0)/boot/initramfs-virt", "i"),
        ("(hd0)/boot/a.img", "a"),
    ];
    let expected = [
        "kernel (hd0)/boot/vmlinuz-virt [root=/dev/xvda console=hvc0]",
        "initrd a+i",
        "boot",
    ];
    assert_eq!(boots(&files), expected);
    let named = Start {
        command_line: "(hd0)/boot/extlinux.conf",
        ramdisk: None,
    };
    let ran = session(&Shelf::new(&files), &Script::default(), &named);
    assert_eq!(ran.notes, expected);
    // One without an entry that could be booted is none.
    let mut files = files.to_vec();
    files.push((
        "(hd0)/boot/extlinux/extlinux.conf",
        "LABEL x\nLOCALBOOT 0\n",
    ));
    assert_eq!(boots(&files), expected);
}

/// A script before an extlinux.conf; its entries can be edited and lead to
/// other menus.
#[test]
fn grub_cfg() {
    let script = "set timeout=2\nset default=1\nsearch --file /boot/vmlinuz --set=root\n\
                  menuentry 'Debian' { linux /boot/vmlinuz ro\n initrd /boot/a /boot/b\n }\n\
                  submenu 'Advanced' {\nmenuentry 'Debian, again' {\n linux /boot/vmlinuz single\n }\n }\n\
                  menuentry 'Other' { configfile /boot/extlinux.conf; }\n";
    let files = [
        ("(hd0,0)/boot/grub/grub.cfg", script),
        ("(hd0,1)/boot/vmlinuz", "k"),
        ("(hd0,1)/boot/a", "a"),
        ("(hd0,1)/boot/b", "b"),
        (
            "(hd0,1)/boot/extlinux.conf",
            "LABEL x\nLINUX vmlinuz\nAPPEND from-extlinux\n",
        ),
        ("(hd0,0)/boot/extlinux.conf", "LABEL never\nLINUX never\n"),
    ];
    let kernel = |arguments: &str| format!("kernel (hd0,1)/boot/vmlinuz [{arguments}]");
    let image = "BOOT_IMAGE=/boot/vmlinuz";
    assert_eq!(
        boots(&files),
        [kernel(&format!("{image} single")), "boot".into()]
    );
    for (keys, expected) in [
        (
            "\x1b[A\r",
            &[
                kernel(&format!("{image} ro")),
                "initrd a+b".into(),
                "boot".into(),
            ][..],
        ),
        // `b` in the editor.
        (
            "\x1b[Aeb",
            &[
                kernel(&format!("{image} ro")),
                "initrd a+b".into(),
                "boot".into(),
            ],
        ),
        ("\x1b[B\r", &[kernel("from-extlinux"), "boot".into()]),
    ] {
        let ran = session(&Shelf::new(&files), &Script::keys(keys), &Start::default());
        assert_eq!(ran.notes, expected, "{keys:?} {}", ran.terminal.text());
    }
    let mut script = Script::default();
    script.looks("menu").waits(9_000_000_000);
    let ran = session(&Shelf::new(&files), &script, &Start::default());
    let menu = ran.terminal.picture("menu");
    for row in [" | Debian ", " |   Debian, again ", " | Other "] {
        assert!(menu.contains(row), "{menu}");
    }
}

/// Menus that dom0 gives are what they look like.
#[test]
fn in_the_ramdisk() {
    const GRUB: &str = "set timeout=1\nsearch --file /v --set=root\n\
                        menuentry 'x' {\n linux /v grub\n }\n";
    const EXTLINUX: &str = "TIMEOUT 10\nlabel x\n  LINUX /v\n  APPEND extlinux\n";
    const LEGACY: &str = "timeout 1\ntitle label menuentry\nkernel (hd0,1)/v legacy\n";
    let files = [("(hd0,0)/v", "k"), ("(hd0,1)/v", "k")];
    for (ramdisk, expected) in [
        (GRUB, "kernel (hd0,0)/v [BOOT_IMAGE=/v grub]"),
        (EXTLINUX, "kernel (hd0,0)/v [extlinux]"),
        (LEGACY, "kernel (hd0,1)/v [legacy]"),
    ] {
        let start = Start {
            command_line: "",
            ramdisk: Some(ramdisk.as_bytes()),
        };
        let ran = session(&Shelf::new(&files), &Script::default(), &start);
        assert_eq!(ran.notes, [expected, "boot"], "{}", ran.terminal.text());
    }
    // What only looks like one is none.
    for ramdisk in [
        "label x\n",
        "menuentry x\n",
        "# menuentry x { linux /v; }\n",
    ] {
        let start = Start {
            command_line: "",
            ramdisk: Some(ramdisk.as_bytes()),
        };
        let ran = session(&Shelf::new(&files), &Script::default(), &start);
        assert!(ran.shows("The ramdisk holds no menu entries"), "{ramdisk}");
    }
}

/// The guest's own loader goes before its menus, but not before a menu.lst.
#[test]
fn pvboot() {
    let mut files = vec![
        ("(hd0,0)/boot/grub/grub.cfg", "menuentry x { linux /x\n }\n"),
        ("(hd0,0)/boot/xen/pvboot-x86_64.elf", "grub"),
        ("(hd0,0)/x", "x"),
    ];
    let expected = ["kernel (hd0,0)/boot/xen/pvboot-x86_64.elf []", "boot"];
    assert_eq!(boots(&files), expected);
    files.push((
        "(hd0,0)/boot/grub/menu.lst",
        "timeout 0\ntitle x\nkernel /x y\n",
    ));
    assert_eq!(boots(&files), ["kernel (hd0,0)/x [y]", "boot"]);
    // On a /boot of its own.
    let files = [("(hd0,2)/xen/pvboot-x86_64.elf", "grub")];
    assert_eq!(boots(&files)[0], "kernel (hd0,2)/xen/pvboot-x86_64.elf []");
}

/// What a grub.cfg keeps for the next boot: the entry that is meant for once
/// is forgotten, the one that was chosen is not.
#[test]
fn environment_block() {
    const SCRIPT: &str = r#"
if [ -s $prefix/grubenv ]; then load_env; fi
if [ "${next_entry}" ] ; then
  set default="${next_entry}"
  set next_entry=
  save_env next_entry
  set boot_once=true
else
  set default="${saved_entry}"
fi
set looked=1
save_env looked
function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
    save_env saved_entry
  fi
}
set timeout=1
menuentry 'one' --id 1st { savedefault; linux /k one; }
submenu 'more > else' {
  save_env opened
  menuentry 'two' { savedefault; linux /k two; }
  menuentry 'three' { linux /k three; }
}
"#;
    let block = |lines: &str| {
        let text = format!("# GRUB Environment Block\n# WARNING\n{lines}");
        let fill = "#".repeat(1024 - text.len());
        text + &fill
    };
    let path = "/boot/grub/grubenv";
    let mut shelf = Shelf::new(&[("(hd0,0)/boot/grub/grub.cfg", SCRIPT), ("(hd0,0)/k", "k")]);
    // What is in it, what is typed, what boots, what is in it then.
    for (before, keys, booted, after) in [
        ("next_entry=1\n", "", "two", "next_entry=\nlooked=1\n"),
        (
            "saved_entry=1st\nnext_entry=more >> else>three\n",
            "",
            "three",
            "saved_entry=1st\nnext_entry=\nlooked=1\n",
        ),
        ("", "", "one", "looked=1\nsaved_entry=1st\n"),
        ("", "v\r", "two", "looked=1\nsaved_entry=more >> else>two\n"),
        (
            "saved_entry=more >> else>two\nother=x\n",
            "",
            "two",
            "saved_entry=more >> else>two\nother=x\nlooked=1\n",
        ),
        (
            "saved_entry=more >> else>two\n",
            "^\r",
            "one",
            "saved_entry=1st\nlooked=1\n",
        ),
        // Not saved by that entry.
        ("", "vv\r", "three", "looked=1\n"),
    ] {
        shelf.put("(hd0,0)/boot/grub/grubenv", block(before).as_bytes());
        let ran = session(&shelf, &Script::keys(keys), &Start::default());
        let kernel = format!("kernel (hd0,0)/k [BOOT_IMAGE=/k {booted}]");
        assert_eq!(ran.notes, [kernel, "boot".into()], "{before:?} {keys:?}");
        assert_eq!(shelf.holds(path), block(after), "{before:?} {keys:?}");
        assert!(!ran.shows("Error"), "{}", ran.terminal.transcript());
    }
    // Where nothing can be written they are obeyed all the same, and that is
    // told: in the menu, and where the entry boots.
    shelf.read_only = true;
    for (before, booted, told) in [
        ("next_entry=1\n", "two", "next_entry stays as it was: XFS"),
        ("saved_entry=1\n", "two", "saved_entry stays as it was: XFS"),
    ] {
        shelf.put("(hd0,0)/boot/grub/grubenv", block(before).as_bytes());
        let ran = session(&shelf, &Script::default(), &Start::default());
        let kernel = format!("kernel (hd0,0)/k [BOOT_IMAGE=/k {booted}]");
        assert_eq!(ran.notes, [kernel, "boot".into()], "{before:?}");
        assert!(ran.shows(told), "{}", ran.terminal.transcript());
        assert!(!ran.shows("looked"), "{}", ran.terminal.transcript());
        assert_eq!(shelf.holds(path), block(before));
    }
}
