//! Compares every number and layout of `xen-sys` with the C headers.
//!
//! Writes a C program that prints the constants, and size and offset of every
//! structure and field, compiles it against Debian's `libxen-dev`, runs it and
//! compares. A scan of the source makes sure that nothing is missing from the
//! table in `layout/`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A numeric constant: our name, the C name, our value.
pub struct Constant {
    rust: &'static str,
    c: &'static str,
    value: i128,
}

/// A field: our name, the C name, our offset and size in bytes.
pub struct Field {
    rust: &'static str,
    c: &'static str,
    offset: usize,
    size: usize,
}

/// A structure; `sized` says that C's has the same size.
pub struct Struct {
    rust: &'static str,
    c: &'static str,
    size: usize,
    sized: bool,
    fields: &'static [Field],
}

const fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! constant {
    ($path:path, $c:literal) => {
        Constant {
            rust: stringify!($path),
            c: $c,
            value: $path as i128,
        }
    };
}

macro_rules! structure {
    ($t:ty, $c:literal, $sized:literal, { $($field:ident: $cf:literal),* }) => {
        Struct {
            rust: stringify!($t),
            c: $c,
            size: size_of::<$t>(),
            sized: $sized,
            fields: &[$(Field {
                rust: stringify!($field),
                c: $cf,
                offset: core::mem::offset_of!($t, $field),
                size: size_of_field(|t: &$t| &t.$field),
            }),*],
        }
    };
}

#[path = "layout/constants.rs"]
mod constants;
#[path = "layout/structs.rs"]
mod structs;
use constants::{CONSTANTS, HEADERS};
use structs::STRUCTS;

/// Ours that the headers do not have, and why.
const NOT_IN_HEADERS: &[&str] = &[
    "XEN_ELFNOTE_PHYS32_RELOC",  // newer than libxen-dev 4.17
    "HVM_IOREQSRV_BUFIOREQ_OFF", // the toolstack's part of hvm_op.h
    "HVM_IOREQSRV_BUFIOREQ_LEGACY",
    "HVM_IOREQSRV_BUFIOREQ_ATOMIC",
    "E820Entry",               // memory.h describes it in words only
    "XSD_ERRORS",              // compared by its own test
    "XEN_IO_PROTO_ABI_X86_32", // strings, compared by their own test
    "XEN_IO_PROTO_ABI_X86_64",
];

const INCLUDE: &str = "/usr/include/xen";

/// Compiles and runs `body` as `main` of a C program; `None` without the headers.
fn run_c(name: &str, body: &str) -> Option<String> {
    if !Path::new(INCLUDE).join("xen.h").exists() {
        eprintln!("SKIPPED: no {INCLUDE}/xen.h; apt-get install libxen-dev");
        return None;
    }
    let mut source = String::from(
        "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>\n#include <string.h>\n#include <errno.h>\n",
    );
    for header in HEADERS {
        writeln!(source, "#include <xen/{header}>").unwrap();
    }
    writeln!(source, "int main(void) {{\n{body}return 0;\n}}").unwrap();
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (c, exe) = (dir.join(format!("{name}.c")), dir.join(name));
    std::fs::write(&c, source).unwrap();
    let cc = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let made = Command::new(&cc)
        .arg("-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__")
        .args(["-w", "-o"])
        .args([&exe, &c])
        .output()
        .unwrap_or_else(|e| panic!("cannot run {cc}: {e}"));
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{cc} {}: {said}", c.display());
    let ran = Command::new(&exe).output().unwrap();
    assert!(ran.status.success());
    Some(String::from_utf8(ran.stdout).unwrap())
}

/// `key value value…` lines as a map.
fn parse(text: &str) -> BTreeMap<String, Vec<i128>> {
    let line = |l: &str| {
        let (key, rest) = l.split_once('\t').unwrap();
        let values = rest.split(' ').map(|v| v.parse().unwrap()).collect();
        (key.to_owned(), values)
    };
    text.lines().map(line).collect()
}

