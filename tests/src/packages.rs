//! Debian 12's packages: looked up, fetched, unpacked, never installed.
//!
//! apt runs on folders of its own inside the cache, against Debian 12 whatever
//! the host is, so no root is needed, and the host's packages are neither used
//! nor touched. What is unpacked there is run through its own dynamic linker.
//! Versions are never written down here: they are what Debian 12 has today.

use crate::paths;
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

/// Everything that runs on the host or in dom0. QEMU must be Debian 12's own:
/// 10.0 of its backports stops 64-bit HVM guests (it reports a read of CR2 in a
/// nested guest as an intercept of CR0).
const TOOLS: &[&str] = &[
    "qemu-system-x86=1:7.2*",
    "qemu-system-xen=1:7.2*",
    "seabios",
    "xen-hypervisor-4.17-amd64",
    "xen-utils-4.17",
    "busybox-static",
    "e2fsprogs",
    "fdisk",
    "bzip2",
    "lz4",
    "lzop",
    "mount",
    "xz-utils",
    "zstd",
];

/// What makes bootable media, and the media that Debian ships. Beside the tools,
/// so that most of the lab does not wait for them.
const MEDIA: &[&str] = &["grub-common", "grub-pc-bin", "xorriso"];

/// What serves the lab's network beside busybox.
const NETWORK: &[&str] = &["dnsmasq-base"];

/// What makes file systems other than ext.
const FILE_SYSTEMS: &[&str] = &["xfsprogs", "btrfs-progs", "dosfstools", "mtools"];

/// The package lists are asked for again when they are older than this.
const LISTS_AGE: Duration = Duration::from_secs(24 * 3600);

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Packages unpacked over one another: a small Debian 12 that is never booted.
#[derive(Clone, Debug)]
pub struct Root {
    dir: PathBuf,
}

impl Root {
    /// A file of the root; `path` is relative to it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    /// A program of the root, to be run on the host with the root's libraries.
    pub fn command(&self, program: &str) -> Command {
        let libs = self.path("usr/lib/x86_64-linux-gnu");
        let mut command = Command::new(libs.join("ld-linux-x86-64.so.2"));
        command
            .arg("--library-path")
            .arg(libs)
            .arg(self.path(program));
        command
    }

    /// Where the root keeps a shared library.
    pub fn library(&self, name: &str) -> Result<PathBuf> {
        let dirs = [
            "usr/lib/x86_64-linux-gnu",
            "usr/lib/xen-4.17/lib/x86_64-linux-gnu",
        ];
        let mut paths = dirs.iter().map(|dir| self.path(dir).join(name));
        paths
            .find(|p| p.exists())
            .ok_or_else(|| anyhow!("no library {name} in {:?}", self.dir))
    }
}

/// Which of Debian 12's kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// `linux-image-amd64` of Debian 12 (6.1, payload xz).
    Stock,
    /// `linux-image-cloud-amd64` of Debian 12 (6.1, payload lz4).
    Cloud,
    /// `linux-image-amd64` of Debian 12's backports (6.12, payload zstd).
    Backports,
}

/// An unpacked kernel package.
#[derive(Clone, Debug)]
pub struct Kernel {
    /// As in `uname -r`.
    pub release: String,
    dir: PathBuf,
}

impl Kernel {
    /// The bzImage.
    pub fn vmlinuz(&self) -> PathBuf {
        self.dir.join(format!("boot/vmlinuz-{}", self.release))
    }

    /// `lib/modules/<release>`.
    pub fn modules(&self) -> PathBuf {
        self.dir.join(format!("lib/modules/{}", self.release))
    }
}

/// One set-up at a time, in this process and beside it.
struct Lock {
    _file: File,
    _guard: std::sync::MutexGuard<'static, ()>,
}

fn lock() -> Result<Lock> {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(|e| e.into_inner());
    let cache = paths::cache();
    fs::create_dir_all(&cache).with_context(|| format!("making {}", cache.display()))?;
    let file = File::create(cache.join("lock"))?;
    file.lock()?;
    Ok(Lock {
        _file: file,
        _guard: guard,
    })
}

/// What apt said already. It is asked once by each process: a run of tests uses
/// the same packages from its first test to its last.
fn once<T: Clone>(
    said: &Mutex<BTreeMap<String, T>>,
    what: &str,
    ask: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let mut said = said.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(known) = said.get(what) {
        return Ok(known.clone());
    }
    let answer = ask()?;
    said.insert(what.to_owned(), answer.clone());
    Ok(answer)
}

