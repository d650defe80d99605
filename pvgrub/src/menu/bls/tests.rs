//! Entries as kernel-install, Fedora's grubby and mkosi write them.

use super::*;
use crate::menu::double::Tree;

const DEVICE: DeviceName = DeviceName::Partition(0, 0);

/// The menu of a folder, in lines.
fn shown(files: &[(&str, &str)], folder: &str) -> Vec<String> {
    let tree = Tree::new(files);
    let reader = Reader::new(&tree);
    let menu = menu(&reader, DEVICE, folder).expect("a menu");
    crate::menu::double::lines(&menu)
}

const FEDORA: &str = "\
title Fedora Linux (6.5.6-300.fc39.x86_64) 39 (Cloud Edition)
version 6.5.6-300.fc39.x86_64
linux /vmlinuz-6.5.6-300.fc39.x86_64
initrd /initramfs-6.5.6-300.fc39.x86_64.img $tuned_initrd
options root=UUID=0a5e ro $kernelopts $tuned_params
grub_users $grub_users
grub_arg --unrestricted
grub_class fedora
";

#[test]
fn fedora() {
    let newer = FEDORA.replace("6.5.6", "6.5.10");
    let rescue = FEDORA.replace("6.5.6-300.fc39.x86_64", "0-rescue-c0ffee");
    let files = [
        ("/loader/entries/c0ffee-6.5.6-300.fc39.x86_64.conf", FEDORA),
        ("/loader/entries/c0ffee-6.5.10-300.fc39.x86_64.conf", &newer),
        ("/loader/entries/c0ffee-0-rescue.conf", &rescue),
        ("/loader/entries/README", "no entry"),
        (
            "/grub2/grubenv",
            "# GRUB Environment Block\n\
             saved_entry=c0ffee-6.5.6-300.fc39.x86_64\n\
             kernelopts=quiet console=hvc0\n########",
        ),
    ];
    assert_eq!(
        shown(&files, "/loader/entries"),
        [
            "default 1",
            "timeout 5",
            "[Fedora Linux (6.5.10-300.fc39.x86_64) 39 (Cloud Edition)]",
            "root (hd0,0)",
            "kernel /vmlinuz-6.5.10-300.fc39.x86_64 root=UUID=0a5e ro quiet console=hvc0",
            "initrd /initramfs-6.5.10-300.fc39.x86_64.img",
            "[Fedora Linux (6.5.6-300.fc39.x86_64) 39 (Cloud Edition)]",
            "root (hd0,0)",
            "kernel /vmlinuz-6.5.6-300.fc39.x86_64 root=UUID=0a5e ro quiet console=hvc0",
            "initrd /initramfs-6.5.6-300.fc39.x86_64.img",
            "[Fedora Linux (0-rescue-c0ffee) 39 (Cloud Edition)]",
            "root (hd0,0)",
            "kernel /vmlinuz-0-rescue-c0ffee root=UUID=0a5e ro quiet console=hvc0",
            "initrd /initramfs-0-rescue-c0ffee.img",
        ]
    );
}

/// All keys, several lines of some, entries that are not ours, loader.conf.
#[test]
fn systemd_boot() {
    let files = [
        (
            "/loader/entries/arch.conf",
            "# written by hand\ntitle\tArch Linux\nsort-key  arch\nversion 6.9\nmachine-id 1\n\
             architecture x64\nlinux   /vmlinuz-linux\ninitrd  /intel-ucode.img\n\
             initrd  initramfs-linux.img\noptions root=LABEL=arch rw\noptions   quiet\n",
        ),
        (
            "/loader/entries/arch-lts.conf",
            "title Arch Linux\nsort-key arch\nversion 6.6\nmachine-id 1\nlinux /vmlinuz-linux-lts\n",
        ),
        ("/loader/entries/a-tool.conf", "linux /tool\n"),
        ("/loader/entries/bad+0-3.conf", "sort-key aaa\nlinux /bad\n"),
        (
            "/loader/entries/good+2-1.conf",
            "sort-key zzz\nlinux /good\n",
        ),
        ("/loader/entries/c+plus.conf", "linux /cplus\n"),
        (
            "/loader/entries/memtest.conf",
            "title M\nefi /memtest.efi\n",
        ),
        (
            "/loader/entries/arm.conf",
            "linux /arm\narchitecture aa64\n",
        ),
        (
            "/loader/loader.conf",
            "#timeout 9\ntimeout 3\ndefault  arch-l?s*.conf\nconsole-mode max\n",
        ),
    ];
    assert_eq!(
        shown(&files, "/loader/entries"),
        [
            "default 1",
            "timeout 3",
            "[Arch Linux (6.9)]",
            "root (hd0,0)",
            "kernel /vmlinuz-linux root=LABEL=arch rw quiet",
            "initrd /intel-ucode.img /initramfs-linux.img",
            "[Arch Linux (6.6)]",
            "root (hd0,0)",
            "kernel /vmlinuz-linux-lts",
            "[good]",
            "root (hd0,0)",
            "kernel /good",
            "[c+plus]",
            "root (hd0,0)",
            "kernel /cplus",
            "[a-tool]",
            "root (hd0,0)",
            "kernel /tool",
            "[bad]",
            "root (hd0,0)",
            "kernel /bad",
            "! arm.conf is left out: it is for the architecture aa64",
            "! memtest.conf is left out: it names no `linux'",
        ]
    );
}

