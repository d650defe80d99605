//! What mke2fs alone does not make: fragmented and preallocated files,
//! encrypted ones, folders without case, bad checksums; and how few reads a
//! file takes.

use crate::images::{FileDisk, Scratch, debugfs, mke2fs, open, read, run};
use crate::tree::noise;
use pvgrub::disk::Cache;
use pvgrub::fs::probe;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// An image with one file `/file` of `content`.
fn with_file(scratch: &Scratch, args: &str, content: &[u8]) -> std::path::PathBuf {
    let (source, image) = (scratch.path("source"), scratch.path("image"));
    fs::create_dir_all(source.join("folder")).unwrap();
    fs::write(source.join("file"), content).unwrap();
    fs::write(source.join("folder/Inner"), "inner").unwrap();
    mke2fs(&image, Some(&source), args, "64M");
    image
}

/// Every other block of a file is a hole: thousands of extents, in a tree
/// with two levels of inner nodes; or of pointers.
#[test]
fn fragmented() {
    for args in [
        "-t ext4 -b 1024 -O metadata_csum,64bit",
        "-t ext4 -b 1024 -O ^metadata_csum",
        "-t ext2 -b 1024",
    ] {
        let scratch = Scratch::new("fragmented");
        let mut content = noise(11, 6 << 20);
        for block in content.chunks_mut(2048) {
            block[1024..].fill(0);
        }
        // mke2fs makes holes of blocks of zeros.
        let image = with_file(&scratch, args, &content);
        if args.contains("ext4") {
            let stat = run(
                "debugfs",
                &["-R", "ex /file", image.to_str().unwrap()],
                "",
                &[0],
            );
            assert!(
                stat.contains("2/ 2"),
                "depth 2 was wanted:\n{}",
                &stat[..300]
            );
        }
        let fs = open(&image).unwrap();
        assert!(read(&*fs, "/file").unwrap() == content, "{args}");
        let mut file = fs.open("/file").unwrap();
        let mut part = [0; 3000];
        for offset in [5 << 20, 0, 3_000_001, 1 << 20, 4_999_999] {
            assert_eq!(file.read_at(offset as u64, &mut part), Ok(3000));
            assert!(part == content[offset..offset + 3000], "{args}: {offset}");
        }
    }
}

/// Blocks that are allocated but were never written read as zeros.
#[test]
fn preallocated() {
    let scratch = Scratch::new("preallocated");
    let image = with_file(
        &scratch,
        "-t ext4 -O metadata_csum,64bit",
        &noise(12, 40_000),
    );
    // The free space is full of other bytes.
    let file = fs::OpenOptions::new().write(true).open(&image).unwrap();
    let free = run(
        "debugfs",
        &["-R", "ffb 2000", image.to_str().unwrap()],
        "",
        &[0],
    );
    for block in free
        .split_whitespace()
        .filter_map(|word| word.parse::<u64>().ok())
    {
        file.write_all_at(&[0xdd; 4096], block * 4096).unwrap();
    }
    debugfs(&image, "fallocate /file 10 99\nsif /file size 409600\n");
    let mut content = noise(12, 40_000);
    content.resize(409_600, 0);
    assert!(read(&*open(&image).unwrap(), "/file").unwrap() == content);
}

#[test]
fn encrypted_is_refused() {
    let scratch = Scratch::new("encrypted");
    let image = with_file(
        &scratch,
        "-t ext4 -O encrypt,metadata_csum,64bit",
        b"cipher",
    );
    debugfs(
        &image,
        "sif /file flags 0x80800\nsif /folder flags 0x80800\n",
    );
    let fs = open(&image).unwrap();
    for path in ["/file", "/folder/Inner"] {
        let error = fs.open(path).err().unwrap();
        assert_eq!(error.to_string(), format!("{path}: is encrypted"));
        assert_eq!(error.number(), 14);
    }
    assert!(fs.read_dir("/folder").is_err());
    assert!(fs.read_dir("/").is_ok());
}

