//! The figures of network cards: our unikernel beside a Linux PV guest on the
//! same netback, in runs in which instructions are counted (2 ns of virtual
//! time each). Both fetch a file from dom0 by HTTP and send as much back over
//! TCP; Linux with busybox' wget and nc.

use crate::guest;
use crate::lab::{Lab, patience};
use crate::network::{self, Network};
use crate::packages::{self, Flavour};
use crate::paths;
use anyhow::{Context, Result, anyhow};
use regex_lite::Regex;
use std::fs;

/// What is carried, each way.
const MIB: u32 = 192;

/// Virtual nanoseconds of an instruction.
const INSTRUCTION: f64 = 2.0;

/// Idle seconds behind each mark.
const PAUSE: f64 = 3.0;

/// Whose card it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guest {
    /// Debian's 6.1 with xen-netfront.
    Linux,
    /// tests/kernels/nic.
    Ours,
}

/// One direction.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// Instructions of the guest for each byte.
    pub instructions: f64,
    /// MiB/s, the work of dom0 on the same processor included.
    pub rate: f64,
}

/// Both directions.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// The guest receives.
    pub received: Way,
    /// The guest sends.
    pub sent: Way,
}

/// Measures one of them.
pub fn measure(guest: Guest) -> Result<Figures> {
    let (name, config) = match guest {
        Guest::Linux => (
            "bench-net-linux",
            format!(
                "kernel = \"/lab/vmlinuz\"\nramdisk = \"/lab/initrd\"\n\
                 extra = \"console=hvc0 loglevel=4 bench={MIB}\""
            ),
        ),
        Guest::Ours => (
            "bench-net-ours",
            format!("kernel = \"/lab/nic\"\nextra = \"bench={MIB}\""),
        ),
    };
    let lab = Lab::builder(name).icount().network(Network::new());
    let initrd = tempfile::NamedTempFile::new()?;
    let lab = match guest {
        Guest::Ours => lab.file("lab/nic", &paths::kernel("nic")),
        Guest::Linux => {
            let kernel = packages::kernel(Flavour::Stock)?;
            let content = guest::network_initrd(&packages::root()?, &kernel)?;
            fs::write(initrd.path(), content)?;
            lab.file("lab/vmlinuz", &kernel.vmlinuz())
                .file("lab/initrd", initrd.path())
        }
    };
    let said = lab.auto(&script(&config), patience(400))?;
    let way = |n: u32| -> Result<Way> {
        let (start, busy) = mark(&said, n)?;
        let (end, busy_then) = mark(&said, n + 1)?;
        let bytes = f64::from(MIB) * f64::from(1 << 20);
        Ok(Way {
            instructions: (busy_then - busy) * 1e9 / INSTRUCTION / bytes,
            rate: f64::from(MIB) / (end - start - PAUSE),
        })
    };
    Ok(Figures {
        received: way(0)?,
        sent: way(1)?,
    })
}

/// dom0's clock, and the processor time of the guest, at its mark.
fn mark(said: &str, number: u32) -> Result<(f64, f64)> {
    let pattern = format!("AT MARK {number}\\s+([0-9.]+) .* ([0-9.]+)\\s");
    let regex = Regex::new(&pattern)?;
    let found = regex
        .captures(said)
        .ok_or_else(|| anyhow!("no mark {number} in:\n{said}"))?;
    let number = |n| found.get(n).map_or("", |m| m.as_str()).parse::<f64>();
    Ok((number(1).context("clock")?, number(2).context("time")?))
}

fn script(config: &str) -> String {
    format!(
        "#!/bin/busybox sh\n{}\n\
         dd if=/dev/zero of=/srv/blob bs=1M count={MIB} 2>/dev/null\n\
         sleep 9999 | nc -l -p 9000 >/dev/null &\n\
         cat > /tmp/cfg <<'END'\nname = \"guest\"\nmemory = 512\n{config}\n\
         vif = ['mac=00:16:3e:77:00:01,bridge=xenbr0,script=vif-lab']\nEND\n\
         mkfifo /tmp/keys; exec 4<>/tmp/keys\n\
         xl create -c /tmp/cfg <&4 | while read -r line; do\n\
         case \"$line\" in MARK*)\n\
         echo \"AT $line $(cut -d' ' -f1 /proc/uptime) $(xl list guest | tail -n 1) \"\n\
         esac\n\
         case \"$line\" in *MARK\\ 2*) break;; esac\n\
         done\n\
         cat /var/log/xen/console/guest-guest.log\n",
        network::START
    )
}
