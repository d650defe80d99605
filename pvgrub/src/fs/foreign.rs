//! What is on a device that no file system of ours recognised, so that a
//! person is told more than that it is unknown.

use crate::disk::{BlockDevice, partitions};

/// Where to look, in bytes, what is there, and what that is.
static SIGNATURES: &[(u64, &[u8], &str)] = &[
    (536, b"LVM2 001", "an LVM physical volume"),
    (0, b"LUKS\xba\xbe", "a LUKS encrypted volume"),
    (4096, b"\xfc\x4e\x2b\xa9", "a member of a Linux RAID"),
    (0, b"\xfc\x4e\x2b\xa9", "a member of a Linux RAID"),
    (4086, b"SWAPSPACE2", "swap space"),
    (3, b"EXFAT   ", "an exFAT file system"),
    (3, b"NTFS    ", "an NTFS file system"),
    (0, b"sqsh", "an old squashfs file system"),
    (1024, b"\xe2\xe1\xf5\xe0", "an EROFS file system"),
    (1024, b"\x10\x20\xf5\xf2", "an F2FS file system"),
    (0x8000, b"JFS1", "a JFS file system"),
    (0x10034, b"ReIsEr", "a ReiserFS file system"),
    (0x8001, b"BEA01", "a UDF file system"),
    (1040, b"\x7f\x13", "a Minix file system"),
    (1040, b"\x8f\x13", "a Minix file system"),
    (0x1055c, b"\x19\x01\x54\x19", "a UFS file system"),
    (0x255c, b"\x19\x01\x54\x19", "a UFS file system"),
];

/// What `device` holds, as far as its signature is known.
pub fn recognise(device: &dyn BlockDevice) -> Option<&'static str> {
    let is_there = |offset: u64, signature: &[u8]| {
        let mut bytes = [0; 16];
        let bytes = bytes.get_mut(..signature.len()).unwrap_or_default();
        device.read_at(offset, bytes).is_ok() && *bytes == *signature
    };
    let known = SIGNATURES
        .iter()
        .find(|(offset, signature, _)| is_there(*offset, signature));
    match known {
        Some((_, _, name)) => Some(name),
        None => partitions(device).is_ok().then_some("a partition table"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{FsError, probe};
    use std::rc::Rc;

    #[test]
    fn named_in_the_error() {
        let mut ntfs = vec![0; 4096];
        ntfs[3..11].copy_from_slice(b"NTFS    ");
        let mut lvm = vec![0; 1 << 20];
        lvm[512..520].copy_from_slice(b"LABELONE");
        lvm[536..544].copy_from_slice(b"LVM2 001");
        let mut table = vec![0; 1 << 20];
        table[450..462].copy_from_slice(&[0x83, 0, 0, 0, 8, 0, 0, 0, 99, 0, 0, 0]);
        table[510..512].copy_from_slice(&[0x55, 0xaa]);
        for (image, name) in [
            (ntfs, "an NTFS file system"),
            (lvm, "an LVM physical volume"),
            (table, "a partition table"),
        ] {
            let error = probe(Rc::new(image)).err().unwrap();
            assert_eq!(error, FsError::Foreign(name));
            assert_eq!(error.number(), 17);
            assert!(error.to_string().contains(name));
        }
        for (at, (_, signature, _)) in SIGNATURES.iter().enumerate() {
            assert!(signature.len() <= 16, "signature {at} is too long");
        }
        assert_eq!(recognise(&vec![0; 1 << 20]), None);
    }
}
