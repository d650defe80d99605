//! A Debian with the menus that its own tools write, one kind after the other:
//! its kernel, its initramfs, its root.

use crate::support;
use anyhow::Result;
use harness::console::{Console, key};
use harness::debian;
use harness::lab::{Guest, Lab, Running, patience};

/// Each boot has the tools of the distribution make the menu of the next one
/// and takes its own away.
#[test]
fn debian_boots_from_every_menu_its_tools_write() -> Result<()> {
    let disk = debian::disk()?;
    let mut lab = Lab::builder("debian_boots_from_every_menu_its_tools_write")
        .file("lab/pv-grub", &support::pv_grub()?)
        .disk(&disk)
        .boot()?;
    let titles = "Debian GNU/Linux";
    // u-boot-menu's, made when the kernel was installed.
    let mut running = start(&mut lab, "menu.lst")?;
    let console = &mut running.console;
    console.expect_highlighted(&format!("{titles} 12 (bookworm) 6.1."), patience(30))?;
    console.send(key::ENTER)?;
    ends(&mut lab, running, "menu.lst")?;
    // pv-grub-menu's.
    let mut running = start(&mut lab, "grub.cfg")?;
    let console = &mut running.console;
    console.expect_highlighted(&format!("{titles}, kernel 6.1."), patience(30))?;
    console.send(key::ENTER)?;
    ends(&mut lab, running, "grub.cfg")?;
    // update-grub's, with its submenu.
    let mut running = start(&mut lab, "entries")?;
    let console = &mut running.console;
    console.expect_highlighted(titles, patience(30))?;
    // The first of the submenu's.
    console.send(key::DOWN)?;
    console.expect_highlighted(&format!("{titles}, with Linux 6.1."), patience(10))?;
    console.send(key::ENTER)?;
    ends(&mut lab, running, "entries")?;
    // kernel-install's, as the Boot Loader Specification has them, on a
    // partition of their own.
    let mut running = start(&mut lab, "nothing")?;
    let console = &mut running.console;
    console.expect_highlighted(&format!("{titles} 12 (bookworm)"), patience(30))?;
    console.send(key::ENTER)?;
    ends(&mut lab, running, "nothing")
}

/// Starts PV-GRUB, which has to find the menu.
fn start(lab: &mut Lab, next: &str) -> Result<Running> {
    let mut guest = Guest::new("debian", "/lab/pv-grub").extra(&format!(
        "timeout=3600 -- init=/usr/local/sbin/lab lab.next={next}"
    ));
    guest
        .more
        .push("disk = ['phy:/dev/vda,xvda,w,script=block-lab']".into());
    lab.create(&guest)
}

/// Waits until the Debian has done its work and powered off.
fn ends(lab: &mut Lab, mut running: Running, next: &str) -> Result<()> {
    let console: &mut Console = &mut running.console;
    console.expect(
        "LAB-ROOT /dev/xvda1 ext4 6\\.1\\.\\S+-cloud-amd64",
        patience(90),
    )?;
    console.expect(&format!("LAB-MADE {next}"), patience(120))?;
    support::powers_off(lab, "debian")?;
    lab.release(running)
}
