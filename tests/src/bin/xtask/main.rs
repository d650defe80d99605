//! `cargo xtask`: build, demo, test, lab, bench.
fn main() {}
