//! Disks: the data port, the bus master, resets in between, media that answer
//! in any order.

pub fn fuzz(data: &[u8]) {
    crate::drives::run(data, false);
}
