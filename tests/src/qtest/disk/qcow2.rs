//! Reads the disk format qcow2 (QEMU's `docs/interop/qcow2`), versions 2 and 3,
//! without backing files, encryption, compression or external data.

use anyhow::{Context, Result, bail, ensure};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

const MAGIC: u32 = u32::from_be_bytes(*b"QFI\xfb");
/// Bits 9 to 55 of a table entry: where the table or the cluster is.
const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
/// A cluster's entry: it is compressed.
const COMPRESSED: u64 = 1 << 62;
/// A cluster's entry in version 3: it reads as zero.
const ZERO: u64 = 1;
/// An incompatible feature that doesn't matter to a reader: the reference
/// counts may be wrong.
const DIRTY: u64 = 1;

/// An image.
pub struct Qcow2 {
    file: File,
    bytes: u64,
    cluster_bits: u32,
    /// Where each second-level table is; 0 is nowhere.
    tables: Vec<u64>,
    version: u32,
}

impl Qcow2 {
    /// Opens an image.
    ///
    /// # Errors
    /// If it is none, or one that can't be read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let mut header = [0; 104];
        file.read_exact_at(&mut header[..72], 0)
            .context("no room for a header")?;
        let word =
            |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap_or_default());
        let long =
            |at: usize| u64::from_be_bytes(header[at..at + 8].try_into().unwrap_or_default());
        ensure!(word(0) == MAGIC, "not qcow2");
        let version = word(4);
        let (backing, cluster_bits, bytes) = (long(8), word(20), long(24));
        let (encrypted, table_entries, table) = (word(32), word(36), long(40));
        ensure!(matches!(version, 2 | 3), "version {version}");
        ensure!(backing == 0, "it has a backing file");
        ensure!(encrypted == 0, "it is encrypted");
        ensure!((9..=21).contains(&cluster_bits), "cluster size");
        ensure!(table_entries <= 1 << 22, "table of {table_entries} entries");
        if version == 3 {
            let mut features = [0; 8];
            file.read_exact_at(&mut features, 72)?;
            let features = u64::from_be_bytes(features);
            ensure!(features & !DIRTY == 0, "features {features:#x}");
        }
        let mut tables = vec![0; table_entries as usize * 8];
        file.read_exact_at(&mut tables, table)?;
        let entry = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap_or_default());
        Ok(Qcow2 {
            file,
            bytes,
            cluster_bits,
            tables: tables.chunks_exact(8).map(entry).collect(),
            version,
        })
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Fills `data` from byte `at` on.
    ///
    /// # Errors
    /// If the file has less than it says.
    pub fn read(&self, mut at: u64, mut data: &mut [u8]) -> Result<()> {
        let cluster = 1u64 << self.cluster_bits;
        while !data.is_empty() {
            let within = at % cluster;
            let length = (cluster - within).min(data.len() as u64);
            let (part, rest) = data.split_at_mut(length as usize);
            match self.find(at)? {
                Some(place) => self.file.read_exact_at(part, place + within)?,
                None => part.fill(0),
            }
            data = rest;
            at += length;
        }
        Ok(())
    }

    /// Where the cluster that holds byte `at` begins in the file; `None` if it
    /// reads as zero.
    fn find(&self, at: u64) -> Result<Option<u64>> {
        let entry_bits = self.cluster_bits - 3;
        let cluster = at >> self.cluster_bits;
        let table = self.tables.get((cluster >> entry_bits) as usize);
        let table = table.context("outside its tables")? & OFFSET;
        if table == 0 {
            return Ok(None);
        }
        let index = cluster & ((1 << entry_bits) - 1);
        let mut entry = [0; 8];
        self.file.read_exact_at(&mut entry, table + 8 * index)?;
        let entry = u64::from_be_bytes(entry);
        if entry & COMPRESSED != 0 {
            bail!("it is compressed");
        }
        let zero = self.version == 3 && entry & ZERO != 0;
        Ok(Some(entry & OFFSET).filter(|place| *place != 0 && !zero))
    }
}

#[cfg(test)]
mod tests {
    use super::Qcow2;
    use std::fs;

    /// An image of 4 KiB clusters: the second one holds sevens, the others
    /// nothing.
    fn image(version: u32) -> Vec<u8> {
        let mut file = vec![0; 4 * 4096];
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"QFI\xfb");
        put(4, &version.to_be_bytes());
        put(20, &12u32.to_be_bytes());
        put(24, &0x10000u64.to_be_bytes());
        put(36, &1u32.to_be_bytes());
        put(40, &0x1000u64.to_be_bytes());
        put(100, &104u32.to_be_bytes());
        put(0x1000, &(1u64 << 63 | 0x2000).to_be_bytes());
        put(0x2008, &(1u64 << 63 | 0x3000).to_be_bytes());
        put(0x2010, &(1u64 << 63 | 0x3001).to_be_bytes());
        put(0x3000, &[7; 4096]);
        file
    }

    fn open(bytes: &[u8]) -> anyhow::Result<Qcow2> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), bytes)?;
        Qcow2::open(file.path())
    }

    #[test]
    fn clusters_are_found_and_holes_are_zero() {
        for version in [2, 3] {
            let image = open(&image(version)).unwrap();
            assert_eq!(image.bytes(), 0x10000);
            let mut data = [1; 8192];
            image.read(0x800, &mut data).unwrap();
            assert_eq!(data[..0x800], [0; 0x800]);
            assert_eq!(data[0x800..0x1800], [7; 0x1000]);
            if version == 3 {
                assert_eq!(data[0x1800..], [0; 0x800]);
            }
        }
    }

    #[test]
    fn what_can_not_be_read_is_an_error() {
        let good = image(3);
        for (at, byte) in [(0, 0), (7, 4), (15, 1), (23, 40), (35, 1), (79, 4), (36, 1)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert!(open(&bad).is_err(), "byte {at}");
        }
        assert!(open(&good[..50]).is_err());
    }
}
