//! Partition tables that sfdisk makes: what it lists is what we find.
//!
//! Needs `sfdisk`, `mkfs.fat`, `mcopy` and `mke2fs` (Debian: fdisk, dosfstools,
//! mtools, e2fsprogs), no root.

use pvgrub::disk::{BlockDevice, DeviceName, Disks, PartitionKind, partitions};
use pvgrub::fs::Storage;
use pvgrub::menu::{Reader, bls};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::rc::Rc;

fn scratch(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    folder.join(format!("partitions-{name}-{}", std::process::id()))
}

/// An image of `size` bytes with the table that `script` describes.
fn sfdisk(name: &str, script: &str, size: u64) -> Vec<u8> {
    let path = scratch(name);
    std::fs::File::create(&path).unwrap().set_len(size).unwrap();
    let mut child = Command::new("sfdisk")
        .args(["--quiet", "--no-reread", "--no-tell-kernel"])
        .arg(&path)
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run sfdisk (Debian package fdisk): {error}"));
    child
        .stdin
        .take()
        .unwrap()
        .write_all(script.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success(), "sfdisk: {script}");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    bytes
}

const MBR: &str = "label: dos
start=2048, size=4096, type=83, bootable
start=8192, size=24576, type=5
start=34816, size=2048, type=82
start=10240, size=2048, type=83
start=14336, size=1000, type=83
start=18432, size=4096, type=c
";

const GPT: &str = "label: gpt
start=2048, size=4096, type=linux, name=\"root\", attrs=LegacyBIOSBootable
start=8192, size=2048, type=uefi, name=\"EFI System\"
";

/// Number, first sector, sectors, active.
fn found(image: &Vec<u8>) -> Vec<(u32, u64, u64, bool)> {
    let table = partitions(image).unwrap();
    table
        .iter()
        .map(|p| (p.number, p.start / 512, p.length / 512, p.active))
        .collect()
}

#[test]
fn mbr() {
    let image = sfdisk("mbr", MBR, 32 << 20);
    assert_eq!(
        found(&image),
        [
            (0, 2048, 4096, true),
            (1, 8192, 24576, false),
            (2, 34816, 2048, false),
            (4, 10240, 2048, false),
            (5, 14336, 1000, false),
            (6, 18432, 4096, false),
        ]
    );
    assert_eq!(partitions(&image).unwrap()[5].kind, PartitionKind::Mbr(0xc));
    let disks = Disks::new([Rc::new(image) as Rc<dyn BlockDevice>]);
    assert_eq!(
        disks.device(DeviceName::Partition(0, 5)).unwrap().len(),
        1000 * 512
    );
    assert_eq!(
        disks
            .device(DeviceName::Partition(0, 3))
            .err()
            .unwrap()
            .number(),
        22
    );
}

#[test]
fn gpt() {
    let image = sfdisk("gpt", GPT, 32 << 20);
    let expected = [(0, 2048, 4096, true), (1, 8192, 2048, false)];
    assert_eq!(found(&image), expected);
    let table = partitions(&image).unwrap();
    assert_eq!(table[1].name.as_deref(), Some("EFI System"));
    assert_eq!(
        table[1].kind.to_string(),
        "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
    );
    // Without the primary header the backup says the same.
    let mut damaged = image;
    damaged[512..1024].fill(0);
    assert_eq!(found(&damaged), expected);
}

/// Runs a tool, which must succeed.
fn tool(line: &str) {
    let mut words = line.split(' ');
    let output = Command::new(words.next().unwrap())
        .args(words)
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin")
        .output()
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
}

/// A file system with Boot Loader Specification entries, made by the tools
/// that `make` runs on a folder and an image.
fn with_entries(name: &str, files: &[(&str, &str)], make: fn(&str, &str)) -> Vec<u8> {
    let folder = scratch(name);
    let tree = folder.join("tree");
    std::fs::create_dir_all(tree.join("loader/entries")).unwrap();
    for (file, content) in files {
        std::fs::write(tree.join("loader").join(file), content).unwrap();
    }
    let image = folder.join("image");
    make(tree.to_str().unwrap(), image.to_str().unwrap());
    let bytes = std::fs::read(&image).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    bytes
}

