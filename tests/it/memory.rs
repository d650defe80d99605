//! Much in little: the loader must leave room for what it loads.

use crate::support::{self, PAYLOAD_SUM};
use anyhow::{Result, ensure};
use harness::guest;
use harness::image::Table;
use harness::lab::patience;
use harness::packages::Flavour;

const MIB: usize = 1 << 20;

#[test]
fn a_66_mib_kernel_and_a_60_mib_initrd_in_256_mib() -> Result<()> {
    let payload = support::payload(Flavour::Stock)?;
    let kernel = support::unpacked(&payload)?;
    ensure!(
        kernel.len() > 60 * MIB,
        "Debian's kernel is only {} MiB now",
        kernel.len() / MIB
    );
    // What is in the initrd already does not matter: the ballast is the bulk.
    let ballast = 60 * MIB - payload.initrd.len();
    let initrd = guest::initrd(&support::root()?, &payload.kernel, ballast)?;
    ensure!(
        initrd.len() >= 59 * MIB,
        "the initrd is only {} MiB",
        initrd.len() / MIB
    );
    let menu = format!("timeout 0\n{}", support::entry("Debian", Table::Mbr, ""));
    let disk = support::disk(128, Table::Mbr, &menu)?;
    disk.file("boot/vmlinuz", &payload.kernel.vmlinuz())?;
    disk.bytes("boot/initrd", &initrd)?;
    let image = support::image(&disk)?;
    let mut lab = support::lab(
        "a_66_mib_kernel_and_a_60_mib_initrd_in_256_mib",
        image.path(),
    )?;
    let mut running = lab.create(&support::guest(Table::Mbr).memory(256))?;
    running.console.expect("LAB-UP", patience(90))?;
    running
        .console
        .expect(&format!("LAB-SUM {PAYLOAD_SUM}"), patience(30))?;
    Ok(())
}

#[test]
fn too_little_memory_is_said() -> Result<()> {
    let menu = format!("timeout 0\n{}", support::entry("Debian", Table::Mbr, ""));
    let disk = support::disk(64, Table::Mbr, &menu)?;
    support::install(&disk, &support::payload(Flavour::Stock)?)?;
    let image = support::image(&disk)?;
    let mut lab = support::lab("too_little_memory_is_said", image.path())?;
    let mut running = lab.create(&support::guest(Table::Mbr).memory(48))?;
    running.console.expect("Error 28: ", patience(40))?;
    running.console.expect("Press any key", patience(10))?;
    running.console.send(" ")?;
    running.console.expect_highlighted("Debian", patience(10))?;
    Ok(())
}
