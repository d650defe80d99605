//! A whole session: a menu of any bytes, then any keys, against a loader that
//! accepts everything. It must end, and send the terminal nothing but text
//! and our own escapes. The input is the menu up to the first 0xff, then the
//! keys, among which NUL stands for a second without one, up to the second
//! 0xff, then the guest's command line.

use pvgrub::command::{Error, ErrorKind, Files, Machine};
use pvgrub::disk::{DeviceName, FileSpec, FileTarget, PartitionEntry};
use pvgrub::fs::{DirEntry, File, FileKind, FsError};
use pvgrub::screen::Terminal;
use pvgrub::session::{Start, run};
use std::rc::Rc;

const SECOND: u64 = 1_000_000_000;
const NAMES: &[&str] = &["/boot/grub/menu.lst", "/boot/grub/default", "/vmlinuz", "/initrd.img"];

struct Keyboard<'a> {
    keys: std::slice::Iter<'a, u8>,
    now: u64,
}

impl Terminal for Keyboard<'_> {
    fn write(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).expect("whole characters are sent");
        for c in text.chars() {
            assert!(!c.is_control() || matches!(c, '\r' | '\n' | '\x1b'), "{c:?}");
        }
    }

    fn read_key_byte(&mut self, deadline: Option<u64>) -> Option<u8> {
        if deadline.is_some_and(|deadline| deadline <= self.now) {
            return None;
        }
        loop {
            match self.keys.next() {
                Some(0) => self.now += SECOND,
                Some(&byte) => return Some(byte),
                None => self.now = deadline?,
            }
            if deadline.is_some_and(|deadline| deadline <= self.now) {
                return None;
            }
        }
    }

    fn now(&self) -> u64 {
        self.now
    }
}

struct OneFile(Rc<[u8]>);

impl File for OneFile {
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

/// Every file is the menu.
struct Shelf(Rc<[u8]>);

impl Files for Shelf {
    fn disks(&self) -> u32 {
        1
    }

    fn partitions(&self, _: u32) -> Result<Vec<PartitionEntry>, Error> {
        Ok(Vec::new())
    }

    fn file_system(&self, device: DeviceName) -> Result<&'static str, Error> {
        match device.disk() {
            Some(0) => Ok("ext4"),
            _ => Err(Error::new(ErrorKind::NoSuchDisk, device.to_string())),
        }
    }

    fn open(&self, spec: &FileSpec, root: DeviceName) -> Result<Box<dyn File>, Error> {
        self.file_system(spec.device.unwrap_or(root))?;
        match &spec.target {
            FileTarget::Path(path) if NAMES.contains(&path.as_str()) => Ok(Box::new(OneFile(self.0.clone()))),
            _ => Err(Error::new(ErrorKind::FileNotFound, spec.to_string())),
        }
    }

    fn size(&self, device: DeviceName) -> Result<(u64, u32), Error> {
        self.file_system(device)?;
        Ok((1 << 20, 512))
    }

    fn overwrite(&self, spec: &FileSpec, root: DeviceName, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        let length = self.open(spec, root)?.len();
        assert!(bytes.len() <= 16, "nobody here writes more than that");
        match offset.checked_add(bytes.len() as u64) {
            Some(end) if end <= length => Ok(()),
            _ => Err(Error::because(ErrorKind::WriteError, "too short")),
        }
    }

    fn read_dir(&self, _: DeviceName, path: &str) -> Result<Vec<DirEntry>, Error> {
        let names = NAMES.iter().filter_map(|name| name.strip_prefix(path));
        let entry = |name: &str| DirEntry {
            name: name.to_string(),
            kind: FileKind::File,
        };
        Ok(names.map(entry).collect())
    }
}

struct Loader;

impl Machine for Loader {
    fn memory_kib(&self) -> u64 {
        65536
    }

    fn load_kernel(&mut self, _: &str, _: &mut dyn File, _: &str) -> Result<String, Error> {
        Ok("Linux".into())
    }

    fn load_module(&mut self, _: &str, _: &mut dyn File, _: &str, _: bool) -> Result<String, Error> {
        Ok("module".into())
    }

    fn load_initrd(&mut self, files: &mut [Box<dyn File>]) -> Result<String, Error> {
        Ok(format!("{} files", files.len()))
    }

    fn boot(&mut self) -> Result<(), Error> {
        Err(Error::because(ErrorKind::BootFailed, "as always"))
    }
}

pub fn fuzz(data: &[u8]) {
    let split = data.iter().position(|&byte| byte == 0xff).unwrap_or(data.len());
    let (menu, rest) = data.split_at(split);
    let mut parts = rest.get(1..).unwrap_or_default().split(|&byte| byte == 0xff);
    let keys = parts.next().unwrap_or_default();
    let command_line = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let mut keyboard = Keyboard {
        keys: keys.iter(),
        now: 0,
    };
    let start = Start {
        command_line: &command_line,
        ramdisk: None,
    };
    run(&mut keyboard, &Shelf(menu.into()), &mut Loader, &start);
}
