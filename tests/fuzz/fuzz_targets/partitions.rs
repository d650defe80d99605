//! Partition tables: what is found lies inside of the disk.
//!
//! An input is the number of sectors u16 LE, then any number of sectors:
//! which one u16 LE and its bytes. The checksums of a GPT are made right, so
//! that more than its header is reached.

use pvgrub::disk::checksum::Crc32;
use pvgrub::disk::partitions;

fn image(data: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    if data.len() < 2 {
        return Vec::new();
    }
    let mut bytes = vec![0; number(data).min(8192) * 512];
    for record in data[2..].chunks(514).filter(|record| record.len() > 2) {
        let at = number(record) * 512;
        if let Some(sector) = bytes.get_mut(at..at + record.len() - 2) {
            sector.copy_from_slice(&record[2..]);
        }
    }
    bytes
}

fn sum(bytes: &[u8]) -> [u8; 4] {
    let mut sum = Crc32::new();
    sum.update(bytes);
    sum.finish().to_le_bytes()
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Makes the checksums of the GPT in sector 1 right, where there is one.
fn mend(disk: &mut [u8]) {
    if disk.len() < 1024 || &disk[512..520] != b"EFI PART" {
        return;
    }
    let start = word(disk, 512 + 72).saturating_mul(512);
    let length = word(disk, 512 + 80).saturating_mul(word(disk, 512 + 84));
    if let Some(entries) = disk.get(start..start.saturating_add(length)) {
        let entries = sum(entries);
        disk[512 + 88..512 + 92].copy_from_slice(&entries);
    }
    let size = word(disk, 512 + 12);
    if (92..=512).contains(&size) {
        disk[512 + 16..512 + 20].fill(0);
        let header = sum(&disk[512..512 + size]);
        disk[512 + 16..512 + 20].copy_from_slice(&header);
    }
}

pub fn fuzz(data: &[u8]) {
    let mut disk = image(data);
    mend(&mut disk);
    if let Ok(found) = partitions(&disk) {
        assert!(found.len() <= 4096 + 4);
        for partition in found {
            let end = partition.start.checked_add(partition.length);
            assert!(end.is_some_and(|end| end <= disk.len() as u64));
        }
    }
}
