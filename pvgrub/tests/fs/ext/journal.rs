//! Dirty journals: the image read through its journal must look like the
//! image after e2fsck has replayed it.
//!
//! A test takes a clean image, changes a copy of it with debugfs, and writes
//! every block that differs into the journal of the first as transactions.

use crate::images::{Scratch, debugfs, mke2fs, open, read, run};
use crate::tree::{self, Size, compare, noise};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Name, arguments of mke2fs, how debugfs is to open the journal.
const KINDS: &[(&str, &str, &str)] = &[
    ("ext3-1k", "-t ext3 -b 1024", "jo"),
    ("ext3-4k", "-t ext3 -b 4096", "jo"),
    (
        "ext4-no-csum",
        "-t ext4 -O ^metadata_csum,^uninit_bg,^64bit",
        "jo",
    ),
    ("ext4-64bit", "-t ext4 -O ^metadata_csum,64bit", "jo"),
    (
        "ext4-csum-v3",
        "-t ext4 -O metadata_csum,64bit",
        "jo -c -v 3",
    ),
    (
        "ext4-csum-v2",
        "-t ext4 -O metadata_csum,64bit",
        "jo -c -v 2",
    ),
    (
        "ext4-csum-v2-32",
        "-t ext4 -O metadata_csum,^64bit",
        "jo -c -v 2",
    ),
    (
        "ext4-csum-v3-1k",
        "-t ext4 -b 1024 -O metadata_csum,^64bit",
        "jo -c -v 3",
    ),
    (
        "fast-commit",
        "-t ext4 -O fast_commit,metadata_csum,64bit",
        "jo -c -v 3",
    ),
    (
        "ext4-16k",
        "-t ext4 -b 16384 -O metadata_csum,64bit",
        "jo -c -v 3",
    ),
];

/// Blocks that no transaction of ours may touch: the journal itself.
fn journal_blocks(image: &Path) -> Vec<u64> {
    let text = run(
        "debugfs",
        &["-R", "blocks <8>", image.to_str().unwrap()],
        "",
        &[0],
    );
    text.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

fn block_size(image: &Path) -> usize {
    let text = run("dumpe2fs", &["-h", image.to_str().unwrap()], "", &[0]);
    let line = text
        .lines()
        .find(|line| line.starts_with("Block size:"))
        .unwrap();
    line.split_whitespace().last().unwrap().parse().unwrap()
}

/// Changes the tree in `image` by debugfs and, the same way, in the folder
/// `source`.
fn change(image: &Path, source: &Path, scratch: &Scratch) {
    let new = scratch.path("new");
    fs::create_dir_all(&new).unwrap();
    // Content that looks like a journal block at the start of some blocks.
    let mut magic = noise(99, 300_000);
    for at in (0..magic.len() - 4096).step_by(1024 * 7) {
        magic[at - at % 1024..][..4].copy_from_slice(&[0xc0, 0x3b, 0x39, 0x98]);
    }
    let mut commands = String::new();
    for (path, bytes) in [
        ("boot/vmlinuz-new", noise(5, 200_000)),
        ("boot/magic", magic),
        ("boot/grub/menu.lst", b"default 1\ntitle y\n".to_vec()),
        ("lengths/4096", vec![]),
    ] {
        let host = new.join(path.replace('/', "-"));
        fs::write(&host, &bytes).unwrap();
        fs::write(source.join(path), &bytes).unwrap();
        writeln!(commands, "rm /{path}\nwrite {} /{path}", host.display()).unwrap();
    }
    fs::remove_file(source.join("lengths/65537")).unwrap();
    fs::create_dir(source.join("new-folder")).unwrap();
    commands.push_str("rm /lengths/65537\nmkdir /new-folder\n");
    debugfs(image, &commands);
    // debugfs leaves free counts and hash trees behind; this settles them.
    run("e2fsck", &["-fy", image.to_str().unwrap()], "", &[0, 1]);
}

/// The debugfs commands that bring `image` to the state of `changed` through
/// the journal, in transactions of up to `size` blocks.
fn transactions(image: &Path, changed: &Path, size: usize, scratch: &Scratch) -> String {
    let (old, new) = (fs::read(image).unwrap(), fs::read(changed).unwrap());
    let block = block_size(image);
    let own = journal_blocks(image);
    let differing: Vec<usize> = (0..old.len() / block)
        .filter(|at| old[at * block..(at + 1) * block] != new[at * block..(at + 1) * block])
        .filter(|at| !own.contains(&(*at as u64)))
        .collect();
    assert!(differing.len() > 10);
    let mut commands = String::new();
    for (number, blocks) in differing.chunks(size).enumerate() {
        let file = scratch.path(&format!("transaction-{number}"));
        let content: Vec<u8> = blocks
            .iter()
            .flat_map(|at| &new[at * block..(at + 1) * block])
            .copied()
            .collect();
        fs::write(&file, content).unwrap();
        let list: Vec<String> = blocks.iter().map(usize::to_string).collect();
        writeln!(commands, "jw -b {} {}", list.join(","), file.display()).unwrap();
    }
    commands
}

#[test]
fn replayed_in_memory() {
    for (name, args, opening) in KINDS {
        let scratch = Scratch::new(&format!("journal-{name}"));
        let (source, image, changed) = (
            scratch.path("tree"),
            scratch.path("image"),
            scratch.path("changed"),
        );
        tree::make(&source, Size::Small);
        mke2fs(&image, Some(&source), args, "40M");
        run("e2fsck", &["-fyD", image.to_str().unwrap()], "", &[0, 1]);
        fs::copy(&image, &changed).unwrap();
        change(&changed, &source, &scratch);
        compare(
            &*open(&changed).unwrap(),
            &source,
            &format!("{name}, changed"),
        );

        // Around it: a block written twice and one revoked, both of which
        // must keep what it has; and a transaction without an end.
        let block = block_size(&image);
        let garbage = scratch.path("garbage");
        fs::write(&garbage, noise(1, 3 * block)).unwrap();
        let victim = victim(&changed);
        let body = transactions(&image, &changed, 37, &scratch);
        let commands = format!(
            "{opening}\njw -b {victim},{} {g}\njw -r {victim},{} /dev/null\n{body}jw -c -b {victim} {g}\njc\n",
            victim + 1,
            victim + 1,
            g = garbage.display(),
        );
        debugfs(&image, &commands);
        let dirty = open(&image).unwrap_or_else(|error| panic!("{name}: {error}"));
        compare(&*dirty, &source, &format!("{name}, dirty"));

        // e2fsck has the same opinion of the journal, and nothing was written.
        run("e2fsck", &["-fy", image.to_str().unwrap()], "", &[0, 1]);
        compare(
            &*open(&image).unwrap(),
            &source,
            &format!("{name}, replayed by e2fsck"),
        );
    }
}

/// The first of two neighbouring blocks of the file that no change touches.
fn victim(image: &Path) -> u64 {
    let text = run(
        "debugfs",
        &["-R", "blocks /hole-first", image.to_str().unwrap()],
        "",
        &[0],
    );
    let blocks: Vec<u64> = text
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    let pair = blocks
        .windows(2)
        .find(|pair| pair[0] > 0 && pair[0] + 1 == pair[1]);
    pair.expect("two blocks side by side")[0]
}

/// Big-endian CRC-32 without final inversion, bit by bit.
fn crc32_be(bytes: &[u8], sum: u32) -> u32 {
    bytes.iter().fold(sum, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte) << 24, |sum, _| {
            (sum << 1) ^ if sum >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    })
}

