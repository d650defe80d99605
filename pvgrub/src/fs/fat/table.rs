//! The file allocation table: from a first cluster to all of them.

use super::boot::{Bits, Boot};
use super::corrupt;
use crate::disk::BlockDevice;
use crate::disk::bytes::{le16, le32};
use crate::fs::FsError;
use crate::fs::runs::Runs;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

/// Bytes of the table that are looked at together.
const WINDOW: u64 = 4096;

/// The first copy of the table.
pub struct Table {
    device: Rc<dyn BlockDevice>,
    bits: Bits,
    start: u64,
    length: u64,
    data: u64,
    cluster_size: u64,
    clusters: u32,
    /// Where in the table the window lies, and its bytes.
    window: RefCell<(u64, Vec<u8>)>,
}

impl Table {
    pub fn new(device: Rc<dyn BlockDevice>, boot: &Boot) -> Self {
        Table {
            device,
            bits: boot.bits,
            start: boot.table.0,
            length: boot.table.1,
            data: boot.data,
            cluster_size: boot.cluster_size,
            clusters: boot.clusters,
            window: RefCell::new((u64::MAX, Vec::new())),
        }
    }

    /// The clusters from `first` on, as many as `wanted` bytes need or fewer
    /// if the chain ends before.
    pub fn chain(&self, first: u32, wanted: u64) -> Result<Runs, FsError> {
        let mut runs = Runs::default();
        let mut cluster = first;
        while runs.length() < wanted {
            let number = cluster.checked_sub(2).filter(|at| *at < self.clusters);
            let Some(number) = number else {
                return Err(corrupt(format!(
                    "cluster {cluster} in the chain from cluster {first} on does not exist"
                )));
            };
            let at = self.data + u64::from(number) * self.cluster_size;
            if !runs.push(at, self.cluster_size) {
                return Err(FsError::Unsupported {
                    fs: super::NAME,
                    what: format!("a file in so many pieces (from cluster {first} on)"),
                });
            }
            match self.next(cluster)? {
                Some(next) => cluster = next,
                None => break,
            }
        }
        Ok(runs)
    }

    /// The cluster after `cluster`, or `None` for the last one.
    fn next(&self, cluster: u32) -> Result<Option<u32>, FsError> {
        let index = u64::from(cluster);
        let (value, end) = match self.bits {
            Bits::Fat12 => {
                let pair = self.word(index + index / 2)? & 0xffff;
                (
                    if index % 2 == 0 {
                        pair & 0xfff
                    } else {
                        pair >> 4
                    },
                    0xff8,
                )
            }
            Bits::Fat16 => (self.word(index * 2)? & 0xffff, 0xfff8),
            Bits::Fat32 => (self.word(index * 4)? & 0x0fff_ffff, 0x0fff_fff8),
        };
        Ok((value < end).then_some(value))
    }

    /// The 32 bits at byte `at` of the table, fewer at its end.
    fn word(&self, at: u64) -> Result<u32, FsError> {
        let begin = at - at % WINDOW;
        if self.window.borrow().0 != begin {
            // An entry of 12 bits may reach into the next window. Reading lets
            // other tasks run, so nothing is borrowed meanwhile.
            let length = self.length.saturating_sub(begin).min(WINDOW + 2);
            let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
            self.device.read_at(self.start + begin, &mut bytes)?;
            self.window.replace((begin, bytes));
        }
        let window = self.window.borrow();
        let skip = usize::try_from(at - begin).unwrap_or(0);
        if window.1.len() < skip.saturating_add(2) {
            return Err(corrupt(format!("the table ends before byte {at} of it")));
        }
        Ok(match self.bits {
            Bits::Fat32 => le32(&window.1, skip),
            _ => u32::from(le16(&window.1, skip)),
        })
    }
}