#[test]
fn folder_without_case() {
    let scratch = Scratch::new("casefold");
    let args = "-t ext4 -O casefold,metadata_csum,64bit -E encoding=utf8";
    let image = with_file(&scratch, args, b"x");
    debugfs(&image, "sif /folder flags 0x40080000\n");
    let fs = open(&image).unwrap();
    for name in ["Inner", "inner", "INNER"] {
        assert_eq!(
            read(&*fs, &format!("/folder/{name}")).as_deref(),
            Ok(&b"inner"[..]),
            "{name}"
        );
    }
    assert_eq!(fs.open("/FILE").err().unwrap().number(), 15);
}

/// One flipped bit in each kind of metadata: the message says where.
#[test]
fn bad_checksums_are_named() {
    let scratch = Scratch::new("checksums");
    let args = "-t ext4 -b 1024 -O metadata_csum,64bit";
    let image = with_file(&scratch, args, &noise(13, 400_000));
    let many = scratch.path("many");
    let mut commands = String::from("punch /file 3 3\npunch /file 5 5\npunch /file 7 7\n");
    commands.push_str("punch /file 9 9\npunch /file 11 11\nmkdir /many\ncd /many\n");
    fs::write(&many, "").unwrap();
    for number in 0..200 {
        writeln!(
            commands,
            "write {} a-name-of-some-length-{number}",
            many.display()
        )
        .unwrap();
    }
    debugfs(&image, &commands);
    run("e2fsck", &["-fyD", image.to_str().unwrap()], "", &[0, 1]);
    let ask = |question: &str| {
        run(
            "debugfs",
            &["-R", question, image.to_str().unwrap()],
            "",
            &[0],
        )
    };
    let numbers = |text: String| -> Vec<u64> {
        text.split(|c: char| !c.is_ascii_digit())
            .filter_map(|word| word.parse().ok())
            .collect()
    };
    let tree = [0, 1].map(|at| numbers(ask(&format!("bmap /many {at}")))[0]);
    let leaf = numbers(ask("stat /file").split("(ETB0):").nth(1).unwrap().into())[0];
    // "Inode 12 is part of block group 0\n\tlocated at block 123, offset 0x0100"
    let place = ask("imap /folder/Inner");
    let block = numbers(place.split("block ").nth(2).unwrap().into())[0];
    let offset = place
        .split("0x")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let inner = block * 1024 + u64::from_str_radix(offset, 16).unwrap();
    for (at, path, words) in [
        (1024 + 0x120, "/", "the superblock"),
        (2048 + 64 * 2 + 4, "", "descriptor of group"),
        (inner + 8, "/folder/Inner", "inode "),
        (leaf * 1024 + 40, "/file", "extents of inode"),
        (tree[0] * 1024 + 44, "/many/none", "block 0"),
        (tree[1] * 1024 + 8, "/many/none", "block 1"),
    ] {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&image)
            .unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).unwrap();
        file.write_all_at(&[byte[0] ^ 4], at).unwrap();
        let result = match open(&image) {
            // Which group a path needs is up to mke2fs: ask for them all.
            Ok(fs) if path.is_empty() => {
                let files = [
                    "/file",
                    "/many",
                    "/folder/Inner",
                    "/lost+found",
                    "/many/none",
                ];
                files
                    .iter()
                    .map(|path| read(&*fs, path))
                    .find(|result| result.as_ref().is_err_and(|error| error.number() == 16))
            }
            Ok(fs) => Some(read(&*fs, path)),
            Err(error) => Some(Err(error)),
        };
        file.write_all_at(&byte, at).unwrap();
        // The third group may hold none of them.
        let Some(result) = result else { continue };
        let error = result.map(|_| words).unwrap_err();
        assert_eq!(error.number(), 16, "{error}");
        assert!(error.to_string().contains("bad checksum of"), "{error}");
        assert!(error.to_string().contains(words), "{words}: {error}");
    }
}

