//! A folder of files of every shape, and its comparison with an image.

use pvgrub::fs::{FileKind, FileSystem};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, symlink};
use std::path::Path;

/// Bytes that look random, the same for the same seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// How large the tree is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Small,
    /// With a file of megabytes, one beyond 4 GiB (sparse) and a folder of
    /// 1500 names.
    Large,
}

/// Makes the tree in the folder `root`.
pub fn make(root: &Path, size: Size) {
    make_plain(root, size);
    // No file ends in a hole: mke2fs 1.47 gets the length wrong with
    // inline_data then.
    sparse(
        &root.join("sparse"),
        &[(0, 10), (100_000, 5000), (899_990, 10)],
        900_000,
    );
    sparse(&root.join("hole-first"), &[(300_000, 70_000)], 370_000);
    sparse(&root.join("all-hole"), &[], 200_000);
    links(root);
    if size == Size::Large {
        sparse(
            &root.join("huge"),
            &[(0, 1), (1 << 32, 100_000), ((5 << 30) + 990, 10)],
            (5 << 30) + 1000,
        );
    }
}

/// The part of the tree that every file system can hold: files and folders.
pub fn make_plain(root: &Path, size: Size) {
    fs::create_dir_all(root.join("boot/grub")).unwrap();
    fs::write(root.join("boot/grub/menu.lst"), "default 0\ntitle x\n").unwrap();
    fs::write(root.join("boot/empty"), "").unwrap();
    // Lengths around those of inline data and of blocks.
    fs::create_dir(root.join("lengths")).unwrap();
    for length in [
        1, 59, 60, 61, 100, 150, 160, 200, 1023, 1024, 1025, 4095, 4096, 4097, 65537,
    ] {
        fs::write(
            root.join(format!("lengths/{length}")),
            noise(length, length as usize),
        )
        .unwrap();
    }
    fs::create_dir(root.join("lengths/sub")).unwrap();
    fs::write(root.join("lengths/sub/one"), "one").unwrap();
    let long = "n".repeat(255);
    fs::write(root.join(&long), "long name").unwrap();
    fs::write(root.join("Größe mit Leerzeichen"), "ü").unwrap();
    let mut deep = root.join("deep");
    for level in 0..20 {
        deep.push(format!("level{level}"));
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("bottom"), "here").unwrap();
    if size == Size::Large {
        fs::write(root.join("boot/vmlinuz"), noise(7, 3_333_333)).unwrap();
        fs::create_dir(root.join("many")).unwrap();
        for number in 0..1500 {
            let name = format!("many/a-name-that-takes-some-room-{number:05}");
            fs::write(root.join(name), format!("{number}")).unwrap();
        }
    }
}

fn sparse(path: &Path, parts: &[(u64, usize)], length: u64) {
    let mut file = File::create(path).unwrap();
    for (at, count) in parts {
        file.seek(SeekFrom::Start(*at)).unwrap();
        file.write_all(&noise(*at, *count)).unwrap();
    }
    file.set_len(length).unwrap();
}

fn links(root: &Path) {
    fs::create_dir(root.join("links")).unwrap();
    let long = format!(
        "{}boot/grub/menu.lst",
        "../links/".repeat(20).replace("links/", "links/./")
    );
    for (name, target) in [
        ("relative", "../boot/grub/menu.lst"),
        ("absolute", "/boot/grub/menu.lst"),
        (
            "of-59",
            &format!("/{}boot/grub/menu.lst", "./".repeat(19))[..],
        ),
        ("of-60", &format!("//{}boot/grub/menu.lst", "./".repeat(19))),
        (
            "of-61",
            &format!("///{}boot/grub/menu.lst", "./".repeat(19)),
        ),
        ("long", &long.replace("/./boot", "/../boot")),
        ("folder", "../boot"),
        ("chain", "folder/grub/../grub/menu.lst"),
        ("dangling", "nowhere"),
        ("loop", "loop"),
        ("loop-a", "loop-b"),
        ("loop-b", "loop-a"),
    ] {
        symlink(target, root.join("links").join(name)).unwrap();
    }
}

/// Checks that `fs` holds just what the folder `root` does. `name` is for
/// messages.
pub fn compare(fs: &dyn FileSystem, root: &Path, name: &str) {
    compare_plain(fs, root, name);
    compare_links(fs, name);
}

/// The same for a tree without links.
pub fn compare_plain(fs: &dyn FileSystem, root: &Path, name: &str) {
    compare_folder(fs, root, "", name);
    for (path, number) in [
        ("/boot/nothing", 15),
        ("/boot/empty/x", 2),
        ("/boot", 2),
        ("boot", 1),
    ] {
        let error = fs
            .open(path)
            .err()
            .unwrap_or_else(|| panic!("{name}: opened {path}"));
        assert_eq!(error.number(), number, "{name}: {path}: {error}");
    }
}

