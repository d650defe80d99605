//! Images that Linux 6.1 wrote, which the tools cannot make: packed extents
//! and subvolumes of btrfs; holes, shared and unwritten extents of XFS, and
//! its log cut off before it was written back. They are in the form of the
//! fuzz targets' seeds, packed with gzip.

use crate::images::read;
use pvgrub::disk::Cache;
use pvgrub::fs::{FileSystem, probe};
use pvgrub::image::{Codec, decompress};
use std::rc::Rc;

/// The file system of the image `name`.
fn image(name: &str) -> Box<dyn FileSystem> {
    let path = format!("{}/tests/fs/by_linux/{name}.gz", env!("CARGO_MANIFEST_DIR"));
    let packed = std::fs::read(&path).unwrap();
    let mut data = vec![0; 4 << 20];
    let length = decompress(Codec::Gzip, &packed, &mut data).unwrap();
    data.truncate(length);
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    let mut image = vec![0; number(&data) * 128];
    for record in data[4..].chunks_exact(132) {
        let at = number(record) * 128;
        image[at..at + 128].copy_from_slice(&record[4..]);
    }
    probe(Rc::new(Cache::new(Rc::new(image)))).unwrap()
}

/// What the images' files hold: lines, each number a hundred times.
fn text(lines: usize) -> Vec<u8> {
    let lines = (0..lines).map(|line| format!("line {}\n", line / 100));
    lines.collect::<String>().into_bytes()
}

/// Whether `path` is a hole of 5,000,000,000 bytes and `end` after it.
fn ends_a_hole(fs: &dyn FileSystem, path: &str, end: &[u8]) {
    let start = 5_000_000_000;
    let mut file = fs.open(path).unwrap();
    assert_eq!(file.len(), start + end.len() as u64);
    let mut bytes = vec![0xa5; 100 + end.len()];
    file.read_at(start - 100, &mut bytes).unwrap();
    assert!(bytes[..100] == [0; 100] && bytes[100..] == *end, "{path}");
    file.read_at(12_345, &mut bytes).unwrap();
    assert!(bytes.iter().all(|byte| *byte == 0), "{path}");
}

#[test]
fn btrfs_packed() {
    let fs = image("btrfs");
    assert_eq!(fs.label().as_deref(), Some("made-by-linux"));
    for method in ["zlib", "lzo", "zstd"] {
        let path = format!("/{method}.txt");
        assert!(read(&*fs, &path) == Ok(text(40_000)), "{method}");
        assert!(read(&*fs, &format!("/{method}-small.txt")) == Ok(text(200)));
        // In pieces, back and forth.
        let mut file = fs.open(&path).unwrap();
        let expected = text(40_000);
        for at in [300_000, 131_000, 5, 262_140, 131_072] {
            let mut piece = [0; 1000];
            assert_eq!(file.read_at(at, &mut piece), Ok(1000));
            let at = at as usize;
            assert!(piece == expected[at..at + 1000], "{method} at {at}");
        }
    }
    let mut cut = text(40_000);
    cut[200_000..200_011].copy_from_slice(b"overwritten");
    assert!(read(&*fs, "/cut.txt") == Ok(cut));
    ends_a_hole(&*fs, "/sparse", &text(20));
    let error = fs.open("/zstd.txt").unwrap().places(0, 1).unwrap_err();
    assert!(error.to_string().contains("packed"), "{error}");
}

#[test]
fn btrfs_subvolumes() {
    let fs = image("btrfs");
    // From the default subvolume, and what is not there from the top one.
    for (path, lines) in [
        ("/boot/x", 50),
        ("/link", 50),
        ("/boot/later", 60),
        ("/root/boot/x", 50),
        ("/snap/boot/x", 50),
        ("/sub/in-sub", 30),
        ("/sub/../root/../sub/in-sub", 30),
    ] {
        assert!(read(&*fs, path) == Ok(text(lines)), "{path}");
    }
    for path in ["/snap/boot/later", "/in-sub", "/snap/link/x"] {
        assert!(read(&*fs, path).is_err(), "{path}");
    }
    let names: Vec<String> = fs
        .read_dir("/")
        .unwrap()
        .into_iter()
        .map(|e| e.name)
        .collect();
    assert_eq!(names, ["boot", "link"]);
    assert_eq!(fs.read_dir("/sub").unwrap().len(), 1);
}

#[test]
fn xfs_extents_and_log() {
    let fs = image("xfs");
    assert_eq!(fs.label().as_deref(), Some("by-linux"));
    // Moved by a transaction that is in the log only.
    assert_eq!(read(&*fs, "/plain.txt").unwrap_err().number(), 15);
    assert!(read(&*fs, "/late/moved.txt") == Ok(text(30_000)));
    assert!(read(&*fs, "/late/in-the-log") == Ok(text(100)));
    let many = fs.read_dir("/many").unwrap();
    assert_eq!(many.len(), 59);
    assert!(!many.iter().any(|entry| entry.name.ends_with("room-7")));
    let mut shared = text(30_000);
    shared[100_000..100_011].copy_from_slice(b"overwritten");
    assert!(read(&*fs, "/shared.txt") == Ok(shared));
    let mut pieces = Vec::new();
    for number in 0..80 {
        pieces.resize(number * 2048, 0);
        pieces.extend(text(20));
    }
    assert!(read(&*fs, "/pieces") == Ok(pieces));
    let mut unwritten = vec![0; 100_000];
    unwritten[50_000..50_100].fill(b'A');
    assert!(read(&*fs, "/unwritten") == Ok(unwritten));
    ends_a_hole(&*fs, "/sparse", &text(20));
}