/// The tools; fetched and unpacked on first use.
pub fn root() -> Result<Root> {
    static SAID: Mutex<BTreeMap<String, Root>> = Mutex::new(BTreeMap::new());
    once(&SAID, "tools", || unpacked_root(TOOLS, "QEMU, Xen, tools"))
}

/// GRUB for PCs and xorriso; fetched and unpacked on first use.
pub fn media() -> Result<Root> {
    static SAID: Mutex<BTreeMap<String, Root>> = Mutex::new(BTreeMap::new());
    once(&SAID, "media", || {
        unpacked_root(MEDIA, "GRUB for PCs, xorriso")
    })
}

/// Servers for the lab's network; fetched and unpacked on first use.
pub fn network() -> Result<Root> {
    static SAID: Mutex<BTreeMap<String, Root>> = Mutex::new(BTreeMap::new());
    once(&SAID, "network", || unpacked_root(NETWORK, "dnsmasq"))
}

/// The makers of XFS, btrfs and FAT; fetched and unpacked on first use.
pub fn file_systems() -> Result<Root> {
    static SAID: Mutex<BTreeMap<String, Root>> = Mutex::new(BTreeMap::new());
    once(&SAID, "file systems", || {
        unpacked_root(FILE_SYSTEMS, "tools of file systems")
    })
}

fn unpacked_root(packages: &[&str], what: &str) -> Result<Root> {
    let _lock = lock()?;
    let apt = Apt::open()?;
    let list = apt.uris(packages)?;
    let mut hasher = DefaultHasher::new();
    list.hash(&mut hasher);
    let dir = paths::cache().join(format!("root-{:016x}", hasher.finish()));
    if !dir.exists() {
        eprintln!(
            "lab: fetching {} packages of Debian 12 ({what})",
            list.len()
        );
        let debs = apt.fetch(packages, &list)?;
        eprintln!("lab: unpacking them to {}", dir.display());
        let new = dir.with_extension("new");
        unpack(&debs, &new)?;
        fs::rename(&new, &dir)?;
    }
    Ok(Root { dir })
}

/// File names, which have the versions in them, of `packages` and of all they
/// depend on.
pub fn versions(packages: &[&str]) -> Result<Vec<String>> {
    let _lock = lock()?;
    Apt::open()?.uris(packages)
}

/// A kernel; fetched and unpacked on first use.
pub fn kernel(flavour: Flavour) -> Result<Kernel> {
    static SAID: Mutex<BTreeMap<String, Kernel>> = Mutex::new(BTreeMap::new());
    once(&SAID, &format!("{flavour:?}"), || {
        let _lock = lock()?;
        let apt = Apt::open()?;
        let (meta, series) = match flavour {
            Flavour::Stock => ("linux-image-amd64", "6.1."),
            Flavour::Cloud => ("linux-image-cloud-amd64", "6.1."),
            Flavour::Backports => ("linux-image-amd64", "6.12."),
        };
        let package = apt.newest_dependency(meta, series)?;
        let release = package.trim_start_matches("linux-image-").to_owned();
        let dir = apt.unpacked(&package)?;
        Ok(Kernel { release, dir })
    })
}

/// A file of a package of Debian 12 that is unpacked by itself.
pub fn file_of(package: &str, path: &str) -> Result<PathBuf> {
    static SAID: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let dir = once(&SAID, package, || {
        let _lock = lock()?;
        Apt::open()?.unpacked(package)
    })?;
    let file = dir.join(path);
    ensure!(file.exists(), "{package} has no {path}");
    Ok(file)
}

/// GRUB 2 for Xen PV as Debian ships it: `grub-x86_64-xen.bin`.
pub fn grub_xen() -> Result<PathBuf> {
    file_of("grub-xen-host", "usr/lib/grub-xen/grub-x86_64-xen.bin")
}

/// GRUB's rescue CD as Debian ships it.
pub fn grub_rescue_cd() -> Result<PathBuf> {
    file_of(
        "grub-rescue-pc",
        "usr/lib/grub-rescue/grub-rescue-cdrom.iso",
    )
}

/// memtest86+, to be started like a Linux kernel.
pub fn memtest() -> Result<PathBuf> {
    file_of("memtest86+", "boot/memtest86+x64.bin")
}

/// Kernel and initrd of Debian's installer with its graphical screen.
pub fn installer() -> Result<(PathBuf, PathBuf)> {
    installer_of("gtk")
}

/// Kernel and initrd of Debian's installer for a terminal.
pub fn text_installer() -> Result<(PathBuf, PathBuf)> {
    installer_of("text")
}

