//! What is broken must be said, and must leave the menu or the command line.

use crate::support::{self, GRUB2_IS_UP, PAYLOAD};
use anyhow::{Result, ensure};
use harness::guest::noise;
use harness::image::{Disk, Table, poke};
use harness::lab::{Guest, Lab, Running, patience};
use harness::packages::{self, Flavour};
use std::fs;

/// The command line is there and answers.
fn prompt_answers(running: &mut Running) -> Result<()> {
    running.console.expect("grubdom> ", patience(20))?;
    running.console.send("halt\r")?;
    Ok(())
}

/// The entry fails with this error, and the menu comes back.
fn entry_fails(running: &mut Running, error: &str, title: &str) -> Result<()> {
    running.console.expect(error, patience(60))?;
    running.console.expect("Press any key", patience(10))?;
    running.console.send(" ")?;
    running.console.expect_highlighted(title, patience(10))?;
    Ok(())
}

#[test]
fn no_menu() -> Result<()> {
    let disk = Disk::new(16, Table::Mbr)?;
    disk.bytes("payload", PAYLOAD)?;
    let (mut lab, mut running) = support::start("no_menu", &disk)?;
    running
        .console
        .expect("Error 15: [^\r\n]*menu.lst", patience(20))?;
    prompt_answers(&mut running)?;
    lab.wait_end("guest", patience(10))?;
    Ok(())
}

#[test]
fn an_empty_menu() -> Result<()> {
    let disk = support::disk(16, Table::Mbr, "")?;
    let (_lab, mut running) = support::start("an_empty_menu", &disk)?;
    running.console.expect("no entries", patience(20))?;
    prompt_answers(&mut running)
}

#[test]
fn a_line_of_one_mib() -> Result<()> {
    let menu = format!(
        "{}\ntitle After it\nkernel /boot/missing\n",
        "x".repeat(1 << 20)
    );
    let disk = support::disk(16, Table::Mbr, &menu)?;
    let (_lab, mut running) = support::start("a_line_of_one_mib", &disk)?;
    running.console.expect_highlighted("After it", patience(20))
}

#[test]
fn unknown_commands() -> Result<()> {
    let menu =
        "frobnicate 1\nsetup (hd0)\ntitle Odd\nfrobnicate 2\nroot (hd0,0)\nkernel /boot/grub.bin\n";
    let disk = support::disk(32, Table::Mbr, menu)?;
    disk.file("boot/grub.bin", &packages::grub_xen()?)?;
    let (_lab, mut running) = support::start("unknown_commands", &disk)?;
    running.console.expect_highlighted("Odd", patience(20))?;
    running.console.send("\r")?;
    running
        .console
        .expect("Error 27: [^\r\n]*frobnicate", patience(20))?;
    running.console.expect(GRUB2_IS_UP, patience(30))?;
    Ok(())
}

#[test]
fn a_missing_kernel() -> Result<()> {
    let menu = "title Gone\nroot (hd0,0)\nkernel /boot/gone\ninitrd /boot/gone\n";
    let disk = support::disk(16, Table::Mbr, menu)?;
    let (_lab, mut running) = support::start("a_missing_kernel", &disk)?;
    running.console.expect_highlighted("Gone", patience(20))?;
    running.console.send("\r")?;
    let place = "Error 15: \\(hd0,0\\)/boot/gone: [^\r\n]*menu.lst line 3";
    entry_fails(&mut running, place, "Gone")
}

