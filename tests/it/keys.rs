//! The menu, driven by a keyboard.

use crate::support::{self, GRUB2_IS_UP};
use anyhow::{Result, ensure};
use harness::console::key;
use harness::image::{Disk, Table};
use harness::lab::patience;
use harness::packages::{self, Flavour};

/// GRUB 2 is a small payload that says so when it starts.
fn with_grub2(menu: &str) -> Result<Disk> {
    let disk = support::disk(32, Table::Mbr, menu)?;
    disk.file("boot/grub.bin", &packages::grub_xen()?)?;
    Ok(disk)
}

#[test]
fn the_second_entry_is_chosen() -> Result<()> {
    let disk = with_grub2(
        "default 0\ntitle First\nroot (hd0,0)\nkernel /boot/missing\n\
         title Second\nroot (hd0,0)\nkernel /boot/grub.bin\n\
         title Third\nroot (hd0,0)\nkernel /boot/missing\n",
    )?;
    let (_lab, mut running) = support::start("the_second_entry_is_chosen", &disk)?;
    let console = &mut running.console;
    console.expect_highlighted("First", patience(20))?;
    console.send(key::DOWN)?;
    console.expect_highlighted("Second", patience(10))?;
    console.send(key::DOWN)?;
    console.expect_highlighted("Third", patience(10))?;
    console.send(key::UP)?;
    console.expect_highlighted("Second", patience(10))?;
    console.send(key::ENTER)?;
    console.expect(GRUB2_IS_UP, patience(30))?;
    Ok(())
}

#[test]
fn an_edited_line_is_booted() -> Result<()> {
    let disk = support::disk(64, Table::Mbr, &support::entry("Debian", Table::Mbr, ""))?;
    support::install(&disk, &support::payload(Flavour::Cloud)?)?;
    let (_lab, mut running) = support::start("an_edited_line_is_booted", &disk)?;
    let console = &mut running.console;
    console.expect_highlighted("Debian", patience(20))?;
    console.send("e")?;
    console.expect_highlighted("root", patience(10))?;
    console.send(key::DOWN)?;
    console.expect_highlighted("kernel", patience(10))?;
    console.send("e")?;
    console.expect("edit> ", patience(10))?;
    // To the end of the line, and one more word.
    console.send("\x05 lab.edited=by-hand")?;
    console.send(key::ENTER)?;
    console.expect_highlighted("kernel", patience(10))?;
    console.send("b")?;
    let line = console.expect("LAB-CMDLINE [^\r\n]*", patience(60))?;
    ensure!(
        line.contains("lab.edited=by-hand"),
        "Linux was given: {line}"
    );
    support::disk_is_right(&mut running)
}

#[test]
fn a_broken_first_entry_falls_back() -> Result<()> {
    let disk = with_grub2(
        "default 0\nfallback 1\ntimeout 1\n\
         title Broken\nroot (hd0,0)\nkernel /boot/missing\n\
         title Whole\nroot (hd0,0)\nkernel /boot/grub.bin\n",
    )?;
    let (_lab, mut running) = support::start("a_broken_first_entry_falls_back", &disk)?;
    running
        .console
        .expect("Error 15: [^\r\n]*/boot/missing", patience(30))?;
    running.console.expect(GRUB2_IS_UP, patience(30))?;
    Ok(())
}

#[test]
fn a_kernel_is_booted_from_the_command_line() -> Result<()> {
    let disk = with_grub2("title None\nkernel /boot/missing\n")?;
    let (_lab, mut running) = support::start("a_kernel_is_booted_from_the_command_line", &disk)?;
    let console = &mut running.console;
    console.expect_highlighted("None", patience(20))?;
    console.send("c")?;
    console.expect("grubdom> ", patience(10))?;
    console.send("kernel (hd0,0)/boot/grub.bin\r")?;
    console.expect("grubdom> ", patience(20))?;
    console.send("boot\r")?;
    console.expect(GRUB2_IS_UP, patience(30))?;
    Ok(())
}
