//! A grub.cfg of any bytes, with files that it may read: the input is these,
//! one behind each 0xff.

use crate::menus::{Shelf, check};
use pvgrub::disk::DeviceName;
use pvgrub::menu::{Reader, grub, grubenv};

const NAMES: &[&str] = &[
    "/boot/grub/grub.cfg",
    "/boot/grub/custom.cfg",
    "/boot/grub/grubenv",
    "/loader/entries/a-6.1.conf",
];

/// Enough for a menu, and little for a loop.
const BUDGET: usize = 64 << 10;

pub fn fuzz(data: &[u8]) {
    environment(data);
    let shelf = Shelf::new(NAMES, data);
    let reader = Reader::new(&shelf);
    if let Ok(menu) = grub::menu_within(BUDGET, &reader, DeviceName::Disk(0), "/boot/grub/grub.cfg")
    {
        check(&menu);
    }
}

/// The first file in the input as an environment block that is changed: it
/// keeps its length, and holds what was put into it.
fn environment(data: &[u8]) {
    let block = data.split(|byte| *byte == 0xff).next().unwrap_or_default();
    for value in [None, Some(""), Some("a\\b\nc")] {
        let Ok(changed) = grubenv::set(block, "saved_entry", value) else {
            continue;
        };
        assert_eq!(changed.len(), block.len());
        let variables = grubenv::parse(&changed).expect("still one");
        let mut values = variables.iter().filter(|(name, _)| name == "saved_entry");
        if let Some(value) = value {
            assert!(values.any(|(_, found)| found == value));
        }
    }
}
