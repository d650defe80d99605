//! A booted lab: commands in dom0, guests, and their consoles.

use crate::console::Console;
use crate::dom0::{Dom0, Extra};
use crate::network::{self, Network};
use crate::paths;
use crate::qemu::{Machine, Qemu};
use crate::vnc::Vnc;
use anyhow::{Context, Result, bail, ensure};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// Consoles of guests that can be held at the same time.
const CONSOLES: usize = 4;

/// The port through which dom0's VNC servers are reached.
const VNC: &str = "lab.vnc";

/// Said on a guest's console when nobody is behind it any more.
pub const CLOSED: &str = "[lab: console closed]";

/// A time-out for what takes this long on a quiet machine of two cores:
/// `XEN_LAB_PATIENCE` multiplies it (4 if unset), so that a loaded one passes.
pub fn patience(seconds: u64) -> Duration {
    let factor = std::env::var("XEN_LAB_PATIENCE")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(4);
    Duration::from_secs(seconds * factor)
}

/// A lab before it boots.
pub struct Builder {
    name: String,
    machine: Machine,
    files: Vec<(String, Extra)>,
    hvm: bool,
    network: bool,
    qemu: bool,
}

impl Builder {
    /// Puts a file of the host into dom0.
    pub fn file(mut self, dom0_path: &str, host: &Path) -> Builder {
        self.files
            .push((dom0_path.to_owned(), Extra::File(host.to_owned())));
        self
    }

    /// Puts an executable file with this content into dom0.
    pub fn bytes(mut self, dom0_path: &str, content: impl Into<Vec<u8>>) -> Builder {
        self.files
            .push((dom0_path.to_owned(), Extra::Bytes(content.into())));
        self
    }

    /// Gives dom0 what HVM guests need: hvmloader, SeaBIOS, QEMU.
    pub fn hvm(mut self) -> Builder {
        self.hvm = true;
        self
    }

    /// Gives dom0 QEMU as a backend: of frame buffers, say.
    pub fn qemu(mut self) -> Builder {
        self.qemu = true;
        self
    }

    /// Gives dom0 a network for guests with cards ([`Guest::vif`]), up before
    /// the first command. A script of [`Builder::auto`] brings it up itself:
    /// [`network::START`].
    pub fn network(mut self, network: Network) -> Builder {
        self.network = true;
        self.files.extend(network.files());
        self
    }

    /// Counts instructions: the run is the same on any machine.
    pub fn icount(mut self) -> Builder {
        self.machine.icount = true;
        self
    }

    /// The machine's memory and dom0's share of it, in MiB.
    pub fn memory(mut self, machine: u32, dom0: u32) -> Builder {
        self.machine.memory = machine;
        self.machine.dom0_memory = dom0;
        self
    }

    /// Gives dom0 a disk, `/dev/vda` and so on, which costs no memory. What is
    /// written to it is forgotten.
    pub fn disk(mut self, image: &Path) -> Builder {
        self.machine.disks.push(image.to_owned());
        self
    }

    /// Boots, up to the point where dom0 takes commands.
    pub fn boot(mut self) -> Result<Lab> {
        self.machine.ports = (0..CONSOLES).map(|n| format!("lab.con{n}")).collect();
        self.machine.ports.push("lab.ctl".to_owned());
        self.machine.ports.push(VNC.to_owned());
        let (hvm, network) = (self.hvm, self.network);
        let (mut qemu, dir, sockets) = self.start()?;
        let mut consoles = Vec::new();
        for n in (0..CONSOLES).rev() {
            consoles.push((n, qemu.port(&format!("lab.con{n}"), sockets.path(), &dir)?));
        }
        let ctl = qemu.port("lab.ctl", sockets.path(), &dir)?;
        qemu.console.expect("lab: dom0 is ready", patience(30))?;
        let mut lab = Lab {
            qemu,
            ctl,
            dir,
            consoles,
            sockets,
            commands: 0,
            loops: 0,
            hvm,
        };
        if network {
            lab.sh(network::START)?;
        }
        Ok(lab)
    }

    /// Boots a lab in which dom0 runs `script` by itself, without any input
    /// from outside, and powers off. Gives what dom0's console said.
    pub fn auto(mut self, script: &str, timeout: Duration) -> Result<String> {
        self.files
            .push(("lab/auto".to_owned(), Extra::Bytes(script.into())));
        let (mut qemu, _dir, _sockets) = self.start()?;
        let end = qemu.console.expect("lab: auto ended with \\d+", timeout)?;
        ensure!(
            end.ends_with(" 0"),
            "the script in dom0: {end}\n{}",
            qemu.console.text()
        );
        Ok(qemu.console.text())
    }