fn installer_of(screen: &str) -> Result<(PathBuf, PathBuf)> {
    let package = "debian-installer-12-netboot-amd64";
    let dir = format!("usr/lib/debian-installer/images/12/amd64/{screen}/debian-installer/amd64");
    Ok((
        file_of(package, &format!("{dir}/linux"))?,
        file_of(package, &format!("{dir}/initrd.gz"))?,
    ))
}

/// The menu of Debian's installer, a grub.cfg.
pub fn installer_menu() -> Result<PathBuf> {
    file_of(
        "debian-installer-12-netboot-amd64",
        "usr/lib/debian-installer/images/12/amd64/text/debian-installer/amd64/grub/grub.cfg",
    )
}

/// apt, confined to the cache.
struct Apt {
    dir: PathBuf,
}

impl Apt {
    /// Brings the package lists up to date if they are old.
    fn open() -> Result<Apt> {
        ensure!(
            Path::new("/usr/bin/apt-get").exists() && Path::new(KEYRING).exists(),
            "this needs apt-get and {KEYRING} (packages apt and debian-archive-keyring)"
        );
        let apt = Apt {
            dir: paths::cache().join("apt"),
        };
        let stamp = apt.dir.join("updated");
        let age = fs::metadata(&stamp)
            .ok()
            .and_then(|m| m.modified().ok()?.elapsed().ok());
        if age.is_some_and(|age| age < LISTS_AGE) {
            return Ok(apt);
        }
        apt.prepare()?;
        eprintln!("lab: fetching Debian 12's package lists");
        match run(apt.command("apt-get").arg("update")) {
            Ok(_) => fs::write(&stamp, "")?,
            // Better yesterday's lists than none.
            Err(e) if age.is_some() => eprintln!("lab: going on with the old lists: {e:#}"),
            Err(e) => return Err(e.context("fetching Debian's package lists")),
        }
        Ok(apt)
    }

