//! MBR tables made by hand, byte by byte.

use crate::disk::{BlockDevice, PartitionError, PartitionKind, partitions};

/// A disk of `sectors` sectors of 512 bytes.
fn disk(sectors: usize) -> Vec<u8> {
    vec![0; sectors * 512]
}

/// Writes slot `slot` of the record in sector `record`.
fn put(disk: &mut [u8], record: usize, slot: usize, kind: u8, start: u32, count: u32) {
    let at = record * 512 + 446 + slot * 16;
    disk[at + 4] = kind;
    disk[at + 8..at + 12].copy_from_slice(&start.to_le_bytes());
    disk[at + 12..at + 16].copy_from_slice(&count.to_le_bytes());
    disk[record * 512 + 510] = 0x55;
    disk[record * 512 + 511] = 0xaa;
}

/// Number, first sector and sectors of each partition.
fn found(disk: &Vec<u8>) -> Vec<(u32, u64, u64)> {
    let table = partitions(disk).unwrap();
    table
        .iter()
        .map(|entry| (entry.number, entry.start / 512, entry.length / 512))
        .collect()
}

#[test]
fn primaries_keep_their_slot() {
    let mut image = disk(100);
    put(&mut image, 0, 1, 0x83, 10, 20);
    put(&mut image, 0, 3, 0x82, 40, 5);
    image[446 + 16] = 0x80;
    assert_eq!(found(&image), [(1, 10, 20), (3, 40, 5)]);
    let table = partitions(&image).unwrap();
    assert_eq!(table[0].kind, PartitionKind::Mbr(0x83));
    assert_eq!(table[0].kind.to_string(), "0x83");
    assert_eq!([table[0].active, table[1].active], [true, false]);
}

#[test]
fn logical_partitions_count_from_four() {
    for extended in [0x05, 0x0f, 0x85] {
        let mut image = disk(100);
        put(&mut image, 0, 0, 0x83, 1, 9);
        put(&mut image, 0, 2, extended, 10, 90);
        put(&mut image, 10, 0, 0x83, 2, 5);
        put(&mut image, 10, 1, 0x05, 20, 30); // relative to the extended partition
        put(&mut image, 30, 0, 0x83, 3, 6); // relative to this record
        put(&mut image, 30, 1, 0x05, 50, 30);
        put(&mut image, 60, 0, 0x83, 1, 7);
        assert_eq!(
            found(&image),
            [(0, 1, 9), (2, 10, 90), (4, 12, 5), (5, 33, 6), (6, 61, 7)],
            "{extended:#x}"
        );
    }
}

#[test]
fn chains_that_loop_or_break_end() {
    // To itself, to an earlier record, to nothing, out of the disk.
    for (link, records) in [(20, 2), (0, 2), (40, 2), (0xffff_0000, 2)] {
        let mut image = disk(100);
        put(&mut image, 0, 0, 0x05, 10, 90);
        put(&mut image, 10, 0, 0x83, 1, 5);
        put(&mut image, 10, 1, 0x05, 20, 30);
        put(&mut image, 30, 0, 0x83, 1, 5);
        put(&mut image, 30, 1, 0x05, link, 30);
        assert_eq!(found(&image).len(), 1 + records, "link to {link}");
    }
}

#[test]
fn chains_have_a_limit() {
    let mut image = disk(2000);
    put(&mut image, 0, 0, 0x05, 1, 1999);
    for record in 1..1900 {
        put(&mut image, record, 0, 0x83, 1, 1);
        put(&mut image, record, 1, 0x05, record as u32, 1);
    }
    assert_eq!(found(&image).len(), 1 + 256);
}

#[test]
fn no_table() {
    let empty = disk(10);
    let mut only_signature = disk(10);
    only_signature[510..512].copy_from_slice(&[0x55, 0xaa]);
    // A FAT boot sector: the signature, and code or text where a table
    // would be.
    let mut boot_sector = only_signature.clone();
    boot_sector[446..510].fill(b'x');
    let mut outside = disk(10);
    put(&mut outside, 0, 0, 0x83, 10, 1);
    let tiny = vec![0u8; 100];
    for image in [empty, only_signature, boot_sector, outside, tiny, vec![]] {
        assert_eq!(partitions(&image), Err(PartitionError::NoTable));
    }
}

#[test]
fn partition_past_the_end_is_cut() {
    let mut image = disk(100);
    put(&mut image, 0, 0, 0x83, 90, 1000);
    put(&mut image, 0, 1, 0x83, 100, 1);
    assert_eq!(found(&image), [(0, 90, 10)]);
}

/// Sectors of 4096 bytes are what the numbers count on such a disk.
#[test]
fn large_sectors() {
    struct Large(Vec<u8>);
    impl BlockDevice for Large {
        fn sector_size(&self) -> u32 {
            4096
        }
        fn len(&self) -> u64 {
            self.0.len() as u64
        }
        fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), crate::disk::DiskError> {
            self.0.read_at(offset, buf)
        }
    }
    let mut image = disk(8 * 20);
    put(&mut image, 0, 0, 0x83, 2, 3);
    let table = partitions(&Large(image)).unwrap();
    assert_eq!((table[0].start, table[0].length), (8192, 12288));
}
