//! What must boot, and from where.

use crate::support::{self, GRUB2_IS_UP, Payload};
use anyhow::{Result, ensure};
use harness::image::{Disk, Table};
use harness::lab::{Guest, Lab, Running, patience};
use harness::packages::{self, Flavour};
use harness::paths;

/// Debian's kernel on a disk, booted by the menu's only entry.
fn debian(test: &str, flavour: Flavour, disk: Disk) -> Result<(Lab, Running, u64)> {
    support::install(&disk, &support::payload(flavour)?)?;
    let (lab, mut running) = support::start(test, &disk)?;
    let memory = support::linux_is_up(&mut running)?;
    Ok((lab, running, memory))
}

fn menu(table: Table) -> String {
    format!(
        "default 0\ntimeout 0\n{}",
        support::entry("Debian", table, "")
    )
}

#[test]
fn stock_kernel_xz_from_mbr_sees_all_memory_and_shuts_down() -> Result<()> {
    let test = "stock_kernel_xz_from_mbr_sees_all_memory_and_shuts_down";
    let payload = support::payload(Flavour::Stock)?;
    let disk = support::disk(64, Table::Mbr, &menu(Table::Mbr))?;
    support::install(&disk, &payload)?;
    let image = support::image(&disk)?;
    let initrd = tempfile::NamedTempFile::new()?;
    std::fs::write(initrd.path(), &payload.initrd)?;
    let mut lab = Lab::builder(test)
        .file("lab/pv-grub", &support::pv_grub()?)
        .file("lab/disk", image.path())
        .file("lab/vmlinuz", &payload.kernel.vmlinuz())
        .file("lab/initrd", initrd.path())
        .boot()?;
    let mut ours = lab.create(&support::guest(Table::Mbr))?;
    let seen = support::linux_is_up(&mut ours)?;
    lab.sh("xl shutdown guest")?;
    ours.console.expect("LAB-ASKED-TO-END", patience(10))?;
    let state = lab.wait_end("guest", patience(10))?;
    ensure!(
        !state.contains('c'),
        "the guest crashed when it was shut down: {state}"
    );
    lab.sh("xl destroy guest")?;
    // What xl's own domain builder gives the same kernel.
    let peer = Guest::new("peer", "/lab/vmlinuz")
        .ramdisk("/lab/initrd")
        .extra("console=hvc0");
    let mut peer = lab.create(&peer)?;
    let line = peer.console.expect("LAB-MEM \\d+", patience(40))?;
    let direct: u64 = line.trim_start_matches("LAB-MEM ").parse()?;
    ensure!(
        seen + 512 >= direct,
        "Linux sees {seen} KiB, but {direct} KiB when xl boots it"
    );
    Ok(())
}

#[test]
fn cloud_kernel_lz4_from_gpt() -> Result<()> {
    let disk = support::disk(64, Table::Gpt, &menu(Table::Gpt))?;
    debian("cloud_kernel_lz4_from_gpt", Flavour::Cloud, disk)?;
    Ok(())
}

#[test]
fn backports_kernel_zstd_from_a_whole_disk() -> Result<()> {
    let disk = support::disk(64, Table::None, &menu(Table::None))?;
    debian(
        "backports_kernel_zstd_from_a_whole_disk",
        Flavour::Backports,
        disk,
    )?;
    Ok(())
}

#[test]
fn cloud_kernel_from_a_logical_partition() -> Result<()> {
    let disk = support::disk(64, Table::MbrLogical, &menu(Table::MbrLogical))?;
    debian(
        "cloud_kernel_from_a_logical_partition",
        Flavour::Cloud,
        disk,
    )?;
    Ok(())
}

#[test]
fn cloud_kernel_from_ext2_of_small_blocks() -> Result<()> {
    let mut disk = support::disk(64, Table::Mbr, &menu(Table::Mbr))?;
    (disk.kind, disk.block) = ("ext2", 1024);
    let menu = menu(Table::Mbr).replace("lab.disk=", "lab.type=ext2 lab.disk=");
    disk.bytes("boot/grub/menu.lst", menu)?;
    debian(
        "cloud_kernel_from_ext2_of_small_blocks",
        Flavour::Cloud,
        disk,
    )?;
    Ok(())
}

