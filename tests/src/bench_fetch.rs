//! The figures of fetching a file: PV-GRUB beside a Linux PV guest on the same
//! netback and the same servers, in runs in which instructions are counted (2 ns
//! of virtual time each). The file is the initrd of Debian's installer.
//! PV-GRUB reads it by `initrd`, into the pages that a kernel gets; Linux by
//! busybox' `tftp`, with PV-GRUB's block size, and `wget`, to nowhere.

use crate::bench;
use crate::guest;
use crate::lab::{Lab, patience};
use crate::network::{self, Network};
use crate::packages::{self, Flavour};
use crate::paths;
use anyhow::{Context, Result, anyhow};
use regex_lite::Regex;
use std::fs;

/// Bytes of a TFTP block: what PV-GRUB asks for on a card with an MTU of 1500.
pub const BLOCK: u32 = 1468;

/// Who fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {
    /// Debian's 6.1 with busybox.
    Linux,
    /// `target/dist/pv-grub-x86_64.gz`.
    PvGrub,
}

/// MiB/s, the work of dom0 on the same processor included.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// By TFTP.
    pub tftp: f64,
    /// By HTTP.
    pub http: f64,
}

/// The size of the file, in MiB.
pub fn mib() -> Result<f64> {
    let (_, initrd) = packages::text_installer()?;
    Ok(fs::metadata(initrd)?.len() as f64 / f64::from(1 << 20))
}

/// Each file is asked for between two marks.
const MENU: &str = "timeout 0\ntitle Fetch\n\
     kernel (nd)/report\nprint MARK 0\ninitrd (nd)/file\nprint MARK 1\n\
     kernel (nd)/report\nprint MARK 2\ninitrd (http,10.77.0.1)/file\nprint MARK 3\nhalt\n";

/// Measures one of them.
pub fn measure(guest: Guest) -> Result<Rates> {
    let (_, file) = packages::text_installer()?;
    let network = Network::new().file("file", &file);
    let (name, config) = match guest {
        Guest::Linux => (
            "bench-fetch-linux",
            format!(
                "kernel = \"/lab/vmlinuz\"\nramdisk = \"/lab/initrd\"\n\
                 extra = \"console=hvc0 loglevel=4 block={BLOCK}\""
            ),
        ),
        Guest::PvGrub => (
            "bench-fetch-pvgrub",
            "kernel = \"/lab/pv-grub\"\nextra = \"(nd)/menu.lst\"".to_owned(),
        ),
    };
    let lab = Lab::builder(name).icount();
    let lab = match guest {
        Guest::PvGrub => lab.file("lab/pv-grub", &bench::pv_grub()).network(
            network
                .bytes("menu.lst", MENU)
                .file("report", &paths::kernel("report")),
        ),
        Guest::Linux => {
            let kernel = packages::kernel(Flavour::Stock)?;
            let initrd = guest::fetch_initrd(&packages::root()?, &kernel)?;
            lab.file("lab/vmlinuz", &kernel.vmlinuz())
                .bytes("lab/initrd", initrd)
                .network(network)
        }
    };
    let said = lab.auto(&script(&config), patience(400))?;
    let between = |from: u32, to: u32| -> Result<f64> {
        Ok(mib()? * 1e9 / (mark(&said, to)? - mark(&said, from)?))
    };
    Ok(Rates {
        tftp: between(0, 1)?,
        http: between(2, 3)?,
    })
}

/// dom0's clock at the guest's mark, in nanoseconds.
fn mark(said: &str, number: u32) -> Result<f64> {
    let regex = Regex::new(&format!("AT MARK {number} ([0-9]+)"))?;
    let found = regex.captures(said).and_then(|c| c.get(1));
    let clock = found.ok_or_else(|| anyhow!("no mark {number} in:\n{said}"))?;
    clock.as_str().parse().context("clock")
}

/// The clock is read without starting a program: the guest goes on meanwhile.
fn script(config: &str) -> String {
    format!(
        "#!/bin/busybox sh\n{}\n\
         cat > /tmp/cfg <<'END'\nname = \"guest\"\nmemory = 512\n{config}\n\
         vif = ['mac=00:16:3e:77:00:01,bridge=xenbr0,script=vif-lab']\nEND\n\
         mkfifo /tmp/keys; exec 4<>/tmp/keys\n\
         xl create -c /tmp/cfg <&4 | while read -r line; do\n\
         case \"$line\" in *MARK\\ [0-9]*)\n\
         while read -r now at clock unit; do case $now in now) break;; esac; \
         done < /proc/timer_list\n\
         n=${{line##*MARK }}; echo \"AT MARK ${{n%%[!0-9]*}} $clock\"\n\
         esac\n\
         case \"$line\" in *MARK\\ 3*) break;; esac\n\
         done\n\
         cat /var/log/xen/console/guest-guest.log\n",
        network::START
    )
}
