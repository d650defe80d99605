//! The disk frontend of `minios` against Linux' blkback.

use anyhow::{Result, ensure};
use harness::guest::noise;
use harness::lab::{Guest, Lab, Running, patience};
use harness::paths;
use std::fs;
use std::path::Path;
use tempfile::NamedTempFile;

/// What the test kernel calls a sum: FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
    })
}

fn image(mib: usize, skip: usize) -> Result<(NamedTempFile, u64)> {
    let content = noise((mib << 20) + skip).split_off(skip);
    let file = NamedTempFile::new()?;
    fs::write(file.path(), &content)?;
    Ok((file, fnv(&content)))
}

fn lab(name: &str, images: &[&Path]) -> Result<Lab> {
    let kernel = paths::kernel("disk");
    ensure!(kernel.exists(), "{} is not built", kernel.display());
    let mut lab = Lab::builder(name).file("lab/kernel", &kernel);
    for (n, image) in images.iter().enumerate() {
        lab = lab.file(&format!("lab/disk{n}"), image);
    }
    lab.boot()
}

fn ends_well(running: &mut Running) -> Result<()> {
    let console = &mut running.console;
    console.expect("LEFT 0 grants, 0 pages", patience(60))?;
    console.expect("SUCCESS", patience(10))?;
    Ok(())
}

/// Three disks, unlike each other, each opened and closed in every way: each
/// opening is the next owner of the same backend.
#[test]
fn disks_are_read_written_and_closed_in_every_way() -> Result<()> {
    let (a, sum_a) = image(16, 0)?;
    let (b, sum_b) = image(4, 1000)?;
    let (c, sum_c) = image(1, 2000)?;
    let images = [a.path(), b.path(), c.path()];
    let mut lab = lab("disks_are_read_written_and_closed_in_every_way", &images)?;
    let mut guest = Guest::new("guest", "/lab/kernel")
        .disk("/lab/disk0")
        .disk("/lab/disk1")
        .disk("/lab/disk2");
    for (disk, name) in guest.disks.iter_mut().zip(["xvdb", "xvda", "xvdp2"]) {
        disk.name = Some(name.to_owned());
    }
    if let [_, large, last] = &mut guest.disks[..] {
        large.sector_size = 4096;
        last.writable = false;
    }
    let mut running = lab.create(&guest)?;
    // In order of number: xvda, xvdb, xvdp2.
    let disks = [
        (51712, "sector_size: 4096, read_only: false", sum_b),
        (51728, "sector_size: 512, read_only: false", sum_a),
        (51954, "sector_size: 512, read_only: true", sum_c),
    ];
    for (number, what, _) in disks {
        let line = format!("DISK {number} [^\r\n]*{what}");
        running.console.expect(&line, patience(30))?;
    }
    for (number, _, sum) in disks {
        for (way, persistent) in [
            ("persistent", true),
            ("plain", false),
            ("eleven", false),
            ("wide", true),
        ] {
            let line = format!("READ {number} {way} sum {sum:016x} persistent {persistent} ");
            running.console.expect(&line, patience(60))?;
        }
    }
    ends_well(&mut running)?;
    lab.wait_end("guest", patience(10))?;
    Ok(())
}

/// A disk that is taken away while it is read gives an error, and is let go of.
#[test]
fn a_disk_is_detached_while_it_is_read() -> Result<()> {
    let (a, _) = image(4, 0)?;
    let mut lab = lab("a_disk_is_detached_while_it_is_read", &[a.path()])?;
    let guest = Guest::new("guest", "/lab/kernel")
        .extra("forever")
        .disk("/lab/disk0");
    let mut running = lab.create(&guest)?;
    let console = &mut running.console;
    console.expect("READING", patience(30))?;
    lab.sh("xl block-detach guest xvda")?;
    console.expect("STOPPED [^\r\n]*the backend ended", patience(30))?;
    console.expect("LEFT 0 grants", patience(30))?;
    lab.wait_end("guest", patience(10))?;
    Ok(())
}

/// The same with QEMU as the backend, which serves what Linux' backend cannot
/// (qcow2 files and the like) and knows fewer features.
#[test]
fn a_disk_is_served_by_qemu() -> Result<()> {
    let (image, sum) = image(8, 0)?;
    let mut lab = Lab::builder("a_disk_is_served_by_qemu")
        .qemu()
        .file("lab/kernel", &paths::kernel("disk"))
        .file("lab/disk0", image.path())
        .boot()?;
    let mut guest = Guest::new("guest", "/lab/kernel");
    // The last line with a name counts.
    let disk = "format=raw,vdev=xvda,access=rw,backendtype=qdisk,target=/lab/disk0";
    guest.more.push(format!("disk = ['{disk}']"));
    let mut running = lab.create(&guest)?;
    for way in ["persistent", "plain", "eleven", "wide"] {
        let line = format!("READ 51712 {way} sum {sum:016x} ");
        running.console.expect(&line, patience(60))?;
    }
    ends_well(&mut running)
}