/// A disk of the file system `kind` with the lab's Linux, which mounts it.
fn of_kind(kind: &'static str, mib: u64, more: &str) -> Result<Disk> {
    let kernel = packages::kernel(Flavour::Cloud)?;
    let initrd = harness::guest::initrd_for(&support::root()?, &kernel, kind)?;
    let lines = menu(Table::Mbr).replace("lab.disk=", &format!("lab.type={kind} {more} lab.disk="));
    let mut disk = support::disk(mib, Table::Mbr, &lines)?;
    disk.kind = kind;
    support::install(&disk, &Payload { kernel, initrd })?;
    Ok(disk)
}

/// Linux is ended without a chance to unmount; what it wrote last is in
/// XFS' log only, where PV-GRUB finds it.
#[test]
fn cloud_kernel_from_xfs_and_from_its_log() -> Result<()> {
    let disk = of_kind("xfs", 96, "lab.then=shell")?;
    let lines = "timeout 0\ntitle The log\nroot (hd0,0)\ncat /by-guest\nhalt\n";
    disk.bytes("log.lst", lines)?;
    let test = "cloud_kernel_from_xfs_and_from_its_log";
    let (mut lab, mut running) = support::start(test, &disk)?;
    support::linux_is_up(&mut running)?;
    lab.sh("xl destroy guest")?;
    let again = Guest::new("again", "/lab/pv-grub")
        .extra("(hd0,0)/log.lst")
        .disk("/lab/disk");
    let mut running = lab.create(&again)?;
    running.console.expect("by-guest-42", patience(30))?;
    Ok(())
}

#[test]
fn cloud_kernel_from_btrfs() -> Result<()> {
    let disk = of_kind("btrfs", 160, "")?;
    let (_lab, mut running) = support::start("cloud_kernel_from_btrfs", &disk)?;
    support::linux_is_up(&mut running)?;
    Ok(())
}

#[test]
fn cloud_kernel_from_fat() -> Result<()> {
    let disk = of_kind("vfat", 64, "")?;
    let (_lab, mut running) = support::start("cloud_kernel_from_fat", &disk)?;
    support::linux_is_up(&mut running)?;
    Ok(())
}

#[test]
fn grub2_shows_its_prompt() -> Result<()> {
    let menu = "default 0\ntimeout 0\ntitle GRUB 2\nroot (hd0,0)\nkernel /boot/grub.bin\n";
    let disk = support::disk(32, Table::Mbr, menu)?;
    disk.file("boot/grub.bin", &packages::grub_xen()?)?;
    let (_lab, mut running) = support::start("grub2_shows_its_prompt", &disk)?;
    running.console.expect(GRUB2_IS_UP, patience(30))?;
    running.console.expect("grub> ", patience(30))?;
    // It reaches the disk, and the keyboard reaches it.
    running.console.send("cat (xen/xvda,msdos1)/payload\r")?;
    running
        .console
        .expect("reads from its own disk through", patience(20))?;
    Ok(())
}

/// A CD, ISO 9660 with Rock Ridge, is a disk like any other, by its place in
/// the order: here `(hd1)`.
#[test]
fn a_menu_and_kernel_on_a_cd() -> Result<()> {
    let test = "a_menu_and_kernel_on_a_cd";
    let menu = "timeout 0\ntitle Report\nroot (hd1)\nkernel /report from the CD\n";
    let mut cd = support::disk(16, Table::None, menu)?;
    cd.kind = "iso9660";
    cd.file("report", &paths::kernel("report"))?;
    let cd = support::image(&cd)?;
    let disk = support::image(&support::disk(16, Table::Mbr, "")?)?;
    let mut lab = Lab::builder(test)
        .file("lab/pv-grub", &support::pv_grub()?)
        .file("lab/disk", disk.path())
        .file("lab/cd", cd.path())
        .boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk && losetup -r /dev/loop1 /lab/cd")?;
    let mut running = lab.create_as(
        "guest",
        "name = 'guest'\nkernel = '/lab/pv-grub'\nmemory = 64\n\
         extra = '(hd1)/boot/grub/menu.lst'\n\
         disk = ['phy:/dev/loop0,xvda,w,script=block-lab',\
         'phy:/dev/loop1,xvdc:cdrom,r,script=block-lab']\n",
    )?;
    let console = &mut running.console;
    console.expect("vbd 51744 is hd1 \\(CD\\)", patience(20))?;
    console.expect(
        "REPORT arguments \\[\"from\", \"the\", \"CD\"\\]",
        patience(20),
    )?;
    Ok(())
}
