//! Boot Loader Specification entries, loader.conf and grubenv of any bytes.

use crate::menus::{Shelf, check};
use pvgrub::disk::DeviceName;
use pvgrub::menu::{Reader, bls};

const NAMES: &[&str] = &[
    "/loader/entries/a-6.1.conf",
    "/loader/entries/a-6.10+3-1.conf",
    "/loader/entries/b+0.conf",
    "/loader/loader.conf",
    "/grub2/grubenv",
];

pub fn fuzz(data: &[u8]) {
    let shelf = Shelf::new(NAMES, data);
    let reader = Reader::new(&shelf);
    if let Some(menu) = bls::menu(&reader, DeviceName::Disk(0), "/loader/entries") {
        check(&menu);
    }
}
