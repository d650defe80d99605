//! What menus written for other hosts count on: EC2's kernel images, volumes
//! in place of disks, a kernel on another disk than the menu.

use crate::support;
use anyhow::Result;
use harness::image::Table;
use harness::lab::{Guest, Lab, patience};
use harness::packages::Flavour;

/// EC2's `pv-grub-hd0` kernel images read the menu of a volume that is a file
/// system, `pv-grub-hd00` that of a first partition; menus say `root (hd0)` or
/// `root (hd0,0)`, and many were on the wrong kind of volume. EC2 put the first
/// three words before all else.
#[test]
fn volumes_as_ec2_gives_them_and_a_kernel_on_the_second_disk() -> Result<()> {
    let test = "volumes_as_ec2_gives_them_and_a_kernel_on_the_second_disk";
    let payload = support::payload(Flavour::Cloud)?;
    let hd0 = support::entry("hd0", Table::None, "").replace("/dev/xvda ", "/dev/xvda1 ");
    let volume = support::disk(64, Table::None, &format!("timeout 0\n{hd0}"))?;
    let hd00 = hd0.replace("(hd0)", "(hd0,0)").replace("hd0\n", "hd00\n");
    volume.bytes("boot/grub/hd00.lst", format!("timeout 0\n{hd00}"))?;
    support::install(&volume, &payload)?;
    let volume = support::image(&volume)?;
    // The menu is on the first disk, its kernel on the second.
    let second = support::entry("Second", Table::Mbr, "")
        .replace("(hd0,0)", "(hd1,0)")
        .replace("xvda1", "xvdb1");
    let first = support::disk(4, Table::Mbr, &format!("timeout 0\n{second}"))?;
    let first = support::image(&first)?;
    let other = support::disk(64, Table::Mbr, "")?;
    support::install(&other, &payload)?;
    let other = support::image(&other)?;
    let mut lab = Lab::builder(test)
        .file("lab/pv-grub", &support::pv_grub()?)
        .file("lab/volume", volume.path())
        .file("lab/first", first.path())
        .file("lab/second", other.path())
        .boot()?;
    for (name, device, menu) in [
        ("hd0", "sda1", "(hd0)/boot/grub/menu.lst"),
        ("hd00", "xvda1", "(hd0,0)/boot/grub/hd00.lst"),
    ] {
        let mut guest = Guest::new(name, "/lab/pv-grub")
            .extra(&format!("root=/dev/sda1 ro 4 {menu}"))
            .disk("/lab/volume");
        for disk in &mut guest.disks {
            disk.name = Some(device.to_owned());
        }
        let mut running = lab.create(&guest)?;
        let title = format!("Booting '{name}'");
        running.console.expect(&title, patience(20))?;
        support::linux_is_up(&mut running)?;
        lab.release(running)?;
    }
    let guest = Guest::new("two", "/lab/pv-grub")
        .disk("/lab/first")
        .disk("/lab/second");
    let mut running = lab.create(&guest)?;
    running.console.expect("Booting 'Second'", patience(20))?;
    support::linux_is_up(&mut running)?;
    Ok(())
}
