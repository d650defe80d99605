//! An extlinux.conf of any bytes, with two files it may include.

use crate::menus::{Shelf, check};
use pvgrub::disk::DeviceName;
use pvgrub::menu::{Reader, extlinux};

const NAMES: &[&str] = &["/boot/extlinux.conf", "/boot/a", "/b"];

pub fn fuzz(data: &[u8]) {
    let shelf = Shelf::new(NAMES, data);
    let reader = Reader::new(&shelf);
    if let Ok(menu) = extlinux::menu(&reader, DeviceName::Disk(0), "/boot/extlinux.conf") {
        check(&menu);
    }
}