/// A kernel of 8 MiB takes a handful of reads, nearly all bytes of them its
/// own.
#[test]
fn few_reads() {
    for (args, most) in [
        ("-t ext4 -O metadata_csum,64bit", 14),
        ("-t ext4 -b 1024", 16),
        ("-t ext3 -b 4096", 18),
        ("-t ext2 -b 1024", 75),
    ] {
        let scratch = Scratch::new("few-reads");
        let content = noise(14, (8 << 20) + 12345);
        let image = with_file(&scratch, args, &content);
        let disk = FileDisk::open(Path::new(&image));
        let fs = probe(std::rc::Rc::new(Cache::new(disk.clone()))).unwrap();
        assert!(read(&*fs, "/file").unwrap() == content);
        let (reads, bytes) = (disk.reads.get(), disk.bytes.get());
        assert!(reads <= most, "{args}: {reads} reads");
        assert!(
            bytes < content.len() as u64 * 5 / 4,
            "{args}: {bytes} bytes"
        );
    }
}

/// CRC-32C without inversions, bit by bit.
fn crc32c(sum: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(sum, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0x82f6_3b78 * (sum & 1))
        })
    })
}

/// Linux makes the root of a hash tree out of a folder's first block and
/// leaves the end of it as it was: what looks like the end of a block of
/// entries, but for its checksum, which is the root's now.
#[test]
fn hash_tree_that_was_a_list() {
    let scratch = Scratch::new("was-a-list");
    let (source, image) = (scratch.path("source"), scratch.path("image"));
    fs::create_dir_all(source.join("many")).unwrap();
    for number in 0..300 {
        fs::write(
            source.join(format!("many/a-name-of-some-length-{number}")),
            "x",
        )
        .unwrap();
    }
    mke2fs(
        &image,
        Some(&source),
        "-t ext4 -O metadata_csum,64bit",
        "16M",
    );
    run("e2fsck", &["-fyD", image.to_str().unwrap()], "", &[0, 1]);
    let ask = |question: &str| {
        run(
            "debugfs",
            &["-R", question, image.to_str().unwrap()],
            "",
            &[0],
        )
    };
    let word = |text: String, before: &str| -> u32 {
        let rest = text.split(before).nth(1).unwrap().trim_start();
        rest.split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    let inode = word(ask("imap /many"), "Inode");
    let generation = word(ask("stat /many"), "Generation:");
    let root: usize = ask("bmap /many 0")
        .split_whitespace()
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let mut bytes = fs::read(&image).unwrap();
    let seed = crc32c(!0, &bytes[1024 + 0x68..1024 + 0x78]);
    let seed = crc32c(
        crc32c(seed, &inode.to_le_bytes()),
        &generation.to_le_bytes(),
    );
    let block = &mut bytes[root * 4096..(root + 1) * 4096];
    let used = 32 + 8 * usize::from(u16::from_le_bytes([block[34], block[35]]));
    // The sum is as we think it is; then change what it covers.
    let sum = |block: &[u8]| {
        crc32c(
            crc32c(crc32c(seed, &block[..used]), &block[4088..4092]),
            &[0; 4],
        )
    };
    assert_eq!(block[4092..], sum(block).to_le_bytes());
    block[4084..4088].fill(0);
    block[4088..4092].copy_from_slice(&[12, 0, 0, 0xde]);
    let new = sum(block);
    block[4092..].copy_from_slice(&new.to_le_bytes());
    fs::write(&image, &bytes).unwrap();
    let fs = open(&image).unwrap();
    assert_eq!(fs.read_dir("/many").map(|names| names.len()), Ok(300));
    bytes[root * 4096 + 40] ^= 1;
    std::fs::write(&image, &bytes).unwrap();
    let error = open(&image).unwrap().read_dir("/many").unwrap_err();
    assert!(
        error.to_string().contains("bad checksum of directory"),
        "{error}"
    );
}
