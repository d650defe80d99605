//! Every file in `config-examples/` boots as it stands: dom0 is given what the
//! example names, under those names.

use crate::support::{self, disk_is_right};
use anyhow::{Context, Result};
use harness::image::Table;
use harness::lab::{Lab, patience};
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
