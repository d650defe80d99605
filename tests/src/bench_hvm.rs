//! The figures of HVM guests, ours beside those of Debian's QEMU in dom0: one
//! run in the lab for each, in which instructions are counted. All times are
//! dom0's `/proc/uptime` around the action.

use crate::bootsector::{BootSector, COM1_STATUS};
use crate::guest;
use crate::hvm::{self, DeviceModel, Hvm};
use crate::lab::{Lab, patience};
use crate::media::{self, Cd, SERIAL};
use crate::packages::{self, Flavour};
use anyhow::{Context, Result, anyhow};
use regex_lite::Regex;
use tempfile::NamedTempFile;

/// Port reads of the test kernel.
pub const READS: u32 = 100_000;

/// What the disk is read of, in MiB.
const DISK_MIB: u32 = 64;

impl DeviceModel {
    /// Seconds for which an idle guest is watched. A process that wakes up all
    /// the time shows it in a minute; in an hour even one wake-up of the stub
    /// domain a second would show.
    fn idle_seconds(self) -> u32 {
        match self {
            DeviceModel::Qemu => 60,
            DeviceModel::Stub => 3600,
        }
    }
}

/// What was measured with one device model.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// Seconds from `xl create` over GRUB and Linux from a CD to power-off.
    pub boot: f64,
    /// Microseconds for one read of an emulated port.
    pub read: f64,
    /// MiB/s of Linux reading an IDE disk by DMA, through its page cache: 128
    /// KiB a command.
    pub disk: f64,
    /// The same around the page cache: up to a MiB a command.
    pub direct: f64,
    /// Seconds from the device model's start to its `running` in xenstore.
    pub start: f64,
    /// MiB beside the guest's own: of the stub domain.
    pub domain: f64,
    /// MiB of processes in dom0 that serve the guest.
    pub processes: f64,
    /// Seconds of processor time of the device model in an hour of an idle guest.
    pub idle: f64,
    /// How often a second its processes in dom0 wake up then.
    pub wake_ups: f64,
}

/// Goes through all that is measured, with this device model.
pub fn measure(model: DeviceModel) -> Result<Figures> {
    let name = match model {
        DeviceModel::Qemu => "bench-hvm-qemu",
        DeviceModel::Stub => "bench-hvm-stub",
    };
    let (boot, read) = (cd("lab.then=poweroff")?, cd("xen_nopv lab.then=read")?);
    let port = NamedTempFile::new()?;
    BootSector::new()
        .print("BEGIN\n")
        .in8(COM1_STATUS, READS)
        .print("END\n")
        .write(port.path())?;
    let disk = NamedTempFile::new()?;
    media::empty_disk(DISK_MIB.into(), disk.path())?;
    let mut lab = Lab::builder(name)
        .icount()
        .hvm()
        .memory(4096, 2048)
        .file("lab/boot.iso", boot.path())
        .file("lab/read.iso", read.path())
        .file("lab/port", port.path())
        .file("lab/disk", disk.path());
    if model == DeviceModel::Stub {
        lab = hvm::with_stub(lab)?;
    }
    let said = lab.auto(&script(model)?, patience(400))?;
    Figures::read(&said, model)
}

fn cd(words: &str) -> Result<NamedTempFile> {
    let kernel = packages::kernel(Flavour::Stock)?;
    let cd = Cd::new(&format!(
        "{SERIAL}menuentry Debian {{\n\
         linux /boot/vmlinuz console=ttyS0,115200 loglevel=4 {words}\n\
         initrd /boot/initrd\n}}\n"
    ))?;
    cd.file("boot/vmlinuz", &kernel.vmlinuz())?;
    let initrd = guest::pc_initrd(&packages::root()?, &kernel)?;
    cd.bytes("boot/initrd", initrd)?;
    let file = NamedTempFile::new()?;
    cd.write(file.path())?;
    Ok(file)
}

