//! The initrd of a test guest: busybox, the modules for its disk, and an init
//! that reports on the console (`LAB-UP`, `LAB-MEM`, `LAB-SUM`, `LAB-DONE`).

use crate::cpio::Cpio;
use crate::elf::Modules;
use crate::image::Disk;
use crate::packages::{Kernel, Root};
use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

const INIT: &str = include_str!("../guest/init");

/// `/sbin/init` of a guest whose root is its own disk.
const ROOT_INIT: &str = include_str!("../guest/root-init");

/// The init of a guest whose network card is measured.
const NETWORK_INIT: &str = include_str!("../guest/network-init");

/// The init of a guest that fetches a file.
const FETCH_INIT: &str = include_str!("../guest/fetch-init");

/// Run by Linux when dom0 asks for a shutdown.
const POWEROFF: &str =
    "#!/bin/busybox sh\necho LAB-ASKED-TO-END > /dev/console\nexec busybox poweroff -f\n";
const REBOOT: &str =
    "#!/bin/busybox sh\necho LAB-ASKED-TO-END > /dev/console\nexec busybox reboot -f\n";

/// What a guest needs to reach its disk.
const MODULES: &[&str] = &["xen-blkfront", "crc32c_generic", "ext4"];

/// What a PC needs beside it: its IDE controller, disks and CDs.
const PC_MODULES: &[&str] = &["ata_piix", "sd_mod", "sr_mod", "isofs", "button", "evdev"];

/// Builds the initrd for `kernel`, with `ballast` bytes that do not compress
/// added to it.
pub fn initrd(root: &Root, kernel: &Kernel, ballast: usize) -> Result<Vec<u8>> {
    build(root, kernel, INIT, ballast, MODULES)
}

/// Builds the initrd for `kernel` with what mounts the file system `kind`.
pub fn initrd_for(root: &Root, kernel: &Kernel, kind: &str) -> Result<Vec<u8>> {
    let modules: &[&str] = match kind {
        "vfat" => &["vfat", "nls_cp437", "nls_ascii"],
        other => &[other],
    };
    build(root, kernel, INIT, 0, &[MODULES, modules].concat())
}

/// Builds the initrd for `kernel` in an HVM guest.
pub fn pc_initrd(root: &Root, kernel: &Kernel) -> Result<Vec<u8>> {
    build(root, kernel, INIT, 0, &[PC_MODULES, MODULES].concat())
}

/// Builds the initrd for `kernel` that measures a network card.
pub fn network_initrd(root: &Root, kernel: &Kernel) -> Result<Vec<u8>> {
    build(root, kernel, NETWORK_INIT, 0, &["xen-netfront"])
}

/// Builds the initrd for `kernel` that fetches a file.
pub fn fetch_initrd(root: &Root, kernel: &Kernel) -> Result<Vec<u8>> {
    build(root, kernel, FETCH_INIT, 0, &["xen-netfront"])
}

/// Puts a root on a disk that the lab's init changes to (`lab.then=root`):
/// busybox, and an init that reports `LAB-ROOT`.
pub fn root_files(root: &Root, disk: &Disk) -> Result<()> {
    disk.file("bin/busybox", &root.path("bin/busybox"))?;
    disk.program("sbin/lab-init", ROOT_INIT)?;
    for dir in ["proc", "sys", "dev", "usr/bin", "usr/sbin"] {
        disk.dir(dir)?;
    }
    disk.bytes("etc/word", "from-the-disk\n")?;
    Ok(())
}

fn build(
    root: &Root,
    kernel: &Kernel,
    init: &str,
    ballast: usize,
    modules: &[&str],
) -> Result<Vec<u8>> {
    let mut cpio = Cpio::new(GzEncoder::new(Vec::new(), Compression::fast()));
    cpio.bytes("init", 0o755, init.as_bytes())?;
    cpio.chardev("dev/console", 0o600, 5, 1)?;
    for dir in ["proc", "sys", "mnt", "sbin", "usr/bin", "usr/sbin"] {
        cpio.dir(dir)?;
    }
    cpio.file("bin/busybox", &root.path("bin/busybox"))?;
    cpio.bytes("sbin/poweroff", 0o755, POWEROFF.as_bytes())?;
    cpio.bytes("sbin/reboot", 0o755, REBOOT.as_bytes())?;
    let mut order = String::new();
    for (name, content) in Modules::open(&kernel.modules())?.closure(root, modules)? {
        cpio.bytes(&format!("lib/modules/{name}"), 0o644, &content)?;
        order += &format!("{name}\n");
    }
    cpio.bytes("lib/modules/order", 0o644, order.as_bytes())?;
    if ballast > 0 {
        cpio.bytes("ballast", 0o644, &noise(ballast))?;
    }
    let mut gz = cpio.finish()?;
    gz.flush()?;
    Ok(gz.finish()?)
}

/// Bytes that do not compress, the same every time (xorshift64*).
pub fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut out = Vec::with_capacity(len + 8);
    while out.len() < len {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        out.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    out.truncate(len);
    out
}