fn compare_links(fs: &dyn FileSystem, name: &str) {
    let menu = super::images::read(fs, "/boot/grub/menu.lst").unwrap();
    for link in [
        "relative",
        "absolute",
        "of-59",
        "of-60",
        "of-61",
        "long",
        "chain",
        "../boot/../links/chain",
    ] {
        let bytes = super::images::read(fs, &format!("/links/{link}"));
        assert_eq!(bytes.as_ref(), Ok(&menu), "{name}: {link}");
    }
    for (link, number) in [
        ("dangling", 15),
        ("loop", 26),
        ("loop-a", 26),
        ("folder", 2),
    ] {
        let error = fs.open(&format!("/links/{link}")).err().unwrap();
        assert_eq!(error.number(), number, "{name}: {link}: {error}");
    }
}

fn compare_folder(fs: &dyn FileSystem, root: &Path, path: &str, name: &str) {
    let shown = if path.is_empty() { "/" } else { path };
    let mut found: Vec<(String, FileKind)> = fs
        .read_dir(shown)
        .unwrap_or_else(|error| panic!("{name}: {shown}: {error}"))
        .into_iter()
        .map(|entry| (entry.name, entry.kind))
        .filter(|(entry, _)| entry != "lost+found" && entry != "rr_moved")
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let mut expected = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        let kind = if kind.is_dir() {
            FileKind::Directory
        } else if kind.is_symlink() {
            FileKind::Symlink
        } else {
            FileKind::File
        };
        expected.push((entry.file_name().into_string().unwrap(), kind));
    }
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(found, expected, "{name}: {shown}");
    // Of a folder with many files some will do.
    let step = if expected.len() > 200 { 37 } else { 1 };
    for (entry, kind) in expected.into_iter().step_by(step) {
        let below = format!("{path}/{entry}");
        match kind {
            FileKind::Directory => compare_folder(fs, &root.join(&entry), &below, name),
            FileKind::File => compare_file(fs, &root.join(&entry), &below, name),
            _ => {}
        }
    }
}

/// Checks that what the device `image` holds where the file at `path` is said
/// to lie is what the file reads as.
pub fn compare_places(fs: &dyn FileSystem, image: &[u8], path: &str, name: &str) {
    let mut file = fs.open(path).unwrap();
    let mut bytes = vec![0; file.len() as usize];
    file.read_at(0, &mut bytes).unwrap();
    for (from, to) in [(0, bytes.len()), (bytes.len() / 3, bytes.len() / 2)] {
        let mut found = Vec::new();
        for place in file.places(from as u64, (to - from) as u64).unwrap() {
            let length = place.length as usize;
            match place.start {
                Some(start) => found.extend(&image[start as usize..][..length]),
                None => found.resize(found.len() + length, 0),
            }
        }
        assert!(
            found == bytes[from..to],
            "{name}: {path} from {from} to {to}"
        );
    }
    assert_eq!(file.places(bytes.len() as u64, 9), Ok(vec![]), "{name}");
}

fn compare_file(fs: &dyn FileSystem, source: &Path, path: &str, name: &str) {
    let source = File::open(source).unwrap();
    let length = source.metadata().unwrap().len();
    let mut file = fs
        .open(path)
        .unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
    assert_eq!(file.len(), length, "{name}: length of {path}");
    let mut windows = vec![(0, length.min(8 << 20))];
    if length > 8 << 20 {
        windows.extend([
            ((1 << 32) - 70_000, 300_000),
            ((5 << 30) - 100_000, 100_900),
            (length - 100_001, 100_000),
        ]);
    }
    // Odd places, in an order that goes back and forth.
    let mut place = length / 2 + 1;
    for count in [1, 511, 1500, 40_000] {
        windows.push((place % length.max(1), count));
        place = place.wrapping_mul(7919) + 13;
    }
    for (offset, count) in windows {
        let mut expected = vec![0; count as usize];
        let available = length.saturating_sub(offset).min(count) as usize;
        source
            .read_exact_at(&mut expected[..available], offset)
            .unwrap();
        let mut found = vec![0; count as usize];
        let got = file
            .read_at(offset, &mut found)
            .unwrap_or_else(|error| panic!("{name}: {path} at {offset}: {error}"));
        assert_eq!(got, available, "{name}: {path} at {offset}");
        let difference = found.iter().zip(&expected).position(|(a, b)| a != b);
        assert_eq!(difference, None, "{name}: {path} at {offset}");
    }
}
