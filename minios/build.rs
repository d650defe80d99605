//! Tells every unikernel how to be linked.
//!
//! The arguments go into a response file, whose path a unikernel's own build
//! script finds in `DEP_MINIOS_LINK`:
//! `println!("cargo::rustc-link-arg-bins=@{}", env!(…))`.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let directory = |name| PathBuf::from(env::var_os(name).expect("cargo sets it"));
    let script = directory("CARGO_MANIFEST_DIR").join("minios.ld");
    let file = directory("OUT_DIR").join("link-arguments");
    let arguments = format!(
        "-nostdlib\n-nostartfiles\n-static\n-no-pie\n-T\n{}\n-Wl,-z,max-page-size=4096\n-Wl,--build-id=none\n",
        script.display()
    );
    fs::write(&file, arguments).expect("OUT_DIR is writable");
    println!("cargo::metadata=link={}", file.display());
    println!("cargo::rerun-if-changed={}", script.display());
}
