//! Fast commits, written by hand behind a journal that debugfs made, after
//! the kernel's documentation: no tool of e2fsprogs writes any.

use crate::images::{Scratch, debugfs, mke2fs, open, read, run};
use crate::tree::noise;
use std::fs;
use std::path::Path;

/// The row of tags, block by block.
struct Tags {
    bytes: Vec<u8>,
    /// Where the sum of the next tail starts.
    summed: usize,
}

/// CRC-32C without inversions, bit by bit.
fn crc32c(sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0x82f6_3b78 * (sum & 1))
        })
    })
}

impl Tags {
    fn put(&mut self, kind: u16, parts: &[&[u8]]) {
        let value = parts.concat();
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend((value.len() as u16).to_le_bytes());
        self.bytes.extend(value);
    }

    /// A tail, whose value fills the block.
    fn tail(&mut self, sequence: u32) {
        let left = 4096 - self.bytes.len() % 4096 - 4;
        self.bytes.extend(8u16.to_le_bytes());
        self.bytes.extend((left as u16).to_le_bytes());
        self.bytes.extend(sequence.to_le_bytes());
        let sum = crc32c(0, &self.bytes[self.summed..]);
        self.bytes.extend(sum.to_le_bytes());
        self.bytes
            .resize(self.bytes.len().next_multiple_of(4096), 0);
        self.summed = self.bytes.len();
    }
}

