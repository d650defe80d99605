//! The runtime on real Xen: what only shows there.

use crate::support;
use anyhow::{Context, Result, ensure};
use harness::image::Table;
use harness::lab::{Guest, Lab, Running, patience};
use harness::paths;
use std::path::PathBuf;

fn kernel(name: &str) -> Result<PathBuf> {
    let kernel = paths::kernel(name);
    ensure!(kernel.exists(), "{} is not built", kernel.display());
    Ok(kernel)
}

/// A lab with the kernel `hello` as `/lab/hello`.
fn lab(test: &str) -> Result<Lab> {
    Lab::builder(test)
        .file("lab/hello", &kernel("hello")?)
        .boot()
}

fn hello(name: &str) -> Guest {
    Guest::new(name, "/lab/hello")
}

/// Waits for a line with a number in it, and gives that.
fn number(running: &mut Running, before: &str, after: &str) -> Result<u64> {
    let pattern = format!("{before}\\d+{after}");
    let line = running.console.expect(&pattern, patience(30))?;
    let mut digits = line.split(|c: char| !c.is_ascii_digit());
    let last = digits.rfind(|digits| !digits.is_empty());
    Ok(last.context("no number")?.parse()?)
}

#[test]
fn a_trap_says_what_and_where() -> Result<()> {
    let mut lab = lab("a_trap_says_what_and_where")?;
    let mut running = lab.create(&hello("guest").extra("trap"))?;
    let console = &mut running.console;
    for line in [
        "minios: breakpoint \\(vector 3, error code 0x0\\)",
        "    in 0x[0-9a-f]+ hello::traps\\+0x",
        "     rip 0000000000[0-9a-f]{6}     rsp ",
        "    0x[0-9a-f]+ minios::boot::start\\+0x",
    ] {
        console.expect(line, patience(30))?;
    }
    let state = lab.wait_end("guest", patience(10))?;
    ensure!(state.contains('c'), "xl list shows {state}");
    Ok(())
}

#[test]
fn xl_reboot_starts_the_menu_again() -> Result<()> {
    let menu = "title Waiting for somebody\nkernel /boot/missing\n";
    let disk = support::disk(16, Table::Mbr, menu)?;
    let (mut lab, mut running) = support::start("xl_reboot_starts_the_menu_again", &disk)?;
    running
        .console
        .expect_highlighted("Waiting", patience(20))?;
    support::reboots(&mut lab, "guest")?;
    lab.sh("xl shutdown -w guest || true")?;
    Ok(())
}

/// Sizes that end inside a page table, and one beyond the first GiB.
#[test]
fn all_memory_is_used_whatever_its_size() -> Result<()> {
    let mut lab = lab("all_memory_is_used_whatever_its_size")?;
    for mib in [16, 64, 65, 127, 1229] {
        let name = format!("mib{mib}");
        let guest = hello(&name).memory(mib).extra("fill exit");
        let mut running = lab.create(&guest)?;
        let pages = u64::from(mib) * 256;
        let pattern = "filled \\d+ of \\d+ pages, left \\d+, good true, back \\d+";
        let line = running.console.expect(pattern, patience(60))?;
        let filled: u64 = line.split(' ').nth(1).context("a number")?.parse()?;
        ensure!(
            filled + pages / 100 + 8 * 256 > pages,
            "only {filled} of {pages} pages"
        );
        let state = lab.wait_end(&name, patience(20))?;
        ensure!(!state.contains('c'), "xl list shows {state}");
        lab.release(running)?;
    }
    Ok(())
}

