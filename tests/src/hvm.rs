//! HVM guests: their configurations, and who their device model is.

use crate::lab::{Lab, Running, patience};
use crate::paths;
use anyhow::{Context, Result, ensure};
use std::fmt::Write as _;
use std::time::Duration;

/// Who plays the PC around an HVM guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceModel {
    /// Debian's QEMU, a process in dom0.
    Qemu,
    /// Our stub domain.
    Stub,
}

/// The stub domain's kernel in dom0, where Xen's users have it.
pub const STUB: &str = "/usr/lib/xen/boot/ioemu-stubdom.gz";
/// Its ramdisk: the ROMs.
pub const ROMS: &str = "/usr/lib/xen/boot/ioemu-stubdom.rom";

impl DeviceModel {
    /// The stub domain, unless `XEN_LAB_DM=qemu` asks for the peer: so a test
    /// itself is shown right.
    pub fn chosen() -> DeviceModel {
        match std::env::var("XEN_LAB_DM").as_deref() {
            Ok("qemu") => DeviceModel::Qemu,
            _ => DeviceModel::Stub,
        }
    }

    /// The lines of a guest's configuration that name it.
    pub fn config(self) -> String {
        match self {
            DeviceModel::Qemu => "device_model_version = \"qemu-xen\"\n".to_owned(),
            DeviceModel::Stub => format!(
                "device_model_version = \"qemu-xen\"\n\
                 device_model_stubdomain_override = 1\n\
                 stubdomain_kernel = \"{STUB}\"\n\
                 stubdomain_ramdisk = \"{ROMS}\"\n\
                 stubdomain_memory = 16\n"
            ),
        }
    }
}

/// A lab for HVM guests, before it boots, with our stub domain in it.
pub fn lab(name: &str) -> Result<crate::lab::Builder> {
    let mut builder = Lab::builder(name).hvm();
    if DeviceModel::chosen() == DeviceModel::Stub {
        builder = with_stub(builder)?;
    }
    Ok(builder)
}

/// Puts our stub domain into a lab.
pub fn with_stub(mut builder: crate::lab::Builder) -> Result<crate::lab::Builder> {
    for place in [STUB, ROMS] {
        let name = place.rsplit('/').next().unwrap_or_default();
        let file = paths::dist().join(name);
        ensure!(
            file.exists(),
            "{} is not built: cargo xtask build",
            file.display()
        );
        builder = builder.file(place, &file);
    }
    Ok(builder)
}

/// An HVM guest to be created.
#[derive(Clone, Debug)]
pub struct Hvm {
    /// Its name.
    pub name: String,
    /// MiB.
    pub memory: u32,
    /// Virtual processors.
    pub vcpus: u32,
    /// As in `boot =`.
    pub boot: String,
    /// Disks as xl takes them.
    pub disks: Vec<String>,
    /// Further lines of its configuration; what is said here wins.
    pub more: Vec<String>,
    /// Its device model.
    pub model: DeviceModel,
}

impl Hvm {
    /// A guest of 256 MiB with one processor and no screen.
    pub fn new(name: &str) -> Hvm {
        Hvm {
            name: name.to_owned(),
            memory: 256,
            vcpus: 1,
            boot: "cd".to_owned(),
            disks: Vec::new(),
            more: vec!["vnc = 0".to_owned()],
            model: DeviceModel::chosen(),
        }
    }

    /// With a CD in its drive, an image in dom0.
    pub fn cd(mut self, path: &str) -> Hvm {
        self.disks.push(format!(
            "format=raw, vdev=hdc, access=ro, devtype=cdrom, target={path}"
        ));
        self
    }

    /// With a disk as `hda`, a block device in dom0.
    pub fn disk(mut self, device: &str) -> Hvm {
        self.disks
            .push(format!("format=raw, vdev=hda, access=rw, target={device}"));
        self
    }

    /// With this much memory, in MiB.
    pub fn memory(mut self, mib: u32) -> Hvm {
        self.memory = mib;
        self
    }

    /// With this many virtual processors.
    pub fn vcpus(mut self, vcpus: u32) -> Hvm {
        self.vcpus = vcpus;
        self
    }

    /// With a screen that VNC shows on this display of dom0's loopback.
    pub fn vnc(self, display: u16) -> Hvm {
        self.line(&format!(
            "vnc = 1\nvnclisten = \"127.0.0.1\"\nvncdisplay = {display}\nvncunused = 0"
        ))
    }

