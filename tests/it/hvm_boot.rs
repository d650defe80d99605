//! HVM guests from their first instruction to Linux on its own root.

use crate::hvm_support::{grub_cd, root_disk, written};
use crate::support::{self, PAYLOAD_SUM};
use anyhow::{Result, ensure};
use harness::hvm::{self, Hvm};
use harness::lab::patience;
use harness::media::{self, Cd, SERIAL};
use harness::packages;

/// Kept when it ends, so that how it ended can be seen.
const KEPT: &str = "on_poweroff = \"preserve\"\non_reboot = \"preserve\"\non_crash = \"preserve\"";

#[test]
fn hvm_seabios_finds_nothing_to_boot() -> Result<()> {
    let disk = tempfile::NamedTempFile::new()?;
    media::empty_disk(1, disk.path())?;
    let mut lab = hvm::lab("hvm_seabios_finds_nothing_to_boot")?
        .file("lab/disk", disk.path())
        .boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk")?;
    let guest = Hvm::new("nothing").disk("/dev/loop0");
    let _guest = lab.create_hvm(&guest)?;
    lab.wait_dmesg("No bootable device", patience(30))
}

#[test]
fn hvm_linux_boots_from_cd_and_powers_off() -> Result<()> {
    let cd = grub_cd("lab.then=poweroff")?;
    let mut lab = hvm::lab("hvm_linux_boots_from_cd_and_powers_off")?
        .file("lab/cd.iso", cd.path())
        .boot()?;
    let mut guest = lab.create_hvm(&Hvm::new("cd").cd("/lab/cd.iso").line(KEPT))?;
    guest.console.expect("LAB-UP \\S+", patience(120))?;
    guest.console.expect("LAB-DONE", patience(30))?;
    support::powers_off(&mut lab, "cd")
}

/// Boots GRUB, Linux and its root from an IDE disk; `name` is the disk's in
/// Linux.
fn from_disk(test: &str, words: &str, name: &str, vcpus: u32) -> Result<()> {
    let words = format!("{words} lab.disk=/dev/{name}1 lab.then=root lab.end=poweroff");
    let disk = root_disk(&words)?;
    let mut lab = hvm::lab(test)?.file("lab/disk", disk.path()).boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk")?;
    let guest = Hvm::new("disk").disk("/dev/loop0").vcpus(vcpus).line(KEPT);
    let mut guest = lab.create_hvm(&guest)?;
    let console = &mut guest.console;
    console.expect("LAB-UP \\S+", patience(120))?;
    if name == "sda" {
        // A mode of DMA, by which alone Linux moves data then.
        console.expect("LAB-ATA \\S+ XFER_(MW_|U)?DMA_\\d", patience(30))?;
    }
    console.expect(&format!("LAB-CPUS {vcpus}\\D"), patience(30))?;
    console.expect(&format!("LAB-SUM {PAYLOAD_SUM}"), patience(60))?;
    console.expect("LAB-WROTE", patience(20))?;
    console.expect(&format!("LAB-ROOT /dev/{name}1 ext4"), patience(30))?;
    console.expect("LAB-WORD from-the-disk", patience(10))?;
    support::powers_off(&mut lab, "disk")?;
    // What the guest wrote has reached the disk.
    let lines = lab.sh("grep -c by-guest-42 /lab/disk")?;
    ensure!(lines.trim() != "0", "the guest's words are not on the disk");
    Ok(())
}

#[test]
fn hvm_linux_on_an_ide_disk_with_dma() -> Result<()> {
    from_disk("hvm_linux_on_an_ide_disk_with_dma", "xen_nopv", "sda", 1)
}

#[test]
fn hvm_linux_on_an_ide_disk_unplugs_it() -> Result<()> {
    from_disk("hvm_linux_on_an_ide_disk_unplugs_it", "", "xvda", 1)
}

#[test]
fn hvm_linux_with_two_processors_on_an_ide_disk() -> Result<()> {
    let words = "xen_nopv";
    from_disk(
        "hvm_linux_with_two_processors_on_an_ide_disk",
        words,
        "sda",
        2,
    )
}

#[test]
fn hvm_linux_with_two_processors_unplugs_its_disk() -> Result<()> {
    from_disk(
        "hvm_linux_with_two_processors_unplugs_its_disk",
        "",
        "xvda",
        2,
    )
}

#[test]
fn hvm_memtest_runs() -> Result<()> {
    let cd = Cd::new(&format!(
        "{SERIAL}menuentry Memtest86+ {{\nlinux /memtest console=ttyS0,115200\n}}\n"
    ))?;
    cd.file("memtest", &packages::memtest()?)?;
    let cd = written(&cd)?;
    let mut lab = hvm::lab("hvm_memtest_runs")?
        .file("lab/cd.iso", cd.path())
        .boot()?;
    let mut guest = lab.create_hvm(&Hvm::new("memtest").memory(64).cd("/lab/cd.iso"))?;
    let console = &mut guest.console;
    console.expect_screen("Memtest86\\+ v?\\d", patience(60))?;
    // It has begun to test, and finds nothing.
    console.expect_screen("Pass\\s+\\d+%[^\\n]*#", patience(60))?;
    let screen = console.expect_screen("Errors: 0", patience(60))?;
    ensure!(!screen.contains("FAIL"), "{screen}");
    Ok(())
}
