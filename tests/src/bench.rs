//! The figures of README's table: deterministic, because QEMU counts
//! instructions (2 ns of virtual time each), nothing reaches the machine from
//! outside, and all times are dom0's own `/proc/uptime` around the action.

use crate::guest;
use crate::image::{Disk, Table};
use crate::lab::{Lab, patience};
use crate::packages::{self, Flavour};
use crate::paths;
use anyhow::{Context, Result, anyhow};
use regex_lite::Regex;
use std::fs;
use std::path::{Path, PathBuf};

/// Who boots Debian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// `xl` with kernel and initrd as files in dom0.
    Direct,
    /// Debian's `grub-x86_64-xen.bin`.
    Grub2,
    /// `target/dist/pv-grub-x86_64.gz`.
    PvGrub,
}

impl Contender {
    fn name(self) -> &'static str {
        match self {
            Contender::Direct => "direct",
            Contender::Grub2 => "grub2",
            Contender::PvGrub => "pvgrub",
        }
    }

    fn config(self) -> &'static str {
        match self {
            Contender::Direct => {
                "kernel = \"/lab/vmlinuz\"\nramdisk = \"/lab/initrd\"\n\
                 extra = \"console=hvc0 loglevel=4 lab.disk=/dev/xvda1 lab.then=poweroff\"\n"
            }
            Contender::Grub2 => "kernel = \"/lab/grub\"\n",
            Contender::PvGrub => {
                "kernel = \"/lab/pv-grub\"\n\
                 extra = \"loglevel=info (hd0,0)/boot/grub/menu.lst\"\n"
            }
        }
    }
}

/// What one boot took, in seconds of virtual time.
#[derive(Clone, Copy, Debug)]
pub struct Boot {
    /// From `xl create` to the first line of Debian's user space.
    pub total: f64,
    /// Of which Linux itself, by its own clock.
    pub linux: f64,
    /// Of which PV-GRUB read the kernel, and unpacked it.
    pub loader: Option<Loading>,
}

/// What PV-GRUB says of its own work, in seconds of virtual time.
#[derive(Clone, Copy, Debug)]
pub struct Loading {
    /// Reading the kernel file.
    pub read: f64,
    /// Unpacking it.
    pub unpack: f64,
}

/// Where our unikernel lies once it is built.
pub fn pv_grub() -> PathBuf {
    paths::dist().join("pv-grub-x86_64.gz")
}

const LINUX: &str = "console=hvc0 loglevel=4 lab.disk=/dev/xvda1 lab.then=poweroff";

/// The disk that all contenders are given: 64 MiB, MBR, ext4, Debian's kernel
/// and initrd, and a menu for each.
fn disk(to: &Path, grub_cfg: &str, menu_lst: &str) -> Result<()> {
    let root = packages::root()?;
    let kernel = packages::kernel(Flavour::Stock)?;
    let disk = Disk::new(64, Table::Mbr)?;
    disk.bytes("payload", b"bench\n")?;
    disk.file("boot/vmlinuz", &kernel.vmlinuz())?;
    disk.bytes("boot/initrd", guest::initrd(&root, &kernel, 0)?)?;
    disk.bytes("boot/grub/grub.cfg", grub_cfg)?;
    disk.bytes("boot/grub/menu.lst", menu_lst)?;
    disk.write(&root, to)
}

/// A script for dom0: creates the guest `name` and prints dom0's clock before,
/// and at each line of the guest's console that matches one of the patterns of
/// `case`.
fn script(name: &str, config: &str, marks: &[&str]) -> String {
    let mut cases = String::new();
    for (n, mark) in marks.iter().enumerate() {
        let stop = if n + 1 == marks.len() { "break" } else { ":" };
        cases +=
            &format!("*{mark}*) echo \"MARK {n} $(cut -d' ' -f1 /proc/uptime) $line\"; {stop};;\n");
    }
    format!(
        "#!/bin/busybox sh\n\
         losetup /dev/loop0 /lab/disk\n\
         cat > /tmp/cfg <<'END'\nname = \"{name}\"\nmemory = 256\nvcpus = 1\n{config}\
         disk = ['phy:/dev/loop0,xvda,w,script=block-lab']\nEND\n\
         mkfifo /tmp/keys; exec 4<>/tmp/keys\n\
         sync; sleep 1\n\
         echo \"START $(cut -d' ' -f1 /proc/uptime)\"\n\
         xl create -c /tmp/cfg <&4 | while read -r line; do\n\
         case \"$line\" in\n{cases}esac\ndone\n\
         cat /var/log/xen/console/guest-{name}.log\n"
    )
}

struct Marks(String);

impl Marks {
    fn start(&self) -> Result<f64> {
        self.find("START ([0-9.]+)")?.parse().context("START")
    }

    fn mark(&self, n: usize) -> Result<f64> {
        self.find(&format!("MARK {n} ([0-9.]+)"))?
            .parse()
            .context("MARK")
    }

    fn find(&self, pattern: &str) -> Result<String> {
        let regex = Regex::new(pattern)?;
        let found = regex.captures(&self.0).and_then(|c| c.get(1));
        found
            .map(|m| m.as_str().to_owned())
            .ok_or_else(|| anyhow!("no {pattern} in:\n{}", self.0))
    }
}

