//! HVM guests from their first instruction to Linux' user space.

use crate::hvm_support::grub_cd;
use crate::support;
use anyhow::Result;
use harness::hvm::{self, Hvm};
use harness::lab::patience;
use harness::media;

#[test]
fn hvm_seabios_finds_nothing_to_boot() -> Result<()> {
    let disk = tempfile::NamedTempFile::new()?;
    media::empty_disk(1, disk.path())?;
    let mut lab = hvm::lab("hvm_seabios_finds_nothing_to_boot")?
        .file("lab/disk", disk.path())
        .boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk")?;
    let mut guest = lab.create_hvm(&Hvm::new("nothing").disk("/dev/loop0"))?;
    let _ = &mut guest;
    lab.wait_dmesg("No bootable device", patience(30))
}

#[test]
fn hvm_linux_boots_from_cd_and_powers_off() -> Result<()> {
    let cd = grub_cd("lab.then=poweroff")?;
    let mut lab = hvm::lab("hvm_linux_boots_from_cd_and_powers_off")?
        .file("lab/cd.iso", cd.path())
        .boot()?;
    let mut guest = lab.create_hvm(
        &Hvm::new("cd")
            .cd("/lab/cd.iso")
            .line("on_poweroff = \"preserve\""),
    )?;
    guest.console.expect("LAB-UP \\S+", patience(120))?;
    guest.console.expect("LAB-DONE", patience(30))?;
    support::powers_off(&mut lab, "cd")
}
