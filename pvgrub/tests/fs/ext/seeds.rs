//! Writes the seeds of the fuzz target `ext`: the number of 128-byte pieces of
//! the image u16 LE, then for each piece that is not empty its number u16 LE
//! and its bytes.

use crate::images::{Scratch, debugfs, mke2fs, run};
use crate::tree::noise;
use std::fmt::Write as _;
use std::os::unix::fs::symlink;
use std::{fs, path::Path};

fn write_seed(name: &str, image: &Path) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/seeds/ext");
    fs::create_dir_all(folder).unwrap();
    let image = fs::read(image).unwrap();
    let mut seed = ((image.len() / 128) as u16).to_le_bytes().to_vec();
    for (piece, bytes) in (0u16..).zip(image.chunks(128)) {
        if bytes.iter().any(|byte| *byte != 0) {
            seed.extend(piece.to_le_bytes());
            seed.extend(bytes);
        }
    }
    assert!(seed.len() < 64 << 10, "{name}: {} bytes", seed.len());
    fs::write(format!("{folder}/{name}"), seed).unwrap();
}

#[test]
#[ignore = "writes into the source tree"]
fn write_fuzz_seeds() {
    let base = "-b 1024 -N 24 -m 0";
    for (name, args, size) in [
        ("ext2", "-t ext2 -O ^resize_inode", "96k"),
        ("revision-0", "-t ext2 -r 0", "96k"),
        (
            "extents",
            "-t ext4 -O ^has_journal,^resize_inode,^uninit_bg",
            "96k",
        ),
        (
            "inline",
            "-t ext4 -O inline_data,^has_journal,^resize_inode,^uninit_bg",
            "96k",
        ),
        (
            "checksums",
            "-t ext4 -O metadata_csum,64bit,^has_journal,^resize_inode",
            "96k",
        ),
        ("meta-bg", "-t ext2 -g 256 -O meta_bg,^resize_inode", "1M"),
        ("dirty", "-t ext3 -O ^resize_inode -J size=1", "3M"),
    ] {
        let scratch = Scratch::new(&format!("seed-{name}"));
        let (source, image) = (scratch.path("source"), scratch.path("image"));
        fs::create_dir_all(source.join("d")).unwrap();
        fs::write(source.join("d/short"), "short").unwrap();
        fs::write(source.join("d/inline"), noise(1, 100)).unwrap();
        let mut holes = noise(1, 10 << 10);
        for block in holes.chunks_mut(2048) {
            block.fill(0);
            block[0] = 1;
        }
        fs::write(source.join("holes"), holes).unwrap();
        symlink("d/./short", source.join("link")).unwrap();
        symlink(format!("/{}d/short", "./".repeat(40)), source.join("long")).unwrap();
        mke2fs(&image, Some(&source), &format!("{args} {base}"), size);
        let mut commands = String::from("rmdir lost+found\n");
        if name == "dirty" {
            let blocks = scratch.path("blocks");
            fs::write(&blocks, noise(2, 1024)).unwrap();
            let b = blocks.display();
            write!(
                commands,
                "jo\njw -b 1500 {b}\njw -r 1501 /dev/null\njw -b 1502 {b}\njc\n"
            )
            .unwrap();
        }
        debugfs(&image, &commands);
        if name == "checksums" {
            run("e2fsck", &["-fyD", image.to_str().unwrap()], "", &[0, 1]);
        }
        write_seed(name, &image);
    }
}
