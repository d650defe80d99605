//! What the menus of distributions may ask of the disks while they are read,
//! and how much of it.
//!
//! A menu.lst is one file; the others name further files, look into folders,
//! and search for the file system with some UUID. All of that goes through a
//! [`Reader`], which counts: a menu that asks for too much gets no more.

use crate::command::{Error, Files, Volume, devices};
use crate::disk::{DeviceName, FileSpec, FileTarget, PartitionEntry};
use crate::fs::FileKind;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// The largest file that is read as (a part of) a menu, in bytes.
pub const MAX_FILE: u64 = 4 << 20;
/// How many bytes of such files are read in all.
const MAX_BYTES: u64 = 8 << 20;
/// How often the disks are asked for anything.
const MAX_REQUESTS: u32 = 4096;

/// Reads for a menu, within limits.
pub struct Reader<'a> {
    files: &'a dyn Files,
    requests: Cell<u32>,
    bytes: Cell<u64>,
    /// The devices and what is known of their file systems, once asked.
    volumes: RefCell<Option<Vec<(DeviceName, Volume)>>>,
}

impl<'a> Reader<'a> {
    /// Nothing read yet.
    pub fn new(files: &'a dyn Files) -> Self {
        Reader {
            files,
            requests: Cell::new(0),
            bytes: Cell::new(0),
            volumes: RefCell::new(None),
        }
    }

    /// Counts a request; false if it is one too many.
    fn may_ask(&self) -> bool {
        let requests = self.requests.get();
        self.requests.set(requests.saturating_add(1));
        requests < MAX_REQUESTS
    }

    /// The bytes of a file; why not, in words.
    pub fn read(&self, device: DeviceName, path: &str) -> Result<Vec<u8>, String> {
        if !self.may_ask() {
            return Err(String::from("this menu asks for too many files"));
        }
        let mut file = self.files.open(&spec(device, path), device).map_err(why)?;
        let length = file.len();
        let read = self.bytes.get().saturating_add(length);
        if length > MAX_FILE || read > MAX_BYTES {
            return Err(format!(
                "{device}{path}: {length} bytes are too large for a menu"
            ));
        }
        self.bytes.set(read);
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        let read = file
            .read_at(0, &mut bytes)
            .map_err(|error| why(error.into()))?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Whether there is such a file, and whether it holds something.
    pub fn is_file(&self, device: DeviceName, path: &str) -> Option<bool> {
        if !self.may_ask() {
            return None;
        }
        let file = self.files.open(&spec(device, path), device).ok()?;
        Some(!file.is_empty())
    }

    /// The names in a folder that are not folders themselves; `None` if there
    /// is no such folder.
    pub fn folder(&self, device: DeviceName, path: &str) -> Option<Vec<String>> {
        if !self.may_ask() {
            return None;
        }
        let entries = self.files.read_dir(device, path).ok()?.into_iter();
        let files = entries.filter(|entry| entry.kind != FileKind::Directory);
        Some(files.map(|entry| entry.name).collect())
    }

    /// The first device, or the first of `hints` before it, of which `is` is
    /// true.
    pub fn find(&self, is: impl Fn(DeviceName, &Volume) -> bool) -> Option<DeviceName> {
        let mut known = self.volumes.borrow_mut();
        let known = known.get_or_insert_with(|| {
            let volume = |device| (device, self.files.volume(device).unwrap_or_default());
            devices(self.files).into_iter().map(volume).collect()
        });
        let found = known.iter().find(|(device, volume)| is(*device, volume));
        found.map(|(device, _)| *device)
    }

    /// The label and UUID of what is on `device`.
    pub fn volume(&self, device: DeviceName) -> Volume {
        match self.may_ask() {
            true => self.files.volume(device).unwrap_or_default(),
            false => Volume::default(),
        }
    }

    /// The partitions of a disk; none if they cannot be had.
    pub fn partitions(&self, disk: u32) -> Vec<PartitionEntry> {
        match self.may_ask() {
            true => self.files.partitions(disk).unwrap_or_default(),
            false => Vec::new(),
        }
    }

    /// The partitions of a disk are in a GPT.
    pub fn has_gpt(&self, disk: u32) -> bool {
        let partitions = self.files.partitions(disk).unwrap_or_default();
        partitions
            .iter()
            .any(|entry| matches!(entry.kind, crate::disk::PartitionKind::Gpt(_)))
    }
}

fn spec(device: DeviceName, path: &str) -> FileSpec {
    FileSpec {
        device: Some(device),
        target: FileTarget::Path(path.into()),
    }
}

/// What is wrong, without a number.
fn why(error: Error) -> String {
    let text = format!("{error}");
    match text.split_once(": ") {
        Some((_, reason)) => reason.into(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::menu::double::Tree;

    #[test]
    fn finds_and_limits() {
        let mut tree = Tree::new(&[("/a", "x"), ("(hd0,2)/empty", ""), ("(hd1)/b", "")])
            .volume("(hd0,2)", "boot", "0A5E-77")
            .volume("(hd1)", "root", "0a5e-78");
        tree.gpt = true;
        let reader = Reader::new(&tree);
        let by_label =
            |label: &str| reader.find(|_, volume| volume.label.as_deref() == Some(label));
        assert_eq!(by_label("boot"), Some(DeviceName::Partition(0, 2)));
        assert_eq!(by_label("root"), Some(DeviceName::Disk(1)));
        assert_eq!(by_label("none"), None);
        assert_eq!(reader.volume(DeviceName::Disk(1)).uuid.unwrap(), "0a5e-78");
        assert!(reader.has_gpt(0) && !reader.has_gpt(1));
        assert_eq!(
            reader.is_file(DeviceName::Partition(0, 0), "/a"),
            Some(true)
        );
        assert_eq!(
            reader.is_file(DeviceName::Partition(0, 2), "/empty"),
            Some(false)
        );
        assert_eq!(
            reader.read(DeviceName::Partition(0, 0), "/a").unwrap(),
            b"x"
        );
        // Whoever asks without end is not answered any more.
        let asked = (0..10_000).filter(|_| reader.is_file(DeviceName::Disk(1), "/b").is_some());
        assert!(asked.count() < 5000);
        assert!(reader.read(DeviceName::Disk(1), "/b").is_err());
        assert_eq!(reader.folder(DeviceName::Disk(1), "/"), None);
    }
}
