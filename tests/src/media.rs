//! Media that a PC boots from: CDs and disks with Debian's GRUB on them, made
//! without root and kept nowhere.

use crate::packages;
use anyhow::{Context, Result, ensure};
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What GRUB's core carries, so that a boot reads no module files.
const MODULES: &[&str] = &[
    "biosdisk",
    "boot",
    "echo",
    "ext2",
    "halt",
    "iso9660",
    "linux",
    "linux16",
    "ls",
    "multiboot",
    "normal",
    "part_msdos",
    "reboot",
    "serial",
    "sleep",
    "terminal",
    "test",
    "vbe",
    "video",
];

/// Opens a GRUB menu file: all that GRUB shows also goes to the first serial
/// port, and keys come from there, too.
pub const SERIAL: &str = "serial --unit=0 --speed=115200\n\
    terminal_input serial console\nterminal_output serial\nset timeout=0\n";

/// GRUB's core image in one of its formats, which looks for `grub.cfg` in
/// `prefix`.
fn core(format: &str, prefix: &str, to: &Path) -> Result<()> {
    let root = packages::media()?;
    let mut command = root.command("usr/bin/grub-mkimage");
    command
        .arg("-d")
        .arg(root.path("usr/lib/grub/i386-pc"))
        .args(["-O", format, "-p", prefix, "-o"])
        .arg(to)
        .args(MODULES);
    packages::run(&mut command)?;
    Ok(())
}

/// A CD with GRUB that boots by El Torito, being filled.
pub struct Cd {
    files: TempDir,
}

impl Cd {
    /// A CD with this menu file.
    pub fn new(grub_cfg: &str) -> Result<Cd> {
        let cd = Cd {
            files: tempfile::tempdir()?,
        };
        cd.bytes("boot/grub/grub.cfg", grub_cfg)?;
        Ok(cd)
    }

    /// Puts a file on it.
    pub fn bytes(&self, path: &str, content: impl AsRef<[u8]>) -> Result<&Cd> {
        fs::write(self.place(path)?, content)?;
        Ok(self)
    }

    /// Puts a file of the host on it.
    pub fn file(&self, path: &str, host: &Path) -> Result<&Cd> {
        fs::copy(host, self.place(path)?).with_context(|| format!("{}", host.display()))?;
        Ok(self)
    }

    fn place(&self, path: &str) -> Result<PathBuf> {
        let path = self.files.path().join(path);
        fs::create_dir_all(path.parent().unwrap_or(self.files.path()))?;
        Ok(path)
    }

    /// Writes the image.
    pub fn write(&self, to: &Path) -> Result<()> {
        let boot = "boot/grub/eltorito.img";
        core("i386-pc-eltorito", "/boot/grub", &self.place(boot)?)?;
        // xorriso takes over the times of the files.
        let root = packages::media()?;
        let mut command = root.command("usr/bin/xorriso");
        command.args(["-report_about", "WARNING", "-as", "mkisofs", "-quiet", "-R"]);
        command.args(["-b", boot, "-no-emul-boot", "-boot-load-size", "4"]);
        command.args(["-boot-info-table", "--grub2-boot-info", "-o"]);
        command.arg(to).arg(self.files.path());
        // The same image every time.
        command.env("SOURCE_DATE_EPOCH", "1767225600");
        packages::run(&mut command)?;
        Ok(())
    }
}

/// Puts GRUB into the boot sector of a disk whose first partition begins at 1
/// MiB and holds `/boot/grub/grub.cfg`.
pub fn install_grub(image: &Path) -> Result<()> {
    const SECTOR: usize = 512;
    // The code of a boot sector; the partition table comes behind it.
    const CODE: usize = 440;
    let boot = packages::media()?.path("usr/lib/grub/i386-pc/boot.img");
    let boot = fs::read(&boot).with_context(|| format!("{}", boot.display()))?;
    let file = tempfile::NamedTempFile::new()?;
    core("i386-pc", "(hd0,msdos1)/boot/grub", file.path())?;
    let core = fs::read(file.path())?;
    ensure!(
        core.len() <= 2047 * SECTOR,
        "GRUB does not fit before the first partition"
    );
    let mut disk = OpenOptions::new().write(true).open(image)?;
    disk.write_all(boot.get(..CODE).context("GRUB's boot sector is short")?)?;
    disk.seek(SeekFrom::Start(SECTOR as u64))?;
    Ok(disk.write_all(&core)?)
}

/// A disk without anything a PC could start.
pub fn empty_disk(mib: u64, to: &Path) -> Result<()> {
    Ok(File::create(to)?.set_len(mib << 20)?)
}