    fn start(mut self) -> Result<(Qemu, PathBuf, TempDir)> {
        let dom0 = Dom0::ready()?;
        if self.qemu {
            let files = dom0.qemu()?.into_iter();
            self.files
                .extend(files.map(|(place, file)| (place, Extra::File(file))));
        }
        let dir = paths::logs().join(&self.name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).with_context(|| format!("{}", dir.display()))?;
        // Socket paths must be short.
        let sockets = tempfile::Builder::new()
            .prefix("xenlab")
            .tempdir_in("/tmp")?;
        let initramfs = sockets.path().join("initramfs");
        let mut archives = Vec::new();
        if self.hvm {
            archives.push(dom0.hvm()?);
        }
        if self.network {
            archives.push(network::archive()?);
        }
        dom0.with_files(&archives, &self.files, &initramfs)?;
        let qemu = Qemu::start(&dom0, &self.machine, &initramfs, &dir, sockets.path())?;
        Ok((qemu, dir, sockets))
    }
}

/// A booted lab. QEMU ends when this is dropped.
pub struct Lab {
    qemu: Qemu,
    ctl: Console,
    dir: PathBuf,
    consoles: Vec<(usize, Console)>,
    commands: u32,
    loops: u32,
    hvm: bool,
    sockets: TempDir,
}

impl Drop for Lab {
    /// Leaves what dom0 has of its HVM guests beside the logs of the consoles.
    fn drop(&mut self) {
        if !self.hvm || !self.qemu.alive() {
            return;
        }
        let script = "for f in /var/log/xen/*.log; do echo \"== $f\"; cat $f; done; \
                      echo '== xl dmesg'; xl dmesg";
        if let Ok(out) = self.run_for(script, Duration::from_secs(20)) {
            let _ = fs::write(self.dir.join("hvm.log"), out.text);
        }
    }
}

/// What a command in dom0 left.
#[derive(Clone, Debug)]
pub struct Output {
    /// Exit status.
    pub status: i32,
    /// Standard output and error together.
    pub text: String,
}

impl Lab {
    /// A lab whose logs go to `target/lab/<name>/`.
    pub fn builder(name: &str) -> Builder {
        let machine = Machine {
            icount: false,
            memory: 4096,
            dom0_memory: 1536,
            ports: Vec::new(),
            disks: Vec::new(),
        };
        Builder {
            name: name.to_owned(),
            machine,
            files: Vec::new(),
            hvm: false,
            network: false,
            qemu: false,
        }
    }

    /// Where this lab's logs are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs a shell script in dom0 and waits for its end.
    pub fn run_for(&mut self, script: &str, timeout: Duration) -> Result<Output> {
        self.commands += 1;
        let number = self.commands;
        self.ctl.skip();
        self.ctl
            .send(&format!("{number} {}\n", base64(script.as_bytes())))?;
        let pattern = format!("(?s).*?@@lab {number} \\d+@@");
        let answer = self.ctl.expect(&pattern, timeout);
        let answer = answer.with_context(|| format!("in dom0: {script}"))?;
        let (text, status) = answer
            .rsplit_once(&format!("@@lab {number} "))
            .context("the command channel is out of step")?;
        let status = status.trim_end_matches('@').parse()?;
        Ok(Output {
            status,
            text: text.to_owned(),
        })
    }

    /// Runs a shell script in dom0.
    pub fn run(&mut self, script: &str) -> Result<Output> {
        self.run_for(script, patience(60))
    }

    /// Runs a shell script in dom0 that must succeed; gives what it printed.
    pub fn sh(&mut self, script: &str) -> Result<String> {
        let out = self.run(script)?;
        ensure!(
            out.status == 0,
            "in dom0: {script}: status {}\n{}",
            out.status,
            out.text
        );
        Ok(out.text)
    }

    /// Creates a guest; its console is held from its first byte on.
    pub fn create(&mut self, guest: &Guest) -> Result<Running> {
        let config = self.config(guest)?;
        self.create_as(&guest.name, &config)
    }

    /// Creates a guest from the text of its configuration, which calls it `name`.
    pub fn create_as(&mut self, name: &str, config: &str) -> Result<Running> {
        self.create_after(name, config, "true")
    }

