//! squashfs against images of mksquashfs.

use crate::images::{FileDisk, Scratch, mksquashfs, open};
use crate::tree::{self, Size, compare};
use pvgrub::disk::Cache;
use pvgrub::fs::probe;
use std::fs;
use std::rc::Rc;

/// Arguments of mksquashfs.
const KINDS: &[&str] = &[
    "-comp lz4",
    "-comp gzip",
    "-comp xz",
    "-comp xz -Xbcj x86",
    "-comp zstd",
    "-comp lz4 -Xhc",
    "-comp lzo",
    "-comp gzip -b 4096",
    "-comp zstd -b 1M",
    "-comp gzip -no-fragments",
    "-comp gzip -always-use-fragments",
    "-comp gzip -noI -noD -noF",
    "-comp zstd -noD",
];

#[test]
fn every_kind() {
    let scratch = Scratch::new("squashfs");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make(&source, Size::Large);
    // Something that can be packed, besides the noise.
    let text: String = (0..200_000).map(|line| format!("line {line}\n")).collect();
    fs::write(source.join("text"), text).unwrap();
    for (number, args) in KINDS.iter().enumerate() {
        if number == 1 {
            // Its hole of 5 GiB takes mksquashfs seconds each time.
            fs::remove_file(source.join("huge")).unwrap();
        }
        mksquashfs(&image, &source, args);
        let fs = open(&image).unwrap_or_else(|error| panic!("{args}: {error}"));
        assert_eq!(fs.kind(), "squashfs");
        compare(&*fs, &source, args);
    }
}

#[test]
fn refused() {
    let scratch = Scratch::new("squashfs-refused");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    mksquashfs(&image, &source, "");
    for (at, byte, text) in [
        (28, 3, "version 3.0"),
        (20, 2, "LZMA"),
        (13, 7, "blocks of"),
    ] {
        let mut bytes = fs::read(&image).unwrap();
        bytes[at] = byte;
        let error = probe(Rc::new(bytes)).err().unwrap();
        assert!(error.to_string().contains(text), "{error}");
    }
}

/// A large read is few requests to the disk.
#[test]
fn large_reads() {
    let scratch = Scratch::new("squashfs-speed");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    let text: String = (0..1_000_000)
        .map(|line| format!("line {line}\n"))
        .collect();
    fs::write(source.join("kernel"), &text).unwrap();
    for args in ["-comp gzip", "-noD"] {
        mksquashfs(&image, &source, args);
        let disk = FileDisk::open(&image);
        let fs = probe(Rc::new(Cache::new(disk.clone()))).unwrap();
        let mut file = fs.open("/kernel").unwrap();
        disk.reads.set(0);
        let mut bytes = vec![0; text.len()];
        assert_eq!(file.read_at(0, &mut bytes), Ok(text.len()));
        assert!(bytes == text.as_bytes());
        let most = if args == "-noD" { 110 } else { 10 };
        assert!(
            disk.reads.get() <= most,
            "{args}: {} reads",
            disk.reads.get()
        );
    }
}
