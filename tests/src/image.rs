//! Disk images for guests, made without root: `mke2fs -d` and its like fill
//! the file system, `sfdisk` writes the partition table.

use crate::packages::{self, Root};
use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

const MIB: u64 = 1 << 20;

/// How a disk is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// The file system is the disk: `(hd0)`.
    None,
    /// First primary partition of an MBR: `(hd0,0)`.
    Mbr,
    /// First logical partition of an MBR: `(hd0,4)`.
    MbrLogical,
    /// First partition of a GPT: `(hd0,0)`.
    Gpt,
}

impl Table {
    /// GRUB's name for where the file system lies.
    pub fn device(self) -> &'static str {
        match self {
            Table::None => "(hd0)",
            Table::Mbr | Table::Gpt => "(hd0,0)",
            Table::MbrLogical => "(hd0,4)",
        }
    }

    /// Linux's name for it, the disk being xvda.
    pub fn linux(self) -> &'static str {
        match self {
            Table::None => "/dev/xvda",
            Table::Mbr | Table::Gpt => "/dev/xvda1",
            Table::MbrLogical => "/dev/xvda5",
        }
    }

    /// Where the file system begins, in MiB, and the script for sfdisk, in which
    /// `@SIZE@` is the file system's size in sectors of 512 bytes.
    fn layout(self) -> (u64, &'static str) {
        match self {
            Table::None => (0, ""),
            Table::Mbr => (
                1,
                "label: dos\nlabel-id: 0x1ab00001\nstart=2048, type=83, bootable\n",
            ),
            Table::MbrLogical => (
                2,
                "label: dos\nlabel-id: 0x1ab00001\n\
                 start=2048, type=5\nstart=4096, type=83\n",
            ),
            Table::Gpt => (
                1,
                "label: gpt\nlabel-id: 1AB00001-0000-4000-8000-000000000001\n\
                 start=2048, size=@SIZE@, type=linux, \
                 uuid=1AB00001-0000-4000-8000-000000000002\n",
            ),
        }
    }
}

/// A file system on a disk of its own.
pub struct Disk {
    /// Size of the whole disk, in MiB.
    pub mib: u64,
    /// How it is divided.
    pub table: Table,
    /// `ext2`, `ext3` or `ext4`; or `xfs`, `btrfs`, `vfat`, `iso9660`, for
    /// which the two fields that follow mean nothing.
    pub kind: &'static str,
    /// `-O` of mke2fs; empty for its defaults.
    pub features: &'static str,
    /// `-b` of mke2fs: 1024, 2048 or 4096.
    pub block: u32,
    files: tempfile::TempDir,
}

impl Disk {
    /// An empty ext4 disk.
    pub fn new(mib: u64, table: Table) -> Result<Disk> {
        let files = tempfile::tempdir()?;
        Ok(Disk {
            mib,
            table,
            kind: "ext4",
            features: "",
            block: 4096,
            files,
        })
    }

    /// Puts a file on it.
    pub fn bytes(&self, path: &str, content: impl AsRef<[u8]>) -> Result<&Disk> {
        let path = self.place(path)?;
        fs::write(path, content)?;
        Ok(self)
    }

    /// Puts a file of the host on it.
    pub fn file(&self, path: &str, host: &Path) -> Result<&Disk> {
        let path = self.place(path)?;
        fs::copy(host, path).with_context(|| format!("{}", host.display()))?;
        Ok(self)
    }

    /// Puts a program on it.
    pub fn program(&self, path: &str, content: &str) -> Result<&Disk> {
        let path = self.place(path)?;
        fs::write(&path, content)?;
        fs::set_permissions(path, Permissions::from_mode(0o755))?;
        Ok(self)
    }

    /// Makes a folder on it.
    pub fn dir(&self, path: &str) -> Result<&Disk> {
        fs::create_dir_all(self.place(path)?)?;
        Ok(self)
    }

