//! Sessions from key strokes to screens: what a person sees, and what the
//! machine is asked to do.

use super::*;
use crate::command::{Error, ErrorKind};
use crate::disk::{FileTarget, PartitionEntry, PartitionKind};
use crate::fs::{DirEntry, File, FileKind, FsError, OpenError, Place};
use crate::screen::double::{Script, Typed};
use std::cell::RefCell;
use std::collections::BTreeMap;

mod boot;
mod distributions;
mod files;
mod graphics;
mod look;
mod network;
mod prompt;
mod real_menus;
mod terminal;

/// Files in memory: device and path to content.
#[derive(Default, Clone)]
struct Shelf {
    files: RefCell<BTreeMap<(DeviceName, String), Vec<u8>>>,
    /// Nothing can be written.
    read_only: bool,
}

impl Shelf {
    /// A shelf with these files, each `(hd0,0)/path` and its content.
    fn new(files: &[(&str, &str)]) -> Self {
        let mut shelf = Self::default();
        for (name, content) in files {
            shelf.put(name, content.as_bytes());
        }
        shelf
    }

    /// A first partition with this menu, a kernel and an initrd.
    fn with_menu(menu: &str) -> Self {
        Self::new(&[
            ("(hd0,0)/boot/grub/menu.lst", menu),
            ("(hd0,0)/vmlinuz", "kernel"),
            ("(hd0,0)/initrd.img", "initrd"),
        ])
    }

    fn put(&mut self, name: &str, content: &[u8]) {
        let spec = FileSpec::parse(name).unwrap();
        let FileTarget::Path(path) = spec.target else {
            panic!("{name} is no path");
        };
        self.files
            .borrow_mut()
            .insert((spec.device.unwrap(), path), content.to_vec());
    }

    /// What the file of this path on the first partition holds now.
    fn holds(&self, path: &str) -> String {
        let files = self.files.borrow();
        let bytes = &files[&(DeviceName::Partition(0, 0), path.to_string())];
        String::from_utf8(bytes.clone()).unwrap()
    }

    fn has_device(&self, device: DeviceName) -> bool {
        self.files.borrow().keys().any(|(at, _)| *at == device)
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

    fn places(&mut self, offset: u64, length: u64) -> Result<Vec<Place>, FsError> {
        let length = length.min(self.len().saturating_sub(offset));
        let start = Some(8 * 512 + offset);
        Ok(vec![Place { start, length }])
    }
}

impl Files for Shelf {
    fn disks(&self) -> u32 {
        let files = self.files.borrow();
        let disks = files.keys().filter_map(|(device, _)| device.disk());
        disks.max().map_or(0, |last| last + 1)
    }

    fn partitions(&self, disk: u32) -> Result<Vec<PartitionEntry>, Error> {
        let mut numbers: Vec<u32> = self
            .files
            .borrow()
            .keys()
            .filter_map(|(device, _)| match device {
                DeviceName::Partition(at, number) if *at == disk => Some(*number),
                _ => None,
            })
            .collect();
        numbers.dedup();
        let entry = |number| PartitionEntry {
            number,
            start: 0,
            length: 0,
            kind: PartitionKind::Mbr(0x83),
            active: false,
            entry_at: None,
            name: None,
        };
        Ok(numbers.into_iter().map(entry).collect())
    }

    fn file_system(&self, device: DeviceName) -> Result<&'static str, Error> {
        match self.has_device(device) {
            true => Ok("ext4"),
            false if matches!(device, DeviceName::Disk(disk) if disk < self.disks()) => {
                Err(OpenError::Fs(device, FsError::NoFileSystem).into())
            }
            false => Err(Error::new(ErrorKind::NoSuchPartition, device.to_string())),
        }
    }

    fn open(&self, spec: &FileSpec, root: DeviceName) -> Result<Box<dyn File>, Error> {
        let device = spec.device.unwrap_or(root);
        self.file_system(device)?;
        let FileTarget::Path(path) = &spec.target else {
            return Err(Error::new(ErrorKind::BadFileName, spec.to_string()));
        };
        match self.files.borrow().get(&(device, path.clone())) {
            Some(content) => Ok(Box::new(Content(content.clone()))),
            None => Err(OpenError::Fs(device, FsError::NotFound(path.clone())).into()),
        }
    }

