//! A CD drive: packets of all kinds, by the data port and by DMA, and a medium
//! that comes and goes.

pub fn fuzz(data: &[u8]) {
    crate::drives::run(data, true);
}
