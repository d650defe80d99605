//! `cargo xtask test`: everything, in the order in which it fails fastest.

use crate::{build, fuzz, lab, need};
use anyhow::{Context, Result, ensure};
use harness::paths;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Seconds for each fuzz target.
const FUZZ_SECONDS: u32 = 8;

/// What passed and what did not.
#[derive(Default)]
struct Tally {
    passed: u32,
    failed: Vec<String>,
}

impl Tally {
    fn step(&mut self, name: &str, result: Result<()>) {
        match result {
            Ok(()) => self.passed += 1,
            Err(e) => {
                println!("{name}: {e:#}");
                self.failed.push(name.to_owned());
            }
        }
    }
}

/// Runs it all; fails if anything did.
pub fn run() -> Result<()> {
    let begin = Instant::now();
    let mut tally = Tally::default();
    let stage = |name: &str| println!("== {name} ({} s)", begin.elapsed().as_secs());
    stage("set-up");
    need::all()?;
    lab::setup()?;
    stage("format");
    tally.step("cargo fmt", cargo(&["fmt", "--all", "--check"]));
    stage("clippy");
    let everything = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "harness/lab",
    ];
    tally.step(
        "cargo clippy",
        cargo(&[&everything[..], &["--", "-D", "warnings"]].concat()),
    );
    stage("unikernels");
    tally.step("cargo xtask build", build::build());
    tally.step("test kernels", build::test_kernels());
    stage("tests on the host");
    let mut command = cargo_command();
    tests(
        &mut tally,
        command.args(["test", "--workspace", "--no-fail-fast"]),
    )?;
    stage("fuzzing");
    match fuzz::build().and_then(|program| fuzz::all(&program, FUZZ_SECONDS)) {
        Ok(results) => {
            for (name, good) in results {
                let result = if good {
                    Ok(())
                } else {
                    Err(anyhow::anyhow!("see above"))
                };
                tally.step(&format!("fuzz {name}"), result);
            }
        }
        Err(e) => tally.step("fuzzing", Err(e)),
    }
    stage("tests in the lab");
    tests(&mut tally, &mut lab::command(&[]))?;
    stage("done");
    for name in &tally.failed {
        println!("failed: {name}");
    }
    println!("{} passed, {} failed", tally.passed, tally.failed.len());
    ensure!(
        tally.failed.is_empty(),
        "not everything passed; logs of the lab: {}",
        paths::logs().display()
    );
    Ok(())
}

fn cargo_command() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .current_dir(paths::workspace())
        .env("RUST_LIB_BACKTRACE", "0");
    command
}

fn cargo(args: &[&str]) -> Result<()> {
    let status = cargo_command()
        .args(args)
        .status()
        .context("starting cargo")?;
    ensure!(status.success(), "cargo {}: {status}", args.join(" "));
    Ok(())
}

/// Runs `cargo test …`, shows what it says, and counts its tests.
fn tests(tally: &mut Tally, command: &mut Command) -> Result<()> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("starting cargo")?;
    let output = child.stdout.take().context("cargo's output")?;
    let before = tally.failed.len();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        let Some(rest) = line.strip_prefix("test ") else {
            continue;
        };
        // "name ... ok", "name - should panic ... ok"; not "result: ok. …".
        match rest.rsplit_once(" ... ") {
            Some((_, "ok")) => tally.passed += 1,
            Some((name, "FAILED")) => tally.failed.push(name.to_owned()),
            _ => {}
        }
    }
    let status = child.wait()?;
    if !status.success() && tally.failed.len() == before {
        tally.failed.push(format!("cargo test: {status}"));
    }
    Ok(())
}
