//! What the simpler file systems share: the way from a path to a file, by
//! folders and symbolic links, over the few questions each of them answers.

use super::{DirEntry, File, FileKind, FileSystem, FsError, path};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// As many links as Linux follows on the way to one file.
const MAX_LINKS: u32 = 40;
/// Names that one listing may have.
pub const MOST_ENTRIES: usize = 100_000;

/// A file system as a tree of nodes.
pub trait Tree: 'static {
    /// A file, folder or link, found.
    type Node: Clone;

    /// Its name as a user knows it.
    fn kind(&self) -> &'static str;
    /// The topmost folder.
    fn root(&self) -> Result<Self::Node, FsError>;
    /// Where else paths may start, if they lead nowhere from the root.
    fn other_root(&self) -> Result<Option<Self::Node>, FsError> {
        Ok(None)
    }
    /// What a node is.
    fn what(&self, node: &Self::Node) -> FileKind;
    /// The node called `name` in the folder `folder`; never asked for `..`.
    fn lookup(&self, folder: &Self::Node, name: &str) -> Result<Option<Self::Node>, FsError>;
    /// What a folder holds, [`MOST_ENTRIES`] at most, without `.` and `..`.
    fn list(&self, folder: &Self::Node) -> Result<Vec<DirEntry>, FsError>;
    /// Where a symbolic link points.
    fn target(&self, link: &Self::Node) -> Result<Vec<u8>, FsError>;
    /// Opens a regular file.
    fn open(self: &Rc<Self>, node: &Self::Node) -> Result<Box<dyn File>, FsError>;
    /// Its label.
    fn label(&self) -> Option<String>;
    /// Its UUID, as `blkid` prints it.
    fn uuid(&self) -> Option<String>;
}

/// A tree with paths.
pub struct Mounted<T>(Rc<T>);

impl<T: Tree> Mounted<T> {
    /// The file system whose tree is `tree`.
    pub fn boxed(tree: T) -> Box<dyn FileSystem> {
        Box::new(Mounted(Rc::new(tree)))
    }

    /// The node at the absolute path `path`, links followed.
    fn resolve(&self, path: &str) -> Result<T::Node, FsError> {
        path::check(path)?;
        match self.resolve_from(self.0.root()?, path) {
            Err(error @ (FsError::NotFound(_) | FsError::NotADirectory(_))) => {
                match self.0.other_root()? {
                    Some(other) => self.resolve_from(other, path).map_err(|_| error),
                    None => Err(error),
                }
            }
            result => result,
        }
    }

    /// The same from the root `root` on.
    fn resolve_from(&self, root: T::Node, path: &str) -> Result<T::Node, FsError> {
        let shown = || path.to_string();
        // The names still to go, the next one last; the folders on the way.
        let mut names: Vec<String> = path::components(path).rev().map(String::from).collect();
        let mut way = vec![root];
        let mut links = 0;
        while let Some(name) = names.pop() {
            let Some(current) = way.last() else {
                return Err(FsError::NotFound(shown()));
            };
            if self.0.what(current) != FileKind::Directory {
                return Err(FsError::NotADirectory(shown()));
            }
            if name == ".." {
                if way.len() > 1 {
                    way.pop();
                }
                continue;
            }
            let child = self.0.lookup(current, &name)?;
            let child = child.ok_or_else(|| FsError::NotFound(shown()))?;
            if self.0.what(&child) != FileKind::Symlink {
                way.push(child);
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(FsError::TooManyLinks(shown()));
            }
            let target = self.0.target(&child)?;
            let wrong = |what: &str| FsError::Corrupt {
                fs: self.0.kind(),
                what: alloc::format!("symbolic link {name} on the way to {path}: {what}"),
            };
            if target.is_empty() || target.len() > path::MAX_PATH {
                return Err(wrong("length out of range"));
            }
            let target = String::from_utf8(target).map_err(|_| wrong("target is not UTF-8"))?;
            names.extend(path::components(&target).rev().map(String::from));
            if names.len() > path::MAX_PATH {
                return Err(FsError::TooManyLinks(shown()));
            }
            if target.starts_with('/') {
                way.truncate(1);
            }
        }
        way.pop().ok_or_else(|| FsError::NotFound(shown()))
    }
}

impl<T: Tree> FileSystem for Mounted<T> {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn open(&self, path: &str) -> Result<Box<dyn File>, FsError> {
        let node = self.resolve(path)?;
        let kind = match self.0.what(&node) {
            FileKind::File => return self.0.open(&node),
            FileKind::Directory => "a directory",
            FileKind::Symlink => "a symbolic link",
            FileKind::Other | FileKind::Unknown => "a device, FIFO or socket",
        };
        Err(FsError::NotAFile {
            path: path.to_string(),
            kind,
        })
    }

    fn read_dir(&self, path: &str) -> Result<Vec<DirEntry>, FsError> {
        let node = self.resolve(path)?;
        if self.0.what(&node) != FileKind::Directory {
            return Err(FsError::NotADirectory(path.to_string()));
        }
        let entries = self.0.list(&node)?;
        if entries.len() >= MOST_ENTRIES {
            return Err(FsError::Unsupported {
                fs: self.0.kind(),
                what: alloc::format!("{path}: a directory of more than {MOST_ENTRIES} names"),
            });
        }
        Ok(entries)
    }

    fn label(&self) -> Option<String> {
        self.0.label()
    }

    fn uuid(&self) -> Option<String> {
        self.0.uuid()
    }
}

/// A UUID's 16 bytes as text.
pub fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&alloc::format!("{byte:02x}"));
    }
    text
}
