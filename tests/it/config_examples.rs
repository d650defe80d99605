//! Every file in `config-examples/` boots as it stands: dom0 is given what the
//! example names, under those names.

use crate::hvm_support;
use crate::support::{self, disk_is_right};
use anyhow::{Context, Result};
use harness::hvm::{self, DeviceModel};
use harness::image::Table;
use harness::lab::{Lab, patience};
use harness::network::Network;
use harness::packages::Flavour;
use harness::paths;
use std::fs;

#[test]
fn the_disk_example_boots_as_it_stands() -> Result<()> {
    let example = paths::workspace().join("config-examples/pv-grub-disk.cfg");
    let config = fs::read_to_string(&example).context("config-examples/pv-grub-disk.cfg")?;
    let menu = format!(
        "timeout 1\n{}",
        support::entry("Debian", Table::Mbr, "root=/dev/xvda1")
    );
    let disk = support::disk(64, Table::Mbr, &menu)?;
    support::install(&disk, &support::payload(Flavour::Cloud)?)?;
    let image = support::image(&disk)?;
    let script = paths::workspace().join("tests/dom0/block-lab");
    let mut lab = Lab::builder("the_disk_example_boots_as_it_stands")
        .file("usr/lib/xen/boot/pv-grub-x86_64.gz", &support::pv_grub()?)
        // What xl runs for a disk that names no script of its own.
        .bytes("etc/xen/scripts/block", fs::read(script)?)
        .file("lab/disk", image.path())
        .boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk && mkdir /dev/vg0 && mknod /dev/vg0/debian b 7 0")?;
    let mut guest = lab.create_as("debian", &config)?;
    guest.console.expect("LAB-UP \\S+", patience(60))?;
    disk_is_right(&mut guest)
}

#[test]
fn the_network_example_boots_as_it_stands() -> Result<()> {
    let example = paths::workspace().join("config-examples/pv-grub-network.cfg");
    let config = fs::read_to_string(&example).context("config-examples/pv-grub-network.cfg")?;
    let payload = support::payload(Flavour::Cloud)?;
    let menu = "timeout 1\ntitle Debian\nkernel /linux console=hvc0 loglevel=4\n\
         initrd (http,dom0.lab)/initrd.gz\n";
    let script = paths::workspace().join("tests/dom0/vif-lab");
    let mut lab = Lab::builder("the_network_example_boots_as_it_stands")
        .file("usr/lib/xen/boot/pv-grub-x86_64.gz", &support::pv_grub()?)
        // What xl runs for a card that names no script of its own.
        .bytes("etc/xen/scripts/vif-bridge", fs::read(script)?)
        .network(
            Network::new()
                .bytes("pv-grub/menu.lst", menu)
                .file("linux", &payload.kernel.vmlinuz())
                .bytes("initrd.gz", payload.initrd),
        )
        .boot()?;
    let mut guest = lab.create_as("netboot", &config)?;
    guest.console.expect("LAB-DONE", patience(120))?;
    Ok(())
}

/// The example as it stands, or with the peer in the stub domain's place.
fn hvm_example(file: &str) -> Result<String> {
    let example = paths::workspace().join("config-examples").join(file);
    let text = fs::read_to_string(&example).with_context(|| file.to_owned())?;
    Ok(match DeviceModel::chosen() {
        DeviceModel::Stub => text,
        DeviceModel::Qemu => text.replace("stubdomain_override = 1", "stubdomain_override = 0"),
    })
}

#[test]
fn hvm_examples_boot_as_they_stand() -> Result<()> {
    let disk = hvm_support::root_disk("lab.disk=/dev/xvda1")?;
    let cd = hvm_support::quick_cd("console=tty0 console=ttyS0,115200 lab.then=poweroff")?;
    let mut lab = hvm::lab("hvm_examples_boot_as_they_stand")?
        .file("lab/disk", disk.path())
        .file("var/lib/xen/images/debian.iso", cd.path())
        .boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk && mkdir /dev/vg0 && mknod /dev/vg0/debian-hvm b 7 0")?;
    let model = DeviceModel::chosen();
    let mut guest = lab.create_hvm_as("debian-hvm", &hvm_example("hvm-vnc.cfg")?, model)?;
    // The screen first: it is text, and GRUB's.
    let mut vnc = lab.vnc(1)?;
    vnc.until("a screen of a PC", patience(60), |screen| {
        screen.width >= 640
    })?;
    guest.console.expect("LAB-DONE", patience(120))?;
    lab.wait_end("debian-hvm", patience(30))?;
    let example = hvm_example("hvm-serial.cfg")?;
    let mut guest = lab.create_hvm_as("debian-serial", &example, model)?;
    guest.console.expect("LAB-UP \\S+", patience(120))?;
    disk_is_right(&mut guest)
}