/// A journal in an image, as a row of blocks.
struct Journal {
    image: Vec<u8>,
    block: usize,
    places: Vec<usize>,
}

impl Journal {
    fn open(path: &Path) -> Self {
        let block = block_size(path);
        // The inode's own map blocks are listed too, but only with block
        // maps; the images here use extents that fit into the inode.
        let places: Vec<usize> = journal_blocks(path)
            .iter()
            .map(|at| *at as usize * block)
            .collect();
        Journal {
            image: fs::read(path).unwrap(),
            block,
            places,
        }
    }

    fn at(&mut self, index: usize) -> &mut [u8] {
        let place = self.places[index];
        &mut self.image[place..place + self.block]
    }

    fn number(&mut self, index: usize, at: usize) -> u32 {
        u32::from_be_bytes(self.at(index)[at..at + 4].try_into().unwrap())
    }

    fn set(&mut self, index: usize, at: usize, value: u32) {
        self.at(index)[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
}

/// A dirty image without checksums, and the tree that it stands for.
fn dirty(scratch: &Scratch) -> (std::path::PathBuf, std::path::PathBuf) {
    let (source, image, changed) = (
        scratch.path("tree"),
        scratch.path("image"),
        scratch.path("changed"),
    );
    tree::make(&source, Size::Small);
    mke2fs(
        &image,
        Some(&source),
        "-t ext4 -O ^metadata_csum,^uninit_bg,64bit -J size=8",
        "40M",
    );
    fs::copy(&image, &changed).unwrap();
    change(&changed, &source, scratch);
    let body = transactions(&image, &changed, 20, scratch);
    debugfs(&image, &format!("jo\n{body}jc\n"));
    (source, image)
}

/// The ring may be anywhere when the machine stops.
#[test]
fn wrapped_around() {
    let scratch = Scratch::new("journal-wrapped");
    let (source, image) = dirty(&scratch);
    let plain = Journal::open(&image);
    for shift in [1, 7, 40, 60] {
        let mut journal = Journal::open(&image);
        let ring = journal.places.len() - 1;
        for at in 0..ring {
            let bytes = plain.image[plain.places[1 + at]..][..plain.block].to_vec();
            journal
                .at(1 + (at + ring - shift) % ring)
                .copy_from_slice(&bytes);
        }
        // Its start goes to the place that block 1 went to.
        journal.set(0, 0x1c, (1 + ring - shift) as u32);
        let path = scratch.path("wrapped");
        fs::write(&path, &journal.image).unwrap();
        compare(
            &*open(&path).unwrap(),
            &source,
            &format!("shifted by {shift}"),
        );
    }
}

/// The first kind of checksums: one for each transaction. A transaction
/// whose sum is wrong, and all after it, never happened.
#[test]
fn commit_checksums() {
    let scratch = Scratch::new("journal-commit");
    let (source, image) = dirty(&scratch);
    let mut journal = Journal::open(&image);
    journal.set(0, 0x24, 1); // s_feature_compat: checksum
    let mut commits = Vec::new();
    let (mut at, mut sum) = (1, !0);
    while journal.number(at, 0) == 0xc03b_3998 {
        match journal.number(at, 4) {
            1 => {
                // Tags of twelve bytes, a UUID behind the first.
                let (mut tag, mut count) = (12, 0);
                loop {
                    count += 1;
                    let flags = journal.number(at, tag + 4);
                    tag += if flags & 2 == 0 { 28 } else { 12 };
                    if flags & 8 != 0 {
                        break;
                    }
                }
                for block in at..=at + count {
                    sum = crc32_be(journal.at(block), sum);
                }
                at += count;
            }
            2 => {
                journal.at(at)[12..14].copy_from_slice(&[1, 4]);
                journal.set(at, 16, sum);
                commits.push(at);
                sum = !0;
            }
            kind => panic!("block type {kind}"),
        }
        at += 1;
    }
    assert!(commits.len() > 3);
    let path = scratch.path("summed");
    fs::write(&path, &journal.image).unwrap();
    compare(&*open(&path).unwrap(), &source, "commit checksums");
    // Not even the first transaction counts now: the old menu is back.
    journal.at(commits[0])[17] ^= 1;
    fs::write(&path, &journal.image).unwrap();
    let menu = read(&*open(&path).unwrap(), "/boot/grub/menu.lst").unwrap();
    assert_eq!(menu, b"default 0\ntitle x\n");
}

/// A copy that was hit is an error that says so, not another content.
#[test]
fn copy_with_bad_checksum() {
    let scratch = Scratch::new("journal-copy");
    let (source, image) = (scratch.path("tree"), scratch.path("image"));
    tree::make(&source, Size::Small);
    mke2fs(
        &image,
        Some(&source),
        "-t ext4 -O metadata_csum,64bit",
        "40M",
    );
    let garbage = scratch.path("garbage");
    fs::write(&garbage, noise(3, 4096)).unwrap();
    let victim = victim(&image);
    debugfs(
        &image,
        &format!("jo -c -v 3\njw -b {victim} {}\njc\n", garbage.display()),
    );
    let mut journal = Journal::open(&image);
    assert_eq!(journal.at(2), noise(3, 4096));
    journal.at(2)[1000] ^= 0x10;
    fs::write(&image, &journal.image).unwrap();
    let fs = open(&image).unwrap();
    let error = read(&*fs, "/hole-first").unwrap_err();
    assert_eq!(error.number(), 16);
    assert!(
        error
            .to_string()
            .contains(&format!("copy of block {victim}")),
        "{error}"
    );
    assert!(read(&*fs, "/boot/grub/menu.lst").is_ok());
}

/// A journal that makes no sense costs its content, not the disk's.
#[test]
fn broken_journal() {
    let scratch = Scratch::new("journal-broken");
    let (_, image) = dirty(&scratch);
    for (at, value) in [
        (0, 0u32),
        (0xc, 512),
        (0x10, u32::MAX),
        (0x14, 0),
        (0x1c, u32::MAX),
        (0x28, 0x100),
    ] {
        let mut journal = Journal::open(&image);
        journal.set(0, at, value);
        let path = scratch.path("broken");
        fs::write(&path, &journal.image).unwrap();
        let menu = read(&*open(&path).unwrap(), "/boot/grub/menu.lst");
        assert_eq!(menu.as_deref(), Ok(&b"default 0\ntitle x\n"[..]), "{at:#x}");
    }
}

/// Descriptors that never end, all of the same transaction.
#[test]
fn endless_journal_ends() {
    let scratch = Scratch::new("journal-endless");
    let (_, image) = dirty(&scratch);
    let mut journal = Journal::open(&image);
    let first = journal.at(1).to_vec();
    for at in 1..journal.places.len() {
        journal.at(at).copy_from_slice(&first);
    }
    fs::write(&image, &journal.image).unwrap();
    let menu = read(&*open(&image).unwrap(), "/boot/grub/menu.lst").unwrap();
    assert_eq!(menu, b"default 0\ntitle x\n");
}
