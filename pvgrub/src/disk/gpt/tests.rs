//! GPTs made by hand after the UEFI specification.

use crate::disk::{BlockDevice, DiskError, PartitionKind, partitions};

/// A disk with its own sector size.
struct Disk {
    bytes: Vec<u8>,
    sector: u32,
}

impl BlockDevice for Disk {
    fn sector_size(&self) -> u32 {
        self.sector
    }
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        self.bytes.read_at(offset, buf)
    }
}

/// The CRC-32 of the specification, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    })
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    bytes[at..at + what.len()].copy_from_slice(what);
}

/// Linux' type, 0FC63DAF-8483-4772-8E79-3D69D8477DE4, as on disk.
const LINUX: [u8; 16] = [
    0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4,
];

const SECTORS: u64 = 200;

/// A disk with partitions in entries 0 and 2, protective MBR, both headers.
fn disk(sector: usize) -> Vec<u8> {
    let mut bytes = vec![0; SECTORS as usize * sector];
    put(&mut bytes, 446 + 4, &[0xee]);
    put(&mut bytes, 446 + 8, &1u32.to_le_bytes());
    put(&mut bytes, 446 + 12, &(SECTORS as u32 - 1).to_le_bytes());
    put(&mut bytes, 510, &[0x55, 0xaa]);
    let mut entries = vec![0; 128 * 128];
    for (index, first, last, name) in [(0, 50u64, 59u64, "root"), (2, 60, 60, "Bär")] {
        let at = index * 128;
        put(&mut entries, at, &LINUX);
        put(&mut entries, at + 16, &[index as u8 + 1; 16]);
        put(&mut entries, at + 32, &first.to_le_bytes());
        put(&mut entries, at + 40, &last.to_le_bytes());
        entries[at + 48] = if index == 0 { 4 } else { 0 };
        for (unit, at) in name.encode_utf16().zip((at + 56..).step_by(2)) {
            put(&mut entries, at, &unit.to_le_bytes());
        }
    }
    let array_sectors = (entries.len() / sector) as u64;
    for (own, other, array) in [
        (1, SECTORS - 1, 2),
        (SECTORS - 1, 1, SECTORS - 1 - array_sectors),
    ] {
        let mut header = vec![0; 92];
        put(&mut header, 0, b"EFI PART");
        put(&mut header, 8, &0x10000u32.to_le_bytes());
        put(&mut header, 12, &92u32.to_le_bytes());
        put(&mut header, 24, &own.to_le_bytes());
        put(&mut header, 32, &other.to_le_bytes());
        put(&mut header, 72, &array.to_le_bytes());
        put(&mut header, 80, &128u32.to_le_bytes());
        put(&mut header, 84, &128u32.to_le_bytes());
        put(&mut header, 88, &crc32(&entries).to_le_bytes());
        let sum = crc32(&header);
        put(&mut header, 16, &sum.to_le_bytes());
        put(&mut bytes, own as usize * sector, &header);
        put(&mut bytes, array as usize * sector, &entries);
    }
    bytes
}

fn check(bytes: Vec<u8>, sector: u32, unit: u64) {
    let table = partitions(&Disk { bytes, sector }).unwrap();
    let places: Vec<_> = table
        .iter()
        .map(|entry| (entry.number, entry.start / unit, entry.length / unit))
        .collect();
    assert_eq!(places, [(0, 50, 10), (2, 60, 1)]);
    assert_eq!(table[0].kind, PartitionKind::Gpt(LINUX));
    assert_eq!(
        table[0].kind.to_string(),
        "0fc63daf-8483-4772-8e79-3d69d8477de4"
    );
    assert_eq!((table[0].active, table[1].active), (true, false));
    assert_eq!(table[1].name.as_deref(), Some("Bär"));
}

#[test]
fn both_sector_sizes() {
    check(disk(512), 512, 512);
    check(disk(4096), 4096, 4096);
}

#[test]
fn image_moved_between_sector_sizes() {
    check(disk(4096), 512, 4096);
    check(disk(512), 4096, 512);
}

#[test]
fn backup_used_when_the_primary_is_bad() {
    for at in [512, 512 + 12, 512 + 24, 512 + 80, 1024, 1024 + 128 * 127] {
        let mut bytes = disk(512);
        bytes[at] ^= 1;
        check(bytes, 512, 512);
    }
}

#[test]
fn both_bad() {
    let mut bytes = disk(512);
    bytes[1024 + 40] ^= 1;
    let last = bytes.len() - 512;
    bytes[last + 40] ^= 1;
    let error = partitions(&bytes).unwrap_err();
    assert_eq!(error.number(), 5);
    assert!(error.to_string().contains("entries in sector 2"), "{error}");
}

#[test]
fn hybrid_mbr_leads_to_the_gpt() {
    let mut bytes = disk(512);
    put(&mut bytes, 446 + 16 + 4, &[0x83]);
    put(&mut bytes, 446 + 16 + 8, &50u32.to_le_bytes());
    put(&mut bytes, 446 + 16 + 12, &10u32.to_le_bytes());
    check(bytes, 512, 512);
}

/// Whatever single byte of the tables is hit, the other copy serves; both
/// hit at the same place give an error or nonsense, but always an end.
#[test]
fn every_byte_flipped() {
    let whole = disk(512);
    for at in (512..604).chain(1024..1024 + 300) {
        let mut bytes = whole.clone();
        bytes[at] = !bytes[at];
        check(bytes.clone(), 512, 512);
        let backup = if at < 1024 {
            bytes.len() - 512 + at - 512
        } else {
            bytes.len() - 33 * 512 + at - 1024
        };
        bytes[backup] = !bytes[backup];
        assert_eq!(partitions(&bytes).unwrap_err().number(), 5);
    }
}