/// Each file is no kernel for this loader, in its own way.
#[test]
fn kernels_that_cannot_be_started() -> Result<()> {
    let payload = support::payload(Flavour::Stock)?;
    let whole = fs::read(payload.kernel.vmlinuz())?;
    let elf = support::unpacked(&support::payload(Flavour::Cloud)?)?;
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    for byte in damaged.iter_mut().skip(middle).take(64) {
        *byte ^= 0x55;
    }
    let half = |bytes: &[u8]| {
        bytes
            .get(..bytes.len() / 2)
            .map(<[u8]>::to_vec)
            .unwrap_or_default()
    };
    let files: [(&str, Vec<u8>); 6] = [
        ("truncated-bzimage", half(&whole)),
        ("damaged-payload", damaged),
        ("truncated-elf", half(&elf)),
        ("no-notes", fs::read(support::root()?.path("bin/busybox"))?),
        ("noise", noise(100_000)),
        ("empty", Vec::new()),
    ];
    let mut menu = String::new();
    let disk = Disk::new(128, Table::Mbr)?;
    for (name, content) in &files {
        menu += &format!("title {name}\nroot (hd0,0)\nkernel /boot/{name}\n");
        disk.bytes(&format!("boot/{name}"), content)?;
    }
    disk.bytes("boot/grub/menu.lst", &menu)?;
    let (mut lab, mut running) = support::start("kernels_that_cannot_be_started", &disk)?;
    for (n, (name, _)) in files.iter().enumerate() {
        if n > 0 {
            running.console.send("\x1b[B")?;
        }
        running.console.expect_highlighted(name, patience(20))?;
        running.console.send("\r")?;
        entry_fails(
            &mut running,
            &format!("Error \\d+: [^\r\n]*/boot/{name}"),
            name,
        )?;
    }
    ensure!(!support::crashed(&mut lab, "guest")?, "the loader crashed");
    Ok(())
}

#[test]
fn no_disk_at_all() -> Result<()> {
    let mut lab = Lab::builder("no_disk_at_all")
        .file("lab/pv-grub", &support::pv_grub()?)
        .boot()?;
    let guest = Guest::new("guest", "/lab/pv-grub");
    let mut running = lab.create(&guest)?;
    running.console.expect("no disk", patience(20))?;
    prompt_answers(&mut running)
}

/// Random bytes of the metadata are changed: each run ends in a boot or in a
/// clear error, and never in a crash or silence. (Many more such images are
/// read on the host, by pvgrub's own tests.)
#[test]
fn corrupted_ext4() -> Result<()> {
    const IMAGES: u64 = 6;
    const FLIPS: u64 = 200;
    let menu = "timeout 0\ntitle GRUB 2\nroot (hd0,0)\nkernel /boot/grub.bin\n";
    let disk = support::disk(16, Table::Mbr, menu)?;
    disk.file("boot/grub.bin", &packages::grub_xen()?)?;
    let mut builder = Lab::builder("corrupted_ext4").file("lab/pv-grub", &support::pv_grub()?);
    let mut images = Vec::new();
    for n in 0..IMAGES {
        let image = support::image(&disk)?;
        // Superblock, group descriptors, bitmaps, inode tables, first folders:
        // from 1 MiB on, where the partition begins.
        let random = noise((n + 1) as usize * FLIPS as usize * 8);
        for word in random.chunks_exact(8).skip((n * FLIPS) as usize) {
            let value = u64::from_le_bytes(word.try_into()?);
            poke(
                image.path(),
                (1 << 20) + (value >> 8) % (256 << 10),
                value as u8,
            )?;
        }
        builder = builder.file(&format!("lab/disk{n}"), image.path());
        images.push(image);
    }
    let mut lab = builder.boot()?;
    for n in 0..IMAGES {
        let guest = Guest::new(&format!("guest{n}"), "/lab/pv-grub")
            .extra("(hd0,0)/boot/grub/menu.lst")
            .disk(&format!("/lab/disk{n}"));
        let mut running = lab.create(&guest)?;
        let ends = ["Error \\d+: ", "No menu", GRUB2_IS_UP];
        running.console.expect_any(&ends, patience(30))?;
        ensure!(
            !support::crashed(&mut lab, &guest.name)?,
            "image {n}: the loader crashed"
        );
        lab.release(running)?;
    }
    Ok(())
}