/// Entries on the EFI system partition and on the one beside it are one menu,
/// from wherever it is read.
#[test]
fn two_partitions() {
    let files = [
        ("(hd0,0)/loader/loader.conf", "timeout 3\ndefault b*\n"),
        ("(hd0,0)/loader/entries/a-1.conf", "linux /a\ninitrd /i\n"),
        ("(hd0,2)/loader/loader.conf", "timeout 9\n"),
        ("(hd0,2)/loader/entries/b-2.conf", "linux /b\n"),
        ("(hd0,2)/loader/entries/a-3.conf", "linux /c\n"),
        ("(hd0,1)/loader/entries/not.conf", "linux /not\n"),
        ("(hd1,2)/loader/entries/not.conf", "linux /not\n"),
    ];
    let expected = [
        "default 0",
        "timeout 3",
        "[b-2]",
        "root (hd0,2)",
        "kernel /b",
        "[a-3]",
        "root (hd0,2)",
        "kernel /c",
        "[a-1]",
        "root (hd0,0)",
        "kernel /a",
        "initrd /i",
    ];
    let gpt = [PartitionKind::Gpt(ESP.0), PartitionKind::Gpt(XBOOTLDR.0)];
    let mbr = [PartitionKind::Mbr(ESP.1), PartitionKind::Mbr(XBOOTLDR.1)];
    for [esp, other] in [gpt, mbr] {
        let mut tree = Tree::new(&files);
        tree.kinds = [(0, esp), (2, other)].into();
        for number in [0, 2] {
            let device = DeviceName::Partition(0, number);
            let menu = menu(&Reader::new(&tree), device, "/loader/entries").unwrap();
            assert_eq!(crate::menu::double::lines(&menu), expected, "{device}");
        }
        // Their entries only; and a partition of any other type is alone.
        for (number, count) in [(0, 3), (1, 1)] {
            let device = DeviceName::Partition(0, number);
            let menu = menu(&Reader::new(&tree), device, "/loader/entries").unwrap();
            assert_eq!(menu.entries.len(), count);
        }
    }
    let text = |guid: [u8; 16]| PartitionKind::Gpt(guid).to_string();
    assert!(text(ESP.0).contains("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"));
    assert!(text(XBOOTLDR.0).contains("bc13c2ff-59e6-4262-a352-b275fd6f7172"));
}

/// /boot on the root file system: its files are told with and without /boot.
#[test]
fn boot_folder() {
    let files = [
        (
            "/boot/loader/entries/a.conf",
            "linux /vmlinuz-a\ninitrd /initrd-a\n",
        ),
        (
            "/boot/loader/entries/b.conf",
            "linux /boot/vmlinuz-b\ninitrd /boot/initrd-b\n",
        ),
        ("/boot/vmlinuz-a", ""),
        ("/boot/vmlinuz-b", ""),
        (
            "/boot/loader/loader.conf",
            "timeout menu-force\ndefault @saved\n",
        ),
    ];
    assert_eq!(
        shown(&files, "/boot/loader/entries"),
        [
            "[b]",
            "root (hd0,0)",
            "kernel /boot/vmlinuz-b",
            "initrd /boot/initrd-b",
            "[a]",
            "root (hd0,0)",
            "kernel /boot/vmlinuz-a",
            "initrd /boot/initrd-a",
        ]
    );
}

#[test]
fn patterns() {
    for (name, pattern, expected) in [
        ("abc", "abc", true),
        ("abc", "a*", true),
        ("abc", "*c", true),
        ("abc", "*b*", true),
        ("abc", "a?c", true),
        ("abc", "a?", false),
        ("abc", "*", true),
        ("", "*", true),
        ("abc", "", false),
        ("aaaaaaaaaaaaaaaaaaaaaaaab", "*a*a*a*a*a*a*a*a*a*c", false),
        ("abab", "*ab", true),
    ] {
        assert_eq!(fits(name, pattern), expected, "{name} {pattern}");
    }
}

#[test]
fn variables() {
    let values = |name: &str| match name {
        "a" => Some("1".to_string()),
        "default_kernelopts" => Some("d".to_string()),
        "long" => Some("x".repeat(60_000)),
        _ => None,
    };
    for (text, expected) in [
        ("x", "x"),
        ("$a$b${a}c ${a", "11c ${a"),
        ("$", "$"),
        ("$kernelopts", "d"),
        ("a$-", "a$-"),
        ("${-}", "${-}"),
    ] {
        assert_eq!(expand(text, &values), expected, "{text:?}");
    }
    let long = expand(&"$long".repeat(10_000), &values);
    assert!(long.len() < 100_000);
}
