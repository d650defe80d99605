//! The screen and the keyboard of HVM guests, as somebody with a VNC client
//! has them.

use crate::support;
use anyhow::{Context, Result};
use harness::hvm::{self, Hvm};
use harness::image::{Disk, Table};
use harness::lab::patience;
use harness::picture::{Font, Picture};
use harness::vnc::{Vnc, keysym};
use harness::{installer, media, packages};
use std::thread::sleep;

#[test]
fn hvm_grub_rescue_cd_takes_commands_from_the_keyboard() -> Result<()> {
    let test = "hvm_grub_rescue_cd_takes_commands_from_the_keyboard";
    let mut lab = hvm::lab(test)?
        .file("lab/cd.iso", &packages::grub_rescue_cd()?)
        .boot()?;
    let guest = Hvm::new("rescue").memory(64).cd("/lab/cd.iso").vnc(1);
    let mut guest = lab.create_hvm(&guest)?;
    let font = Font::vga()?;
    let mut vnc = lab.vnc(1)?;
    let shot = lab.dir().join("screen.png");
    let reads = |vnc: &mut Vnc, wanted: &str| {
        vnc.until(wanted, patience(60), |screen| {
            let _ = screen.write(&shot);
            screen.text(&font).lines().any(|line| line.contains(wanted))
        })
    };
    reads(&mut vnc, "GNU GRUB  version 2.06")?;
    // An empty menu; c asks for the prompt.
    vnc.enter("c")?;
    reads(&mut vnc, "grub>")?;
    // Letters, digits, shifted ones; seen on the screen, and on the serial port.
    let mut line = "grub> ".to_owned();
    for c in "echo The-Quick_(Fox) 42".chars() {
        // A keyboard holds few keys, and this PC is slow: one after another.
        vnc.enter(c.encode_utf8(&mut [0; 4]))?;
        line.push(c);
        if c != ' ' {
            reads(&mut vnc, &line)?;
        }
    }
    vnc.press(keysym::RETURN)?;
    reads(&mut vnc, "The-Quick_(Fox) 42")?;
    for command in [
        "serial",
        "terminal_output --append serial",
        "echo over the wire",
    ] {
        for c in command.chars() {
            vnc.enter(c.encode_utf8(&mut [0; 4]))?;
            sleep(patience(1) / 4);
        }
        vnc.press(keysym::RETURN)?;
        sleep(patience(1) / 2);
    }
    guest.console.expect("over the wire", patience(30))?;
    Ok(())
}

#[test]
fn hvm_debian_installer_shows_its_graphical_screen() -> Result<()> {
    let (kernel, initrd) = installer::installer()?;
    let disk = Disk::new(80, Table::Mbr)?;
    disk.bytes(
        "boot/grub/grub.cfg",
        "set timeout=0\nset gfxpayload=800x600x16\nmenuentry Installer {\n\
         linux /linux --- quiet\ninitrd /initrd.gz\n}\n",
    )?;
    disk.file("linux", &kernel)?;
    disk.bytes("initrd.gz", initrd)?;
    let image = support::image(&disk)?;
    media::install_grub(image.path())?;
    let mut lab = hvm::lab("hvm_debian_installer_shows_its_graphical_screen")?
        .file("lab/disk", image.path())
        .boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk")?;
    let guest = Hvm::new("installer").memory(512).disk("/dev/loop0").vnc(1);
    let _guest = lab.create_hvm(&guest)?;
    let mut vnc = lab.vnc(1)?;
    let shot = lab.dir().join("screen.png");
    let mut nearest = 255.0;
    vnc.until("the installer's first question", patience(240), |screen| {
        let _ = screen.write(&shot);
        if (screen.width, screen.height) != (800, 600) {
            return false;
        }
        let seen = screen.patches(COLUMNS, ROWS);
        nearest = seen.difference(&expected()).min(nearest);
        nearest < 6.0
    })
    .with_context(|| format!("the nearest picture was {nearest:.1} off"))?;
    Ok(())
}

/// The expected picture from far away: 40 by 30 patches.
const COLUMNS: usize = 40;
const ROWS: usize = 30;

/// The installer's first question as Debian's QEMU shows it: red, green and
/// blue of each patch.
fn expected() -> Picture {
    let bytes = include_bytes!("installer.patches");
    let mut picture = Picture::new(COLUMNS, ROWS);
    for (pixel, patch) in picture.pixels.iter_mut().zip(bytes.as_chunks::<3>().0) {
        *pixel = *patch;
    }
    picture
}
