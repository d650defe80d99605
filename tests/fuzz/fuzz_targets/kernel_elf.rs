//! ELF kernels and their Xen notes.

pub fn fuzz(data: &[u8]) {
    let _ = pvgrub::image::parse_elf(data);
}
