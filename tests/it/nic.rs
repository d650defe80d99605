//! Our network card on Linux' netback.

use anyhow::{Result, ensure};
use harness::guest;
use harness::lab::{Guest, Lab, patience};
use harness::network::Network;
use harness::paths;

fn lab(test: &str) -> Result<Lab> {
    let kernel = paths::kernel("nic");
    ensure!(kernel.exists(), "{} is not built", kernel.display());
    Lab::builder(test)
        .file("lab/nic", &kernel)
        .network(Network::new().bytes("blob", guest::noise(4 << 20)))
        .boot()
}

#[test]
fn nic_carries_megabytes_both_ways_and_opens_again() -> Result<()> {
    let mut lab = lab("nic_carries_megabytes_both_ways_and_opens_again")?;
    // A listener for each round, all there from the start: one that came anew
    // after each would not be there for a moment.
    for n in 0..3 {
        lab.sh(&format!(
            "{{ nc -l -p 900{n} > /tmp/part{n}; mv /tmp/part{n} /tmp/back{n}; }} \
             </dev/null >/dev/null 2>&1 &"
        ))?;
        lab.listens(9000 + n)?;
    }
    let mut running = lab.create(&Guest::new("guest", "/lab/nic").memory(64).vif())?;
    let console = &mut running.console;
    console.expect(
        "CARD 0 \\[00, 16, 3e, 77, 00, 01\\] .*segmentation: true",
        patience(30),
    )?;
    let line = console.expect("LEASE 10\\.77\\.0\\.\\d+", patience(30))?;
    let address = line.trim_start_matches("LEASE ").to_owned();
    for round in 0..3 {
        let pattern = format!("ROUND {round} 4194304 bytes .*us");
        running.console.expect(&pattern, patience(60))?;
    }
    running.console.expect("WAITING", patience(30))?;
    for n in 0..3 {
        // What dom0's TCP has acknowledged, nc may not have read yet.
        lab.sh(&format!(
            "i=0; until [ -e /tmp/back{n} ]; do\n\
             i=$((i+1)); [ $i -lt 200 ] || exit 1; sleep 0.2; done\n\
             cmp /tmp/back{n} /srv/blob"
        ))?;
    }
    // Small, large, and larger than a frame.
    for size in [56, 1400, 1472] {
        let ping = lab.sh(&format!("ping -c 3 -s {size} {address}"))?;
        ensure!(ping.contains("3 packets received"), "{ping}");
    }
    lab.sh(&format!("echo | nc {address} 7; true"))?;
    let clean = "unsent: 0, refused: 0, checksum: 0, dropped: RxOddities \\{ outside: 0, \
         failed: 0, oversize: 0, short: 0, extra: 0 \\}";
    running.console.expect(clean, patience(30))?;
    running
        .console
        .expect("LEFT 0 grants, 0 pages", patience(10))?;
    running.console.expect("SUCCESS", patience(10))?;
    Ok(())
}

#[test]
fn nic_survives_network_detach_while_in_use() -> Result<()> {
    let mut lab = lab("nic_survives_network_detach_while_in_use")?;
    let guest = Guest::new("guest", "/lab/nic").memory(64).extra("forever");
    let mut running = lab.create(&guest.vif())?;
    running.console.expect("FETCHING", patience(60))?;
    lab.sh("sleep 1; xl network-detach guest 0")?;
    let console = &mut running.console;
    console.expect("STOPPED after \\d+: ", patience(120))?;
    console.expect("LINK Failed\\(Ended\\(", patience(10))?;
    console.expect("LEFT 0 grants", patience(30))?;
    let state = lab.wait_end("guest", patience(20))?;
    ensure!(!state.contains('c'), "xl list shows {state}");
    Ok(())
}
