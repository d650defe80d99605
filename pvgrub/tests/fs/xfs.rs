//! XFS against images of mkfs.xfs, which fills them by a prototype.

use crate::images::{FileDisk, Scratch, mkfs_xfs, open, read, run};
use crate::tree::{self, Size, compare};
use pvgrub::disk::Cache;
use pvgrub::fs::probe;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;

/// Name, arguments of mkfs.xfs.
const KINDS: &[(&str, &str)] = &[
    ("v5", "-m crc=1"),
    ("v5-1k", "-b size=1024"),
    ("v5-512", "-m crc=0 -b size=512 -i size=256"),
    (
        "v5-plain",
        "-m reflink=0,finobt=0,inobtcount=0,bigtime=0 -i sparse=0",
    ),
    (
        "v5-all",
        "-m rmapbt=1,reflink=1,inobtcount=1,bigtime=1 -i nrext64=1",
    ),
    ("v5-big-inodes", "-i size=2048"),
    ("v5-big-folders", "-n size=65536"),
    ("v5-4k-sectors", "-s size=4096"),
    ("v5-many-groups", "-d agcount=8"),
    ("v4", "-m crc=0"),
    ("v4-1k", "-m crc=0 -b size=1024"),
    ("v4-no-ftype", "-m crc=0 -n ftype=0"),
];

/// The tree as far as a prototype can say it.
fn make(source: &Path) {
    tree::make(source, Size::Large);
    fs::remove_file(source.join("huge")).unwrap();
    fs::rename(source.join("Größe mit Leerzeichen"), source.join("Größe")).unwrap();
}

#[test]
fn every_kind() {
    let scratch = Scratch::new("xfs");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    make(&source);
    for (name, args) in KINDS {
        mkfs_xfs(&image, &source, args, "160m");
        let fs = open(&image).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(fs.kind(), "xfs");
        compare(&*fs, &source, name);
    }
}

#[test]
fn label_and_uuid() {
    let scratch = Scratch::new("xfs-label");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    let uuid = "01234567-89ab-cdef-0123-456789abcdef";
    mkfs_xfs(
        &image,
        &source,
        &format!("-L the-root -m uuid={uuid}"),
        "20m",
    );
    let fs = open(&image).unwrap();
    assert_eq!(fs.label().as_deref(), Some("the-root"));
    assert_eq!(fs.uuid().as_deref(), Some(uuid));
}

/// Features that we do not know are refused by name.
#[test]
fn refused() {
    let scratch = Scratch::new("xfs-refused");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    for (args, at, bytes, text) in [
        ("-m crc=1", 216, &[0, 0, 0, 0x11][..], "needsrepair"),
        ("-m crc=1", 216, &[0x40, 0, 0, 1], "0x40000000"),
        ("-m crc=0 -n version=ci", 0, b"XFSB", "ascii-ci"),
        ("-m crc=0", 48, &[0; 8], "log on another device"),
        ("-m crc=1", 160, &[0xff; 4], "checksum"),
    ] {
        mkfs_xfs(&image, &source, args, "20m");
        let mut file = fs::OpenOptions::new().write(true).open(&image).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(bytes).unwrap();
        let error = open(&image).err().unwrap();
        assert!(error.to_string().contains(text), "{text}: {error}");
    }
}

/// A log that makes no sense is looked past.
#[test]
fn unclean() {
    let scratch = Scratch::new("xfs-unclean");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make_plain(&source, Size::Small);
    fs::rename(source.join("Größe mit Leerzeichen"), source.join("Größe")).unwrap();
    for args in ["-m crc=1", "-m crc=0"] {
        mkfs_xfs(&image, &source, args, "20m");
        let field = |name: &str| -> u64 {
            let text = run(
                "xfs_db",
                &[
                    "-c",
                    "sb 0",
                    "-c",
                    &format!("print {name}"),
                    image.to_str().unwrap(),
                ],
                "",
                &[0],
            );
            text.trim().rsplit(' ').next().unwrap().parse().unwrap()
        };
        // All in the first group, or the number would need to be split.
        let log = field("logstart");
        let group = log >> field("agblklog");
        let inside = log & ((1 << field("agblklog")) - 1);
        let at = (group * field("agblocks") + inside) * field("blocksize");
        let mut file = fs::OpenOptions::new().write(true).open(&image).unwrap();
        // Not the record of a clean unmount.
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&[0x11; 4096]).unwrap();
        let fs = open(&image).unwrap();
        tree::compare_plain(&*fs, &source, args);
    }
}

/// A file whose map leads into itself, and grows with each step: an error,
/// before it has taken all memory there is.
#[test]
fn endless_map() {
    let scratch = Scratch::new("xfs-endless");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), tree::noise(7, 12_345)).unwrap();
    fs::write(source.join("other"), "other").unwrap();
    mkfs_xfs(&image, &source, "-m crc=0 -i size=256", "20m");
    let mut bytes = fs::read(&image).unwrap();
    let number = |bytes: &[u8]| bytes.iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    // The file's inode: magic, mode, and its size at byte 56.
    let at = (0..bytes.len())
        .step_by(256)
        .find(|&at| {
            let inode = &bytes[at..at + 256];
            inode.starts_with(b"IN\x81") && number(&inode[56..64]) == 12_345
        })
        .expect("the file's inode");
    // The block of its only extent, which becomes a node of a tree.
    let record = u128::from(number(&bytes[at + 100..at + 108])) << 64
        | u128::from(number(&bytes[at + 108..at + 116]));
    let block = (record >> 21) as u64 & ((1 << 52) - 1);
    assert_eq!(bytes[at + 82], 0, "nothing but data in the inode");
    bytes[at + 5] = 3;
    let fork = &mut bytes[at + 100..at + 256];
    fork.fill(0);
    fork[..4].copy_from_slice(&[0, 1, 0, 1]);
    let pointer = 4 + (fork.len() - 4) / 16 * 8;
    fork[pointer..][..8].copy_from_slice(&block.to_be_bytes());
    // All in the first group, or the number would need to be split.
    let node = &mut bytes[block as usize * 4096..][..4096];
    node[..8].copy_from_slice(b"BMAP\0\x01\0\xfe");
    for pointer in node[24 + 254 * 8..].chunks_exact_mut(8) {
        pointer.copy_from_slice(&block.to_be_bytes());
    }
    fs::write(&image, bytes).unwrap();
    let disk = FileDisk::open(&image);
    let fs = probe(disk.clone()).unwrap();
    let mut file = fs.open("/file").unwrap();
    disk.bytes.set(0);
    let error = file.read_at(0, &mut [0; 16]).unwrap_err();
    assert!(
        error.to_string().contains("in pieces, of this size"),
        "{error}"
    );
    assert!(disk.bytes.get() < 9 << 20, "{} bytes", disk.bytes.get());
    assert_eq!(read(&*fs, "/other").as_deref(), Ok(&b"other"[..]));
}

/// A large read is few requests to the disk.
#[test]
fn large_reads() {
    let scratch = Scratch::new("xfs-speed");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    fs::create_dir(&source).unwrap();
    fs::write(source.join("kernel"), tree::noise(9, 8 << 20)).unwrap();
    mkfs_xfs(&image, &source, "", "40m");
    let disk = FileDisk::open(&image);
    let fs = probe(Rc::new(Cache::new(disk.clone()))).unwrap();
    let mut file = fs.open("/kernel").unwrap();
    disk.reads.set(0);
    let mut bytes = vec![0; 8 << 20];
    assert_eq!(file.read_at(0, &mut bytes), Ok(8 << 20));
    assert!(disk.reads.get() <= 8, "{} reads", disk.reads.get());
}
