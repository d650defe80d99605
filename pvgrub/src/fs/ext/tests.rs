//! A file system of 64 KiB made by hand, byte by byte, after the kernel's
//! documentation of the format; images of e2fsprogs are in `tests/fs/ext`.

use crate::disk::BlockDevice;
use crate::fs::{DirEntry, FileKind, FileSystem, FsError, probe};
use std::rc::Rc;

const BLOCK: usize = 1024;
const INODE_TABLE: usize = 5;
const ROOT_DIRECTORY: usize = 7;

/// The image under construction.
struct Image(Vec<u8>);

impl Image {
    /// 64 blocks of 1 KiB, one group, 16 inodes of 128 bytes, an empty root.
    fn new() -> Self {
        let mut image = Image(vec![0; 64 * BLOCK]);
        let sb = 1024;
        image.put32(sb, 16); // s_inodes_count
        image.put32(sb + 0x4, 64); // s_blocks_count
        image.put32(sb + 0x14, 1); // s_first_data_block
        image.put32(sb + 0x20, 8192); // s_blocks_per_group
        image.put32(sb + 0x28, 16); // s_inodes_per_group
        image.put16(sb + 0x38, 0xef53); // s_magic
        image.put32(2 * BLOCK + 0x8, INODE_TABLE as u32); // bg_inode_table
        image.inode(2, 0x41ed, 1024, &[ROOT_DIRECTORY as u32]);
        image.directory(ROOT_DIRECTORY, &[(2, "."), (2, "..")]);
        image
    }

