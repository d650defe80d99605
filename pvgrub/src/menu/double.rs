//! Test doubles: files in memory on a first partition, and menus as lines.

use super::Menu;
use crate::command::{Error, ErrorKind, Files, Volume};
use crate::disk::{DeviceName, FileSpec, FileTarget, PartitionEntry, PartitionKind};
use crate::fs::{DirEntry, File, FileKind, FsError, OpenError};
use std::collections::BTreeMap;

/// Files by device and path.
#[derive(Default)]
pub struct Tree {
    files: BTreeMap<(DeviceName, String), Vec<u8>>,
    volumes: BTreeMap<DeviceName, Volume>,
    pub gpt: bool,
    /// What partitions are, where it is not the same for all.
    pub kinds: BTreeMap<u32, PartitionKind>,
}

impl Tree {
    /// Files by their names: `(hd1,0)/path`, or `/path` on (hd0,0).
    pub fn new(files: &[(&str, &str)]) -> Self {
        let mut tree = Tree::default();
        for (name, content) in files {
            let spec = FileSpec::parse(name).unwrap();
            let device = spec.device.unwrap_or(DeviceName::Partition(0, 0));
            let FileTarget::Path(path) = spec.target else {
                panic!("{name} is no path");
            };
            tree.files.insert((device, path), content.as_bytes().into());
        }
        tree
    }

    /// Gives the file system on `device` a label and a UUID.
    pub fn volume(mut self, device: &str, label: &str, uuid: &str) -> Self {
        let volume = Volume {
            label: Some(label.into()),
            uuid: Some(uuid.into()),
        };
        let device = DeviceName::parse(device).unwrap();
        self.volumes.insert(device, volume);
        self
    }
}

struct Content(Vec<u8>);

impl File for Content {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&mut self, offset: u64, buf: &mut [u8]) -> Result<usize, FsError> {
        let rest = self.0.get(offset as usize..).unwrap_or(&[]);
        let length = rest.len().min(buf.len());
        buf[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }
}

impl Files for Tree {
    fn disks(&self) -> u32 {
        let disks = self.files.keys().filter_map(|(device, _)| device.disk());
        disks.max().map_or(0, |last| last + 1)
    }

    fn partitions(&self, disk: u32) -> Result<Vec<PartitionEntry>, Error> {
        let numbers = self.files.keys().filter_map(|(device, _)| match device {
            DeviceName::Partition(at, number) if *at == disk => Some(*number),
            _ => None,
        });
        let mut numbers: Vec<u32> = numbers.collect();
        numbers.dedup();
        let kind = match self.gpt {
            true => PartitionKind::Gpt([7; 16]),
            false => PartitionKind::Mbr(0x83),
        };
        let entry = |number| PartitionEntry {
            number,
            start: 0,
            length: 0,
            entry_at: None,
            kind: self.kinds.get(&number).copied().unwrap_or(kind),
            active: false,
            name: None,
        };
        Ok(numbers.into_iter().map(entry).collect())
    }

    fn file_system(&self, device: DeviceName) -> Result<&'static str, Error> {
        match self.files.keys().any(|(at, _)| *at == device) {
            true => Ok("ext4"),
            false => Err(Error::new(ErrorKind::NoSuchPartition, device.to_string())),
        }
    }

    fn volume(&self, device: DeviceName) -> Result<Volume, Error> {
        self.file_system(device)?;
        Ok(self.volumes.get(&device).cloned().unwrap_or_default())
    }

    fn open(&self, spec: &FileSpec, root: DeviceName) -> Result<Box<dyn File>, Error> {
        let device = spec.device.unwrap_or(root);
        self.file_system(device)?;
        let FileTarget::Path(path) = &spec.target else {
            return Err(Error::new(ErrorKind::BadFileName, spec.to_string()));
        };
        match self.files.get(&(device, path.clone())) {
            Some(content) => Ok(Box::new(Content(content.clone()))),
            None => Err(OpenError::Fs(device, FsError::NotFound(path.clone())).into()),
        }
    }

    fn read_dir(&self, device: DeviceName, path: &str) -> Result<Vec<DirEntry>, Error> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let names = self.files.keys().filter_map(|(at, file)| {
            let rest = file.strip_prefix(&folder).filter(|_| *at == device)?;
            (!rest.contains('/')).then(|| rest.to_string())
        });
        let entries: Vec<DirEntry> = names
            .map(|name| DirEntry {
                name,
                kind: FileKind::File,
            })
            .collect();
        match entries.is_empty() {
            true => Err(OpenError::Fs(device, FsError::NotFound(path.into())).into()),
            false => Ok(entries),
        }
    }
}

/// A menu in lines: its global section, `[title]` and commands of each entry,
/// `!` and the text of each warning.
pub fn lines(menu: &Menu) -> Vec<String> {
    let mut lines: Vec<String> = menu.global.iter().map(|line| line.text.clone()).collect();
    for entry in &menu.entries {
        lines.push(format!("[{}]", entry.title));
        lines.extend(entry.commands.iter().map(|line| line.text.clone()));
    }
    lines.extend(menu.warnings.iter().map(|warning| format!("! {warning}")));
    lines
}
