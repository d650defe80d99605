//! ISO 9660 against images of xorriso and genisoimage.

use crate::images::{FileDisk, Scratch, genisoimage, open, read, xorriso};
use crate::tree::{self, Size, compare, compare_plain};
use pvgrub::disk::Cache;
use pvgrub::fs::probe;
use std::fs;
use std::rc::Rc;

#[test]
fn rock_ridge() {
    let scratch = Scratch::new("iso-rock");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make(&source, Size::Large);
    fs::remove_file(source.join("huge")).unwrap();
    xorriso(&image, &source, "-R");
    let fs = open(&image).unwrap();
    assert_eq!(fs.kind(), "iso9660");
    compare(&*fs, &source, "xorriso -R");
    for (name, args) in [("genisoimage", "-R"), ("with Joliet", "-R -J -joliet-long")] {
        let _ = fs::remove_file(&image);
        genisoimage(&image, &source, args);
        compare(&*open(&image).unwrap(), &source, name);
    }
}

/// A disc cannot hold holes: this needs as much room as it says.
#[test]
#[ignore = "takes 5 GiB of room"]
fn beyond_4_gib() {
    let scratch = Scratch::new("iso-huge");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make(&source, Size::Large);
    xorriso(&image, &source, "-R");
    compare(&*open(&image).unwrap(), &source, "xorriso -R");
}

#[test]
fn joliet() {
    let scratch = Scratch::new("iso-joliet");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make_plain(&source, Size::Large);
    // Too long for Joliet.
    fs::remove_file(source.join("n".repeat(255))).unwrap();
    xorriso(&image, &source, "-J -joliet-long --norock");
    let fs = open(&image).unwrap();
    compare_plain(&*fs, &source, "xorriso -J");
    let menu = fs::read(source.join("boot/grub/menu.lst")).unwrap();
    assert_eq!(read(&*fs, "/BOOT/GRUB/Menu.lst"), Ok(menu));
    assert_eq!(read(&*fs, "/gRÖßE mit Leerzeichen"), Ok("ü".into()));
    let _ = fs::remove_file(&image);
    fs::remove_dir_all(source.join("deep")).unwrap();
    genisoimage(&image, &source, "-J -joliet-long");
    compare_plain(&*open(&image).unwrap(), &source, "genisoimage -J");
}

/// Names of the bare standard are short and in capitals on the disc.
#[test]
fn neither() {
    let scratch = Scratch::new("iso-plain");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir_all(source.join("boot/grub")).unwrap();
    fs::write(source.join("boot/grub/menu.lst"), "menu").unwrap();
    fs::write(source.join("vmlinuz"), tree::noise(3, 100_000)).unwrap();
    fs::write(source.join("empty"), "").unwrap();
    for round in 0..2 {
        let _ = fs::remove_file(&image);
        if round == 0 {
            xorriso(&image, &source, "--norock");
        } else {
            genisoimage(&image, &source, "");
        }
        let fs = open(&image).unwrap();
        compare_names(&*fs, &source);
        let bytes = fs::read(&image).unwrap();
        crate::tree::compare_places(&*fs, &bytes, "/vmlinuz", "neither");
        assert_eq!(read(&*fs, "/BOOT/grub/Menu.LST"), Ok(b"menu".to_vec()));
    }
}

fn compare_names(fs: &dyn pvgrub::fs::FileSystem, source: &std::path::Path) {
    let mut names: Vec<String> = fs
        .read_dir("/")
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    names.sort();
    assert_eq!(names, ["boot", "empty", "vmlinuz"]);
    let kernel = fs::read(source.join("vmlinuz")).unwrap();
    assert_eq!(read(fs, "/vmlinuz"), Ok(kernel));
    assert_eq!(read(fs, "/empty"), Ok(Vec::new()));
}

#[test]
fn label_and_date() {
    let scratch = Scratch::new("iso-label");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    let date = "--modification-date=2026010203040506";
    xorriso(&image, &source, &format!("-R -V THE_CD {date}"));
    let fs = open(&image).unwrap();
    assert_eq!(fs.label().as_deref(), Some("THE_CD"));
    assert_eq!(fs.uuid().as_deref(), Some("2026-01-02-03-04-05-06"));
}

/// A large read is as few requests to the disk.
#[test]
fn large_reads() {
    let scratch = Scratch::new("iso-speed");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("kernel"), tree::noise(9, 8 << 20)).unwrap();
    xorriso(&image, &source, "-R");
    let disk = FileDisk::open(&image);
    let fs = probe(Rc::new(Cache::new(disk.clone()))).unwrap();
    let mut file = fs.open("/kernel").unwrap();
    disk.reads.set(0);
    let mut bytes = vec![0; 8 << 20];
    assert_eq!(file.read_at(0, &mut bytes), Ok(8 << 20));
    assert!(disk.reads.get() <= 2, "{} reads", disk.reads.get());
}
