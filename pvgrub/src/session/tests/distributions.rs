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
