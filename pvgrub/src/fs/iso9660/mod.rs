//! ISO 9660 with Rock Ridge or Joliet, read only.
//!
//! The layout is from ECMA-119, the extensions from IEEE P1282 (Rock Ridge,
//! on the system use sharing protocol P1281) and Microsoft's Joliet
//! specification. Rock Ridge is preferred, since only it has links; then
//! Joliet; a disc with neither shows its short names in lower case, as Linux
//! does. Without Rock Ridge names are compared without regard to case.

mod record;
mod rock;
mod volume;

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
use core::ops::ControlFlow;
use record::{Record, flag};
use rock::Rock;
use volume::{Names, Volume};

/// What the messages call it.
const NAME: &str = "ISO 9660 file system";
/// Records of a folder do not cross a sector of this size.
const SECTOR: usize = 2048;

fn corrupt(what: String) -> FsError {
    FsError::Corrupt { fs: NAME, what }
}

fn unsupported(what: String) -> FsError {
    FsError::Unsupported { fs: NAME, what }
}

/// A file, folder or link.
#[derive(Debug, Clone)]
pub struct Node {
    what: FileKind,
    runs: Runs,
    /// Where a link points.
    target: Vec<u8>,
    /// Why its content cannot be read, if so.
    trouble: Option<&'static str>,
}

/// An entry of a folder with all of its records put together.
struct Entry {
    name: String,
    node: Node,
}

/// An ISO 9660 file system.
pub struct Iso {
    device: Rc<dyn BlockDevice>,
    volume: Volume,
}

/// Opens the file system on `device` if it is ISO 9660.
///
/// # Errors
/// When it is, but cannot be read.
pub fn probe(device: Rc<dyn BlockDevice>) -> Result<Option<Box<dyn FileSystem>>, FsError> {
    let Some(volume) = Volume::find(&*device)? else {
        return Ok(None);
    };
    Ok(Some(Mounted::boxed(Iso { device, volume })))
}

impl Iso {
    /// The node that `record` alone describes.
    fn node(&self, record: &Record<'_>) -> Result<Node, FsError> {
        let mut runs = Runs::default();
        self.add(&mut runs, record)?;
        let folder = record.flags & flag::FOLDER != 0;
        Ok(Node {
            what: if folder {
                FileKind::Directory
            } else {
                FileKind::File
            },
            runs,
            target: Vec::new(),
            trouble: (record.interleaved).then_some("an interleaved file"),
        })
    }

    /// Adds where `record`'s content lies.
    fn add(&self, runs: &mut Runs, record: &Record<'_>) -> Result<(), FsError> {
        let length = u64::from(record.length);
        if length > 0 && !runs.push(self.volume.place(record.block), length) {
            return Err(unsupported("a file of so many pieces".to_string()));
        }
        Ok(())
    }

    /// Calls `visit` for each entry of a folder until it breaks.
    fn scan(
        &self,
        folder: &Node,
        mut visit: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), FsError> {
        let length = folder.runs.length();
        let mut file = RunFile::new(self.device.clone(), folder.runs.clone(), length);
        let mut sector = vec![0; SECTOR];
        let mut at = 0;
        // A file whose further records are still to come.
        let mut unfinished: Option<Entry> = None;
        while at < length {
            let count = file.read_at(at, &mut sector)?;
            let mut rest = sector.get(..count).unwrap_or_default();
            while let Some(record) = Record::parse(&mut rest) {
                if record.is_dots() || record.flags & flag::ASSOCIATED != 0 {
                    continue;
                }
                let entry = match unfinished.take() {
                    Some(mut entry) => {
                        self.add(&mut entry.node.runs, &record)?;
                        entry
                    }
                    None => match self.entry(&record)? {
                        Some(entry) => entry,
                        None => continue,
                    },
                };
                if record.flags & flag::GOES_ON != 0 {
                    unfinished = Some(entry);
                } else if visit(entry).is_break() {
                    return Ok(());
                }
            }
            at = at.saturating_add(SECTOR as u64);
        }
        Ok(())
    }

