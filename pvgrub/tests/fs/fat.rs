//! FAT against images of mkfs.fat and mtools.

use crate::images::{Scratch, mkfs_fat, open, read, run};
use crate::tree::{self, Size, compare_plain};
use std::fs;

/// Name, arguments of mkfs.fat, size in KiB, what it must be called.
const KINDS: &[(&str, &str, u64, &str)] = &[
    ("fat12", "-F 12", 16 << 10, "fat12"),
    ("fat12-big-clusters", "-F 12 -s 64", 64 << 10, "fat12"),
    ("fat16", "-F 16", 64 << 10, "fat16"),
    (
        "fat16-small-clusters",
        "-F 16 -s 1 -r 1024",
        30 << 10,
        "fat16",
    ),
    ("fat16-4k-sectors", "-F 16 -S 4096 -s 1", 64 << 10, "fat16"),
    ("fat32", "-F 32", 64 << 10, "fat32"),
    ("fat32-small-clusters", "-F 32 -s 1", 64 << 10, "fat32"),
    ("fat32-one-table", "-F 32 -f 1 -R 64", 64 << 10, "fat32"),
];

#[test]
fn every_kind() {
    let scratch = Scratch::new("fat");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make_plain(&source, Size::Large);
    // mtools takes seconds to find short names for so many long ones.
    for number in 250..1500 {
        let name = format!("many/a-name-that-takes-some-room-{number:05}");
        fs::remove_file(source.join(name)).unwrap();
    }
    for (name, args, kib, kind) in KINDS {
        mkfs_fat(&image, &source, args, *kib);
        let fs = open(&image).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(fs.kind(), *kind, "{name}");
        compare_plain(&*fs, &source, name);
        let bytes = fs::read(&image).unwrap();
        tree::compare_places(&*fs, &bytes, "/boot/grub/menu.lst", name);
    }
}

#[test]
fn names_without_regard_to_case() {
    let scratch = Scratch::new("fat-case");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make_plain(&source, Size::Small);
    fs::write(source.join("SHORT.TXT"), "upper").unwrap();
    fs::write(source.join("small.txt"), "lower").unwrap();
    mkfs_fat(&image, &source, "-F 16", 32 << 10);
    let fs = open(&image).unwrap();
    for (path, content) in [
        ("/BOOT/Grub/MENU.LST", &b"default 0\ntitle x\n"[..]),
        ("/short.txt", b"upper"),
        ("/SMALL.TXT", b"lower"),
        ("/GRÖSSE MIT LEERZEICHEN", b""),
        ("/gRÖßE mit leerzeichen", "ü".as_bytes()),
        (
            "/boot/../Boot/./grub/../GRUB/menu.lst",
            b"default 0\ntitle x\n",
        ),
        // The short name of the long name.
        ("/NNNNNN~1", b"long name"),
    ] {
        let found = read(&*fs, path);
        if content.is_empty() {
            assert_eq!(found.unwrap_err().number(), 15, "{path}");
        } else {
            assert_eq!(found.as_deref(), Ok(content), "{path}");
        }
    }
}

/// A file whose clusters lie among those of another one.
#[test]
fn fragmented() {
    let scratch = Scratch::new("fat-fragments");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    for number in 0..400 {
        let bytes = tree::noise(number, 700);
        fs::write(source.join(format!("piece{number:03}")), bytes).unwrap();
    }
    mkfs_fat(&image, &source, "-F 16 -s 1", 8 << 10);
    let target = image.to_str().unwrap();
    for number in (0..400).step_by(2) {
        run(
            "mdel",
            &["-i", target, &format!("::piece{number:03}")],
            "",
            &[0],
        );
        fs::remove_file(source.join(format!("piece{number:03}"))).unwrap();
    }
    let big = source.join("big");
    fs::write(&big, tree::noise(1, 300_000)).unwrap();
    run(
        "mcopy",
        &["-i", target, big.to_str().unwrap(), "::"],
        "",
        &[0],
    );
    compare_names(&image, &source);
}

fn compare_names(image: &std::path::Path, source: &std::path::Path) {
    let fs = open(image).unwrap();
    for entry in fs::read_dir(source).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let expected = fs::read(entry.path()).unwrap();
        assert!(read(&*fs, &format!("/{name}")) == Ok(expected), "{name}");
    }
}

#[test]
fn label_and_serial() {
    let scratch = Scratch::new("fat-label");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    for args in ["-F 12", "-F 16", "-F 32"] {
        mkfs_fat(
            &image,
            &source,
            &format!("{args} -n THE-ROOT -i 1ab00c0d"),
            64 << 10,
        );
        let fs = open(&image).unwrap();
        assert_eq!(fs.label().as_deref(), Some("THE-ROOT"), "{args}");
        assert_eq!(fs.uuid().as_deref(), Some("1AB0-0C0D"), "{args}");
        assert_eq!(fs.read_dir("/").unwrap().len(), 1, "{args}");
        mkfs_fat(&image, &source, args, 64 << 10);
        assert_eq!(open(&image).unwrap().label(), None, "{args}");
    }
}
