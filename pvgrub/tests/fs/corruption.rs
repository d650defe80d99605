//! Thousands of hostile images: bytes of metadata flipped at random. Each
//! must end in content or an error, within a bounded number of reads, and
//! never in a panic.
//!
//! `PVGRUB_SEED=<n>` repeats a run, `PVGRUB_CASES=<n>` sets its length.

use super::images::{
    Scratch, debugfs, mke2fs, mkfs_btrfs, mkfs_fat, mkfs_xfs, mksquashfs, run, xorriso,
};
use super::tree::{self, Size, noise};
use pvgrub::disk::{BlockDevice, Cache, DiskError};
use pvgrub::fs::{FileKind, FileSystem, FsError, probe};
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::rc::Rc;

/// A disk in memory that notes what is read, and gives up on endless reading.
struct Disk {
    bytes: RefCell<Vec<u8>>,
    /// Where small reads went: there the metadata is.
    metadata: RefCell<Option<Vec<(u64, usize)>>>,
    reads: Cell<u64>,
}

const MOST_READS: u64 = 600_000;

impl BlockDevice for Disk {
    fn sector_size(&self) -> u32 {
        512
    }

    fn len(&self) -> u64 {
        self.bytes.borrow().len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        if let Some(metadata) = &mut *self.metadata.borrow_mut()
            && buf.len() <= 16384
        {
            metadata.push((offset, buf.len()));
        }
        self.reads.set(self.reads.get() + 1);
        assert!(self.reads.get() < MOST_READS, "endless reading");
        self.bytes.borrow().read_at(offset, buf)
    }
}

/// Visits everything, a bounded time; counts successes and errors.
struct Visit {
    good: u32,
    bad: u32,
    left: u32,
}

impl Visit {
    fn count<T>(&mut self, result: Result<T, FsError>) -> Option<T> {
        match result {
            Ok(value) => {
                self.good += 1;
                Some(value)
            }
            Err(error) => {
                assert!(error.to_string().len() < 10_000);
                self.bad += 1;
                None
            }
        }
    }

    fn folder(&mut self, fs: &dyn FileSystem, path: &str, depth: u32) {
        let Some(entries) = self.count(fs.read_dir(path)) else {
            return;
        };
        for entry in entries {
            let Some(left) = self.left.checked_sub(1) else {
                return;
            };
            self.left = left;
            let below = format!("{}/{}", path.trim_end_matches('/'), entry.name);
            if entry.kind == FileKind::Directory && depth < 30 {
                self.folder(fs, &below, depth + 1);
            } else {
                self.file(fs, &below);
            }
        }
    }

    fn file(&mut self, fs: &dyn FileSystem, path: &str) {
        let Some(mut file) = self.count(fs.open(path)) else {
            return;
        };
        let length = file.len();
        let mut bytes = vec![0; length.min(1 << 20) as usize];
        let _ = self.count(file.read_at(0, &mut bytes));
        let _ = self.count(file.read_at(length.saturating_sub(5000), &mut [0; 6000]));
        let _ = self.count(file.read_at(length / 2, &mut [0; 100]));
    }
}

