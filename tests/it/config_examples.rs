//! Every file in `config-examples/` boots as it stands: dom0 is given what the
//! example names, under those names.

use crate::hvm_support;
use crate::support::{self, disk_is_right};
use anyhow::{Context, Result};
use harness::console::key;
use harness::hvm::{self, DeviceModel};
use harness::image::{Disk, Table};
use harness::lab::{Lab, patience};
use harness::network::Network;
use harness::packages::{self, Flavour};
use harness::paths;
use std::fs;
use tempfile::NamedTempFile;

/// An example's text.
fn example(file: &str) -> Result<String> {
    let path = paths::workspace().join("config-examples").join(file);
    fs::read_to_string(path).with_context(|| format!("config-examples/{file}"))
}

/// The menu that stands in an example's comments.
fn menu_of(file: &str) -> Result<String> {
    let text = example(file)?;
    let lines = text.lines().filter_map(|line| line.strip_prefix("#     "));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}

/// What xl runs for a device that names no script of its own.
fn script(name: &str) -> Result<Vec<u8>> {
    Ok(fs::read(paths::workspace().join("tests/dom0").join(name))?)
}

/// A CD with the menu of Debian's installer, and in the installer's place the
/// lab's Linux.
fn installer_cd() -> Result<NamedTempFile> {
    let payload = support::payload(Flavour::Stock)?;
    let mut cd = Disk::new(32, Table::None)?;
    cd.kind = "iso9660";
    cd.file("boot/grub/grub.cfg", &packages::installer_menu()?)?;
    cd.file("debian-installer/amd64/linux", &payload.kernel.vmlinuz())?;
    cd.bytes("debian-installer/amd64/initrd.gz", &payload.initrd)?;
    support::image(&cd)
}

/// Those that boot from disks, one after the other.
#[test]
fn disk_examples_boot_as_they_stand() -> Result<()> {
    let menu = format!(
        "timeout 1\n{}{}",
        support::entry("Debian", Table::Mbr, "root=/dev/xvda1"),
        support::entry("Debian, otherwise", Table::Mbr, "second")
    );
    let disk = support::disk(64, Table::Mbr, &menu)?;
    support::install(&disk, &support::payload(Flavour::Cloud)?)?;
    let disk = support::image(&disk)?;
    // A file system that is /dev/xvda1 to Linux, and (hd0) here.
    let entry = support::entry("Volumes", Table::Mbr, "").replace("(hd0,0)", "(hd0)");
    let volume = support::disk(64, Table::None, &format!("timeout 1\n{entry}"))?;
    support::install(&volume, &support::payload(Flavour::Cloud)?)?;
    let volume = support::image(&volume)?;
    let cd = installer_cd()?;
    let mut lab = Lab::builder("disk_examples_boot_as_they_stand")
        .file("usr/lib/xen/boot/pv-grub-x86_64.gz", &support::pv_grub()?)
        .bytes("etc/xen/scripts/block", script("block-lab")?)
        .bytes(
            "etc/xen/menus/rescue.lst",
            menu_of("pv-grub-dom0-menu.cfg")?,
        )
        .file("lab/disk", disk.path())
        .file("lab/volume", volume.path())
        .bytes("lab/swap", vec![0; 1 << 20])
        .file("var/lib/xen/images/debian-12.iso", cd.path())
        .boot()?;
    lab.sh("mkdir /dev/vg0; n=0\n\
         for volume in debian=disk debian-root=volume debian-swap=swap; do\n\
         losetup /dev/loop$n /lab/${volume#*=} && mknod /dev/vg0/${volume%=*} b 7 $n || exit 1\n\
         n=$((n + 1)); done")?;
    let mut guest = lab.create_as("debian", &example("pv-grub-disk.cfg")?)?;
    guest.console.expect("LAB-UP \\S+", patience(60))?;
    disk_is_right(&mut guest)?;
    lab.release(guest)?;
    let mut guest = lab.create_as("debian-rescue", &example("pv-grub-dom0-menu.cfg")?)?;
    guest.console.expect("Booting 'Rescue'", patience(30))?;
    guest
        .console
        .expect("LAB-CMDLINE [^\r\n]* single", patience(60))?;
    lab.release(guest)?;
    let mut guest = lab.create_as("debian-options", &example("pv-grub-options.cfg")?)?;
    guest
        .console
        .expect("LAB-CMDLINE [^\r\n]* second quiet panic=30", patience(60))?;
    disk_is_right(&mut guest)?;
    lab.release(guest)?;
    let mut guest = lab.create_as("debian-volumes", &example("pv-grub-partitions.cfg")?)?;
    guest.console.expect("LAB-UP \\S+", patience(60))?;
    disk_is_right(&mut guest)?;
    lab.release(guest)?;
    let mut guest = lab.create_as("debian-install", &example("pv-grub-cd.cfg")?)?;
    guest.console.expect_highlighted("Install", patience(60))?;
    guest.console.send(key::ENTER)?;
    guest.console.expect("LAB-DONE", patience(90))?;
    Ok(())
}

/// Those that boot from the network, one after the other.
#[test]
fn network_examples_boot_as_they_stand() -> Result<()> {
    let payload = support::payload(Flavour::Cloud)?;
    let option = Network::new().option(150, "(nd)/pv-grub/menu.lst");
    let network = option
        .bytes("pv-grub/menu.lst", menu_of("pv-grub-network.cfg")?)
        .file("linux", &payload.kernel.vmlinuz())
        .bytes("initrd.gz", payload.initrd);
    let mut lab = Lab::builder("network_examples_boot_as_they_stand")
        .file("usr/lib/xen/boot/pv-grub-x86_64.gz", &support::pv_grub()?)
        .bytes("etc/xen/scripts/vif-bridge", script("vif-lab")?)
        .bytes("lab/http.lst", menu_of("pv-grub-http.cfg")?)
        .network(network)
        .boot()?;
    let mut guest = lab.create_as("netboot", &example("pv-grub-network.cfg")?)?;
    guest.console.expect("LAB-DONE", patience(120))?;
    lab.release(guest)?;
    let mut guest = lab.create_as("netboot-auto", &example("pv-grub-option150.cfg")?)?;
    guest.console.expect("names the menu", patience(30))?;
    guest.console.expect("LAB-DONE", patience(120))?;
    lab.release(guest)?;
    lab.sh(
        "cp /lab/http.lst /srv/pv-grub/menu.lst && mkdir /srv/debian && \
         mv /srv/linux /srv/initrd.gz /srv/debian",
    )?;
    let mut guest = lab.create_as("netboot-http", &example("pv-grub-http.cfg")?)?;
    guest.console.expect("LAB-DONE", patience(120))?;
    Ok(())
}

/// The example as it stands, or with the peer in the stub domain's place.
fn hvm_example(file: &str) -> Result<String> {
    let text = example(file)?;
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
