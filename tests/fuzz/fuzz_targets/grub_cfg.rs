//! A grub.cfg of any bytes, with files that it may read: the input is these,
//! one behind each 0xff.

use crate::menus::{Shelf, check};
use pvgrub::disk::DeviceName;
use pvgrub::menu::{Reader, grub};

const NAMES: &[&str] = &[
    "/boot/grub/grub.cfg",
    "/boot/grub/custom.cfg",
    "/boot/grub/grubenv",
    "/loader/entries/a-6.1.conf",
];

/// Enough for a menu, and little for a loop.
const BUDGET: usize = 64 << 10;

pub fn fuzz(data: &[u8]) {
    let shelf = Shelf::new(NAMES, data);
    let reader = Reader::new(&shelf);
    if let Ok(menu) = grub::menu_within(BUDGET, &reader, DeviceName::Disk(0), "/boot/grub/grub.cfg") {
        check(&menu);
    }
}
