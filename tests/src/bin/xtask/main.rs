//! `cargo xtask`: everything one does with this project, each with its own
//! set-up. This file only picks the command.
#![forbid(unsafe_code)]

mod bench;
mod build;
mod demo;
mod demo_hvm;
mod fuzz;
mod install;
mod lab;
mod need;
mod test;

use anyhow::{Result, bail};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask demo                      PV-GRUB's menu on real Xen, in this terminal
cargo xtask demo hvm                  an HVM guest: its serial port here, its screen by VNC
cargo xtask test                      all tests
cargo xtask build                     target/dist/: pv-grub-x86_64.gz, ioemu-stubdom.{gz,rom}, stubdom-dm
cargo xtask install [--destdir D] [--prefix P]
cargo xtask bench [WHAT]              README's figures, measured anew; WHAT is payloads (kinds of kernels and
                                      disks), hvm, net, or of this only fetch
cargo xtask fuzz [TARGET] [SECONDS]   one fuzz target, or all of them
cargo xtask lab run [FILTER]          the lab tests: real Xen under QEMU
cargo xtask lab hvm [FILTER]          those of HVM guests, building the stub domain only
cargo xtask lab shell                 a shell in the lab's dom0
cargo xtask lab setup                 fetch and pack what the lab needs
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("xtask: {e:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Result<()> {
    match args {
        ["bench"] => bench::run(),
        ["bench", "hvm"] => bench::hvm(),
        ["bench", "net"] => bench::net(),
        ["bench", "payloads"] => bench::payloads(),
        ["bench", "fetch"] => bench::fetch(),
        ["build"] => build::build(),
        ["demo"] => demo::run(),
        ["demo", "hvm"] => demo_hvm::run(),
        ["install", rest @ ..] => install::run(rest),
        ["test"] => test::run(),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["lab", "run", filter @ ..] => lab::run(filter),
        ["lab", "hvm", filter @ ..] => lab::hvm(filter),
        ["lab", "setup"] => lab::setup(),
        ["lab", "shell"] => lab::shell(),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => bail!("no such command: {}\n{HELP}", args.join(" ")),
    }
}
