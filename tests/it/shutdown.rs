//! `xl shutdown` and `xl reboot` while the menu is shown, and menus that come
//! from dom0.

use crate::support;
use anyhow::Result;
use harness::image::Table;
use harness::lab::{Lab, patience};
use harness::packages;

const WAITING: &str = "title Waiting for somebody\nkernel /boot/missing\n";

#[test]
fn xl_shutdown_ends_the_menu() -> Result<()> {
    let disk = support::disk(16, Table::Mbr, WAITING)?;
    let (mut lab, mut running) = support::start("xl_shutdown_ends_the_menu", &disk)?;
    running
        .console
        .expect_highlighted("Waiting", patience(20))?;
    lab.sh("xl shutdown guest")?;
    support::powers_off(&mut lab, "guest")
}

#[test]
fn halt_powers_off() -> Result<()> {
    let disk = support::disk(16, Table::Mbr, "timeout 0\ntitle Off\nhalt\n")?;
    let (mut lab, _running) = support::start("halt_powers_off", &disk)?;
    support::powers_off(&mut lab, "guest")
}

#[test]
fn a_menu_in_the_ramdisk_wins_over_the_disk() -> Result<()> {
    let disk = support::disk(32, Table::Mbr, WAITING)?;
    disk.file("boot/grub.bin", &packages::grub_xen()?)?;
    let image = support::image(&disk)?;
    let menu = "timeout 0\ntitle From dom0\nroot (hd0,0)\nkernel /boot/grub.bin\n";
    let mut lab = Lab::builder("a_menu_in_the_ramdisk_wins_over_the_disk")
        .file("lab/pv-grub", &support::pv_grub()?)
        .file("lab/disk", image.path())
        .bytes("lab/menu", menu)
        .boot()?;
    let mut running = lab.create(&support::guest(Table::Mbr).ramdisk("/lab/menu"))?;
    running.console.expect("From dom0", patience(20))?;
    running.console.expect(support::GRUB2_IS_UP, patience(30))?;
    Ok(())
}
