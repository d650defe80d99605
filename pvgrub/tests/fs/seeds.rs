//! Writes the seeds of the fuzz targets of all file systems but ext: the
//! number of 128-byte pieces of the image u32 LE, then for each piece that is
//! not empty its number u32 LE and its bytes.

use crate::images::{Scratch, mkfs_btrfs, mkfs_fat, mkfs_xfs, mksquashfs, xorriso};
use crate::tree::noise;
use std::os::unix::fs::{FileExt, symlink};
use std::{fs, path::Path};

fn write_seed(target: &str, name: &str, image: &Path) {
    let folder = format!(
        "{}/../tests/fuzz/seeds/{target}",
        env!("CARGO_MANIFEST_DIR")
    );
    fs::create_dir_all(&folder).unwrap();
    let image = fs::File::open(image).unwrap();
    let length = image.metadata().unwrap().len();
    let mut seed = ((length / 128) as u32).to_le_bytes().to_vec();
    let mut megabyte = vec![0; 1 << 20];
    for start in (0..length).step_by(1 << 20) {
        let here = (length - start).min(1 << 20) as usize;
        image.read_exact_at(&mut megabyte[..here], start).unwrap();
        for (piece, bytes) in ((start / 128) as u32..).zip(megabyte[..here].chunks(128)) {
            if bytes.iter().any(|byte| *byte != 0) {
                seed.extend(piece.to_le_bytes());
                seed.extend(bytes);
            }
        }
    }
    println!("{target}/{name}: {} bytes", seed.len());
    assert!(seed.len() < 96 << 10, "{target}/{name}");
    fs::write(format!("{folder}/{name}"), seed).unwrap();
}

/// A few small files; with links where the file system has them.
fn make(source: &Path, links: bool) {
    fs::create_dir_all(source.join("folder/below")).unwrap();
    fs::write(source.join("folder/short"), "short").unwrap();
    fs::write(
        source.join("folder/below/A-longer-name.text"),
        noise(1, 100),
    )
    .unwrap();
    let mut holes = noise(1, 20 << 10);
    for block in holes.chunks_mut(4096) {
        block.fill(0);
        block[0] = 1;
    }
    fs::write(source.join("pieces"), holes).unwrap();
    if links {
        symlink("folder/./short", source.join("link")).unwrap();
        symlink("/folder", source.join("absolute")).unwrap();
    }
}

#[test]
#[ignore = "writes into the source tree"]
fn write_fuzz_seeds() {
    let scratch = Scratch::new("seeds");
    let (plain, linked) = (scratch.path("plain"), scratch.path("linked"));
    let image = scratch.path("image");
    make(&plain, false);
    make(&linked, true);
    for (name, args, kib) in [
        ("fat12", "-F 12 -r 16", 64),
        ("fat16", "-F 16 -s 1 -r 16 -f 1", 4 << 10),
        ("fat32", "-F 32 -s 1 -f 1", 36 << 10),
    ] {
        mkfs_fat(&image, &plain, args, kib);
        write_seed("fat", name, &image);
    }
    for (name, args) in [
        ("rock-ridge", "-R -no-pad"),
        ("joliet", "-J -no-pad --norock"),
        ("plain", "-no-pad --norock"),
    ] {
        let _ = fs::remove_file(&image);
        xorriso(
            &image,
            if name == "rock-ridge" {
                &linked
            } else {
                &plain
            },
            args,
        );
        write_seed("iso9660", name, &image);
    }
    for (name, args) in [
        ("v5", "-m crc=1,rmapbt=0 -b size=1024"),
        ("v4", "-m crc=0 -b size=512 -i size=256"),
    ] {
        mkfs_xfs(&image, &linked, args, "16m,agcount=1");
        write_seed("xfs", name, &image);
    }
    for (name, args) in [
        ("mixed", "--mixed -n 4096 -m single -d single"),
        ("dup", "-n 4096 -m dup --csum xxhash"),
    ] {
        mkfs_btrfs(&image, &linked, args, "112m");
        write_seed("btrfs", name, &image);
    }
    for (name, args) in [
        ("gzip", "-comp gzip -b 4096"),
        ("xz", "-comp xz -b 8192"),
        ("zstd", "-comp zstd -b 8192"),
        ("lz4", "-comp lz4 -b 8192"),
        ("lzo", "-comp lzo -b 8192"),
        ("plain", "-noI -noD -noF -b 4096 -always-use-fragments"),
    ] {
        mksquashfs(&image, &linked, args);
        write_seed("squashfs", name, &image);
    }
}
