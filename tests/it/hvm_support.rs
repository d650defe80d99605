//! What the tests of HVM guests share: the media they boot from.

use crate::support::{PAYLOAD, payload, root};
use anyhow::{Result, ensure};
use harness::bootsector::BootSector;
use harness::guest;
use harness::image::{Disk, Table};
use harness::lab::{Lab, patience};
use harness::media::{self, Cd, SERIAL};
use harness::packages::{self, Flavour};
use tempfile::NamedTempFile;

/// A menu that starts `/boot/vmlinuz` with these words on its command line.
pub fn menu(words: &str) -> String {
    format!(
        "{SERIAL}menuentry Debian {{\n\
         linux /boot/vmlinuz console=ttyS0,115200 loglevel=4 {words}\n\
         initrd /boot/initrd\n}}\n"
    )
}

/// A CD with GRUB, Debian's kernel and the lab's initrd.
pub fn grub_cd(words: &str) -> Result<NamedTempFile> {
    let kernel = packages::kernel(Flavour::Stock)?;
    let cd = Cd::new(&menu(words))?;
    cd.file("boot/vmlinuz", &kernel.vmlinuz())?;
    cd.bytes("boot/initrd", guest::pc_initrd(&root()?, &kernel)?)?;
    written(&cd)
}

/// The same with Debian's kernel for clouds: half the time, and no drivers for
/// a PC's disks.
pub fn quick_cd(words: &str) -> Result<NamedTempFile> {
    let payload = payload(Flavour::Cloud)?;
    let cd = Cd::new(&menu(words))?;
    cd.file("boot/vmlinuz", &payload.kernel.vmlinuz())?;
    cd.bytes("boot/initrd", &payload.initrd)?;
    written(&cd)
}

/// Writes a CD into a file that lives as long as what is returned.
pub fn written(cd: &Cd) -> Result<NamedTempFile> {
    let file = NamedTempFile::new()?;
    cd.write(file.path())?;
    Ok(file)
}

/// An IDE disk with GRUB in its boot sector, and kernel and root on ext4.
pub fn root_disk(words: &str) -> Result<NamedTempFile> {
    let kernel = packages::kernel(Flavour::Stock)?;
    let disk = Disk::new(64, Table::Mbr)?;
    disk.bytes("payload", PAYLOAD)?;
    disk.bytes("boot/grub/grub.cfg", menu(words))?;
    disk.file("boot/vmlinuz", &kernel.vmlinuz())?;
    disk.bytes("boot/initrd", guest::pc_initrd(&root()?, &kernel)?)?;
    guest::root_files(&root()?, &disk)?;
    let file = NamedTempFile::new()?;
    disk.write(&root()?, file.path())?;
    media::install_grub(file.path())?;
    Ok(file)
}

/// A disk whose boot sector is a program.
pub fn program(program: BootSector) -> Result<NamedTempFile> {
    let file = NamedTempFile::new()?;
    program.write(file.path())?;
    Ok(file)
}

/// Waits until a guest of this name is another domain than `before`.
pub fn another_domain(lab: &mut Lab, name: &str, before: &str) -> Result<()> {
    let script = format!(
        "n=0; while [ $n -lt 600 ]; do\n\
         i=$(xl domid {name} 2>/dev/null); [ -n \"$i\" ] && [ \"$i\" != {} ] && exit 0\n\
         sleep 0.2; n=$((n+1)); done; xl list; exit 1",
        before.trim()
    );
    let out = lab.run_for(&script, patience(60))?;
    ensure!(
        out.status == 0,
        "{name} was not started again:\n{}",
        out.text
    );
    Ok(())
}