    fn put16(&mut self, at: usize, value: u16) {
        self.0[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }

    fn put32(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn inode_at(number: usize) -> usize {
        INODE_TABLE * BLOCK + (number - 1) * 128
    }

    /// Mode, size and the words of `i_block`.
    fn inode(&mut self, number: usize, mode: u16, size: u32, block: &[u32]) {
        let at = Self::inode_at(number);
        self.put16(at, mode);
        self.put32(at + 0x4, size);
        for (index, word) in block.iter().enumerate() {
            self.put32(at + 0x28 + 4 * index, *word);
        }
    }

    fn flags(&mut self, number: usize, flags: u32) {
        self.put32(Self::inode_at(number) + 0x20, flags);
    }

    /// Entries without kinds; the last one fills the block.
    fn directory(&mut self, block: usize, entries: &[(u32, &str)]) {
        let mut at = block * BLOCK;
        for (index, (inode, name)) in entries.iter().enumerate() {
            let last = index + 1 == entries.len();
            let length = if last {
                (block + 1) * BLOCK - at
            } else {
                8 + name.len().next_multiple_of(4)
            };
            self.put32(at, *inode);
            self.put16(at + 4, length as u16);
            self.put16(at + 6, name.len() as u16);
            self.0[at + 8..at + 8 + name.len()].copy_from_slice(name.as_bytes());
            at += length;
        }
    }

    fn root(&mut self, entries: &[(u32, &str)]) {
        let all = [&[(2, "."), (2, "..")], entries].concat();
        self.directory(ROOT_DIRECTORY, &all);
    }

    fn fill(&mut self, block: usize, byte: u8) {
        self.0[block * BLOCK..(block + 1) * BLOCK].fill(byte);
    }

    fn open(self) -> Result<Box<dyn FileSystem>, FsError> {
        probe(Rc::new(self.0) as Rc<dyn BlockDevice>)
    }

    fn read(self, path: &str) -> Result<Vec<u8>, FsError> {
        let mut file = self.open()?.open(path)?;
        let mut bytes = vec![0xee; file.len() as usize];
        assert_eq!(file.read_at(0, &mut bytes)?, bytes.len());
        Ok(bytes)
    }
}

/// Which byte fills each block of a file.
fn blocks(bytes: &[u8]) -> Vec<u8> {
    for block in bytes.chunks(BLOCK) {
        assert!(block.iter().all(|byte| *byte == block[0]));
    }
    bytes.chunks(BLOCK).map(|block| block[0]).collect()
}

#[test]
fn oldest_revision() {
    let mut image = Image::new();
    image.root(&[(12, "menu.lst"), (13, "folder")]);
    image.inode(12, 0x81a4, 5, &[20]);
    image.0[20 * BLOCK..20 * BLOCK + 5].copy_from_slice(b"hello");
    image.inode(13, 0x41ed, 1024, &[21]);
    image.directory(21, &[(13, "."), (2, "..")]);
    let fs = image.open().unwrap();
    assert_eq!((fs.kind(), fs.label()), ("ext2", None));
    // Without kinds in the entries, the inodes are asked.
    let entry = |name: &str, kind| DirEntry {
        name: name.into(),
        kind,
    };
    let expected = [
        entry("menu.lst", FileKind::File),
        entry("folder", FileKind::Directory),
    ];
    assert_eq!(fs.read_dir("/").unwrap(), expected);
    for path in [
        "/menu.lst",
        "//./menu.lst",
        "/folder/../menu.lst",
        "/../menu.lst",
    ] {
        let mut file = fs.open(path).unwrap();
        let mut bytes = [0; 8];
        assert_eq!(file.read_at(1, &mut bytes), Ok(4));
        assert_eq!(&bytes, b"ello\0\0\0\0", "{path}");
    }
}

/// Direct blocks, an indirect and a doubly indirect table, each with holes.
#[test]
fn block_map() {
    let mut image = Image::new();
    image.root(&[(12, "f")]);
    let mut map = [0; 15];
    (map[0], map[1], map[3], map[11]) = (20, 21, 22, 23);
    (map[12], map[13]) = (30, 31);
    // 12 direct, 256 by the first table, 2 of the doubly indirect ones.
    image.inode(12, 0x81a4, 270 * 1024, &map);
    image.put32(30 * BLOCK, 24);
    image.put32(30 * BLOCK + 4, 25);
    image.put32(30 * BLOCK + 4 * 255, 26);
    image.put32(31 * BLOCK, 32);
    image.put32(32 * BLOCK + 4, 27);
    for block in 20..28 {
        image.fill(block, block as u8);
    }
    let mut expected = vec![0; 270];
    expected[..12].copy_from_slice(&[20, 21, 0, 22, 0, 0, 0, 0, 0, 0, 0, 23]);
    (expected[12], expected[13], expected[267], expected[269]) = (24, 25, 26, 27);
    assert_eq!(blocks(&image.read("/f").unwrap()), expected);
}

/// Extents in the inode: one of two blocks, a hole, one not yet written.
#[test]
fn extents() {
    let mut image = Image::new();
    image.put32(1024 + 0x4c, 1); // s_rev_level
    image.put16(1024 + 0x58, 128); // s_inode_size
    image.put32(1024 + 0x60, 0x40); // incompatible: extents
    image.root(&[(12, "f")]);
    let header = |entries: u32, depth: u32| [0xf30a | entries << 16, 4 | depth << 16, 0];
    let extent = |first, length: u32, start| [first, length, start];
    let map = [
        header(3, 0),
        extent(1, 2, 20),
        extent(4, 0x8000 + 2, 22),
        extent(6, 1, 24),
    ]
    .concat();
    image.inode(12, 0x81a4, 8 * 1024, &map);
    image.flags(12, 0x80000);
    for block in 20..25 {
        image.fill(block, block as u8);
    }
    let shallow = image.0.clone();
    assert_eq!(
        blocks(&image.read("/f").unwrap()),
        [0, 20, 21, 0, 0, 0, 24, 0]
    );
    // The same one level deeper.
    let mut image = Image(shallow);
    let at = Image::inode_at(12) + 0x28;
    let node = image.0[at..at + 60].to_vec();
    image.0[30 * BLOCK..30 * BLOCK + 60].copy_from_slice(&node);
    image.inode(12, 0x81a4, 8 * 1024, &[header(1, 1), [0, 30, 0]].concat());
    let deep = image.0.clone();
    assert_eq!(
        blocks(&image.read("/f").unwrap()),
        [0, 20, 21, 0, 0, 0, 24, 0]
    );
    // A tree that leads to itself ends, and entries must be in order.
    for (at, value) in [
        (at + 12 + 4, 7),
        (30 * BLOCK + 6, 1),
        (30 * BLOCK + 24, 2),
        (30 * BLOCK + 2, 5),
    ] {
        let mut image = Image(deep.clone());
        image.put16(at, value);
        let error = image.read("/f").unwrap_err();
        assert_eq!(error.number(), 16, "{error}");
        assert!(error.to_string().contains("extents of inode 12"), "{error}");
    }
}

#[test]
fn symbolic_links() {
    let mut image = Image::new();
    image.root(&[(12, "f"), (13, "short"), (14, "long"), (15, "loop")]);
    image.inode(12, 0x81a4, 1024, &[20]);
    image.fill(20, b'x');
    let words = |text: &[u8]| -> Vec<u32> {
        text.chunks(4)
            .map(|chunk| {
                let mut word = [0; 4];
                word[..chunk.len()].copy_from_slice(chunk);
                u32::from_le_bytes(word)
            })
            .collect()
    };
    // Up to 59 bytes are in the inode, from 60 on in a block.
    let short = format!("{}f", "./".repeat(29));
    image.inode(13, 0xa1ff, 59, &words(short.as_bytes()));
    image.inode(14, 0xa1ff, 60, &[21]);
    let long = format!("/{short}");
    image.0[21 * BLOCK..21 * BLOCK + 60].copy_from_slice(long.as_bytes());
    image.inode(15, 0xa1ff, 4, &words(b"loop"));
    let fs = image.open().unwrap();
    for path in ["/short", "/long"] {
        assert_eq!(fs.open(path).map(|file| file.len()), Ok(1024), "{path}");
    }
    assert_eq!(
        fs.open("/loop").err(),
        Some(FsError::TooManyLinks("/loop".into()))
    );
}

/// Numbers in the superblock that nothing can be computed from.
#[test]
fn impossible_superblocks() {
    for (at, value, word) in [
        (0x18, 7, "block size"),
        (0x20, 0, "groups"),
        (0x28, 0, "groups"),
        (0x4, 0, "blocks"),
        (0x14, 2, "blocks"),
        (0, 17, "inodes"),
    ] {
        let mut image = Image::new();
        image.put32(1024 + at, value);
        let error = image.open().err().unwrap();
        assert_eq!(error.number(), 16);
        assert!(error.to_string().contains(word), "{error}");
    }
    for (at, value) in [(0x58, 0), (0x58, 100), (0x58, 2048)] {
        let mut image = Image::new();
        image.put32(1024 + 0x4c, 1);
        image.put16(1024 + at, value);
        assert!(image.open().is_err());
    }
    let mut image = Image::new();
    image.put16(1024 + 0x38, 0);
    assert_eq!(image.open().err(), Some(FsError::NoFileSystem));
    assert_eq!(
        probe(Rc::new(vec![0u8; 100])).err(),
        Some(FsError::NoFileSystem)
    );
}

/// Directories that make no sense say where.
#[test]
fn impossible_directories() {
    let at = ROOT_DIRECTORY * BLOCK + 24;
    for (offset, value, word) in [
        (4, 0u16, "entry of 0 bytes at byte 24"),
        (4, 7, "entry of 7 bytes"),
        (4, 4096, "entry of 4096 bytes"),
        (6, 0, "name of 0 bytes"),
        (0, 17, "no inode 17"),
    ] {
        let mut image = Image::new();
        image.root(&[(12, "f"), (12, "g")]);
        image.put16(at + offset, value);
        let error = image.read("/f").unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
    // Larger than the disk, and in a block that is not on it.
    for (size, block) in [
        (u32::MAX, ROOT_DIRECTORY as u32),
        (1024, 64),
        (1024, u32::MAX),
    ] {
        let mut image = Image::new();
        image.inode(2, 0x41ed, size, &[block]);
        assert_eq!(image.read("/f").unwrap_err().number(), 16);
    }
}

/// A file's claim to be huge costs nothing until it is read.
#[test]
fn huge_claims() {
    let mut image = Image::new();
    image.root(&[(12, "f")]);
    image.inode(12, 0x81a4, u32::MAX, &[20]);
    image.put32(Image::inode_at(12) + 0x6c, u32::MAX);
    let mut file = image.open().unwrap().open("/f").unwrap();
    assert_eq!(file.len(), u64::MAX);
    let mut bytes = [1; 10];
    assert_eq!(file.read_at(1 << 32, &mut bytes), Ok(10));
    assert_eq!(bytes, [0; 10]);
    // Beyond what a block map can hold.
    assert_eq!(file.read_at(1 << 40, &mut bytes).unwrap_err().number(), 16);
    assert!(file.read_at(u64::MAX - 5, &mut bytes).is_err());
}
