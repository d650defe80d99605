//! What the lab tests share: payloads, the disk with a menu, PV-GRUB started
//! on it, and what a booted Linux must say.

use anyhow::{Context, Result, ensure};
use harness::image::{Disk, Table};
use harness::lab::{Guest, Lab, Running, patience};
use harness::packages::{self, Flavour, Kernel, Root};
use harness::{bench, bzimage, guest};
use regex_lite::Regex;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tempfile::NamedTempFile;

/// The file every disk carries for its guest to read back.
pub const PAYLOAD: &[u8] = b"what a guest reads from its own disk through blkfront\n";
/// `sha256sum` of [`PAYLOAD`].
pub const PAYLOAD_SUM: &str = "759f93dcc743b215f69efe8e17451557c6b61b55fa3f229f9fb9849975fa5cb9";

/// A line that GRUB 2 prints when it has started.
pub const GRUB2_IS_UP: &str = "Welcome to GRUB!";

/// A kernel and the initrd that belongs to it.
#[derive(Clone)]
pub struct Payload {
    pub kernel: Kernel,
    pub initrd: Vec<u8>,
}

/// The package root.
pub fn root() -> Result<Root> {
    packages::root()
}

/// One of Debian's kernels with the lab's initrd for it.
pub fn payload(flavour: Flavour) -> Result<Payload> {
    static MADE: Mutex<Option<HashMap<String, Payload>>> = Mutex::new(None);
    let mut made = MADE.lock().unwrap_or_else(|e| e.into_inner());
    let made = made.get_or_insert_default();
    let kernel = packages::kernel(flavour)?;
    if let Some(payload) = made.get(&kernel.release) {
        return Ok(payload.clone());
    }
    let initrd = guest::initrd(&root()?, &kernel, 0)?;
    let payload = Payload { kernel, initrd };
    made.insert(payload.kernel.release.clone(), payload.clone());
    Ok(payload)
}

/// A disk with the file that guests read back, and a menu.
pub fn disk(mib: u64, table: Table, menu: &str) -> Result<Disk> {
    let disk = Disk::new(mib, table)?;
    disk.bytes("payload", PAYLOAD)?;
    disk.bytes("boot/grub/menu.lst", menu)?;
    Ok(disk)
}

/// Puts a kernel and its initrd on a disk, as `/boot/vmlinuz` and
/// `/boot/initrd`.
pub fn install(disk: &Disk, payload: &Payload) -> Result<()> {
    disk.file("boot/vmlinuz", &payload.kernel.vmlinuz())?;
    disk.bytes("boot/initrd", &payload.initrd)?;
    Ok(())
}

/// The lines of a menu entry that boot [`install`]'s kernel, with further
/// words on Linux's command line.
pub fn entry(title: &str, table: Table, more: &str) -> String {
    format!(
        "title {title}\nroot {}\n\
         kernel /boot/vmlinuz console=hvc0 loglevel=4 lab.disk={} {more}\n\
         initrd /boot/initrd\n",
        table.device(),
        table.linux()
    )
}

/// Our unikernel.
pub fn pv_grub() -> Result<PathBuf> {
    let path = bench::pv_grub();
    ensure!(
        path.exists(),
        "{} is not built: cargo xtask build",
        path.display()
    );
    Ok(path)
}

/// Writes a disk into a file that lives as long as what is returned.
pub fn image(disk: &Disk) -> Result<NamedTempFile> {
    let file = NamedTempFile::new()?;
    disk.write(&root()?, file.path())?;
    Ok(file)
}

/// A lab with PV-GRUB as `/lab/pv-grub` and a disk as `/lab/disk`.
pub fn lab(test: &str, image: &Path) -> Result<Lab> {
    Lab::builder(test)
        .file("lab/pv-grub", &pv_grub()?)
        .file("lab/disk", image)
        .boot()
}

/// A guest that starts PV-GRUB on that disk.
pub fn guest(table: Table) -> Guest {
    Guest::new("guest", "/lab/pv-grub")
        .extra(&format!("{}/boot/grub/menu.lst", table.device()))
        .disk("/lab/disk")
}

/// Boots a lab with this disk and starts PV-GRUB on it.
pub fn start(test: &str, disk: &Disk) -> Result<(Lab, Running)> {
    let image = image(disk)?;
    let mut lab = lab(test, image.path())?;
    let running = lab.create(&guest(disk.table))?;
    Ok((lab, running))
}

/// Waits for the lab's init in a guest to say that all is well; gives the
/// memory Linux sees, in KiB.
pub fn linux_is_up(running: &mut Running) -> Result<u64> {
    let console = &mut running.console;
    console.expect("LAB-UP \\S+", patience(60))?;
    let line = console.expect("LAB-MEM \\d+", patience(10))?;
    disk_is_right(running)?;
    Ok(line.trim_start_matches("LAB-MEM ").parse()?)
}

/// The part of it that is about the guest's own disk.
pub fn disk_is_right(running: &mut Running) -> Result<()> {
    let console = &mut running.console;
    console.expect(&format!("LAB-SUM {PAYLOAD_SUM}"), patience(20))?;
    console.expect("LAB-WROTE", patience(10))?;
    console.expect("LAB-DONE", patience(10))?;
    Ok(())
}

/// Whether a guest of this name has crashed, by the state letters of `xl list`.
pub fn crashed(lab: &mut Lab, name: &str) -> Result<bool> {
    let out = lab.run(&format!("xl list {name}"))?.text;
    let regex = Regex::new(&format!("(?m)^{name}\\s+\\d+\\s+\\d+\\s+\\d+\\s+(\\S+)"))?;
    let state = regex
        .captures(&out)
        .and_then(|c| c.get(1))
        .context("xl list")?;
    Ok(state.as_str().contains('c'))
}

/// The ELF file inside a payload's bzImage.
pub fn unpacked(payload: &Payload) -> Result<Vec<u8>> {
    bzimage::unpacked(&fs::read(payload.kernel.vmlinuz())?)
}

/// Waits for the guest to power off, which a crash is not.
pub fn powers_off(lab: &mut Lab, name: &str) -> Result<()> {
    let state = lab.wait_end(name, patience(20))?;
    ensure!(
        state.contains('s') && !state.contains('c'),
        "xl list shows {state}"
    );
    Ok(())
}

/// `xl reboot`: the guest ends by itself and xl starts it as another domain.
pub fn reboots(lab: &mut Lab, name: &str) -> Result<()> {
    let before = lab.sh(&format!("xl domid {name}"))?;
    lab.sh(&format!("xl reboot {name}"))?;
    let script = format!(
        "n=0; while [ $n -lt 600 ]; do\n\
         i=$(xl domid {name} 2>/dev/null); [ -n \"$i\" ] && [ \"$i\" != {} ] && exit 0\n\
         sleep 0.2; n=$((n+1)); done; xl list; exit 1",
        before.trim()
    );
    let out = lab.run_for(&script, patience(60))?;
    ensure!(out.status == 0, "never restarted:\n{}", out.text);
    Ok(())
}
