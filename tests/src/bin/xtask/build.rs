//! `cargo xtask build`: the unikernels, each built alone, packed into
//! `target/dist`, and the programs for dom0 beside them.

use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use harness::{packages, paths};
use ioemu_stub::rompack;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

/// One unikernel: its package, its binary, and its file in `target/dist`.
struct Unikernel {
    package: &'static str,
    bin: &'static str,
    dist: &'static str,
}

const UNIKERNELS: &[Unikernel] = &[
    Unikernel {
        package: "pvgrub",
        bin: "pv-grub",
        dist: "pv-grub-x86_64.gz",
    },
    Unikernel {
        package: "ioemu-stub",
        bin: "ioemu-stubdom",
        dist: "ioemu-stubdom.gz",
    },
];

/// What goes into the ROM pack: a package of Debian, and where its files are.
const ROMS: &[(&str, &str)] = &[
    ("seabios", "usr/share/seabios/vgabios-stdvga.bin"),
    ("seabios", "usr/share/seabios/vgabios-cirrus.bin"),
    ("ipxe-qemu", "usr/lib/ipxe/qemu/pxe-rtl8139.rom"),
    ("ipxe-qemu", "usr/lib/ipxe/qemu/pxe-e1000.rom"),
];

/// Builds the small unikernels that only the lab runs: each folder of
/// tests/kernels is a package of that name with a binary of that name.
/// [`paths::kernel`] says where they are then.
pub fn test_kernels() -> Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(paths::workspace().join("tests/kernels"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    bare(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Packs the ROMs that the stub domain shows to its guest: the host's own where
/// it has them, else Debian 12's.
fn roms() -> Result<()> {
    let mut files = Vec::new();
    for (package, path) in ROMS {
        let here = Path::new("/").join(path);
        let file = match here.exists() {
            true => here,
            false => packages::file_of(package, path)?,
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let content = fs::read(&file).with_context(|| format!("{}", file.display()))?;
        files.push((name, content));
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, c)| (*n, c.as_slice())).collect();
    let to = paths::dist().join("ioemu-stubdom.rom");
    let content = rompack::pack(&files)?;
    println!("{}: {} KiB", to.display(), content.len() >> 10);
    Ok(fs::write(to, content)?)
}

/// Builds everything.
pub fn build() -> Result<()> {
    for unikernel in UNIKERNELS {
        one(unikernel)?;
    }
    roms()?;
    for program in PROGRAMS {
        dom0(program)?;
    }
    Ok(())
}

/// A program for dom0: its package, its binary, and the feature it needs.
struct Program {
    package: &'static str,
    bin: &'static str,
    feature: &'static str,
}

const PROGRAMS: &[Program] = &[Program {
    package: "ioemu-stub",
    bin: "stubdom-dm",
    feature: "dom0",
}];

/// Builds a program for dom0: one file that needs no other there.
fn dom0(program: &Program) -> Result<()> {
    // Its own target folder: these flags would make every other build stale.
    let folder = paths::target().join("dom0");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::workspace());
    command.args(["build", "--release", "--target", paths::TARGET]);
    command.args(["-p", program.package, "--bin", program.bin]);
    command.args(["--features", program.feature]);
    command.arg("--target-dir").arg(&folder);
    command.env("RUSTFLAGS", "-C target-feature=+crt-static");
    let status = command.status().context("starting cargo")?;
    ensure!(status.success(), "building {}: {status}", program.bin);
    let built = folder.join(paths::TARGET).join("release").join(program.bin);
    let to = paths::dist().join(program.bin);
    fs::copy(&built, &to)?;
    if let Some(content) = without_debug(&built) {
        fs::write(&to, content)?;
    }
    println!("{}: {} KiB", to.display(), fs::metadata(&to)?.len() >> 10);
    Ok(())
}

/// Builds PV-GRUB alone.
pub fn pv_grub() -> Result<()> {
    let ours = UNIKERNELS.iter();
    ours.filter(|u| u.package == "pvgrub").try_for_each(one)
}

/// Builds the stub domain, and what belongs to it in dom0, alone.
pub fn stub() -> Result<()> {
    for unikernel in UNIKERNELS.iter().filter(|u| u.package == "ioemu-stub") {
        one(unikernel)?;
    }
    PROGRAMS.iter().try_for_each(dom0)?;
    roms()
}

fn one(unikernel: &Unikernel) -> Result<()> {
    let dist = paths::dist();
    fs::create_dir_all(&dist)?;
    bare(&[unikernel.package])?;
    let elf = paths::kernel(unikernel.bin);
    let gz = dist.join(unikernel.dist);
    let raw = pack(&elf, &gz)?;
    let packed = fs::metadata(&gz)?.len();
    println!(
        "{}: {} KiB ({} KiB unpacked)",
        gz.display(),
        packed >> 10,
        raw >> 10
    );
    Ok(())
}

/// Builds the unikernels of these packages.
///
/// No package that needs `std` may be among them: its features would be
/// unified into theirs.
fn bare(packages: &[&str]) -> Result<()> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::workspace());
    command.args(["build", "--release", "--target", paths::TARGET, "--bins"]);
    for package in packages {
        command.args(["-p", package]);
    }
    command.args(["--features", "bare"]);
    // Its own target folder: these flags would make every other build stale.
    command
        .arg("--target-dir")
        .arg(paths::target().join("bare"));
    command.env(
        "RUSTFLAGS",
        "-C relocation-model=static -C force-frame-pointers=yes",
    );
    let status = command.status().context("starting cargo")?;
    ensure!(
        status.success(),
        "building {}: {status}",
        packages.join(" ")
    );
    Ok(())
}

fn pack(elf: &Path, gz: &Path) -> Result<u64> {
    let content = fs::read(elf).with_context(|| format!("{}", elf.display()))?;
    let content = without_debug(elf).unwrap_or(content);
    let mut out = GzEncoder::new(File::create(gz)?, Compression::best());
    std::io::Write::write_all(&mut out, &content)?;
    out.finish()?;
    Ok(content.len() as u64)
}

/// The file without its debug sections, where `objcopy` is to be had.
fn without_debug(elf: &Path) -> Option<Vec<u8>> {
    let stripped = elf.with_extension("stripped");
    let mut command = Command::new("objcopy");
    command.arg("--strip-debug").arg(elf).arg(&stripped);
    let status = command.status().ok()?;
    status.success().then(|| fs::read(&stripped).ok()).flatten()
}
