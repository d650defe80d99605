//! `cargo xtask bench`: README's table, measured anew.

use anyhow::Result;
use harness::bench::{self, Contender};

/// Measures and prints the table.
pub fn run() -> Result<()> {
    let direct = bench::boot(Contender::Direct)?;
    println!("{direct:?}");
    let grub2 = bench::boot(Contender::Grub2)?;
    println!("{grub2:?}");
    let reads = bench::grub2_reads()?;
    println!("{reads}");
    Ok(())
}