    /// The same, with a script run in dom0 before the guest's first instruction.
    pub fn create_after(&mut self, name: &str, config: &str, script: &str) -> Result<Running> {
        self.sh(&format!(
            "mkdir -p /tmp/{name} && cat > /tmp/{name}/cfg <<'END'\n{config}END\n\
             xl create -p /tmp/{name}/cfg && {{ {script}\n}}"
        ))?;
        let running = self.hold(name, &format!("$(xl domid {name}) --type pv"))?;
        self.sh(&format!("xl unpause {name}"))?;
        Ok(running)
    }

    /// Holds a console of a guest: what `xenconsole` shall be called with.
    pub(crate) fn hold(&mut self, name: &str, from: &str) -> Result<Running> {
        let (port, mut console) = self.consoles.pop().context("no console port is left")?;
        console.skip();
        self.sh(&format!(
            "setsid sh -c 'xenconsole {from} --interactive; echo \"{CLOSED}\"' \
             <>/dev/lab.con{port} >&0 2>&1 &"
        ))?;
        Ok(Running {
            name: name.to_owned(),
            console,
            port,
        })
    }

    /// Destroys a guest and frees its console for another.
    pub fn release(&mut self, running: Running) -> Result<()> {
        self.sh(&format!("xl destroy {} 2>/dev/null; true", running.name))?;
        let Running {
            port, mut console, ..
        } = running;
        console.expect(&regex_lite::escape(CLOSED), patience(10))?;
        self.consoles.push((port, console));
        Ok(())
    }

    fn config(&mut self, guest: &Guest) -> Result<String> {
        let mut disks = Vec::new();
        for (n, disk) in guest.disks.iter().enumerate() {
            let device = format!("/dev/loop{}", self.loops);
            self.loops += 1;
            let flag = if disk.writable { "" } else { "-r " };
            self.sh(&format!(
                "/sbin/losetup {flag}-b {} {device} {}",
                disk.sector_size, disk.path
            ))?;
            let name = disk
                .name
                .clone()
                .unwrap_or_else(|| format!("xvd{}", (b'a' + n as u8) as char));
            let mode = if disk.writable { "w" } else { "r" };
            disks.push(format!("'phy:{device},{name},{mode},script=block-lab'"));
        }
        let mut config = String::new();
        writeln!(config, "name = \"{}\"", guest.name)?;
        writeln!(config, "kernel = \"{}\"", guest.kernel)?;
        writeln!(config, "memory = {}\nvcpus = {}", guest.memory, guest.vcpus)?;
        writeln!(
            config,
            "on_crash = \"{0}\"\non_poweroff = \"{0}\"",
            guest.on_end
        )?;
        for (key, value) in [("extra", &guest.extra), ("ramdisk", &guest.ramdisk)] {
            if let Some(value) = value {
                ensure!(!value.contains('"'), "xl takes no quote in {key}");
                writeln!(config, "{key} = \"{value}\"")?;
            }
        }
        writeln!(config, "disk = [{}]", disks.join(", "))?;
        if !guest.vifs.is_empty() {
            let vifs: Vec<String> = (guest.vifs.iter())
                .map(|mac| format!("'mac={mac},bridge=xenbr0,script=vif-lab'"))
                .collect();
            writeln!(config, "vif = [{}]", vifs.join(", "))?;
        }
        for line in &guest.more {
            writeln!(config, "{line}")?;
        }
        Ok(config)
    }

    /// Waits until `xl` no longer lists the guest, or lists it as ended (`s`
    /// or `c`); gives the last state letters.
    pub fn wait_end(&mut self, name: &str, timeout: Duration) -> Result<String> {
        let deciseconds = timeout.as_millis() / 100;
        let out = self.run_for(
            &format!(
                "n=0; while [ $n -lt {deciseconds} ]; do\n\
                 s=$(xl list {name} 2>/dev/null | awk 'NR==2 {{print $5}}')\n\
                 case \"$s\" in '') echo gone; exit 0;; *s*|*c*) echo $s; exit 0;; esac\n\
                 sleep 0.1; n=$((n+1)); done; xl list; exit 1"
            ),
            timeout + patience(10),
        )?;
        if out.status != 0 {
            bail!("guest {name} still runs after {timeout:?}:\n{}", out.text);
        }
        Ok(out.text.trim().to_owned())
    }

    /// Seconds of processor time a guest has used.
    pub fn cpu_seconds(&mut self, name: &str) -> Result<f64> {
        let text = self.sh(&format!("xl list {name} | awk 'NR==2 {{print $6}}'"))?;
        text.trim()
            .parse()
            .with_context(|| format!("xl list: {text}"))
    }

    /// dom0's own console.
    pub fn dom0(&mut self) -> &mut Console {
        &mut self.qemu.console
    }