    fn read_dir(&self, device: DeviceName, path: &str) -> Result<Vec<DirEntry>, Error> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let mut entries: Vec<DirEntry> = Vec::new();
        for (at, file) in self.files.borrow().keys() {
            let Some(rest) = file.strip_prefix(&folder).filter(|_| *at == device) else {
                continue;
            };
            let (name, kind) = match rest.split_once('/') {
                Some((name, _)) => (name, FileKind::Directory),
                None => (rest, FileKind::File),
            };
            let name = name.to_string();
            if !entries.iter().any(|entry| entry.name == name) {
                entries.push(DirEntry { name, kind });
            }
        }
        match entries.is_empty() {
            true => Err(OpenError::Fs(device, FsError::NotFound(path.into())).into()),
            false => Ok(entries),
        }
    }

    fn size(&self, device: DeviceName) -> Result<(u64, u32), Error> {
        self.file_system(device)?;
        Ok((1 << 20, 512))
    }

    fn places(&self, spec: &FileSpec, root: DeviceName) -> Result<Vec<Place>, Error> {
        Ok(self.open(spec, root)?.places(0, u64::MAX)?)
    }

    fn overwrite(
        &self,
        spec: &FileSpec,
        root: DeviceName,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let length = self.open(spec, root)?.len();
        if self.read_only {
            return Err(Error::because(ErrorKind::WriteError, "XFS: no writing"));
        }
        let FileTarget::Path(path) = &spec.target else {
            panic!("{spec} is not to be written");
        };
        if length < offset + bytes.len() as u64 {
            return Err(Error::because(ErrorKind::WriteError, "too short"));
        }
        let key = (spec.device.unwrap_or(root), path.clone());
        let mut files = self.files.borrow_mut();
        let place = &mut files.get_mut(&key).unwrap()[offset as usize..];
        place[..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }
}

/// A machine that notes what is asked of it. A file whose content begins with
/// `bad` is no kernel.
#[derive(Default)]
struct Notes {
    notes: Vec<String>,
    boot_fails: bool,
}

fn content(file: &mut dyn File) -> String {
    let mut bytes = vec![0; file.len() as usize];
    let read = file.read_at(0, &mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

impl Machine for Notes {
    fn memory_kib(&self) -> u64 {
        262_144
    }

    fn load_kernel(
        &mut self,
        name: &str,
        file: &mut dyn File,
        command_line: &str,
    ) -> Result<String, Error> {
        let content = content(file);
        self.notes.push(format!("kernel {name} [{command_line}]"));
        if content.starts_with("bad") {
            return Err(Error::because(ErrorKind::BadExecutable, "no Xen notes"));
        }
        Ok(format!("Linux, {} bytes", content.len()))
    }

    fn load_initrd(&mut self, files: &mut [Box<dyn File>]) -> Result<String, Error> {
        let contents: Vec<String> = files.iter_mut().map(|file| content(&mut **file)).collect();
        self.notes.push(format!("initrd {}", contents.join("+")));
        Ok(format!("initrd, {} files", files.len()))
    }

    fn load_module(
        &mut self,
        name: &str,
        file: &mut dyn File,
        command_line: &str,
        unzip: bool,
    ) -> Result<String, Error> {
        let content = content(file);
        let unzip = if unzip { "" } else { "nounzip" };
        self.notes
            .push(format!("module{unzip} {name} [{command_line}] {content}"));
        Ok("module".into())
    }

    fn boot(&mut self) -> Result<(), Error> {
        self.notes.push("boot".into());
        match self.boot_fails {
            true => Err(Error::because(
                ErrorKind::BootFailed,
                "the hypervisor said no",
            )),
            false => Ok(()),
        }
    }
}

/// What a session left behind.
struct Ran {
    exit: Exit,
    terminal: Typed,
    notes: Vec<String>,
}

impl Ran {
    fn shows(&self, text: &str) -> bool {
        self.terminal
            .transcript()
            .replace("\r\n", "\n")
            .contains(text)
    }
}

/// Runs a session.
fn session(shelf: &Shelf, script: &Script, start: &Start<'_>) -> Ran {
    session_with(shelf, script, start, Notes::default())
}

fn session_with(shelf: &Shelf, script: &Script, start: &Start<'_>, mut machine: Notes) -> Ran {
    let mut terminal = script.terminal();
    let exit = run(&mut terminal, shelf, &mut machine, start);
    Ran {
        exit,
        terminal,
        notes: machine.notes,
    }
}

/// Runs a session with this menu and these keys.
fn with_menu(menu: &str, keys: &str) -> Ran {
    session(
        &Shelf::with_menu(menu),
        &Script::keys(keys),
        &Start::default(),
    )
}
