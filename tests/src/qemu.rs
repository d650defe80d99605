//! One QEMU: started, watched, and ended by its own process id in every case.

use crate::console::Console;
use crate::dom0::Dom0;
use crate::packages::{self, Root};
use crate::paths;
use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File, TryLockError};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, Once};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The machines that run now, for the handler of Ctrl-C.
static RUNNING: LazyLock<Mutex<Vec<u32>>> = LazyLock::new(Mutex::default);

/// At most this many QEMUs on one machine at a time.
const SLOTS: usize = 2;

/// How a machine is started.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Count instructions: 2 ns of virtual time each, the same on any host.
    pub icount: bool,
    /// Memory of the whole machine, in MiB.
    pub memory: u32,
    /// Memory of dom0, in MiB.
    pub dom0_memory: u32,
    /// Names of the virtio-serial ports dom0 is given.
    pub ports: Vec<String>,
    /// Disk images that dom0 has as `/dev/vda` and so on. What is written to
    /// them is forgotten.
    pub disks: Vec<PathBuf>,
}

/// A running QEMU.
pub struct Qemu {
    child: Child,
    /// Xen's and dom0's own console (com1).
    pub console: Console,
    _slot: File,
}

impl Qemu {
    /// Starts a machine; `dir` takes its logs, `sockets` its ports.
    pub fn start(
        dom0: &Dom0,
        machine: &Machine,
        initramfs: &Path,
        dir: &Path,
        sockets: &Path,
    ) -> Result<Qemu> {
        check_version(&dom0.root)?;
        end_on_signals();
        let slot = slot()?;
        let mut command = under_setpriv(qemu(&dom0.root));
        command.args(["-accel", "tcg", "-cpu", "qemu64,+svm,+npt", "-smp", "1"]);
        command.args(["-m", &format!("{}M", machine.memory)]);
        command.args([
            "-nodefaults",
            "-nic",
            "none",
            "-display",
            "none",
            "-no-reboot",
        ]);
        command.args(["-monitor", "none", "-serial", "stdio"]);
        if machine.icount {
            command.args(["-icount", "shift=1,sleep=off"]);
            // The clock of a run must not depend on the day.
            command.args(["-rtc", "base=2026-01-01T00:00:00,clock=vm"]);
        }
        if !machine.ports.is_empty() {
            command.args(["-device", "virtio-serial-pci"]);
        }
        for name in &machine.ports {
            let path = sockets.join(name);
            let chardev = format!(
                "socket,id={name},path={},server=on,wait=off",
                path.display()
            );
            command.args(["-chardev", &chardev]);
            command.args([
                "-device",
                &format!("virtserialport,chardev={name},name={name}"),
            ]);
        }
        for disk in &machine.disks {
            let drive = format!("file={},format=raw,if=virtio,snapshot=on", disk.display());
            command.args(["-drive", &drive]);
        }
        command.arg("-kernel").arg(&dom0.xen);
        command.args([
            "-append",
            &format!(
                "console=com1 noreboot dom0_mem={0}M,max:{0}M dom0_max_vcpus=1 guest_loglvl=all",
                machine.dom0_memory
            ),
        ]);
        command.arg("-initrd").arg(format!(
            "{} console=hvc0 loglevel=4 nokaslr mitigations=off,{}",
            dom0.kernel.display(),
            initramfs.display()
        ));
        let errors = File::create(dir.join("qemu.log"))?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(errors);
        let mut child = command.spawn().context("starting QEMU")?;
        RUNNING
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .push(child.id());
        let output = child.stdout.take().context("QEMU's output")?;
        let console = Console::reading("dom0", output, &dir.join("dom0.log"))?;
        Ok(Qemu {
            child,
            console,
            _slot: slot,
        })
    }

    /// Connects to one of the machine's ports.
    pub fn port(&mut self, name: &str, sockets: &Path, dir: &Path) -> Result<Console> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let path = sockets.join(name);
        let stream = loop {
            match UnixStream::connect(&path) {
                Ok(stream) => break stream,
                Err(_) if Instant::now() < deadline && self.alive() => {
                    sleep(Duration::from_millis(20));
                }
                Err(e) => {
                    let log = fs::read_to_string(dir.join("qemu.log")).unwrap_or_default();
                    bail!("QEMU's port {name}: {e}\n{log}");
                }
            }
        };
        let write = stream.try_clone()?;
        let file = name.trim_start_matches("lab.");
        Console::with_input(file, stream, write, &dir.join(format!("{file}.log")))
    }

    /// Whether it has not ended by itself.
    pub fn alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, timeout: Duration) -> Result<()> {
        let deadline = Instant::now() + timeout;
        while self.alive() {
            ensure!(
                Instant::now() < deadline,
                "QEMU still runs after {timeout:?}"
            );
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let id = self.child.id();
        RUNNING
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .retain(|&pid| pid != id);
    }
}

/// QEMU of the package root, with the root's own modules.
fn qemu(root: &Root) -> Command {
    let mut command = root.command("usr/bin/qemu-system-x86_64");
    command.env(
        "QEMU_MODULE_DIR",
        root.path("usr/lib/x86_64-linux-gnu/qemu"),
    );
    command.arg("-L").arg(root.path("usr/share/qemu"));
    command.arg("-L").arg(root.path("usr/share/seabios"));
    command
}

/// The same command, ended by the kernel should this process die without
/// dropping its [`Qemu`].
fn under_setpriv(inner: Command) -> Command {
    if !Path::new("/usr/bin/setpriv").exists() {
        return inner;
    }
    let mut command = Command::new("/usr/bin/setpriv");
    command
        .args(["--pdeathsig", "KILL", "--"])
        .arg(inner.get_program())
        .args(inner.get_args());
    for (key, value) in inner.get_envs() {
        if let Some(value) = value {
            command.env(key, value);
        }
    }
    command
}

/// Refuses a QEMU that cannot run the lab.
fn check_version(root: &Root) -> Result<()> {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().unwrap_or_else(|e| e.into_inner());
    if *done {
        return Ok(());
    }
    let text = packages::run(root.command("usr/bin/qemu-system-x86_64").arg("--version"))?;
    ensure!(
        text.starts_with("QEMU emulator version 7.2."),
        "the lab needs QEMU 7.2 (Debian 12's own); 10.0 stops 64-bit HVM guests by reporting \
         reads of CR2 in a nested guest as intercepts of CR0. Found: {}",
        text.lines().next().unwrap_or_default()
    );
    *done = true;
    Ok(())
}

/// Waits for one of the machine's places; it is free again when the file closes.
fn slot() -> Result<File> {
    let mut told = false;
    loop {
        for n in 0..SLOTS {
            let file = File::create(paths::cache().join(format!("slot-{n}")))?;
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(e.into()),
            }
        }
        if !told {
            eprintln!("lab: {SLOTS} QEMUs run already; waiting");
            told = true;
        }
        sleep(Duration::from_millis(200));
    }
}

/// Ends every QEMU of this process on Ctrl-C, SIGTERM and SIGHUP.
fn end_on_signals() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let result = ctrlc::set_handler(|| {
            let running = RUNNING.lock().unwrap_or_else(|e| e.into_inner());
            for &pid in running.iter() {
                if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                    let _ = kill_process(pid, Signal::KILL);
                }
            }
            std::process::exit(130);
        });
        if let Err(e) = result {
            eprintln!("lab: no handler for Ctrl-C: {e}");
        }
    });
}