fn run(test: &str, contender: Contender, image: &Path, marks: &[&str]) -> Result<Marks> {
    let kernel = packages::kernel(Flavour::Stock)?;
    let initrd = tempfile::NamedTempFile::new()?;
    fs::write(
        initrd.path(),
        guest::initrd(&packages::root()?, &kernel, 0)?,
    )?;
    let mut builder = Lab::builder(test).icount().file("lab/disk", image);
    builder = match contender {
        Contender::Direct => builder
            .file("lab/vmlinuz", &kernel.vmlinuz())
            .file("lab/initrd", initrd.path()),
        Contender::Grub2 => builder.file("lab/grub", &packages::grub_xen()?),
        Contender::PvGrub => builder.file("lab/pv-grub", &pv_grub()),
    };
    let script = script(contender.name(), contender.config(), marks);
    Ok(Marks(builder.auto(&script, patience(180))?))
}

/// `xl create` to Debian's user space.
pub fn boot(contender: Contender) -> Result<Boot> {
    let grub_cfg = format!(
        "set timeout=0\nmenuentry Debian {{\nlinux /boot/vmlinuz {LINUX}\ninitrd /boot/initrd\n}}\n"
    );
    let menu_lst = format!(
        "default 0\ntimeout 0\ntitle Debian\nroot (hd0,0)\n\
         kernel /boot/vmlinuz {LINUX}\ninitrd /boot/initrd\n"
    );
    let image = tempfile::NamedTempFile::new()?;
    disk(image.path(), &grub_cfg, &menu_lst)?;
    let test = format!("bench-boot-{}", contender.name());
    let marks = run(&test, contender, image.path(), &["LAB-UP"])?;
    let linux = marks.find("LAB-UP \\S+ ([0-9.]+)")?.parse()?;
    let milliseconds =
        |pattern: &str| -> Result<f64> { Ok(marks.find(pattern)?.parse::<f64>()? / 1000.0) };
    let loader = match contender {
        Contender::PvGrub => Some(Loading {
            read: milliseconds("vmlinuz: read in (\\d+) ms")?,
            unpack: milliseconds("unpacked in (\\d+) ms")?,
        }),
        _ => None,
    };
    let total = marks.mark(0)? - marks.start()?;
    Ok(Boot {
        total,
        linux,
        loader,
    })
}

/// GRUB 2 reading Debian's kernel file from ext4, in MiB/s.
pub fn grub2_reads() -> Result<f64> {
    let grub_cfg = "echo READ-BEGIN\ntestspeed -s 65536 /boot/vmlinuz\necho READ-END\nhalt\n";
    let image = tempfile::NamedTempFile::new()?;
    disk(image.path(), grub_cfg, "")?;
    let marks = run(
        "bench-read-grub2",
        Contender::Grub2,
        image.path(),
        &["READ-BEGIN", "READ-END"],
    )?;
    Ok(kernel_mib()? / (marks.mark(1)? - marks.mark(0)?))
}

/// The size of the kernel file that is read, in MiB.
pub fn kernel_mib() -> Result<f64> {
    let len = fs::metadata(packages::kernel(Flavour::Stock)?.vmlinuz())?.len();
    Ok(len as f64 / f64::from(1 << 20))
}

/// Hours of [`idle`]. Without anything to do they pass in seconds. A guest that
/// woke up once a second, for 30 µs each, would show in them with more than a
/// second of processor time.
pub const IDLE_HOURS: u32 = 10;

/// Processor seconds, as `xl list` counts them, that a menu without a time-out
/// takes in [`IDLE_HOURS`] hours of waiting for a key.
pub fn idle() -> Result<f64> {
    let image = tempfile::NamedTempFile::new()?;
    disk(image.path(), "", "title Waiting\nkernel /boot/missing\n")?;
    let script = format!(
        "#!/bin/busybox sh\n\
         losetup /dev/loop0 /lab/disk\n\
         printf '%s\\n' 'name = \"menu\"' 'kernel = \"/lab/pv-grub\"' 'memory = 64' \
         \"disk = ['phy:/dev/loop0,xvda,w,script=block-lab']\" > /tmp/cfg\n\
         xl create /tmp/cfg || exit 1\n\
         sleep 60\n\
         echo \"BEFORE $(xl list menu | tail -n 1)\"\n\
         sleep {}\n\
         echo \"AFTER $(xl list menu | tail -n 1)\"\n\
         cat /var/log/xen/console/guest-menu.log\n",
        IDLE_HOURS * 3600
    );
    let lab = Lab::builder("bench-idle").icount();
    let lab = lab
        .file("lab/pv-grub", &pv_grub())
        .file("lab/disk", image.path());
    let marks = Marks(lab.auto(&script, patience(240))?);
    marks.find("(Waiting)").context("the menu was not shown")?;
    let before: f64 = marks.find("BEFORE .*\\s([0-9.]+)\\s")?.parse()?;
    let after: f64 = marks.find("AFTER .*\\s([0-9.]+)\\s")?.parse()?;
    Ok(after - before)
}