fn ask(image: &Path, question: &str) -> Vec<u64> {
    let text = run(
        "debugfs",
        &["-R", question, image.to_str().unwrap()],
        "",
        &[0],
    );
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// The bytes of an inode with 32 bytes of extra fields, made of nothing but
/// its mode, size and flags.
fn inode(mode: u16, size: u32, flags: u32) -> Vec<u8> {
    let mut raw = vec![0; 160];
    raw[..2].copy_from_slice(&mode.to_le_bytes());
    raw[4..8].copy_from_slice(&size.to_le_bytes());
    raw[0x20..0x24].copy_from_slice(&flags.to_le_bytes());
    raw[0x80] = 32;
    raw
}

#[test]
fn replayed_on_top_of_transactions() {
    let scratch = Scratch::new("fast-commit");
    let (source, image) = (scratch.path("source"), scratch.path("image"));
    fs::create_dir_all(source.join("folder")).unwrap();
    fs::write(source.join("file"), noise(1, 20 * 4096)).unwrap();
    fs::write(source.join("gone"), "gone").unwrap();
    fs::write(source.join("folder/inner"), "inner").unwrap();
    mke2fs(
        &image,
        Some(&source),
        "-t ext4 -O fast_commit,metadata_csum,64bit",
        "48M",
    );
    let file = ask(&image, "imap /file")[0] as u32;
    let inner = ask(&image, "imap /folder/inner")[0] as u32;
    let free = ask(&image, "ffb 4")[..4].to_vec();
    let places = ask(&image, "blocks <8>");
    // One ordinary transaction, number 1, that changes nothing of note.
    let nothing = scratch.path("nothing");
    fs::write(&nothing, vec![0; 4096]).unwrap();
    debugfs(
        &image,
        &format!("jo -c -v 3\njw -b {} {}\njc\n", free[3], nothing.display()),
    );

    let mut bytes = fs::read(&image).unwrap();
    let journal = places[0] as usize * 4096;
    let word =
        |at: usize| u32::from_be_bytes(bytes[journal + at..][..4].try_into().unwrap()) as usize;
    let (length, reserved) = (word(0x10), if word(0x54) == 0 { 256 } else { word(0x54) });
    let area = places[length - reserved + 1] as usize * 4096;
    assert_eq!(
        places[length - 1] as usize * 4096,
        area + (reserved - 2) * 4096,
        "in one piece"
    );

    // debugfs leaves the journal's feature out; its superblock has a sum.
    bytes[journal + 0x2b] |= 0x20;
    bytes[journal + 0xfc..journal + 0x100].fill(0);
    let sum = crc32c(!0, &bytes[journal..journal + 1024]);
    bytes[journal + 0xfc..journal + 0x100].copy_from_slice(&sum.to_be_bytes());

    let number = |value: u32| value.to_le_bytes();
    let extent = |first: u32, length: u16, start: u64| {
        [
            &first.to_le_bytes()[..],
            &length.to_le_bytes(),
            &[0, 0],
            &(start as u32).to_le_bytes(),
        ]
        .concat()
    };
    let mut tags = Tags {
        bytes: Vec::new(),
        summed: 0,
    };
    let (extents, new_file, new_folder) = (0x8_0000u32, 3000u32, 3001u32);
    tags.put(9, &[&number(0), &number(2)]); // head: features, sequence
    // A new file of two blocks, the second of which was never written.
    tags.put(6, &[&number(new_file), &inode(0x81a4, 8000, extents)]);
    tags.put(1, &[&number(new_file), &extent(0, 1, free[0])]);
    tags.put(1, &[&number(new_file), &extent(1, 0x8001, free[1])]);
    tags.put(3, &[&number(2), &number(new_file), b"new"]);
    // A new folder with a link to another file in it.
    tags.put(6, &[&number(new_folder), &inode(0x41ed, 4096, extents)]);
    tags.put(3, &[&number(2), &number(new_folder), b"new-folder"]);
    tags.put(4, &[&number(new_folder), &number(inner), b"link"]);
    tags.tail(2);
    // A file that grew, lost a block and got another in place of one.
    tags.put(6, &[&number(file), &inode(0x81a4, 21 * 4096, extents)]);
    tags.put(2, &[&number(file), &number(3), &number(2)]);
    tags.put(1, &[&number(file), &extent(20, 1, free[1])]);
    tags.put(1, &[&number(file), &extent(7, 1, free[2])]);
    tags.put(5, &[&number(2), &number(12345), b"gone"]);
    tags.tail(2);
    let good = tags.bytes.len();
    // The last one was cut short.
    tags.put(5, &[&number(2), &number(file), b"file"]);
    tags.tail(2);
    tags.bytes[good + 5] ^= 1;
    bytes[area..area + tags.bytes.len()].copy_from_slice(&tags.bytes);
    for (block, seed) in free.iter().zip(10..) {
        bytes[*block as usize * 4096..][..4096].copy_from_slice(&noise(seed, 4096));
    }
    fs::write(&image, &bytes).unwrap();

    let dirty = open(&image).unwrap();
    let mut content = noise(1, 20 * 4096);
    content[3 * 4096..5 * 4096].fill(0);
    content[7 * 4096..8 * 4096].copy_from_slice(&noise(12, 4096));
    content.extend(noise(11, 4096));
    assert!(read(&*dirty, "/file").unwrap() == content);
    let mut new = noise(10, 4096);
    new.resize(8000, 0);
    assert!(read(&*dirty, "/new").unwrap() == new);
    for path in [
        "/folder/inner",
        "/new-folder/link",
        "/new-folder/../folder/./inner",
    ] {
        assert_eq!(read(&*dirty, path).as_deref(), Ok(&b"inner"[..]), "{path}");
    }
    assert_eq!(dirty.open("/gone").err().unwrap().number(), 15);
    let mut names: Vec<_> = dirty
        .read_dir("/")
        .unwrap()
        .into_iter()
        .map(|e| e.name)
        .collect();
    names.sort();
    assert_eq!(names, ["file", "folder", "lost+found", "new", "new-folder"]);
    let inside = dirty.read_dir("/new-folder").unwrap();
    assert_eq!(
        inside.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(),
        ["link"]
    );

    // Those of an earlier round do not count.
    bytes[area + 8] = 1;
    fs::write(&image, &bytes).unwrap();
    let old = open(&image).unwrap();
    assert!(read(&*old, "/file").unwrap() == noise(1, 20 * 4096));
    assert!(read(&*old, "/gone").is_ok());
}
