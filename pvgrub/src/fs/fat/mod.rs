//! FAT12, FAT16 and FAT32 with long names, read only.
//!
//! The layout is from Microsoft's FAT specification 1.03 (`FAT: General
//! Overview of On-Disk Format`) and, where writers differ from it, from what
//! Linux takes. Names are compared without regard to case, as all writers of
//! FAT do. The way of a read: [`super::tree`] asks `dir` for names; `table`
//! turns a first cluster into runs; [`super::runs`] reads them.

mod boot;
mod dir;
mod table;

use super::runs::{RunFile, Runs};
use super::tree::{MOST_ENTRIES, Mounted, Tree};
use super::{DirEntry, File, FileKind, FileSystem, FsError};
use crate::disk::BlockDevice;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use boot::Boot;
use core::ops::ControlFlow;
use dir::{Entry, Scanner, attribute};
use table::Table;

/// What the messages call it.
const NAME: &str = "FAT file system";

/// The longest folder, in bytes; Linux and Windows stop at 65536 entries.
const LONGEST_FOLDER: u64 = 65536 * 32;

fn corrupt(what: String) -> FsError {
    FsError::Corrupt { fs: NAME, what }
}

/// A file or folder.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// The first cluster; 0 for an empty file, and for the root folder of
    /// FAT12 and FAT16.
    cluster: u32,
    size: u32,
    folder: bool,
}

/// A FAT file system.
pub struct Fat {
    device: Rc<dyn BlockDevice>,
    boot: Boot,
    table: Table,
}

/// Opens the file system on `device` if it is FAT.
///
/// # Errors
/// When it is, but cannot be read.
pub fn probe(device: Rc<dyn BlockDevice>) -> Result<Option<Box<dyn FileSystem>>, FsError> {
    let mut sector = [0; 512];
    if device.len() < 512 {
        return Ok(None);
    }
    device.read_at(0, &mut sector)?;
    let Some(boot) = Boot::parse(&sector)? else {
        return Ok(None);
    };
    let table = Table::new(device.clone(), &boot);
    Ok(Some(Mounted::boxed(Fat {
        device,
        boot,
        table,
    })))
}

impl Fat {
    /// Calls `visit` for each name in a folder until it breaks.
    fn scan(
        &self,
        folder: &Node,
        mut visit: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), FsError> {
        let runs = if folder.cluster == 0 {
            let mut runs = Runs::default();
            let (start, length) = self.boot.root_area;
            // One run is never too many.
            let _ = runs.push(start, length);
            runs
        } else {
            self.table.chain(folder.cluster, LONGEST_FOLDER)?
        };
        let length = runs.length().min(LONGEST_FOLDER);
        let mut file = RunFile::new(self.device.clone(), runs, length);
        let mut piece = vec![0; 4096];
        let mut scanner = Scanner::default();
        let mut at = 0;
        while at < length {
            let count = file.read_at(at, &mut piece)?;
            for raw in piece.get(..count).unwrap_or_default().chunks_exact(32) {
                match scanner.take(raw) {
                    ControlFlow::Break(()) => return Ok(()),
                    ControlFlow::Continue(None) => {}
                    ControlFlow::Continue(Some(entry)) => {
                        if visit(entry).is_break() {
                            return Ok(());
                        }
                    }
                }
            }
            at = at.saturating_add(4096);
        }
        Ok(())
    }
}

impl Tree for Fat {
    type Node = Node;

    fn kind(&self) -> &'static str {
        self.boot.bits.name()
    }

    fn root(&self) -> Result<Node, FsError> {
        Ok(Node {
            cluster: self.boot.root_cluster,
            size: 0,
            folder: true,
        })
    }

    fn what(&self, node: &Node) -> FileKind {
        if node.folder {
            FileKind::Directory
        } else {
            FileKind::File
        }
    }

    fn lookup(&self, folder: &Node, name: &str) -> Result<Option<Node>, FsError> {
        let mut found = None;
        self.scan(folder, |entry| {
            if entry.attributes & attribute::LABEL == 0 && entry.is_called(name) {
                let folder = entry.attributes & attribute::FOLDER != 0;
                found = Some(Node {
                    cluster: entry.cluster & self.boot.bits.mask(),
                    size: entry.size,
                    folder,
                });
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        // Only `..` of a folder below the root has no cluster, and that name
        // never comes here: a folder without one would be the root again.
        match found {
            Some(node) if node.folder && node.cluster == 0 => {
                Err(corrupt(format!("folder {name} has no clusters")))
            }
            found => Ok(found),
        }
    }

    fn list(&self, folder: &Node) -> Result<Vec<DirEntry>, FsError> {
        let mut entries = Vec::new();
        self.scan(folder, |entry| {
            let hidden = entry.attributes & attribute::LABEL != 0 || entry.is_dots();
            if !hidden {
                let kind = if entry.attributes & attribute::FOLDER != 0 {
                    FileKind::Directory
                } else {
                    FileKind::File
                };
                entries.push(DirEntry {
                    name: entry.name(),
                    kind,
                });
            }
            if entries.len() < MOST_ENTRIES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        Ok(entries)
    }

    fn target(&self, _: &Node) -> Result<Vec<u8>, FsError> {
        Err(corrupt("symbolic link".to_string()))
    }

    fn open(self: &Rc<Self>, node: &Node) -> Result<Box<dyn File>, FsError> {
        let size = u64::from(node.size);
        let runs = match size {
            0 => Runs::default(),
            _ => self.table.chain(node.cluster, size)?,
        };
        if runs.length() < size {
            return Err(corrupt(format!(
                "a file of {size} bytes from cluster {} on has room for {} only",
                node.cluster,
                runs.length()
            )));
        }
        Ok(Box::new(RunFile::new(self.device.clone(), runs, size)))
    }

    fn label(&self) -> Option<String> {
        let mut label = None;
        let root = self.root().ok()?;
        let _ = self.scan(&root, |entry| {
            if entry.attributes & (attribute::LABEL | attribute::FOLDER) == attribute::LABEL {
                label = Some(entry.label());
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        label
            .or_else(|| self.boot.label())
            .filter(|label| !label.is_empty())
    }

    fn uuid(&self) -> Option<String> {
        let serial = self.boot.serial?;
        Some(format!("{:04X}-{:04X}", serial >> 16, serial & 0xffff))
    }
}
