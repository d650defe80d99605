//! A Debian as its own tools install it, on a disk: mmdebstrap installs the
//! packages, their scripts make the initramfs and the first menu. Kept in the
//! cache, one for each set of versions.

use crate::packages;
use crate::paths;
use anyhow::{Context, Result};
use std::fs::{self, File, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// Beside what debootstrap's `minbase` has: a kernel with its initramfs, an
/// init, and what makes menus.
const PACKAGES: &[&str] = &[
    "grub2-common",
    "initramfs-tools",
    "linux-image-cloud-amd64",
    "systemd-sysv",
    "u-boot-menu",
    "zstd",
];

/// What takes part in making it, as (name, content).
const SCRIPTS: &[(&str, &str)] = &[
    ("lab", include_str!("../guest/debian/lab")),
    ("make", include_str!("../guest/debian/make")),
    ("setup", include_str!("../guest/debian/setup")),
];

/// Nobody reads them there.
const LEFT_OUT: &[&str] = &["doc", "info", "locale", "man"];

/// The disk: the root on `/dev/xvda1`, an empty FAT file system behind it.
/// Installed on first use, which takes minutes. Not to be written to.
pub fn disk() -> Result<PathBuf> {
    let versions = packages::versions(PACKAGES)?;
    let mut hasher = DefaultHasher::new();
    (versions, SCRIPTS, LEFT_OUT).hash(&mut hasher);
    let disk = paths::cache().join(format!("debian-{:016x}", hasher.finish()));
    let lock = File::create(paths::cache().join("debian.lock"))?;
    lock.lock()?;
    if !disk.exists() {
        eprintln!("lab: installing a Debian 12 on {}", disk.display());
        install(&disk).context("installing a Debian on a disk")?;
    }
    Ok(disk)
}

fn install(disk: &std::path::Path) -> Result<()> {
    let dir = tempfile::tempdir()?;
    // Without root it is another user of a name space that works here.
    fs::set_permissions(dir.path(), Permissions::from_mode(0o777))?;
    for (name, content) in SCRIPTS {
        let path = dir.path().join(name);
        fs::write(&path, content)?;
        fs::set_permissions(path, Permissions::from_mode(0o755))?;
    }
    let new = dir.path().join("disk");
    let script = |name: &str| dir.path().join(name).display().to_string();
    let mut command = Command::new("mmdebstrap");
    command.args(["--quiet", "--variant=minbase", "--architectures=amd64"]);
    command.arg(format!("--include={}", PACKAGES.join(",")));
    command.arg("--aptopt=Acquire::Languages \"none\"");
    command.arg("--dpkgopt=force-unsafe-io");
    for dir in LEFT_OUT {
        command.arg(format!("--dpkgopt=path-exclude=/usr/share/{dir}/*"));
    }
    command.arg(format!("--setup-hook={} \"$1\"", script("setup")));
    let make = format!("{} \"$1\" {}", script("make"), new.display());
    command.arg(format!("--customize-hook={make}"));
    command.args(["--format=null", "bookworm", "/dev/null"]);
    command.args(packages::sources()?);
    // Programs of administrators are not on everybody's path.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    packages::run(&mut command)?;
    // Through a file beside it: nobody sees half a disk.
    let half = disk.with_extension("new");
    let mut command = Command::new("cp");
    packages::run(command.arg("--sparse=always").arg(&new).arg(&half))?;
    Ok(fs::rename(half, disk)?)
}
