//! Where things lie: the workspace, its target folder, and the download cache.

use std::env;
use std::path::PathBuf;

/// The root of the workspace (the folder of its `Cargo.toml`).
pub fn workspace() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// Cargo's target folder: `CARGO_TARGET_DIR`, or `target` in the workspace.
pub fn target() -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => workspace().join(dir),
        None => workspace().join("target"),
    }
}

/// What the unikernels are compiled for.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// A unikernel's ELF file, once it is built.
pub fn kernel(name: &str) -> PathBuf {
    let bare = target().join("bare");
    bare.join(TARGET).join("release").join(name)
}

/// What `cargo xtask build` leaves: `target/dist`.
pub fn dist() -> PathBuf {
    target().join("dist")
}

/// The log folder of the lab: one folder per test below it.
pub fn logs() -> PathBuf {
    target().join("lab")
}

/// Downloads and what is built from them alone; survives `cargo clean`.
///
/// `XEN_LAB_CACHE`, else `$XDG_CACHE_HOME/xen-stubdom-lab`, else
/// `~/.cache/xen-stubdom-lab`.
pub fn cache() -> PathBuf {
    if let Some(dir) = env::var_os("XEN_LAB_CACHE") {
        return PathBuf::from(dir);
    }
    let base = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    base.unwrap_or_else(target).join("xen-stubdom-lab")
}
