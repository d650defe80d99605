//! `cargo xtask fuzz`: libFuzzer on stable Rust. The compiler has the coverage
//! pass; it only has to be asked for by its LLVM name.

use anyhow::{Context, Result, bail, ensure};
use harness::paths;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Given to each target: no input may take longer, in seconds, or more MiB.
const LIMITS: &[&str] = &["-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=0"];

/// The targets, by their files.
pub fn targets() -> Result<Vec<String>> {
    let dir = paths::workspace().join("tests/fuzz/fuzz_targets");
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        if let Some(name) = entry?.path().file_stem() {
            names.push(name.to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Builds the one program that holds all targets.
pub fn build() -> Result<PathBuf> {
    let host = "x86_64-unknown-linux-gnu";
    let target = paths::target().join("fuzz");
    same_versions()?;
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::workspace().join("tests/fuzz"));
    // With --target the flags do not reach build scripts and macros.
    command
        .args(["build", "--release", "--target", host])
        .arg("--target-dir")
        .arg(&target);
    command.env("RUSTFLAGS", FLAGS);
    let status = command.status().context("starting cargo")?;
    ensure!(status.success(), "building the fuzz targets: {status}");
    Ok(target.join(host).join("release/fuzz"))
}

/// What is fuzzed shall be what is shipped: the workspace's lock file is taken
/// over whenever it is newer.
fn same_versions() -> Result<()> {
    let ours = paths::workspace().join("Cargo.lock");
    let theirs = paths::workspace().join("tests/fuzz/Cargo.lock");
    let age = |path: &PathBuf| fs::metadata(path).and_then(|m| m.modified()).ok();
    if age(&theirs).is_none() || age(&theirs) < age(&ours) {
        fs::copy(&ours, &theirs)?;
    }
    Ok(())
}

fn command(program: &PathBuf, name: &str, seconds: u32) -> Result<Command> {
    let work = paths::target().join("fuzz");
    let corpus = work.join("corpus").join(name);
    let artifacts = work.join("artifacts").join(name);
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new(program);
    command.env("FUZZ_TARGET", name).args(LIMITS);
    command.arg(format!("-max_total_time={seconds}"));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.arg(&corpus);
    let seeds = paths::workspace().join("tests/fuzz/seeds");
    if seeds.join(name).is_dir() {
        command.arg(seeds.join(name));
    }
    let words = seeds.join(format!("{name}.dict"));
    if words.exists() {
        command.arg(format!("-dict={}", words.display()));
    }
    Ok(command)
}

/// One target, in the foreground, or all of them.
pub fn run(args: &[&str]) -> Result<()> {
    let program = build()?;
    let (name, seconds) = match args {
        [] => return report(&all(&program, 10)?),
        [one] => match one.parse() {
            Ok(seconds) => return report(&all(&program, seconds)?),
            Err(_) => (*one, 60),
        },
        [name, seconds, ..] => (*name, seconds.parse().context("seconds")?),
    };
    let status = command(&program, name, seconds)?.status()?;
    ensure!(status.success(), "fuzz target {name}: {status}");
    Ok(())
}

fn report(results: &[(String, bool)]) -> Result<()> {
    let failed: Vec<&str> = results
        .iter()
        .filter(|r| !r.1)
        .map(|r| r.0.as_str())
        .collect();
    if !failed.is_empty() {
        bail!("fuzz targets failed: {}", failed.join(" "));
    }
    Ok(())
}

/// Every target for some seconds, two at a time; which of them found nothing.
pub fn all(program: &PathBuf, seconds: u32) -> Result<Vec<(String, bool)>> {
    let logs = paths::target().join("fuzz/logs");
    fs::create_dir_all(&logs)?;
    let mut results = Vec::new();
    for pair in targets()?.chunks(2) {
        let mut running = Vec::new();
        for name in pair {
            let log = logs.join(format!("{name}.log"));
            let mut command = command(program, name, seconds)?;
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(fs::File::create(&log)?);
            running.push((name.clone(), log, command.spawn()?));
        }
        for (name, log, mut child) in running {
            let good = child.wait()?.success();
            let text = fs::read_to_string(&log).unwrap_or_default();
            let runs = text
                .lines()
                .rev()
                .find(|line| line.starts_with("Done "))
                .unwrap_or_default();
            println!(
                "fuzz {name} ... {} {runs}",
                if good { "ok" } else { "FAILED" }
            );
            if !good {
                let lines: Vec<&str> = text.lines().collect();
                let tail = lines
                    .get(lines.len().saturating_sub(40)..)
                    .unwrap_or_default();
                println!("{}\n(all of it: {})", tail.join("\n"), log.display());
            }
            results.push((name, good));
        }
    }
    Ok(results)
}
