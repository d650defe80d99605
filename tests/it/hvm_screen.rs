//! The screen and the keyboard of HVM guests, as somebody with a VNC client
//! has them.

use crate::hvm_support::written;
use anyhow::Result;
use harness::hvm::{self, Hvm};
use harness::lab::patience;
use harness::media::Cd;
use harness::packages;
use harness::picture::Font;
use harness::vnc::Vnc;

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
    let mut reads = |vnc: &mut Vnc, wanted: &str| {
        vnc.until(wanted, patience(60), |screen| {
            let _ = screen.write(&shot);
            screen.text(&font).lines().any(|line| line.contains(wanted))
        })
    };
    reads(&mut vnc, "GNU GRUB  version 2.06")?;
    // An empty menu; c asks for the prompt.
    vnc.enter("c")?;
    reads(&mut vnc, "grub>")?;
    // Letters, digits, shifted ones; seen on the screen, and once again on the
    // serial port.
    vnc.enter("echo The-Quick_(Fox) 42\n")?;
    vnc.until("what was typed", patience(60), |screen| {
        let _ = screen.write(&shot);
        let text = screen.text(&font);
        text.lines().any(|line| line == "The-Quick_(Fox) 42")
    })?;
    vnc.enter("serial --unit=0\nterminal_output serial\necho over the wire\n")?;
    guest.console.expect("over the wire", patience(30))?;
    vnc.enter("halt\n")?;
    lab.wait_end("rescue", patience(30))?;
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
