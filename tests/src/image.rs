//! Disk images for guests, made without root: `mke2fs -d` fills the file
//! system, `sfdisk` writes the partition table.

use crate::packages::{self, Root};
use anyhow::{Context, Result, ensure};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{Seek, SeekFrom, Write};
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

/// An ext2, ext3 or ext4 file system on a disk of its own.
pub struct Disk {
    /// Size of the whole disk, in MiB.
    pub mib: u64,
    /// How it is divided.
    pub table: Table,
    /// `-t` of mke2fs.
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
        self.mke2fs(root, to, start, end - start)
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
