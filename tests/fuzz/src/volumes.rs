//! Images of file systems that may be large and mostly empty: everything in
//! them is opened and read, within a bounded number of reads from the disk.
//!
//! An input is the length in pieces of 128 bytes u32 LE, then any number of
//! pieces: which one u32 LE and its bytes.

use pvgrub::disk::{BlockDevice, DiskError};
use pvgrub::fs::{FileKind, FileSystem, ProbeFn};
use std::cell::Cell;
use std::rc::Rc;

/// Longer images are cut, in pieces.
const LONGEST: usize = (256 << 20) / 128;

struct Disk {
    bytes: Vec<u8>,
    reads: Cell<u32>,
}

impl BlockDevice for Disk {
    fn sector_size(&self) -> u32 {
        512
    }

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        self.reads.set(self.reads.get() + 1);
        assert!(self.reads.get() < 2_000_000, "endless reading");
        self.bytes.read_at(offset, buf)
    }
}

fn image(data: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        u32::from_le_bytes(bytes) as usize
    };
    if data.len() < 4 {
        return Vec::new();
    }
    let mut bytes = vec![0; number(data).min(LONGEST) * 128];
    for record in data[4..].chunks(132).filter(|record| record.len() > 4) {
        let at = number(record) * 128;
        if let Some(piece) = bytes.get_mut(at..at + record.len() - 4) {
            piece.copy_from_slice(&record[4..]);
        }
    }
    bytes
}

fn visit(fs: &dyn FileSystem, path: &str, left: &mut u32) {
    for entry in fs.read_dir(path).unwrap_or_default() {
        if *left == 0 {
            return;
        }
        *left -= 1;
        let below = format!("{}/{}", path.trim_end_matches('/'), entry.name);
        if entry.kind == FileKind::Directory && below.len() < 500 {
            visit(fs, &below, left);
        } else if let Ok(mut file) = fs.open(&below) {
            let length = file.len();
            let mut bytes = vec![0; length.min(100_000) as usize];
            let _ = file.read_at(0, &mut bytes);
            let _ = file.read_at(length.saturating_sub(1000), &mut [0; 2000]);
            let _ = file.read_at(length / 2, &mut [0; 100]);
        }
    }
}

/// Opens what `probe` finds in the image and reads all of it.
pub fn fuzz(probe: ProbeFn, data: &[u8]) {
    let disk = Rc::new(Disk {
        bytes: image(data),
        reads: Cell::new(0),
    });
    if let Ok(Some(fs)) = probe(disk) {
        let _ = (fs.kind(), fs.label(), fs.uuid());
        visit(&*fs, "/", &mut 40);
    }
}
