//! `cargo xtask demo hvm`: a PC boots in the stub domain's care, its screen on
//! a VNC port of this machine, its serial port in this terminal.

use crate::{build, demo, need};
use anyhow::{Context, Result};
use harness::guest;
use harness::hvm::{self, DeviceModel, Hvm};
use harness::lab::Lab;
use harness::media::Cd;
use harness::packages::{self, Flavour};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// The VNC display in dom0.
const DISPLAY: u16 = 1;

/// GRUB asks on screen and serial port, Linux speaks on both, and its shell is
/// on the serial port.
const MENU: &str = "\
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=10
menuentry 'Debian 12' {
linux /boot/vmlinuz console=tty0 console=ttyS0,115200 lab.then=shell
initrd /boot/initrd
}
menuentry 'memtest86+' {
linux /memtest
}
menuentry 'Reset' {
reboot
}
menuentry 'Power off' {
halt
}
";

/// Set-up, build, boot, screen.
pub fn run() -> Result<()> {
    need::all()?;
    let model = DeviceModel::chosen();
    if model == DeviceModel::Stub {
        build::stub()?;
    }
    println!("demo: making the guest's CD");
    let cd = tempfile::NamedTempFile::new()?;
    disc()?.write(cd.path())?;
    println!("demo: booting Xen 4.17 and its dom0 in QEMU (about 10 s)");
    let mut lab = hvm::lab("demo-hvm")?.file("lab/cd.iso", cd.path()).boot()?;
    let guest = Hvm::new("demo").cd("/lab/cd.iso").vnc(DISPLAY);
    let listener = listen()?;
    println!(
        "demo: xl create with {}",
        match model {
            DeviceModel::Stub => "stubdomain_kernel = \"ioemu-stubdom.gz\"",
            DeviceModel::Qemu => "Debian's QEMU as device model",
        }
    );
    let mut running = lab.create_hvm(&guest)?;
    println!(
        "demo: the screen is at VNC {}; this is the guest's serial port. To leave: Ctrl-]\n",
        listener.local_addr()?
    );
    let busy = Arc::new(AtomicBool::new(false));
    demo::attend(&mut running.console, || viewer(&listener, &mut lab, &busy))?;
    println!("\ndemo: over; logs in {}", lab.dir().display());
    Ok(())
}

fn disc() -> Result<Cd> {
    let kernel = packages::kernel(Flavour::Stock)?;
    let cd = Cd::new(MENU)?;
    cd.file("boot/vmlinuz", &kernel.vmlinuz())?;
    cd.bytes(
        "boot/initrd",
        guest::pc_initrd(&packages::root()?, &kernel)?,
    )?;
    cd.file("memtest", &packages::memtest()?)?;
    Ok(cd)
}

/// The first VNC port of this machine's loopback that nobody has.
fn listen() -> Result<TcpListener> {
    let ports = 5900 + DISPLAY..6000;
    let mut free = ports.filter_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    let listener = free.next().context("no VNC port is free")?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Connects a viewer that has come, one at a time, to dom0's VNC server.
fn viewer(listener: &TcpListener, lab: &mut Lab, busy: &Arc<AtomicBool>) -> Result<()> {
    let viewer = match listener.accept() {
        Ok((viewer, _)) => viewer,
        Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
        Err(e) => return Err(e.into()),
    };
    if busy.swap(true, Ordering::SeqCst) {
        // Dropped: the screen has a viewer already.
        return Ok(());
    }
    viewer.set_nonblocking(false)?;
    let server = lab.tunnel(DISPLAY)?;
    let (from, to) = (viewer.try_clone()?, server.try_clone()?);
    thread::spawn(move || pass(from, to));
    let busy = busy.clone();
    thread::spawn(move || {
        back(server, viewer);
        busy.store(false, Ordering::SeqCst);
    });
    Ok(())
}

fn pass(mut from: TcpStream, mut to: UnixStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}

fn back(mut from: UnixStream, mut to: TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Both);
}
