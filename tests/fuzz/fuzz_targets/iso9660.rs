//! Images of ISO 9660 file systems; see `volumes` for an input.

pub fn fuzz(data: &[u8]) {
    crate::volumes::fuzz(pvgrub::fs::iso9660::probe, data);
}