    fn place(&self, path: &str) -> Result<std::path::PathBuf> {
        let path = self.files.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap_or(self.files.path()))?;
        Ok(path)
    }

    /// Writes the image.
    pub fn write(&self, root: &Root, to: &Path) -> Result<()> {
        let (start, script) = self.table.layout();
        // A GPT keeps its second copy at the end.
        let end = if self.table == Table::Gpt {
            self.mib - 1
        } else {
            self.mib
        };
        ensure!(
            start < end,
            "a disk of {} MiB has no room for {:?}",
            self.mib,
            self.table
        );
        File::create(to)?.set_len(self.mib * MIB)?;
        if !script.is_empty() {
            let sectors = (end - start) * (MIB / 512);
            partition(root, to, &script.replace("@SIZE@", &sectors.to_string()))?;
        }
        if self.kind.starts_with("ext") {
            return self.mke2fs(root, to, start, end - start);
        }
        // The others cannot be made at an offset.
        let alone = tempfile::NamedTempFile::new()?;
        alone.as_file().set_len((end - start) * MIB)?;
        self.foreign(alone.path())?;
        let mut disk = OpenOptions::new().write(true).open(to)?;
        disk.seek(SeekFrom::Start(start * MIB))?;
        copy_sparse(alone.path(), &mut disk)
    }

    /// Makes a file system other than ext in the whole of `image`.
    fn foreign(&self, image: &Path) -> Result<()> {
        let tree = self.files.path();
        match self.kind {
            "xfs" => {
                let mut text = String::from("/dev/null\n0 0\nd--755 0 0\n");
                prototype(tree, &mut text)?;
                text += "$\n";
                let file = tempfile::NamedTempFile::new()?;
                fs::write(file.path(), text)?;
                // The disks here are smaller than mkfs.xfs wants them to be.
                let mut command = packages::file_systems()?.command("sbin/mkfs.xfs");
                command.args(["-q", "-f", "--unsupported", "-p"]);
                packages::run(command.arg(file.path()).arg(image))?;
            }
            "btrfs" => {
                let mut command = packages::file_systems()?.command("sbin/mkfs.btrfs");
                command.args(["-q", "-f", "--rootdir"]);
                packages::run(command.arg(tree).arg(image))?;
            }
            "vfat" => {
                let tools = packages::file_systems()?;
                packages::run(tools.command("sbin/mkfs.fat").arg(image))?;
                let mut command = tools.command("usr/bin/mtools");
                command.args(["-c", "mcopy", "-s", "-Q", "-i"]).arg(image);
                for entry in fs::read_dir(tree)? {
                    command.arg(entry?.path());
                }
                packages::run(command.arg("::"))?;
            }
            "iso9660" => {
                let mut command = packages::media()?.command("usr/bin/xorriso");
                command.args(["-as", "mkisofs", "-quiet", "-R", "-o"]);
                packages::run(command.arg(image).arg(tree))?;
            }
            other => bail!("no tool makes {other}"),
        }
        Ok(())
    }

    fn mke2fs(&self, root: &Root, image: &Path, start: u64, len: u64) -> Result<()> {
        let mut command = root.command("sbin/mke2fs");
        command.args(["-q", "-F", "-t", self.kind, "-b", &self.block.to_string()]);
        command.args(["-U", "1ab00001-0000-4000-8000-000000000003", "-m", "0"]);
        let seed = "hash_seed=1ab00001-0000-4000-8000-000000000004";
        command.args([
            "-E",
            &format!("{seed},root_owner=0:0,offset={}", start * MIB),
        ]);
        if !self.features.is_empty() {
            command.args(["-O", self.features]);
        }
        command
            .arg("-d")
            .arg(self.files.path())
            .arg(image)
            .arg(format!("{len}M"));
        command.env("MKE2FS_CONFIG", root.path("etc/mke2fs.conf"));
        // The same image every time.
        command
            .env("E2FSPROGS_FAKE_TIME", "1767225600")
            .env("SOURCE_DATE_EPOCH", "1767225600");
        packages::run(&mut command)?;
        Ok(())
    }
}

/// The lines of mkfs.xfs for what the folder `tree` holds, without links.
fn prototype(tree: &Path, text: &mut String) -> Result<()> {
    for entry in fs::read_dir(tree)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_str().context("a name that is not UTF-8")?;
        if entry.file_type()?.is_dir() {
            *text += &format!("{name} d--755 0 0\n");
            prototype(&path, text)?;
            *text += "$\n";
        } else {
            *text += &format!("{name} ---755 0 0 {}\n", path.display());
        }
    }
    Ok(())
}

/// Copies all that is not zero.
fn copy_sparse(from: &Path, to: &mut File) -> Result<()> {
    let mut from = File::open(from)?;
    let mut piece = vec![0; 1 << 16];
    loop {
        let count = from.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        let bytes = piece.get(..count).unwrap_or_default();
        if bytes.iter().any(|byte| *byte != 0) {
            to.write_all(bytes)?;
        } else {
            to.seek(SeekFrom::Current(count as i64))?;
        }
    }
}

fn partition(root: &Root, image: &Path, script: &str) -> Result<()> {
    let mut command = root.command("sbin/sfdisk");
    command
        .arg("--quiet")
        .arg("--no-reread")
        .arg("--no-tell-kernel")
        .arg(image);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    child
        .stdin
        .take()
        .context("sfdisk's input")?
        .write_all(script.as_bytes())?;
    let out = child.wait_with_output()?;
    ensure!(
        out.status.success(),
        "sfdisk: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(())
}

/// Changes one byte of an image.
pub fn poke(image: &Path, offset: u64, byte: u8) -> Result<()> {
    let mut file = OpenOptions::new().write(true).open(image)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(file.write_all(&[byte])?)
}
