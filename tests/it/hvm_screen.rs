//! The screen and the keyboard of HVM guests, as somebody with a VNC client
//! has them.

use crate::support;
use anyhow::Result;
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
fn hvm_debian_installer_shows_its_screen() -> Result<()> {
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
    let mut lab = hvm::lab("hvm_debian_installer_shows_its_screen")?
        .file("lab/disk", image.path())
        .boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk")?;
    // With less memory the installer stays with its text screen.
    let guest = Hvm::new("installer").memory(1200);
    let _guest = lab.create_hvm(&guest.disk("/dev/loop0").vnc(1))?;
    let mut vnc = lab.vnc(1)?;
    let shot = lab.dir().join("screen.png");
    vnc.until("the installer's banner", patience(400), |screen| {
        let _ = screen.write(&shot);
        is_the_installer(screen)
    })?;
    // Its pointer stands in the middle until somebody moves the mouse.
    for x in [300, 200, 100] {
        vnc.point(x, 500, 0)?;
        sleep(patience(1) / 4);
    }
    vnc.until("the pointer elsewhere", patience(60), |screen| {
        let _ = screen.write(&shot);
        !has_pointer_in_the_middle(screen)
    })?;
    Ok(())
}

/// Debian 12's banner over the light grey of GTK, and the pointer of the X server.
fn is_the_installer(screen: &Picture) -> bool {
    (screen.width, screen.height) == (800, 600)
        && screen.share([239, 235, 231], 4) > 0.5
        && screen.share([0, 77, 93], 12) > 0.02
        && has_pointer_in_the_middle(screen)
}

/// The arrow is black with a white edge.
fn has_pointer_in_the_middle(screen: &Picture) -> bool {
    let middle = (300..316).flat_map(|y| (400..410).map(move |x| y * 800 + x));
    let black = middle.filter(|&n| screen.pixels.get(n) == Some(&[0; 3]));
    black.count() > 10
}