    /// Connects to the VNC server of this display in dom0, one at a time.
    pub fn tunnel(&mut self, display: u16) -> Result<UnixStream> {
        let path = self.sockets.path().join(VNC);
        let stream = UnixStream::connect(&path).context("the machine's port for VNC")?;
        let port = 5900 + display;
        self.listens(port).context("no VNC server")?;
        self.sh(&format!(
            "setsid nc 127.0.0.1 {port} <>/dev/{VNC} >&0 2>/dev/null &"
        ))?;
        Ok(stream)
    }

    /// Waits until somebody in dom0 listens on this TCP port (of IPv6 too: busybox
    /// takes both where there are both).
    pub fn listens(&mut self, port: u16) -> Result<()> {
        self.sh(&format!(
            "n=0; until grep -q ':{port:04X} .* 0A ' /proc/net/tcp*; do\n\
             n=$((n+1)); [ $n -lt 100 ] || exit 1; sleep 0.1; done"
        ))
        .with_context(|| format!("nobody listens on port {port} of dom0"))?;
        Ok(())
    }

    /// Looks at a screen that a VNC server in dom0 shows.
    pub fn vnc(&mut self, display: u16) -> Result<Vnc> {
        let stream = self.tunnel(display)?;
        Vnc::new(stream, patience(15))
    }

    /// The folder with the machine's sockets and its initramfs.
    pub fn scratch(&self) -> &Path {
        self.sockets.path()
    }
}

/// A guest to be created.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Its name.
    pub name: String,
    /// `kernel`: a path in dom0.
    pub kernel: String,
    /// MiB.
    pub memory: u32,
    /// Virtual processors.
    pub vcpus: u32,
    /// `extra`: the command line.
    pub extra: Option<String>,
    /// `ramdisk`: a path in dom0.
    pub ramdisk: Option<String>,
    /// Disks, xvda first.
    pub disks: Vec<GuestDisk>,
    /// Hardware addresses of its network cards.
    pub vifs: Vec<String>,
    /// What happens when it ends or crashes: `destroy` or `preserve`.
    pub on_end: String,
    /// Further lines of its configuration.
    pub more: Vec<String>,
}

/// A disk of a guest.
#[derive(Clone, Debug)]
pub struct GuestDisk {
    /// An image in dom0.
    pub path: String,
    /// `xvda` and so on; by its place in the list if `None`.
    pub name: Option<String>,
    /// Whether the guest may write to it.
    pub writable: bool,
    /// Of the loop device.
    pub sector_size: u32,
}

impl Guest {
    /// A guest of 256 MiB with one processor, which is kept when it ends.
    pub fn new(name: &str, kernel: &str) -> Guest {
        Guest {
            name: name.to_owned(),
            kernel: kernel.to_owned(),
            memory: 256,
            vcpus: 1,
            extra: None,
            ramdisk: None,
            disks: Vec::new(),
            vifs: Vec::new(),
            on_end: "preserve".to_owned(),
            more: Vec::new(),
        }
    }

    /// With this command line.
    pub fn extra(mut self, extra: &str) -> Guest {
        self.extra = Some(extra.to_owned());
        self
    }

    /// With this ramdisk.
    pub fn ramdisk(mut self, path: &str) -> Guest {
        self.ramdisk = Some(path.to_owned());
        self
    }

    /// With this much memory, in MiB.
    pub fn memory(mut self, mib: u32) -> Guest {
        self.memory = mib;
        self
    }

    /// With one more network card on the lab's bridge ([`Builder::network`]).
    pub fn vif(mut self) -> Guest {
        let mac = format!("00:16:3e:77:00:{:02x}", self.vifs.len() + 1);
        self.vifs.push(mac);
        self
    }

    /// With one more disk, an image in dom0.
    pub fn disk(mut self, path: &str) -> Guest {
        self.disks.push(GuestDisk {
            path: path.to_owned(),
            name: None,
            writable: true,
            sector_size: 512,
        });
        self
    }
}

/// A guest that was created, with its console.
pub struct Running {
    /// Its name.
    pub name: String,
    /// Its PV console.
    pub console: Console,
    port: usize,
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |w, &b| w << 8 | u32::from(b)) << (8 * (3 - chunk.len()));
        for n in 0..4 {
            let digit = (word >> (18 - 6 * n) & 63) as usize;
            out.push(if n > chunk.len() {
                '='
            } else {
                DIGITS[digit] as char
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn base64_as_in_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(super::base64(plain.as_bytes()), coded);
        }
    }
}
