//! Images of XFS file systems; see `volumes` for an input.

pub fn fuzz(data: &[u8]) {
    crate::volumes::fuzz(pvgrub::fs::xfs::probe, data);
}