    fn prepare(&self) -> Result<()> {
        for dir in ["lists/partial", "archives/partial", "empty/partial"] {
            fs::create_dir_all(self.dir.join(dir))?;
        }
        fs::write(self.dir.join("status"), "")?;
        let mut lines = sources()?;
        lines.push(source(&mirrors()?.0, "bookworm-backports"));
        let text = lines.join("\n") + "\n";
        Ok(fs::write(self.dir.join("sources.list"), text)?)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let dir = |name: &str| self.dir.join(name).display().to_string();
        for option in [
            format!("Dir::State::lists={}", dir("lists")),
            format!("Dir::State::status={}", dir("status")),
            format!("Dir::Etc::sourcelist={}", dir("sources.list")),
            format!("Dir::Etc::sourceparts={}", dir("empty/partial")),
            format!("Dir::Etc::preferences={}", dir("none")),
            format!("Dir::Etc::preferencesparts={}", dir("empty/partial")),
            format!("Dir::Cache={}", self.dir.display()),
            format!("Dir::Cache::archives={}", dir("archives")),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::Retries=3".to_owned(),
            "APT::Architecture=amd64".to_owned(),
            "APT::Architectures::=amd64".to_owned(),
            "APT::Sandbox::User=".to_owned(),
            "Debug::NoLocking=1".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        command
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// File names of `packages` and of all they depend on.
    fn uris(&self, packages: &[&str]) -> Result<Vec<String>> {
        let mut command = self.command("apt-get");
        command.args([
            "install",
            "--yes",
            "--no-install-recommends",
            "--print-uris",
        ]);
        // What lies in the archives already would not be named.
        command
            .arg("-o")
            .arg(format!("Dir::Cache::archives={}/empty", self.dir.display()));
        let text = run(command.args(packages))?;
        // 'http://…/x_1.deb' x_1_amd64.deb SIZE HASH
        let lines = text.lines().filter(|line| line.starts_with('\''));
        let mut names: Vec<String> = lines
            .filter_map(|line| line.split(' ').nth(1))
            .map(str::to_owned)
            .collect();
        names.sort();
        ensure!(!names.is_empty(), "apt names no files for {packages:?}");
        Ok(names)
    }

    fn fetch(&self, packages: &[&str], names: &[String]) -> Result<Vec<PathBuf>> {
        let mut command = self.command("apt-get");
        command.args([
            "install",
            "--yes",
            "--no-install-recommends",
            "--download-only",
        ]);
        run(command.args(packages))?;
        Ok(names
            .iter()
            .map(|name| self.dir.join("archives").join(name))
            .collect())
    }

    /// The package that the newest version of the meta package `meta` needs
    /// whose version starts with `series`.
    fn newest_dependency(&self, meta: &str, series: &str) -> Result<String> {
        let text = run(self.command("apt-cache").args(["show", meta]))?;
        // Stanzas, newest version first.
        for stanza in text.split("\n\n") {
            let field = |name: &str| {
                stanza
                    .lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::trim)
            };
            let (Some(version), Some(depends)) = (field("Version:"), field("Depends:")) else {
                continue;
            };
            if version.starts_with(series) {
                let first = depends.split([' ', ',']).next().unwrap_or_default();
                return Ok(first.to_owned());
            }
        }
        bail!("Debian 12 has no {meta} of the {series} series")
    }

    /// One package by itself, fetched and unpacked; gives its folder.
    fn unpacked(&self, package: &str) -> Result<PathBuf> {
        let text = run(self
            .command("apt-cache")
            .args(["show", "--no-all-versions", package]))?;
        let version = text
            .lines()
            .find_map(|line| line.strip_prefix("Version: "))
            .ok_or_else(|| anyhow!("Debian 12 has no package {package}"))?;
        let name = format!("{package}_{}", version.replace([':', '/'], "%"));
        let dir = paths::cache().join("packages").join(&name);
        if !dir.exists() {
            eprintln!("lab: fetching {package} {version}");
            let tmp = self.dir.join("one");
            let _ = fs::remove_dir_all(&tmp);
            fs::create_dir_all(&tmp)?;
            let wanted = format!("{package}={version}");
            run(self
                .command("apt-get")
                .args(["download", &wanted])
                .current_dir(&tmp))?;
            let debs = fs::read_dir(&tmp)?
                .map(|e| Ok(e?.path()))
                .collect::<Result<Vec<_>>>()?;
            let new = tmp.join("unpacked");
            unpack(&debs, &new)?;
            fs::create_dir_all(paths::cache().join("packages"))?;
            fs::rename(&new, &dir)?;
            fs::remove_dir_all(&tmp)?;
        }
        Ok(dir)
    }
}

/// Unpacks packages into a fresh folder with Debian's merged `/usr`.
fn unpack(debs: &[PathBuf], into: &Path) -> Result<()> {
    let _ = fs::remove_dir_all(into);
    for dir in ["bin", "sbin", "lib", "lib64"] {
        fs::create_dir_all(into.join("usr").join(dir))?;
        std::os::unix::fs::symlink(format!("usr/{dir}"), into.join(dir))?;
    }
    let script = "dpkg-deb --fsys-tarfile \"$1\" | \
                  tar -x -C \"$2\" --keep-directory-symlink --no-same-owner";
    for deb in debs {
        run(Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(deb)
            .arg(into))?;
    }
    Ok(())
}

/// Runs a command to its end; its output, or an error that shows what it said.
pub fn run(command: &mut Command) -> Result<String> {
    let out = command
        .output()
        .with_context(|| format!("starting {command:?}"))?;
    if !out.status.success() {
        bail!(
            "{command:?}: {}\n{}",
            out.status,
            String::from_utf8_lossy(&out.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The lines of a sources.list for Debian 12 with its updates.
pub fn sources() -> Result<Vec<String>> {
    let (mirror, security) = mirrors()?;
    Ok(vec![
        source(&mirror, "bookworm"),
        source(&mirror, "bookworm-updates"),
        source(&security, "bookworm-security"),
    ])
}

fn source(url: &str, suite: &str) -> String {
    format!("deb [arch=amd64 signed-by={KEYRING}] {url} {suite} main")
}

/// Where Debian and its security updates come from: `XEN_LAB_MIRROR` (and the
/// same with `-security`), or what the system's own apt uses.
fn mirrors() -> Result<(String, String)> {
    if let Ok(mirror) = std::env::var("XEN_LAB_MIRROR") {
        let mirror = mirror.trim_end_matches('/').to_owned();
        let security = format!("{mirror}-security");
        return Ok((mirror, security));
    }
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "--format", "$(REPO_URI) $(RELEASE)"]);
    let targets = run(command.arg("Created-By: Packages"))?;
    let of = |suite: &str| {
        let found = targets.lines().filter_map(|line| line.rsplit_once(' '));
        found
            .filter(|(_, release)| *release == suite)
            .map(|(uri, _)| uri.trim_end_matches('/').to_owned())
            .find(|uri| !uri.starts_with("cdrom:"))
            .with_context(|| {
                format!(
                    "apt has no source for {suite}: this needs Debian 12, or a mirror of it \
                     in XEN_LAB_MIRROR (http://…/debian)"
                )
            })
    };
    Ok((of("bookworm")?, of("bookworm-security")?))
}