/// Entries on the EFI system partition and on the extended boot loader
/// partition are one menu.
#[test]
fn boot_loader_entries_on_two_partitions() {
    let mut image = sfdisk(
        "entries",
        "label: gpt\nstart=2048, size=8192, type=uefi\n\
         start=10240, size=8192, type=bc13c2ff-59e6-4262-a352-b275fd6f7172\n",
        12 << 20,
    );
    let esp = with_entries(
        "esp",
        &[
            ("loader.conf", "timeout 7\ndefault old\n"),
            ("entries/old.conf", "title Old\nlinux /old\n"),
        ],
        |tree, image| {
            tool(&format!("mkfs.fat -C {image} 4096"));
            tool(&format!("mcopy -s -i {image} {tree}/loader ::"));
        },
    );
    let other = with_entries(
        "xbootldr",
        &[("entries/other.conf", "title New\nlinux /new\ninitrd /i\n")],
        |tree, image| tool(&format!("mke2fs -q -F -t ext4 -d {tree} {image} 4M")),
    );
    for (content, start) in [(esp, 2048), (other, 10240)] {
        image[start * 512..][..content.len()].copy_from_slice(&content);
    }
    let storage = Storage::new(Disks::new([Rc::new(image) as Rc<dyn BlockDevice>]));
    for number in [0, 1] {
        let device = DeviceName::Partition(0, number);
        let menu = bls::menu(&Reader::new(&storage), device, "/loader/entries").unwrap();
        let entries = menu.entries.iter();
        let lines = entries.flat_map(|entry| &entry.commands);
        let lines: Vec<&str> = menu.global.iter().chain(lines).map(|l| &*l.text).collect();
        let expected = [
            "default 1",
            "timeout 7",
            "root (hd0,1)",
            "kernel /new",
            "initrd /i",
            "root (hd0,0)",
            "kernel /old",
        ];
        assert_eq!(lines, expected, "{device}");
    }
}

/// As many partitions as a GPT usually holds.
#[test]
fn full_gpt() {
    let script: String = (0..128)
        .map(|at| format!("start={}, size=64, type=linux\n", 2048 + at * 64))
        .collect();
    let image = sfdisk("full", &format!("label: gpt\n{script}"), 16 << 20);
    let expected: Vec<_> = (0..128)
        .map(|at| (at, 2048 + u64::from(at) * 64, 64, false))
        .collect();
    assert_eq!(found(&image), expected);
}

/// Writes the seeds of the fuzz target `partitions`: the number of sectors
/// u16 LE, then for each that is not empty its number u16 LE and its bytes.
#[test]
#[ignore = "writes into the source tree"]
fn write_fuzz_seeds() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fuzz/seeds/partitions"
    );
    std::fs::create_dir_all(folder).unwrap();
    let mbr = "label: dos
start=64, size=40, type=83, bootable
start=128, size=500, type=5
start=700, size=64, type=82
start=192, size=32, type=83
start=256, size=100, type=83
";
    let gpt = "label: gpt
start=64, size=40, type=linux, name=\"root\"
start=128, size=64, type=uefi
";
    for (name, script) in [("mbr", mbr), ("gpt", gpt)] {
        let image = sfdisk(&format!("seed-{name}"), script, 2000 * 512);
        let mut seed = 2000u16.to_le_bytes().to_vec();
        for (sector, bytes) in (0u16..).zip(image.chunks(512)) {
            if bytes.iter().any(|byte| *byte != 0) {
                seed.extend(sector.to_le_bytes());
                seed.extend(bytes);
            }
        }
        std::fs::write(format!("{folder}/{name}"), seed).unwrap();
    }
}