/// From menu to menu to menu, and at the end a kernel that finds the domain as
/// the first one did.
#[test]
fn loaders_that_load_loaders_leave_nothing_behind() -> Result<()> {
    const ROUNDS: usize = 6;
    let entry = |next: &str| format!("timeout 0\ntitle Next\nroot (hd0,0)\nkernel {next}\n");
    let disk = support::disk(32, Table::Mbr, &entry("/boot/pv-grub (hd0,0)/boot/1"))?;
    for round in 1..ROUNDS {
        let next = format!("/boot/pv-grub (hd0,0)/boot/{}", round + 1);
        disk.bytes(&format!("boot/{round}"), entry(&next))?;
    }
    disk.bytes(
        &format!("boot/{ROUNDS}"),
        entry("/boot/chain fill") + "initrd /boot/hello\n",
    )?;
    disk.file("boot/pv-grub", &kernel("pv-grub")?)?;
    disk.file("boot/chain", &kernel("chain")?)?;
    disk.file("boot/hello", &kernel("hello")?)?;
    let image = support::image(&disk)?;
    let mut lab = Lab::builder("loaders_that_load_loaders_leave_nothing_behind")
        .file("lab/pv-grub", &support::pv_grub()?)
        .file("lab/hello", &kernel("hello")?)
        .file("lab/disk", image.path())
        .boot()?;
    let free = "hello from \\S+ domain \\d+, with ";
    let mut direct = lab.create(&hello("direct").memory(64).extra("fill"))?;
    let at_first = number(&mut direct, free, " free")?;
    lab.release(direct)?;
    let mut running = lab.create(&support::guest(Table::Mbr).memory(64))?;
    let at_last = number(&mut running, free, " free")?;
    // Its own start may be laid out otherwise, by a few tables.
    ensure!(
        at_last + 256 > at_first,
        "{at_last} pages are free, {at_first} for a first kernel"
    );
    running.console.expect(
        "filled \\d+ of \\d+ pages, left \\d+, good true",
        patience(30),
    )?;
    running.console.expect("SUCCESS", patience(10))?;
    lab.sh("xl shutdown guest")?;
    let state = lab.wait_end("guest", patience(10))?;
    ensure!(!state.contains('c'), "xl list shows {state}");
    Ok(())
}

/// Half a megabyte of lines while xenconsoled stands still.
#[test]
fn no_line_is_lost_while_nobody_reads() -> Result<()> {
    let mut lab = lab("no_line_is_lost_while_nobody_reads")?;
    let mut running = lab.create(&hello("guest"))?;
    running.console.expect("SUCCESS", patience(30))?;
    running.console.send("F")?;
    running.console.expect("flood 000", patience(20))?;
    lab.sh("kill -STOP $(cat /run/xenconsoled.pid); sleep 4")?;
    let used = lab.cpu_seconds("guest")?;
    lab.sh("sleep 4")?;
    let idle = lab.cpu_seconds("guest")? - used;
    lab.sh("kill -CONT $(cat /run/xenconsoled.pid)")?;
    ensure!(
        idle < 0.5,
        "a writer that waits used {idle} s of the processor"
    );
    lab.sh("log=/var/log/xen/console/guest-guest.log\n\
         n=0; until grep -q 'flood 09999' $log; do\n\
         sleep 0.2; n=$((n+1)); [ $n -lt 600 ] || { tail -n 3 $log; exit 1; }; done\n\
         grep -o 'flood [0-9]* =*' $log > /tmp/seen\n\
         awk 'BEGIN { for (n = 0; n < 10000; n++) \
         printf \"flood %05d ==============================\\n\", n }' > /tmp/said\n\
         cmp /tmp/seen /tmp/said")?;
    Ok(())
}

/// It lies behind what the domain builder maps; the page tables for it come
/// from the few pages before it.
#[test]
fn a_large_ramdisk_is_reached() -> Result<()> {
    let mut lab = lab("a_large_ramdisk_is_reached")?;
    lab.sh("truncate -s 200M /tmp/ramdisk")?;
    let guest = hello("guest").memory(400).ramdisk("/tmp/ramdisk");
    let mut running = lab.create(&guest.extra("fill exit"))?;
    let console = &mut running.console;
    console.expect("ramdisk Some\\(209715200\\) bytes", patience(60))?;
    let filled = "filled \\d+ of \\d+ pages, left \\d+, good true";
    console.expect(filled, patience(60))?;
    let state = lab.wait_end("guest", patience(20))?;
    ensure!(!state.contains('c'), "xl list shows {state}");
    Ok(())
}
