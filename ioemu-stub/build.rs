//! Links the stub domain, and it alone, as a unikernel: see minios/build.rs.
fn main() {
    let arguments = std::env::var("DEP_MINIOS_LINK").expect("minios tells how to link");
    println!("cargo::rustc-link-arg-bin=ioemu-stubdom=@{arguments}");
}
