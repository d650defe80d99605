//! minios on real Xen, by the small unikernels of tests/kernels.

use crate::support;
use anyhow::{Result, ensure};
use harness::image::Table;
use harness::lab::{Builder, Guest, Lab, patience};
use harness::paths;

/// A lab with one of the kernels in it.
fn lab(test: &str, kernel: &str) -> Result<Builder> {
    let path = paths::kernel(kernel);
    ensure!(
        path.exists(),
        "{} is not built: cargo xtask lab run",
        path.display()
    );
    Ok(Lab::builder(test).file("lab/kernel", &path))
}

fn guest() -> Guest {
    Guest::new("guest", "/lab/kernel")
}

#[test]
fn a_kernel_sees_its_domain_and_its_console() -> Result<()> {
    let mut lab = lab("a_kernel_sees_its_domain_and_its_console", "report")?
        .bytes("lab/ramdisk", [7; 5000])
        .boot()?;
    let guest = guest()
        .memory(64)
        .ramdisk("/lab/ramdisk")
        .extra("one 'two three' loglevel=debug");
    let mut running = lab.create(&guest)?;
    let console = &mut running.console;
    console.expect(
        "REPORT arguments \\[\"one\", \"two three\"\\]",
        patience(20),
    )?;
    console.expect("REPORT pages 16384", patience(10))?;
    console.expect("REPORT ramdisk (5000|8192) bytes", patience(10))?;
    console.expect("REPORT name guest", patience(10))?;
    console.expect("REPORT slept well", patience(10))?;
    console.send("aZ\x1b")?;
    for key in ["0x61", "0x5a", "0x1b"] {
        console.expect(&format!("REPORT key {key}"), patience(10))?;
    }
    lab.sh("xl shutdown guest")?;
    support::powers_off(&mut lab, "guest")
}

#[test]
fn a_kernel_is_started_by_pv_grub() -> Result<()> {
    let kernel = paths::kernel("report");
    let menu = "timeout 0\ntitle Report\nroot (hd0,0)\nkernel /report one two\n";
    let disk = support::disk(16, Table::Mbr, menu)?;
    disk.file("report", &kernel)?;
    let (_lab, mut running) = support::start("a_kernel_is_started_by_pv_grub", &disk)?;
    running
        .console
        .expect("REPORT arguments \\[\"one\", \"two\"\\]", patience(20))?;
    running.console.expect("REPORT done", patience(20))?;
    Ok(())
}

#[test]
fn reboot_starts_it_again() -> Result<()> {
    let mut lab = lab("reboot_starts_it_again", "report")?.boot()?;
    let mut running = lab.create(&guest())?;
    running.console.expect("REPORT done", patience(20))?;
    support::reboots(&mut lab, "guest")
}

#[test]
fn a_flooded_console_loses_nothing() -> Result<()> {
    let mut lab = lab("a_flooded_console_loses_nothing", "flood")?.boot()?;
    let mut running = lab.create(&guest())?;
    running.console.expect("FLOOD done", patience(60))?;
    lab.wait_end("guest", patience(20))?;
    let text = running.console.text();
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("FLOOD 00"));
    let mut count = 0;
    for line in lines {
        let expected = format!("{count:04} {}", ".".repeat(47));
        ensure!(line == expected, "line {count} is {line}");
        count += 1;
    }
    ensure!(count == 8192, "{count} of 8192 lines came");
    // xenconsoled's own log has them all, too.
    let log = "/var/log/xen/console/guest-guest.log";
    let count = lab.sh(&format!(
        "grep -c '^FLOOD [0-9]\\{{6\\}} \\.\\{{47\\}}' {log}"
    ))?;
    ensure!(count.trim() == "8192", "{count} of 8192 lines were logged");
    Ok(())
}

/// Crashes by `key`; the console must explain it with these words.
fn crash(test: &str, key: &str, words: &[&str]) -> Result<()> {
    let mut lab = lab(test, "crash")?.boot()?;
    let mut running = lab.create(&guest())?;
    running.console.expect("CRASH p: ", patience(20))?;
    running.console.send(key)?;
    for word in words {
        running.console.expect(word, patience(20))?;
    }
    let state = lab.wait_end("guest", patience(20))?;
    ensure!(state.contains('c'), "xl list shows {state}");
    Ok(())
}

#[test]
fn a_panic_is_reported() -> Result<()> {
    let words = [
        "crash/src/main.rs:\\d+",
        "asked to, with number 7",
        "by_panic",
    ];
    crash("a_panic_is_reported", "p", &words)
}

/// Xen delivers a trap on the stack that is in use, so nothing of the guest's
/// can run when that is full: the guard page makes it Xen's report instead of
/// silent damage.
#[test]
fn a_stack_overflow_is_a_crash() -> Result<()> {
    let mut lab = lab("a_stack_overflow_is_a_crash", "crash")?.boot()?;
    let mut running = lab.create(&guest())?;
    running.console.expect("CRASH p: ", patience(20))?;
    running.console.send("s")?;
    lab.dom0()
        .expect("Domain \\d+ \\(vcpu#0\\) crashed", patience(20))?;
    lab.dom0().expect("RIP: +e033:", patience(10))?;
    let state = lab.wait_end("guest", patience(20))?;
    ensure!(state.contains('c'), "xl list shows {state}");
    Ok(())
}

#[test]
fn a_vchan_carries_every_byte_both_ways() -> Result<()> {
    // A program that we did not write is the server; it is there with all that
    // HVM guests need.
    let mut lab = lab("a_vchan_carries_every_byte_both_ways", "vchan")?
        .hvm()
        .boot()?;
    let path = "/local/domain/0/data/lab-vchan";
    let mut running = lab.create(&guest().extra(path))?;
    // Nobody is there yet, and what is not there may not be read either.
    running
        .console
        .expect("VCHAN vchan: xenstore: EACCES", patience(20))?;
    lab.sh(&format!(
        "head -c 300000 /dev/urandom > /tmp/sent\n\
         (cat /tmp/sent; while [ ! -e /tmp/enough ]; do sleep 0.2; done) |\n\
         vchan-socket-proxy --mode=server $(xl domid guest) {path} - > /tmp/back &"
    ))?;
    running.console.expect("VCHAN connected", patience(20))?;
    lab.sh("n=0; while [ $n -lt 200 ]; do\n\
         cmp -s /tmp/sent /tmp/back && touch /tmp/enough && exit 0\n\
         sleep 0.2; n=$((n+1)); done; ls -l /tmp/sent /tmp/back; exit 1")?;
    running
        .console
        .expect("VCHAN 300000 bytes, then .*", patience(20))?;
    support::powers_off(&mut lab, "guest")
}
