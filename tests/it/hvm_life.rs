//! The life of HVM guests: what `xl` does to them, how they end by themselves,
//! and that nothing stays behind.

use crate::hvm_support::{another_domain, grub_cd, program, quick_cd};
use anyhow::{Result, ensure};
use harness::bootsector::BootSector;
use harness::hvm::{self, DeviceModel, Hvm};
use harness::lab::{Lab, patience};

const RESTARTED: &str = "on_reboot = \"restart\"";

#[test]
fn hvm_xl_pauses_lists_reboots_and_shuts_down() -> Result<()> {
    let cd = quick_cd("")?;
    let mut lab = hvm::lab("hvm_xl_pauses_lists_reboots_and_shuts_down")?
        .file("lab/cd.iso", cd.path())
        .boot()?;
    let mut guest = lab.create_hvm(&Hvm::new("life").cd("/lab/cd.iso").line(RESTARTED))?;
    // In the middle of SeaBIOS' and GRUB's work: neither notices.
    for _ in 0..3 {
        lab.sh("xl pause life && xl list life | grep -q -- --p && xl unpause life")?;
    }
    let list = lab.sh("xl list -l life")?;
    ensure!(
        list.contains("\"domid\": ") && list.contains("\"type\": \"hvm\""),
        "{list}"
    );
    guest.console.expect("LAB-DONE", patience(120))?;
    lab.sh("xl pause life && sleep 1 && xl unpause life")?;
    let before = lab.sh("xl domid life")?;
    lab.sh("xl reboot life")?;
    guest.console.expect("LAB-ASKED-TO-END", patience(30))?;
    another_domain(&mut lab, "life", &before)?;
    // The console of the domain that is gone closed with it.
    guest
        .console
        .expect(&regex_lite::escape(harness::lab::CLOSED), patience(10))?;
    let mut guest = lab.hold_serial("life", DeviceModel::chosen())?;
    guest.console.expect("LAB-DONE", patience(120))?;
    lab.sh("xl shutdown life")?;
    guest.console.expect("LAB-ASKED-TO-END", patience(30))?;
    lab.wait_end("life", patience(30))?;
    nothing_is_left(&mut lab)
}

#[test]
fn hvm_power_button_is_pressed() -> Result<()> {
    // Without PV drivers, so that xl has no other way.
    let cd = grub_cd("xen_nopv lab.then=button")?;
    let mut lab = hvm::lab("hvm_power_button_is_pressed")?
        .file("lab/cd.iso", cd.path())
        .boot()?;
    let mut guest = lab.create_hvm(&Hvm::new("button").cd("/lab/cd.iso"))?;
    guest.console.expect("LAB-BUTTON event", patience(120))?;
    lab.sh("sleep 1; xl trigger button power")?;
    guest.console.expect("LAB-PRESSED", patience(30))?;
    lab.wait_end("button", patience(30))?;
    nothing_is_left(&mut lab)
}

/// Starts a guest whose boot sector does one thing, and waits for its end.
fn ends(lab: &mut Lab, name: &str, then: BootSector, state: &str) -> Result<()> {
    let disk = program(then)?;
    let sector = std::fs::read(disk.path())?;
    // The disks of all guests are one file, its first sector replaced.
    let octal: String = sector[..512]
        .iter()
        .map(|b| format!("\\0{b:03o}"))
        .collect();
    lab.sh(&format!(
        "printf '%b' '{octal}' | dd of=/dev/loop0 conv=notrunc 2>/dev/null; sync"
    ))?;
    let guest = Hvm::new(name).memory(32).disk("/dev/loop0");
    let kept = "on_poweroff = \"preserve\"\non_reboot = \"preserve\"\non_crash = \"preserve\"";
    let mut guest = lab.create_hvm(&guest.line(kept))?;
    guest.console.expect("started", patience(60))?;
    lab.wait_end(name, patience(30))?;
    // libxl's words for why it ended.
    let log = lab.sh(&format!("sleep 1; cat /var/log/xen/xl-{name}.log"))?;
    ensure!(
        log.contains(&format!("shut down, reason code {state}")),
        "{name}: not {state}, but {log}"
    );
    lab.release(guest)
}

#[test]
fn hvm_guests_end_by_themselves_in_every_way() -> Result<()> {
    let disk = program(BootSector::new())?;
    let mut lab = hvm::lab("hvm_guests_end_by_themselves_in_every_way")?
        .file("lab/disk", disk.path())
        .boot()?;
    lab.sh("losetup /dev/loop0 /lab/disk")?;
    let begin = || BootSector::new().print("started\r\n");
    // SHUTDOWN_poweroff is 0, SHUTDOWN_reboot 1 (Xen's sched.h). Ports: PIIX3
    // reset control, keyboard controller, port 92, ACPI's PM1a control.
    ends(&mut lab, "cf9", begin().out8(0xcf9, 0x06), "1")?;
    ends(&mut lab, "kbc", begin().out8(0x64, 0xfe), "1")?;
    ends(&mut lab, "port92", begin().out8(0x92, 0x01), "1")?;
    ends(&mut lab, "triple", begin().triple_fault(), "1")?;
    ends(&mut lab, "s5", begin().out16(0xb004, 0x2000), "0")?;
    nothing_is_left(&mut lab)
}

