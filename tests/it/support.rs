//! What the lab tests share: the inputs, made once per run.

use anyhow::Result;
use harness::packages::{self, Flavour, Kernel, Root};
use harness::{guest, paths};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

/// A kernel and the initrd that belongs to it.
pub struct Payload {
    pub kernel: Kernel,
    pub initrd: PathBuf,
}

/// The package root.
pub fn root() -> Result<Root> {
    packages::root()
}

/// One of Debian's kernels with the lab's initrd for it.
pub fn payload(flavour: Flavour) -> Result<Payload> {
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(|e| e.into_inner());
    let kernel = packages::kernel(flavour)?;
    let dir = paths::logs().join("inputs");
    fs::create_dir_all(&dir)?;
    let initrd = dir.join(format!("initrd-{}.gz", kernel.release));
    fs::write(&initrd, guest::initrd(&root()?, &kernel, 0)?)?;
    Ok(Payload { kernel, initrd })
}

/// The file every disk carries for its guest to read back.
pub const PAYLOAD: &[u8] = b"what a guest reads from its own disk through blkfront\n";
/// `sha256sum` of [`PAYLOAD`].
pub const PAYLOAD_SUM: &str = "759f93dcc743b215f69efe8e17451557c6b61b55fa3f229f9fb9849975fa5cb9";
