//! What the tests of HVM guests share: the media they boot from.

use crate::support::{PAYLOAD, root};
use anyhow::Result;
use harness::guest;
use harness::image::{Disk, Table};
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
    let file = NamedTempFile::new()?;
    cd.write(file.path())?;
    Ok(file)
}

/// An IDE disk with GRUB in its boot sector, and kernel and root on ext4.
#[allow(dead_code, reason = "the tests of disks come next")]
pub fn root_disk(words: &str) -> Result<NamedTempFile> {
    let kernel = packages::kernel(Flavour::Stock)?;
    let disk = Disk::new(64, Table::Mbr)?;
    disk.bytes("payload", PAYLOAD)?;
    disk.bytes("boot/grub/grub.cfg", menu(words))?;
    disk.file("boot/vmlinuz", &kernel.vmlinuz())?;
    disk.bytes("boot/initrd", guest::pc_initrd(&root()?, &kernel)?)?;
    let file = NamedTempFile::new()?;
    disk.write(&root()?, file.path())?;
    media::install_grub(file.path())?;
    Ok(file)
}
