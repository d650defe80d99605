//! The screen and the keyboard of HVM guests, as somebody with a VNC client
//! has them.

use crate::hvm_support::written;
use anyhow::Result;
use harness::hvm::{self, Hvm};
use harness::lab::patience;
use harness::media::Cd;
use harness::packages;
use harness::picture::Font;
use harness::vnc::{Vnc, keysym};
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
    let (kernel, initrd) = packages::installer()?;
    let cd = Cd::new(
        "set timeout=0\nset gfxpayload=800x600x16\ninsmod vbe\nmenuentry Installer {\n\
         linux /linux vga=788 --- quiet\ninitrd /initrd.gz\n}\n",
    )?;
    cd.file("linux", &kernel)?;
    cd.file("initrd.gz", &initrd)?;
    let cd = written(&cd)?;
    let mut lab = hvm::lab("hvm_debian_installer_shows_its_graphical_screen")?
        .memory(6144, 2048)
        .file("lab/cd.iso", cd.path())
        .boot()?;
    let guest = Hvm::new("installer").memory(768).cd("/lab/cd.iso").vnc(1);
    let _guest = lab.create_hvm(&guest)?;
    let mut vnc = lab.vnc(1)?;
    let shot = lab.dir().join("screen.png");
    let result = vnc.until("the installer's first question", patience(180), |screen| {
        let _ = screen.write(&shot);
        (screen.width, screen.height) == (800, 600) && screen.share([255; 3], 8) > 0.4
    });
    result?;
    Ok(())
}
