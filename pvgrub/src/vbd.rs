//! The guest's vbds as the loader's disks: `(hd0)` is the first by number.
//!
//! CDs and read-only disks count like all others, as in PV-GRUB. A disk whose
//! backend cannot be reached keeps its number, so that `(hd1)` is `(hd1)` also
//! on a bad day: reading it gives the reason.

#![forbid(unsafe_code)]

use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;

use minios::executor::block_on;
use minios::frontend::block::{self, Block, Options};
use minios::println;
use minios::xenstore::Store;

use crate::disk::{BlockDevice, DiskError};

/// One vbd.
struct Vbd {
    /// Why it cannot be read, if it cannot.
    block: RefCell<Result<Block, String>>,
    len: u64,
    sector_size: u32,
}

/// All vbds of the guest, connected.
#[derive(Default)]
pub struct Disks(Vec<Rc<Vbd>>);

impl Disks {
    /// Connect to every vbd there is, and say which is which.
    pub async fn open(store: &Store) -> Disks {
        let found = block::open_all(store, Options::default())
            .await
            .unwrap_or_else(|error| {
                println!("no disks: {error}");
                Vec::new()
            });
        let mut disks = Vec::new();
        for (number, (vbd, result)) in found.into_iter().enumerate() {
            match &result {
                Ok(block) => println!("vbd {vbd} is hd{number}{}", remarks(block)),
                Err(error) => println!("vbd {vbd} is hd{number}, but cannot be used: {error}"),
            }
            disks.push(Rc::new(Vbd::new(result.map_err(|error| error.to_string()))));
        }
        Disks(disks)
    }

    /// The disks as partition tables and file systems see them.
    pub fn devices(&self) -> Vec<Rc<dyn BlockDevice>> {
        self.0
            .iter()
            .map(|disk| disk.clone() as Rc<dyn BlockDevice>)
            .collect()
    }

    /// Close all of them, such that the next kernel can connect.
    pub async fn close(&self) {
        for disk in &self.0 {
            let closed = Err("closed".to_string());
            let block = disk.block.replace(closed);
            if let Ok(block) = block {
                block.close().await;
            }
        }
    }
}

/// What is worth knowing about a disk beyond its number.
fn remarks(block: &Block) -> &'static str {
    match (block.disk().cdrom, block.disk().read_only) {
        (true, _) => " (CD)",
        (false, true) => " (read-only)",
        (false, false) => "",
    }
}

impl Vbd {
    fn new(block: Result<Block, String>) -> Self {
        let geometry = block.as_ref().map(|block| {
            (
                block.disk().sectors.saturating_mul(512),
                block.disk().sector_size,
            )
        });
        let (len, sector_size) = geometry.unwrap_or((0, 512));
        Vbd {
            block: RefCell::new(block),
            len,
            sector_size,
        }
    }
}

impl BlockDevice for Vbd {
    fn sector_size(&self) -> u32 {
        self.sector_size
    }

    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), DiskError> {
        let failed = |reason| DiskError::Io {
            offset,
            length: buf.len() as u64,
            reason,
        };
        match &*self.block.borrow() {
            Err(reason) => Err(failed(reason.clone())),
            Ok(block) => {
                log::trace!("read {} bytes at {offset}", buf.len());
                let length = buf.len() as u64;
                block_on(block.read(offset, buf)).map_err(|error| DiskError::Io {
                    offset,
                    length,
                    reason: error.to_string(),
                })
            }
        }
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
        let failed = |reason| DiskError::Write {
            offset,
            length: bytes.len() as u64,
            reason,
        };
        match &*self.block.borrow() {
            Err(reason) => Err(failed(reason.clone())),
            Ok(block) => {
                log::debug!("write {} bytes at {offset}", bytes.len());
                let written = block_on(async {
                    block.write(offset, bytes).await?;
                    block.flush().await
                });
                written.map_err(|error| failed(error.to_string()))
            }
        }
    }
}
