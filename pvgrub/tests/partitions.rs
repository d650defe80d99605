//! Partition tables that sfdisk makes: what it lists is what we find.
//!
//! Needs `sfdisk` (Debian: fdisk), no root.

use pvgrub::disk::{BlockDevice, DeviceName, Disks, PartitionKind, partitions};
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
