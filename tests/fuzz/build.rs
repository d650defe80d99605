//! Gathers the targets: every file in `fuzz_targets/` is one, by its name.

use std::path::Path;
use std::{env, fs};

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let folder = Path::new(&here).join("fuzz_targets");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("fuzz_targets is there")
        .filter_map(|entry| entry.ok()?.path().file_stem()?.to_str().map(str::to_owned))
        .collect();
    names.sort();
    let mut code = String::new();
    for name in &names {
        let path = folder.join(format!("{name}.rs"));
        code += &format!("#[path = {path:?}]\nmod {name};\n");
    }
    code += "/// All targets by name.\npub const TARGETS: &[(&str, fn(&[u8]))] = &[\n";
    for name in &names {
        code += &format!("    ({name:?}, {name}::fuzz),\n");
    }
    code += "];\n";
    fs::write(Path::new(&out).join("targets.rs"), code).expect("writing the list of targets");
}
