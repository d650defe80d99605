//! Commands that need a real disk, and the words of the configuration.

use crate::support;
use anyhow::{Result, ensure};
use harness::console::key;
use harness::image::Table;
use harness::lab::{Guest, patience};
use harness::packages::Flavour;
use harness::paths;

/// `secret`, by openssl passwd -6.
const HASH: &str =
    "$6$lab$U7tAWAwuXqp8cLACBQ35QTGF7uCjzzEs03e8FMoRiyZjDy8Zmzzuwa/SjTWQyNXGGhbJ0MiGct8p1pp/cO.GB0";
/// What grub-set-default of GRUB 0.97 writes, in short.
const DEFAULT: &str = "0\n#\n#\n#\n#\n#\n#\n";

/// The first boot saves the second entry as the default, while Linux gets
/// words that stand in the guest's configuration alone; the second boot
/// highlights that entry, which opens only to who knows the password.
#[test]
fn the_default_is_saved_and_the_menu_is_locked() -> Result<()> {
    let test = "the_default_is_saved_and_the_menu_is_locked";
    let menu = format!(
        "default saved\npassword --encrypted {HASH}\n{}title Second\nlock\nroot (hd0,0)\nkernel /report from the menu\n",
        support::entry("First", Table::Mbr, "").replacen("root", "savedefault 1\nroot", 1)
    );
    let disk = support::disk(64, Table::Mbr, &menu)?;
    disk.bytes("boot/grub/default", DEFAULT)?;
    disk.file("report", &paths::kernel("report"))?;
    support::install(&disk, &support::payload(Flavour::Cloud)?)?;
    let image = support::image(&disk)?;
    let mut lab = support::lab(test, image.path())?;
    let config = "root=/dev/nonsense timeout=0 (hd0,0)/boot/grub/menu.lst";
    let first =
        support::guest(Table::Mbr).extra(&format!("{config} -- quiet foo=bar lab.then=poweroff"));
    let mut first = lab.create(&first)?;
    let line = first.console.expect("LAB-CMDLINE [^\r\n]*", patience(60))?;
    ensure!(
        line.trim_end()
            .ends_with(" quiet foo=bar lab.then=poweroff"),
        "Linux was given: {line}"
    );
    // Linux mounts the file system: it took no harm.
    support::disk_is_right(&mut first)?;
    lab.wait_end("guest", patience(30))?;
    lab.release(first)?;
    let second = Guest::new("again", "/lab/pv-grub").disk("/lab/disk");
    let mut second = lab.create(&second.extra("-- and the host"))?;
    let console = &mut second.console;
    console.expect_highlighted("Second", patience(20))?;
    console.send(key::ENTER)?;
    console.expect("Error 32: ", patience(10))?;
    console.send(key::ENTER)?;
    console.expect_highlighted("Second", patience(10))?;
    console.send("p")?;
    console.expect("Password: ", patience(10))?;
    console.send("secret")?;
    console.send(key::ENTER)?;
    console.expect("opens a command line", patience(10))?;
    console.send(key::ENTER)?;
    console.expect(
        "REPORT arguments \\[\"from\", \"the\", \"menu\", \"and\", \"the\", \"host\"\\]",
        patience(20),
    )?;
    Ok(())
}
