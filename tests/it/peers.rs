//! The lab itself, shown right with programs that are not ours: xl booting a
//! kernel from dom0, and GRUB 2 booting one from the guest's disk.

use crate::support::{self, PAYLOAD};
use anyhow::Result;
use harness::image::{Disk, Table};
use harness::lab::{Guest, Lab, patience};
use harness::packages::{self, Flavour};

#[test]
fn xl_boots_linux_from_dom0() -> Result<()> {
    let payload = support::payload(Flavour::Stock)?;
    let disk = Disk::new(64, Table::Mbr)?;
    disk.bytes("payload", PAYLOAD)?;
    let image = support::image(&disk)?;
    let initrd = tempfile::NamedTempFile::new()?;
    std::fs::write(initrd.path(), &payload.initrd)?;
    let mut lab = Lab::builder("xl_boots_linux_from_dom0")
        .file("lab/disk", image.path())
        .file("lab/vmlinuz", &payload.kernel.vmlinuz())
        .file("lab/initrd", initrd.path())
        .boot()?;
    let guest = Guest::new("direct", "/lab/vmlinuz")
        .ramdisk("/lab/initrd")
        .extra("console=hvc0 loglevel=4 lab.disk=/dev/xvda1")
        .disk("/lab/disk");
    let mut guest = lab.create(&guest)?;
    support::linux_is_up(&mut guest)?;
    lab.sh("xl shutdown direct")?;
    guest.console.expect("LAB-ASKED-TO-END", patience(10))?;
    lab.wait_end("direct", patience(10))?;
    Ok(())
}

#[test]
fn grub2_boots_linux_from_the_disk() -> Result<()> {
    let disk = Disk::new(64, Table::Mbr)?;
    disk.bytes("payload", PAYLOAD)?;
    support::install(&disk, &support::payload(Flavour::Stock)?)?;
    disk.bytes(
        "boot/grub/grub.cfg",
        "set timeout=0\nmenuentry Debian {\n\
         linux /boot/vmlinuz console=hvc0 loglevel=4 lab.disk=/dev/xvda1 lab.then=poweroff\n\
         initrd /boot/initrd\n}\n",
    )?;
    let image = support::image(&disk)?;
    let mut lab = Lab::builder("grub2_boots_linux_from_the_disk")
        .file("lab/disk", image.path())
        .file("lab/grub", &packages::grub_xen()?)
        .boot()?;
    let mut guest = lab.create(&Guest::new("grub", "/lab/grub").disk("/lab/disk"))?;
    support::linux_is_up(&mut guest)?;
    lab.wait_end("grub", patience(10))?;
    Ok(())
}