/// dom0's part: each guest, and the clock at what it says on its serial port.
fn script(model: DeviceModel) -> Result<String> {
    let guest = |name: &str| {
        let mut guest = Hvm::new(name);
        guest.model = model;
        match model {
            DeviceModel::Qemu => guest.line("serial = \"pipe:/tmp/serial\""),
            // libxl makes it a terminal whatever is asked for.
            DeviceModel::Stub => guest,
        }
    };
    let configs = [
        guest("boot").cd("/lab/boot.iso"),
        guest("port").memory(32).disk("/dev/loop0"),
        guest("read")
            .disk("/dev/loop1")
            .cd("/lab/read.iso")
            .line("boot = \"d\""),
    ];
    let mut text = "#!/bin/busybox sh\nset -e\n\
        losetup /dev/loop0 /lab/port\nlosetup /dev/loop1 /lab/disk\n\
        mkfifo /tmp/serial.in /tmp/serial.out\n\
        terminal() { while :; do\n\
        tty=$(xenstore-read /local/domain/$(xl domid $1-dm)/device/console/3/tty) && break\n\
        sleep 0.1; done 2>/dev/null; stty raw -echo < $tty; echo $tty; }\n\
        now() { cut -d' ' -f1 /proc/uptime; }\n\
        marks() { for what; do while read -r line; do case \"$line\" in\n\
        *BEGIN*) echo \"BEGIN-$what $(now)\";; *END*) echo \"END-$what $(now)\"; break;; \
        *LAB-*) echo \"$line\";; esac; done; done < $(serial $1); }\n"
        .to_owned();
    text += &format!("IDLE={}\n", model.idle_seconds());
    text += match model {
        DeviceModel::Qemu => "serial() { echo /tmp/serial.out; }\n",
        DeviceModel::Stub => "serial() { terminal $1; }\n",
    };
    for config in configs {
        let name = &config.name;
        text += &format!("cat > /tmp/{name} <<'CFG'\n{}CFG\n", config.config()?);
    }
    text += include_str!("../dom0/bench-hvm");
    Ok(text)
}

impl Figures {
    fn read(said: &str, model: DeviceModel) -> Result<Figures> {
        let value = |pattern: &str| number(said, pattern);
        let between = |a: &str, b: &str| -> Result<f64> {
            Ok(value(&format!("{b} ([0-9.]+)"))? - value(&format!("{a} ([0-9.]+)"))?)
        };
        let rate = |begin: &str, end: &str| -> Result<f64> {
            Ok(f64::from(DISK_MIB) / between(begin, end)?)
        };
        let kib = |pattern: &str| -> Result<f64> { Ok(value(pattern)? / 1024.0) };
        let idle_seconds = f64::from(model.idle_seconds());
        Ok(Figures {
            boot: between("START-boot", "GONE-boot")?,
            read: between("BEGIN-port", "END-port")? * 1e6 / f64::from(READS),
            disk: rate("BEGIN-read", "END-read")?,
            direct: rate("BEGIN-direct", "END-direct")?,
            start: between("SPAWNED", "RUNNING")?,
            domain: match model {
                DeviceModel::Qemu => 0.0,
                DeviceModel::Stub => value("DOMAIN-MIB ([0-9.]+)")?,
            },
            processes: kib("PROCESSES-KIB (\\d+)")?,
            idle: between("IDLE-BEFORE", "IDLE-AFTER")? * 3600.0 / idle_seconds,
            wake_ups: between("NAPS-BEFORE", "NAPS-AFTER")? / idle_seconds,
        })
    }
}

fn number(said: &str, pattern: &str) -> Result<f64> {
    let found = Regex::new(pattern)?.captures(said);
    let found = found.and_then(|c| c.get(1).map(|m| m.as_str().to_owned()));
    found
        .ok_or_else(|| anyhow!("no {pattern} in:\n{said}"))?
        .parse()
        .context("a figure")
}