    /// With one more line in its configuration.
    pub fn line(mut self, line: &str) -> Hvm {
        self.more.push(line.to_owned());
        self
    }

    /// The configuration as xl reads it.
    pub fn config(&self) -> Result<String> {
        let mut config = String::new();
        writeln!(config, "name = \"{}\"\ntype = \"hvm\"", self.name)?;
        writeln!(config, "memory = {}\nvcpus = {}", self.memory, self.vcpus)?;
        writeln!(config, "boot = \"{}\"\nvga = \"stdvga\"", self.boot)?;
        writeln!(config, "serial = \"pty\"")?;
        config += &self.model.config();
        let disks: Vec<String> = self.disks.iter().map(|d| format!("'{d}'")).collect();
        writeln!(config, "disk = [{}]", disks.join(", "))?;
        for line in &self.more {
            writeln!(config, "{line}")?;
        }
        Ok(config)
    }
}

impl Lab {
    /// Creates an HVM guest; its serial port is held from its first byte on.
    pub fn create_hvm(&mut self, guest: &Hvm) -> Result<Running> {
        let config = guest.config()?;
        self.create_hvm_as(&guest.name, &config, guest.model)
    }

    /// Creates an HVM guest from the text of its configuration.
    pub fn create_hvm_as(
        &mut self,
        name: &str,
        config: &str,
        model: DeviceModel,
    ) -> Result<Running> {
        let out = self.run_for(
            &format!(
                "mkdir -p /tmp/{name} && cat > /tmp/{name}/cfg <<'END'\n{config}END\n\
                 xl create -p /tmp/{name}/cfg"
            ),
            patience(60),
        )?;
        if out.status != 0 {
            let log = self.hvm_logs(name)?;
            anyhow::bail!("xl create {name}: {}\n{}\n{log}", out.status, out.text);
        }
        let running = self.hold_serial(name, model)?;
        self.sh(&format!("xl unpause {name}"))?;
        Ok(running)
    }

    /// Holds the first serial port of an HVM guest that is there already:
    /// QEMU's own, or the stub domain's console 3.
    pub fn hold_serial(&mut self, name: &str, model: DeviceModel) -> Result<Running> {
        let (domain, node, from) = match model {
            DeviceModel::Qemu => (name.to_owned(), "serial/0/tty", "--type serial --num 0"),
            DeviceModel::Stub => (
                format!("{name}-dm"),
                "device/console/3/tty",
                "--type pv --num 3",
            ),
        };
        // While xl starts a guest anew, its stub domain is there later than it.
        let script = format!(
            "n=0; while [ $n -lt 600 ]; do\n\
             i=$(xl domid {domain} 2>/dev/null) &&\n\
             [ -n \"$(xenstore-read /local/domain/$i/{node} 2>/dev/null)\" ] && exit 0\n\
             sleep 0.2; n=$((n+1)); done; xl list; exit 1"
        );
        let out = self.run_for(&script, patience(60))?;
        ensure!(out.status == 0, "{domain} has no {node}:\n{}", out.text);
        self.hold(name, &format!("$(xl domid {domain}) {from}"))
    }

    /// Waits for a line that matches `pattern` (busybox grep) in Xen's log, where
    /// hvmloader and SeaBIOS speak.
    pub fn wait_dmesg(&mut self, pattern: &str, timeout: Duration) -> Result<()> {
        let out = self.run_for(
            &format!(
                "n=0; while [ $n -lt {} ]; do xl dmesg | grep -q '{pattern}' && exit 0\n\
                 sleep 0.5; n=$((n+1)); done; xl dmesg | tail -n 40; exit 1",
                timeout.as_millis() / 500
            ),
            timeout + patience(10),
        )?;
        ensure!(
            out.status == 0,
            "no \"{pattern}\" in Xen's log:\n{}",
            out.text
        );
        Ok(())
    }

    /// What dom0 knows of an HVM guest that went wrong.
    pub fn hvm_logs(&mut self, name: &str) -> Result<String> {
        let script = format!(
            "tail -n 60 /var/log/xen/qemu-dm-{name}*.log; \
             xl dmesg | tail -n 40; xl list"
        );
        let out = self.run_for(&script, patience(15));
        Ok(out.context("collecting the logs of an HVM guest")?.text)
    }
}
