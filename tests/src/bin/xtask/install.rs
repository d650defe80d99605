//! `cargo xtask install`: puts the parts where Xen's users expect them.

use crate::build;
use anyhow::{Context, Result, bail};
use harness::paths;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of `target/dist`, and their folders below the prefix.
const FILES: &[(&str, &str)] = &[
    ("pv-grub-x86_64.gz", "lib/xen/boot"),
    ("ioemu-stubdom.gz", "lib/xen/boot"),
    ("ioemu-stubdom.rom", "lib/xen/boot"),
    ("stubdom-dm", "lib/xen/bin"),
];

/// `--destdir D` (default `/`) and `--prefix P` (default `/usr`).
pub fn run(args: &[&str]) -> Result<()> {
    let (mut destdir, mut prefix) = ("/", "/usr");
    let mut rest = args.iter();
    while let Some(option) = rest.next() {
        let value = rest
            .next()
            .with_context(|| format!("{option} needs a value"))?;
        match *option {
            "--destdir" => destdir = value,
            "--prefix" => prefix = value,
            _ => bail!("install takes --destdir and --prefix, not {option}"),
        }
    }
    build::build()?;
    let base: PathBuf = Path::new(destdir).join(prefix.trim_start_matches('/'));
    for (file, dir) in FILES {
        let dir = base.join(dir);
        fs::create_dir_all(&dir).with_context(|| format!("{}", dir.display()))?;
        let to = dir.join(file);
        fs::copy(paths::dist().join(file), &to).with_context(|| format!("{}", to.display()))?;
        println!("{}", to.display());
    }
    Ok(())
}
