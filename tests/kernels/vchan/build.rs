//! Links as a unikernel: see minios/build.rs.
fn main() {
    let arguments = std::env::var("DEP_MINIOS_LINK").expect("minios tells how to link");
    println!("cargo::rustc-link-arg-bins=@{arguments}");
}