#[test]
fn constants_match() {
    let mut body = String::new();
    for Constant { c, .. } in CONSTANTS {
        // Negative numbers print with their sign, large unsigned ones whole.
        writeln!(
            body,
            "if ({c} < 0) printf(\"{c}\\t%lld\\n\", (long long)({c})); else printf(\"{c}\\t%llu\\n\", (unsigned long long)({c}));"
        )
        .unwrap();
    }
    let Some(out) = run_c("constants", &body) else {
        return;
    };
    let theirs = parse(&out);
    let wrong: Vec<_> = CONSTANTS
        .iter()
        .filter(|k| theirs[k.c] != [k.value])
        .map(|k| format!("{} = {}, but {} = {:?}", k.rust, k.value, k.c, theirs[k.c]))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn layouts_match() {
    let mut body = String::new();
    for s in STRUCTS {
        let c = s.c;
        writeln!(body, "printf(\"{c}\\t%zu\\n\", sizeof({c}));").unwrap();
        for f in s.fields {
            writeln!(
                body,
                "printf(\"{c}.{0}\\t%zu %zu\\n\", offsetof({c}, {0}), sizeof((({c} *)0)->{0}));",
                f.c
            )
            .unwrap();
        }
    }
    let Some(out) = run_c("layouts", &body) else {
        return;
    };
    let theirs = parse(&out);
    let mut wrong = Vec::new();
    for s in STRUCTS {
        if s.sized && theirs[s.c] != [s.size as i128] {
            wrong.push(format!(
                "{}: {} bytes, C has {:?}",
                s.rust, s.size, theirs[s.c]
            ));
        }
        for f in s.fields {
            let t = &theirs[&format!("{}.{}", s.c, f.c)];
            if *t != [f.offset as i128, f.size as i128] {
                wrong.push(format!(
                    "{}.{}: {} {}, C has {t:?}",
                    s.rust, f.rust, f.offset, f.size
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn strings_match() {
    let body = "for (size_t i = 0; i < sizeof xsd_errors / sizeof *xsd_errors; i++)\n\
        printf(\"%d %s\\n\", xsd_errors[i].errnum, xsd_errors[i].errstring);\n\
        printf(\"%s\\n%s\\n\", XEN_IO_PROTO_ABI_X86_32, XEN_IO_PROTO_ABI_X86_64);\n\
        printf(\"%zu\\n\", offsetof(struct blkif_sring, ring));\n";
    let Some(out) = run_c("strings", body) else {
        return;
    };
    let mut ours = String::new();
    for (number, name) in xen_sys::io::xs_wire::XSD_ERRORS {
        writeln!(ours, "{number} {name}").unwrap();
    }
    use xen_sys::io::protocols::{XEN_IO_PROTO_ABI_X86_32, XEN_IO_PROTO_ABI_X86_64};
    writeln!(ours, "{XEN_IO_PROTO_ABI_X86_32}\n{XEN_IO_PROTO_ABI_X86_64}").unwrap();
    writeln!(ours, "{}", size_of::<xen_sys::io::ring::SringHeader>()).unwrap();
    assert_eq!(ours, out);
}

/// Names behind `pub const` and `pub struct` in every source file.
fn names_in(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names_in(&path, found);
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let rest = line
                .strip_prefix("pub const ")
                .or(line.strip_prefix("pub struct "));
            if let Some(rest) = rest {
                let end = rest
                    .find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap();
                found.insert(rest[..end].to_owned());
            }
        }
    }
}

#[test]
fn nothing_is_left_out_of_the_table() {
    let mut found = BTreeSet::new();
    names_in(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    let last = |path: &str| path.rsplit(':').next().unwrap().trim().to_owned();
    let mut known: BTreeSet<_> = CONSTANTS.iter().map(|c| last(c.rust)).collect();
    known.extend(STRUCTS.iter().map(|s| last(s.rust)));
    known.extend(NOT_IN_HEADERS.iter().map(|n| (*n).to_owned()));
    let missing: Vec<_> = found.symmetric_difference(&known).collect();
    assert!(
        missing.is_empty(),
        "only in one of source and table: {missing:?}"
    );
}