#[test]
fn hvm_two_guests_run_at_once() -> Result<()> {
    let cd = quick_cd("")?;
    let mut lab = hvm::lab("hvm_two_guests_run_at_once")?
        .file("lab/one.iso", cd.path())
        .file("lab/two.iso", cd.path())
        .boot()?;
    let mut one = lab.create_hvm(&Hvm::new("one").cd("/lab/one.iso"))?;
    let mut two = lab.create_hvm(&Hvm::new("two").cd("/lab/two.iso"))?;
    one.console.expect("LAB-DONE", patience(180))?;
    two.console.expect("LAB-DONE", patience(180))?;
    // The end of one is nothing to the other.
    lab.sh("xl destroy one")?;
    lab.sh("sleep 1; xl shutdown two")?;
    two.console.expect("LAB-ASKED-TO-END", patience(30))?;
    lab.wait_end("two", patience(30))?;
    nothing_is_left(&mut lab)
}

/// No domain but dom0, nothing of a guest in xenstore, no process that served
/// one.
fn nothing_is_left(lab: &mut Lab) -> Result<()> {
    // The last of it is removed after xl's domain is gone.
    let left = lab.sh("n=0; while [ $n -lt 100 ]; do\n\
         left=$(xl list | tail -n +3; xenstore-ls /local/domain | grep -E '^[1-9]'; \
         xenstore-list /vm | grep -v 00000000-0000-0000-0000-000000000000; \
         ps | grep -E '[x]en-qemu-system|[v]chan-socket|[x]l create'; \
         ls /var/lib/xen /run/xen | grep -E 'qemu|qmp')\n\
         [ -z \"$left\" ] && exit 0; sleep 0.2; n=$((n+1)); done; echo \"$left\"")?;
    ensure!(left.is_empty(), "left behind:\n{left}");
    Ok(())
}

/// Cycles of the test below: those that `XEN_LAB_CYCLES` says, which takes
/// some seconds each.
fn cycles() -> u32 {
    let said = std::env::var("XEN_LAB_CYCLES");
    said.ok().and_then(|n| n.parse().ok()).unwrap_or(25)
}

#[test]
fn hvm_many_guests_leave_nothing_behind() -> Result<()> {
    let disk = program(BootSector::new())?;
    let mut lab = hvm::lab("hvm_many_guests_leave_nothing_behind")?
        .file("lab/disk", disk.path())
        .boot()?;
    let guest = Hvm::new("one").memory(48).disk("/dev/loop0");
    lab.sh(&format!(
        "losetup /dev/loop0 /lab/disk\ncat > /tmp/cfg <<'END'\n{}END",
        guest.config()?
    ))?;
    // The first ones fill what is filled once.
    let cycle = "xl create -q /tmp/cfg && xl destroy one || exit 1";
    let script = |n: u32| format!("n=0; while [ $n -lt {n} ]; do {cycle}; n=$((n+1)); done");
    let out = lab.run_for(&script(3), patience(60))?;
    ensure!(out.status == 0, "{}", out.text);
    nothing_is_left(&mut lab)?;
    let before = Counts::of(&mut lab)?;
    let out = lab.run_for(&script(cycles()), patience(300))?;
    ensure!(out.status == 0, "{}", out.text);
    nothing_is_left(&mut lab)?;
    let after = Counts::of(&mut lab)?;
    ensure!(after.no_more_than(&before), "{before:?} became {after:?}");
    Ok(())
}

/// What could leak where nobody looks.
#[derive(Debug)]
struct Counts {
    /// Event channels of dom0.
    ports: u64,
    /// Nodes of xenstore.
    nodes: u64,
    /// Free memory of Xen, in MiB.
    free: u64,
    /// Open files of xenstored and xenconsoled.
    files: u64,
}

impl Counts {
    fn of(lab: &mut Lab) -> Result<Counts> {
        let mut number = |script: &str| -> Result<u64> { Ok(lab.sh(script)?.trim().parse()?) };
        Ok(Counts {
            ports: number("lsevtchn 0 | wc -l")?,
            nodes: number("xenstore-ls / | wc -l")?,
            free: number("xl info | awk '/^free_memory/ {print $3}'")?,
            files: number(
                "ls /proc/$(cat /run/xenstored.pid)/fd /proc/$(cat /run/xenconsoled.pid)/fd | wc -l",
            )?,
        })
    }

    /// A MiB is rounding; a page for each guest would be less, but guests of which
    /// each left its page tables would be more.
    fn no_more_than(&self, before: &Counts) -> bool {
        self.ports <= before.ports
            && self.nodes <= before.nodes
            && self.files <= before.files
            && self.free + 1 >= before.free
    }
}
