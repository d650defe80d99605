//! All fuzz targets in one program, so that they are compiled and linked once.
//!
//! A target is a file in `fuzz_targets/` with `pub fn fuzz(data: &[u8])`; there
//! is no list to edit. `FUZZ_TARGET` picks the one to run, and libFuzzer takes
//! the rest of the command line. `cargo xtask fuzz` sets the compiler flags.
#![no_main]

mod drives;
mod menus;
mod traffic;
mod volumes;

include!(concat!(env!("OUT_DIR"), "/targets.rs"));

static CHOSEN: std::sync::LazyLock<fn(&[u8])> = std::sync::LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    match TARGETS.iter().find(|(known, _)| *known == name) {
        Some((_, fuzz)) => *fuzz,
        None => {
            let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
            eprintln!("FUZZ_TARGET must be one of: {}", known.join(" "));
            std::process::exit(2);
        }
    }
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| CHOSEN(data));
