//! `cargo xtask demo`: PV-GRUB's menu on real Xen, in this terminal.

use crate::{build, need};
use anyhow::Result;
use harness::bench::pv_grub;
use harness::console::Console;
use harness::guest;
use harness::image::{Disk, Table};
use harness::lab::{Guest, Lab};
use harness::packages::{self, Flavour};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{Read, Write, stdin, stdout};
use std::sync::mpsc;
use std::time::Duration;

/// Ctrl-], as in `xl console`.
const LEAVE: u8 = 0x1d;

const MENU: &str = "\
# /boot/grub/menu.lst on the guest's own disk, (hd0,0)
default 0
timeout 20
fallback 0

title Debian 12, kernel @STOCK@ (xz)
root (hd0,0)
kernel /boot/vmlinuz-@STOCK@ console=hvc0 loglevel=5 lab.disk=/dev/xvda1 lab.then=shell
initrd /boot/initrd-@STOCK@

title Debian 12, kernel @CLOUD@ (lz4)
root (hd0,0)
kernel /boot/vmlinuz-@CLOUD@ console=hvc0 loglevel=5 lab.disk=/dev/xvda1 lab.then=shell
initrd /boot/initrd-@CLOUD@

title GRUB 2 (a PV kernel like any other)
root (hd0,0)
kernel /boot/grub-x86_64-xen.bin

title A kernel that is not there (falls back to the first entry)
root (hd0,0)
kernel /boot/no-such-kernel
";

/// The terminal in raw mode, put back when this is dropped.
struct Raw(Option<Termios>);

impl Raw {
    fn enter() -> Raw {
        let before = tcgetattr(stdin()).ok();
        if let Some(before) = &before {
            let mut raw = before.clone();
            raw.make_raw();
            let _ = tcsetattr(stdin(), OptionalActions::Now, &raw);
        }
        Raw(before)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}

/// Set-up, build, boot, menu.
pub fn run() -> Result<()> {
    need::all()?;
    build::build()?;
    println!("demo: making the guest's disk");
    let image = tempfile::NamedTempFile::new()?;
    disk(image.path())?;
    println!("demo: booting Xen 4.17 and its dom0 in QEMU (about 10 s)");
    let mut lab = Lab::builder("demo")
        .file("lab/pv-grub", &pv_grub())
        .file("lab/disk", image.path())
        .boot()?;
    let mut guest = Guest::new("demo", "/lab/pv-grub")
        .memory(512)
        .extra("(hd0,0)/boot/grub/menu.lst")
        .disk("/lab/disk");
    // So that its console closes when it ends.
    guest.on_end = "destroy".to_owned();
    println!(
        "demo: xl create with kernel = \"pv-grub-x86_64.gz\"; \
         this is the guest's console. To leave: Ctrl-]\n"
    );
    let mut running = lab.create(&guest)?;
    attend(&mut running.console, || Ok(()))?;
    println!("\ndemo: over; logs in {}", lab.dir().display());
    Ok(())
}

/// Puts a guest's console into this terminal until it closes or Ctrl-] is
/// pressed; `tick` is called now and then.
pub fn attend(console: &mut Console, mut tick: impl FnMut() -> Result<()>) -> Result<()> {
    let raw = Raw::enter();
    console.tap(Box::new(stdout()))?;
    let keys = keyboard();
    loop {
        match keys.recv_timeout(Duration::from_millis(200)) {
            Ok(bytes) if bytes.contains(&LEAVE) => break,
            Ok(bytes) => console.send_bytes(&bytes)?,
            // No keyboard (any more): look on until the guest ends.
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                std::thread::sleep(Duration::from_millis(200))
            }
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if console.text().contains(harness::lab::CLOSED) {
            break;
        }
        tick()?;
    }
    console.untap();
    drop(raw);
    Ok(stdout().flush()?)
}

fn disk(to: &std::path::Path) -> Result<()> {
    let root = packages::root()?;
    let disk = Disk::new(128, Table::Mbr)?;
    let mut menu = MENU.to_owned();
    for (flavour, word) in [(Flavour::Stock, "@STOCK@"), (Flavour::Cloud, "@CLOUD@")] {
        let kernel = packages::kernel(flavour)?;
        let release = &kernel.release;
        menu = menu.replace(word, release);
        disk.file(&format!("boot/vmlinuz-{release}"), &kernel.vmlinuz())?;
        disk.bytes(
            &format!("boot/initrd-{release}"),
            guest::initrd(&root, &kernel, 0)?,
        )?;
    }
    disk.file("boot/grub-x86_64-xen.bin", &packages::grub_xen()?)?;
    disk.bytes("boot/grub/menu.lst", menu)?;
    disk.bytes("payload", "read from the guest's own disk\n")?;
    disk.write(&root, to)
}

fn keyboard() -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(read @ 1..) = stdin().read(&mut buffer) {
            let keys = buffer.get(..read).unwrap_or_default().to_vec();
            if send.send(keys).is_err() {
                return;
            }
        }
    });
    receive
}
