//! Images of btrfs file systems; see `volumes` for an input.

pub fn fuzz(data: &[u8]) {
    crate::volumes::fuzz(pvgrub::fs::btrfs::probe, data);
}
