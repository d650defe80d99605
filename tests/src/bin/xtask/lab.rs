//! `cargo xtask lab`: the lab by hand, and its tests.

use crate::{build, need};
use anyhow::{Context, Result, ensure};
use harness::dom0::Dom0;
use harness::lab::Lab;
use harness::packages::{self, Flavour};
use harness::paths;
use std::io::{BufRead, Write};
use std::process::Command;

/// Fetches and packs all that the lab tests need.
pub fn setup() -> Result<()> {
    let dom0 = Dom0::ready()?;
    for flavour in [Flavour::Stock, Flavour::Cloud, Flavour::Backports] {
        packages::kernel(flavour)?;
    }
    packages::network()?;
    packages::grub_xen()?;
    packages::media()?;
    packages::grub_rescue_cd()?;
    packages::memtest()?;
    packages::installer()?;
    println!("the lab is ready: {}", dom0.initramfs.display());
    Ok(())
}

/// Runs the lab tests whose names contain one of `filter`.
pub fn run(filter: &[&str]) -> Result<()> {
    need::all()?;
    build::build()?;
    build::test_kernels()?;
    setup()?;
    let status = command(filter).status().context("starting cargo")?;
    ensure!(
        status.success(),
        "lab tests failed; logs in {}",
        paths::logs().display()
    );
    Ok(())
}

/// Runs the tests of HVM guests whose names contain one of `filter`, and builds
/// no more than they need.
pub fn hvm(filter: &[&str]) -> Result<()> {
    need::all()?;
    build::stub()?;
    let all = ["hvm_"];
    let filter = if filter.is_empty() { &all } else { filter };
    let status = command(filter).status().context("starting cargo")?;
    ensure!(
        status.success(),
        "lab tests failed; logs in {}",
        paths::logs().display()
    );
    Ok(())
}

/// The cargo command that runs the lab tests, two at a time.
pub fn command(filter: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::workspace());
    command.args([
        "test",
        "-p",
        "harness",
        "--features",
        "lab",
        "--test",
        "lab",
        "--",
    ]);
    command.arg("--test-threads=2").args(filter);
    command.env("RUST_LIB_BACKTRACE", "0");
    command
}

/// A line-by-line shell in dom0.
pub fn shell() -> Result<()> {
    let mut builder = Lab::builder("shell");
    let stock = packages::kernel(Flavour::Stock)?;
    builder = builder.file("lab/vmlinuz", &stock.vmlinuz());
    let pvgrub = paths::dist().join("pv-grub-x86_64.gz");
    if pvgrub.exists() {
        builder = builder.file("lab/pv-grub", &pvgrub);
    }
    let mut lab = builder.boot()?;
    println!("dom0; each line is run by itself; end with Ctrl-D");
    let mut lines = std::io::stdin().lock().lines();
    loop {
        print!("dom0# ");
        std::io::stdout().flush()?;
        let Some(line) = lines.next() else {
            return Ok(());
        };
        let out = lab.run(&line?)?;
        print!("{}", out.text);
        if out.status != 0 {
            println!("[status {}]", out.status);
        }
    }
}