fn visit(device: Rc<dyn BlockDevice>) -> (u32, u32) {
    let mut visit = Visit {
        good: 0,
        bad: 0,
        left: 300,
    };
    if let Some(fs) = visit.count(probe(device)) {
        visit.folder(&*fs, "/", 0);
    }
    (visit.good, visit.bad)
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Changes one to four bytes of the metadata; gives what was there.
fn damage(bytes: &mut [u8], metadata: &[(u64, usize)], random: &mut Random) -> Vec<(usize, u8)> {
    let count = 1 + random.below(4);
    (0..count)
        .map(|_| {
            // Mostly where there is something.
            let mut at = 0;
            for _ in 0..20 {
                let (offset, length) = metadata[random.below(metadata.len())];
                at = offset as usize + random.below(length);
                if bytes[at] != 0 {
                    break;
                }
            }
            let old = bytes[at];
            bytes[at] = match random.below(4) {
                0 => 0,
                1 => 0xff,
                2 => old ^ 1 << random.below(8),
                _ => random.below(256) as u8,
            };
            (at, old)
        })
        .collect()
}

fn corrupt(name: &str, args: &str, dirty: bool) {
    let scratch = Scratch::new(&format!("corruption-{name}"));
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make(&source, Size::Small);
    mke2fs(&image, Some(&source), args, "12M");
    run("e2fsck", &["-fyD", image.to_str().unwrap()], "", &[0, 1]);
    if dirty {
        let blocks = scratch.path("blocks");
        std::fs::write(&blocks, noise(1, 8 * 4096)).unwrap();
        let text = format!(
            "jo\njw -b 5000,5001,5003 {b}\njw -r 5001 /dev/null\njw -b 5002,5001 {b}\njc\n",
            b = blocks.display()
        );
        debugfs(&image, &text);
    }
    damaged(name, &image);
}

/// Damages the image `image` in many ways, one after the other.
fn damaged(name: &str, image: &Path) {
    let disk = Rc::new(Disk {
        bytes: RefCell::new(std::fs::read(image).unwrap()),
        metadata: RefCell::new(Some(Vec::new())),
        reads: Cell::new(0),
    });
    let (good, bad) = visit(disk.clone());
    assert!(good > 100, "{name}: {good} good");
    let metadata = disk.metadata.take().unwrap();
    let seed = setting("PVGRUB_SEED", 1);
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut hurt = 0;
    for case in 0..setting("PVGRUB_CASES", 500) {
        let undo = damage(&mut disk.bytes.borrow_mut(), &metadata, &mut random);
        disk.reads.set(0);
        // Half of them through the cache, as in the loader.
        let device: Rc<dyn BlockDevice> = if case % 2 == 0 {
            disk.clone()
        } else {
            Rc::new(Cache::new(disk.clone()))
        };
        let result = catch_unwind(AssertUnwindSafe(|| visit(device)));
        let result =
            result.unwrap_or_else(|_| panic!("{name}: seed {seed}, case {case}, damage {undo:?}"));
        hurt += u32::from(result != (good, bad));
        for (at, old) in undo.into_iter().rev() {
            disk.bytes.borrow_mut()[at] = old;
        }
    }
    assert!(hurt > 0, "{name}: no damage was ever noticed");
}

macro_rules! corruptions {
    ($($test:ident: $args:literal $dirty:literal;)*) => { $(
        #[test]
        fn $test() {
            corrupt(stringify!($test), $args, $dirty);
        }
    )* };
}

corruptions! {
    csum: "-t ext4 -b 1024 -O metadata_csum,64bit" false;
    no_csum: "-t ext4 -b 1024 -O ^metadata_csum,^uninit_bg,64bit" false;
    ext2: "-t ext2 -b 1024" false;
    revision_0: "-t ext2 -r 0 -b 1024" false;
    inline: "-t ext4 -b 1024 -O inline_data,^metadata_csum,^uninit_bg" false;
    meta_bg: "-t ext4 -b 1024 -g 512 -O meta_bg,^resize_inode,^metadata_csum,^uninit_bg" false;
    dirty_ext3: "-t ext3 -b 1024" true;
    dirty_csum: "-t ext4 -b 1024 -O metadata_csum,64bit" true;
}

/// The same for an image that `make` makes from the plain tree.
fn plain(name: &str, make: impl Fn(&Path, &Path)) {
    let scratch = Scratch::new(&format!("corruption-{name}"));
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make_plain(&source, Size::Small);
    make(&image, &source);
    damaged(name, &image);
}

/// The same for one of the tree with links.
fn linked(name: &str, make: impl Fn(&Path, &Path)) {
    let scratch = Scratch::new(&format!("corruption-{name}"));
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make(&source, Size::Small);
    // mkfs.xfs takes no spaces.
    std::fs::remove_file(source.join("Größe mit Leerzeichen")).unwrap();
    make(&image, &source);
    damaged(name, &image);
}

#[test]
fn fat() {
    for (name, args) in [
        ("fat12", "-F 12"),
        ("fat16", "-F 16 -s 1"),
        ("fat32", "-F 32 -s 1"),
    ] {
        let kib = if name == "fat32" { 36 << 10 } else { 8 << 10 };
        plain(name, |image, source| mkfs_fat(image, source, args, kib));
    }
}

#[test]
fn iso9660() {
    linked("rock-ridge", |image, source| xorriso(image, source, "-R"));
    plain("joliet", |image, source| {
        xorriso(image, source, "-J -joliet-long --norock")
    });
    plain("plain", |image, source| xorriso(image, source, "--norock"));
}

#[test]
fn xfs() {
    for (name, args) in [
        ("xfs", "-m crc=1"),
        ("xfs-v4", "-m crc=0"),
        ("xfs-1k", "-b size=1024 -i nrext64=1"),
    ] {
        linked(name, |image, source| mkfs_xfs(image, source, args, "20m"));
    }
}

#[test]
fn btrfs() {
    for (name, args) in [
        ("btrfs", "-m single"),
        ("btrfs-single", "-m single -n 4096 -s 4096"),
        ("btrfs-mixed", "--mixed"),
    ] {
        linked(name, |image, source| {
            mkfs_btrfs(image, source, args, "128m")
        });
    }
}

#[test]
fn squashfs() {
    for args in [
        "-comp gzip -b 4096",
        "-comp zstd",
        "-comp xz",
        "-comp lz4 -b 8192",
        "-comp lzo",
        "-noI -noD -noF -b 4096",
    ] {
        linked(args, |image, source| mksquashfs(image, source, args));
    }
}
