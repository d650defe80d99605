//! The figures of every kind of kernel and disk that GRUB 2's PV port can boot:
//! from `xl create` to Debian's user space, GRUB 2 first, then PV-GRUB on the
//! same disk in the same run. Linux itself, which is in both, is told apart.

use crate::bench;
use crate::bzimage;
use crate::guest;
use crate::image::{Disk, Table};
use crate::lab::{Lab, patience};
use crate::packages::{self, Flavour, Kernel};
use anyhow::{Context, Result, anyhow};
use regex_lite::Regex;
use std::fs;
use std::path::Path;

/// How the kernel is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    /// Debian's bzImage as it is.
    Xz,
    /// A bzImage packed anew.
    Gzip,
    /// No bzImage: the ELF file out of it.
    Elf,
}

/// A kernel on a disk.
#[derive(Clone, Copy, Debug)]
pub struct Payload {
    /// For a table's row.
    pub what: &'static str,
    /// For the log's name.
    name: &'static str,
    packing: Packing,
    kind: &'static str,
    table: Table,
    mib: u64,
    /// Whether PV-GRUB has a menu.lst, or only GRUB 2's grub.cfg.
    menu: bool,
}

const XZ: Payload = Payload {
    what: "",
    name: "",
    packing: Packing::Xz,
    kind: "ext4",
    table: Table::Mbr,
    mib: 64,
    menu: true,
};

/// All that are measured, beside [`bench::boot`]'s.
pub const PAYLOADS: &[Payload] = &[
    Payload {
        what: "ELF, not packed, ext4",
        name: "elf",
        packing: Packing::Elf,
        mib: 128,
        ..XZ
    },
    Payload {
        what: "xz, ext2 with blocks of 1 KiB in a logical partition",
        name: "ext2",
        kind: "ext2",
        table: Table::MbrLogical,
        ..XZ
    },
    Payload {
        what: "xz, FAT",
        name: "fat",
        kind: "vfat",
        ..XZ
    },
    Payload {
        what: "xz, XFS",
        name: "xfs",
        kind: "xfs",
        mib: 96,
        ..XZ
    },
    Payload {
        what: "xz, btrfs",
        name: "btrfs",
        kind: "btrfs",
        mib: 160,
        ..XZ
    },
    Payload {
        what: "xz, ISO 9660",
        name: "iso",
        kind: "iso9660",
        table: Table::None,
        ..XZ
    },
    Payload {
        what: "xz, ext4, both by grub.cfg",
        name: "grubcfg",
        menu: false,
        ..XZ
    },
    Payload {
        what: "gzip, ext4 in a GPT",
        name: "gzip",
        packing: Packing::Gzip,
        table: Table::Gpt,
        ..XZ
    },
];

/// From `xl create` to user space, in seconds of virtual time.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// By GRUB 2.
    pub grub2: f64,
    /// By PV-GRUB.
    pub ours: f64,
    /// Linux itself by its own clock, behind PV-GRUB.
    pub linux: f64,
}

const LINUX: &str = "console=hvc0 loglevel=4 lab.then=poweroff";

impl Payload {
    fn disk(&self, to: &Path) -> Result<()> {
        let root = packages::root()?;
        let kernel = packages::kernel(Flavour::Stock)?;
        let mut disk = Disk::new(self.mib, self.table)?;
        disk.kind = self.kind;
        if self.kind == "ext2" {
            disk.block = 1024;
        }
        disk.bytes("boot/vmlinuz", self.kernel(&kernel)?)?;
        disk.bytes("boot/initrd", guest::initrd(&root, &kernel, 0)?)?;
        let grub_cfg = format!(
            "set timeout=0\nmenuentry Debian {{\n\
             linux /boot/vmlinuz {LINUX}\ninitrd /boot/initrd\n}}\n"
        );
        disk.bytes("boot/grub/grub.cfg", grub_cfg)?;
        if self.menu {
            let menu = format!(
                "default 0\ntimeout 0\ntitle Debian\nroot {}\n\
                 kernel /boot/vmlinuz {LINUX}\ninitrd /boot/initrd\n",
                self.table.device()
            );
            disk.bytes("boot/grub/menu.lst", menu)?;
        }
        disk.write(&root, to)
    }

    fn kernel(&self, kernel: &Kernel) -> Result<Vec<u8>> {
        let file = fs::read(kernel.vmlinuz())?;
        match self.packing {
            Packing::Xz => Ok(file),
            Packing::Elf => bzimage::unpacked(&file),
            Packing::Gzip => bzimage::gzipped(&file),
        }
    }

    /// Measures both.
    pub fn measure(&self) -> Result<Times> {
        let image = tempfile::NamedTempFile::new()?;
        self.disk(image.path())?;
        let lab = Lab::builder(&format!("bench-payload-{}", self.name))
            .icount()
            .file("lab/disk", image.path())
            .file("lab/grub", &packages::grub_xen()?)
            .file("lab/pv-grub", &bench::pv_grub());
        let said = lab.auto(SCRIPT, patience(300))?;
        let number = |pattern: &str| -> Result<f64> {
            let found = Regex::new(pattern)?.captures(&said);
            let found = found.and_then(|c| c.get(1).map(|m| m.as_str().to_owned()));
            let text = found.ok_or_else(|| anyhow!("no {pattern} in:\n{said}"))?;
            text.parse().with_context(|| pattern.to_owned())
        };
        let took =
            |who: &str| -> Result<f64> {
                Ok(number(&format!("UP-{who} ([0-9.]+)"))?
                    - number(&format!("START-{who} ([0-9.]+)"))?)
            };
        Ok(Times {
            grub2: took("grub")?,
            ours: took("pv-grub")?,
            linux: number("UP-pv-grub \\S+ LAB-UP \\S+ ([0-9.]+)")?,
        })
    }
}

const SCRIPT: &str = "#!/bin/busybox sh\n\
    losetup /dev/loop0 /lab/disk\n\
    now() { cut -d' ' -f1 /proc/uptime; }\n\
    for who in grub pv-grub; do\n\
    cat > /tmp/cfg <<END\nname = \"$who\"\nmemory = 256\nvcpus = 1\nkernel = \"/lab/$who\"\n\
    disk = ['phy:/dev/loop0,xvda,w,script=block-lab']\nEND\n\
    rm -f /tmp/keys; mkfifo /tmp/keys; exec 4<>/tmp/keys\n\
    sync; sleep 5\n\
    echo \"START-$who $(now)\"\n\
    xl create -c /tmp/cfg <&4 | while read -r line; do\n\
    case \"$line\" in *LAB-UP*) echo \"UP-$who $(now) LAB-UP${line##*LAB-UP}\"; break;; esac\n\
    done\n\
    xl destroy $who 2>/dev/null\n\
    cat /var/log/xen/console/guest-$who.log\n\
    done\n";