    /// What a record says together with its Rock Ridge part; `None` for one
    /// that is not to be seen.
    fn entry(&self, record: &Record<'_>) -> Result<Option<Entry>, FsError> {
        let mut node = self.node(record)?;
        let skip = match self.volume.names {
            Names::Rock { skip } => skip,
            Names::Joliet => {
                let name = record.joliet_name();
                return Ok(Some(Entry { name, node }));
            }
            Names::Plain => {
                let name = record.plain_name();
                return Ok(Some(Entry { name, node }));
            }
        };
        let rock = Rock::read(&*self.device, &self.volume, record.system_use(skip))?;
        if rock.relocated {
            return Ok(None);
        }
        if let Some(block) = rock.child {
            node = self.relocated(block)?;
        } else if let Some(mode) = rock.mode {
            node.what = match mode & 0o170_000 {
                0o100_000 => FileKind::File,
                0o040_000 => FileKind::Directory,
                0o120_000 => FileKind::Symlink,
                _ => FileKind::Other,
            };
        }
        if rock.compressed {
            node.trouble = Some("a file compressed with zisofs");
        }
        node.target = rock.target;
        let name = match rock.name {
            Some(name) => String::from_utf8_lossy(&name).into_owned(),
            None => record.plain_name(),
        };
        Ok(Some(Entry { name, node }))
    }

    /// A folder that was too deep for ECMA-119 and lies elsewhere, at `block`.
    fn relocated(&self, block: u32) -> Result<Node, FsError> {
        let mut bytes = [0; 255];
        let start = self.volume.place(block);
        self.device.read_at(start, &mut bytes)?;
        let mut rest = bytes.as_slice();
        let record = Record::parse(&mut rest).filter(|own| own.is_dots());
        let Some(record) = record else {
            return Err(corrupt(format!("no folder at block {block}")));
        };
        self.node(&record)
    }
}

impl Tree for Iso {
    type Node = Node;

    fn kind(&self) -> &'static str {
        "iso9660"
    }

    fn root(&self) -> Result<Node, FsError> {
        let (block, length) = self.volume.root;
        let mut runs = Runs::default();
        // One run is never too many.
        let _ = runs.push(self.volume.place(block), u64::from(length));
        Ok(Node {
            what: FileKind::Directory,
            runs,
            target: Vec::new(),
            trouble: None,
        })
    }

    fn what(&self, node: &Node) -> FileKind {
        node.what
    }

    fn lookup(&self, folder: &Node, name: &str) -> Result<Option<Node>, FsError> {
        let fold = |text: &str| {
            text.chars()
                .flat_map(char::to_lowercase)
                .collect::<String>()
        };
        let exact = matches!(self.volume.names, Names::Rock { .. });
        let folded = fold(name);
        let mut found = None;
        self.scan(folder, |entry| {
            if entry.name == name || (!exact && fold(&entry.name) == folded) {
                found = Some(entry.node);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        Ok(found)
    }

    fn list(&self, folder: &Node) -> Result<Vec<DirEntry>, FsError> {
        let mut entries = Vec::new();
        self.scan(folder, |entry| {
            entries.push(DirEntry {
                name: entry.name,
                kind: entry.node.what,
            });
            if entries.len() < MOST_ENTRIES {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        Ok(entries)
    }

    fn target(&self, link: &Node) -> Result<Vec<u8>, FsError> {
        Ok(link.target.clone())
    }

    fn open(self: &Rc<Self>, node: &Node) -> Result<Box<dyn File>, FsError> {
        if let Some(trouble) = node.trouble {
            return Err(unsupported(trouble.to_string()));
        }
        let length = node.runs.length();
        let file = RunFile::new(self.device.clone(), node.runs.clone(), length);
        Ok(Box::new(file))
    }

    fn label(&self) -> Option<String> {
        self.volume.label.clone()
    }

    fn uuid(&self) -> Option<String> {
        self.volume.uuid.clone()
    }
}
