//! btrfs against images of mkfs.btrfs.

use crate::images::{FileDisk, Scratch, mkfs_btrfs, open, run};
use crate::tree::{self, Size, compare, compare_plain};
use pvgrub::disk::Cache;
use pvgrub::fs::probe;
use std::fs;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

/// Name, arguments of mkfs.btrfs.
const KINDS: &[(&str, &str)] = &[
    ("defaults", ""),
    ("single", "-m single -d single"),
    ("dup", "-m dup -d dup"),
    ("mixed", "--mixed"),
    ("4k-nodes", "-n 4096"),
    ("64k-nodes", "-n 65536"),
    ("xxhash", "--csum xxhash"),
    ("sha256", "--csum sha256"),
    ("blake2", "--csum blake2"),
    ("with-holes", "-O ^no-holes"),
    (
        "old",
        "-O ^no-holes,^skinny-metadata,^extref -R ^free-space-tree",
    ),
];

#[test]
fn every_kind() {
    let scratch = Scratch::new("btrfs");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make(&source, Size::Large);
    // mkfs.btrfs fills holes.
    fs::remove_file(source.join("huge")).unwrap();
    for (name, args) in KINDS {
        mkfs_btrfs(&image, &source, args, "300m");
        let fs = open(&image).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(fs.kind(), "btrfs");
        compare(&*fs, &source, name);
    }
}

#[test]
fn label_and_uuid() {
    let scratch = Scratch::new("btrfs-label");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    let uuid = "01234567-89ab-cdef-0123-456789abcdef";
    mkfs_btrfs(&image, &source, &format!("-L the-root -U {uuid}"), "128m");
    let fs = open(&image).unwrap();
    assert_eq!(fs.label().as_deref(), Some("the-root"));
    assert_eq!(fs.uuid().as_deref(), Some(uuid));
}

/// Where one copy of a node is bad, the other is read.
#[test]
fn second_copy() {
    let scratch = Scratch::new("btrfs-copies");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make_plain(&source, Size::Small);
    mkfs_btrfs(&image, &source, "-m dup", "200m");
    let bytes = fs::read(&image).unwrap();
    let fsid = bytes[0x10020..0x10030].to_vec();
    // Nodes carry the file system's UUID after their checksum, and their own
    // address after that: of those with the same address, hurt the first.
    let mut seen = Vec::new();
    let file = fs::OpenOptions::new().write(true).open(&image).unwrap();
    for at in (0x20000..bytes.len() - 0x4000).step_by(4096) {
        let own = &bytes[at + 48..at + 56];
        if bytes[at + 32..at + 48] == fsid && !seen.contains(&own) {
            seen.push(own);
            file.write_all_at(&[0xa5; 8], at as u64 + 200).unwrap();
        }
    }
    assert!(seen.len() > 5);
    compare_plain(&*open(&image).unwrap(), &source, "second copy");
    // With both bad nothing is left to read.
    for at in (0x20000..bytes.len() - 0x4000).step_by(4096) {
        if bytes[at + 32..at + 48] == fsid {
            file.write_all_at(&[0xa5; 8], at as u64 + 200).unwrap();
        }
    }
    let error = open(&image).err().unwrap();
    assert!(error.to_string().contains("checksum"), "{error}");
}

/// Two devices: what is mirrored can be read from either, what is striped
/// cannot, and the error says so.
#[test]
fn one_device_of_two() {
    let scratch = Scratch::new("btrfs-two");
    let images = [scratch.path("a"), scratch.path("b")];
    for profile in ["raid1", "raid0"] {
        for image in &images {
            let _ = fs::remove_file(image);
            fs::File::create(image).unwrap().set_len(300 << 20).unwrap();
        }
        let [a, b] = images.each_ref().map(|image| image.to_str().unwrap());
        run(
            "mkfs.btrfs",
            &["-q", "-m", profile, "-d", profile, a, b],
            "",
            &[0],
        );
        for image in &images {
            let result = open(image).and_then(|fs| fs.read_dir("/"));
            if profile == "raid1" {
                assert_eq!(result, Ok(Vec::new()), "{}", image.display());
            } else {
                let error = result.unwrap_err().to_string();
                let named = error.contains("2 devices") && error.contains("striped");
                assert!(named, "{error}");
            }
        }
    }
}

/// A large read is few requests to the disk.
#[test]
fn large_reads() {
    let scratch = Scratch::new("btrfs-speed");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("kernel"), tree::noise(9, 8 << 20)).unwrap();
    mkfs_btrfs(&image, &source, "", "200m");
    let disk = FileDisk::open(&image);
    let fs = probe(Rc::new(Cache::new(disk.clone()))).unwrap();
    tree::compare_places(&*fs, &fs::read(&image).unwrap(), "/kernel", "btrfs");
    let mut file = fs.open("/kernel").unwrap();
    disk.reads.set(0);
    let mut bytes = vec![0; 8 << 20];
    assert_eq!(file.read_at(0, &mut bytes), Ok(8 << 20));
    assert!(disk.reads.get() <= 20, "{} reads", disk.reads.get());
}
