//! A menu that waits costs nothing.

use crate::support;
use anyhow::{Context, Result, ensure};
use harness::image::Table;
use harness::lab::{Lab, patience};
use regex_lite::Regex;

/// Ten hours of virtual time: without anything to do they pass in seconds. A
/// guest that woke up once a second, for 30 µs each, would show in them with
/// more than a second of processor time.
const HOURS: u32 = 10;

#[test]
fn a_waiting_menu_does_not_wake_up() -> Result<()> {
    let disk = support::disk(16, Table::Mbr, "title Waiting\nkernel /boot/missing\n")?;
    let image = support::image(&disk)?;
    let script = format!(
        "#!/bin/busybox sh\n\
         losetup /dev/loop0 /lab/disk\n\
         printf '%s\\n' 'name = \"menu\"' 'kernel = \"/lab/pv-grub\"' 'memory = 64' \
         \"disk = ['phy:/dev/loop0,xvda,w,script=block-lab']\" > /tmp/cfg\n\
         xl create /tmp/cfg || exit 1\n\
         sleep 60\n\
         echo \"BEFORE $(xl list menu | tail -n 1)\"\n\
         sleep {}\n\
         echo \"AFTER $(xl list menu | tail -n 1)\"\n\
         cat /var/log/xen/console/guest-menu.log\n",
        HOURS * 3600
    );
    let text = Lab::builder("a_waiting_menu_does_not_wake_up")
        .icount()
        .file("lab/pv-grub", &support::pv_grub()?)
        .file("lab/disk", image.path())
        .auto(&script, patience(240))?;
    ensure!(text.contains("Waiting"), "the menu was not shown:\n{text}");
    let seconds = |word: &str| -> Result<f64> {
        let regex = Regex::new(&format!("{word} .*\\s([0-9.]+)\\s"))?;
        let time = regex.captures(&text).and_then(|c| c.get(1));
        time.with_context(|| format!("no {word} in:\n{text}"))?
            .as_str()
            .parse()
            .context("time")
    };
    let (before, after) = (seconds("BEFORE")?, seconds("AFTER")?);
    ensure!(
        after - before < 0.15,
        "{HOURS} h of waiting took {} s of the processor",
        after - before
    );
    Ok(())
}
