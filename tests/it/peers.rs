//! The lab itself, shown right with programs that are not ours: xl booting a
//! kernel from dom0, and GRUB 2 booting one from the guest's disk.

use crate::support::{self, PAYLOAD, PAYLOAD_SUM};
use anyhow::Result;
use harness::image::{Disk, Table};
use harness::lab::{Guest, Lab, Running, patience};
use harness::packages::{self, Flavour};

fn linux_is_up(guest: &mut Running) -> Result<()> {
    guest.console.expect("LAB-UP 6\\.", patience(40))?;
    guest
        .console
        .expect(&format!("LAB-SUM {PAYLOAD_SUM}"), patience(20))?;
    guest.console.expect("LAB-DONE", patience(10))?;
    Ok(())
}

#[test]
fn xl_boots_linux_from_dom0() -> Result<()> {
    let payload = support::payload(Flavour::Stock)?;
    let disk = Disk::new(64, Table::Mbr)?;
    disk.bytes("payload", PAYLOAD)?;
    let image = tempfile::NamedTempFile::new()?;
    disk.write(&support::root()?, image.path())?;
    let mut lab = Lab::builder("xl_boots_linux_from_dom0")
        .file("lab/disk", image.path())
        .file("lab/vmlinuz", &payload.kernel.vmlinuz())
        .file("lab/initrd", &payload.initrd)
        .boot()?;
    let guest = Guest::new("direct", "/lab/vmlinuz")
        .ramdisk("/lab/initrd")
        .extra("console=hvc0 loglevel=4 lab.disk=/dev/xvda1")
        .disk("/lab/disk");
    let mut guest = lab.create(&guest)?;
    linux_is_up(&mut guest)?;
    lab.sh("xl shutdown direct")?;
    guest.console.expect("LAB-ASKED-TO-END", patience(10))?;
    lab.wait_end("direct", patience(10))?;
    Ok(())
}

#[test]
fn grub2_boots_linux_from_the_disk() -> Result<()> {
    let payload = support::payload(Flavour::Stock)?;
    let disk = Disk::new(64, Table::Mbr)?;
    disk.bytes("payload", PAYLOAD)?;
    disk.file("boot/vmlinuz", &payload.kernel.vmlinuz())?;
    disk.file("boot/initrd", &payload.initrd)?;
    disk.bytes(
        "boot/grub/grub.cfg",
        "set timeout=0\nmenuentry Debian {\n\
         linux /boot/vmlinuz console=hvc0 loglevel=4 lab.disk=/dev/xvda1 lab.then=poweroff\n\
         initrd /boot/initrd\n}\n",
    )?;
    let image = tempfile::NamedTempFile::new()?;
    disk.write(&support::root()?, image.path())?;
    let mut lab = Lab::builder("grub2_boots_linux_from_the_disk")
        .file("lab/disk", image.path())
        .file("lab/grub", &packages::grub_xen()?)
        .boot()?;
    let mut guest = lab.create(&Guest::new("grub", "/lab/grub").disk("/lab/disk"))?;
    linux_is_up(&mut guest)?;
    lab.wait_end("grub", patience(10))?;
    Ok(())
}
