//! Files that are pieces of the input, and what every menu made of them must
//! be: what the targets for distributions' menus have in common.

use pvgrub::command::{Error, ErrorKind, Files, Volume};
use pvgrub::disk::{DeviceName, FileSpec, FileTarget, PartitionEntry};
use pvgrub::fs::{DirEntry, File, FileKind, FsError};
use pvgrub::menu::Menu;

/// The files of a disk: names, and the pieces of the input, one behind each
/// 0xff.
pub struct Shelf<'a> {
    names: &'static [&'static str],
    pieces: Vec<&'a [u8]>,
}

impl<'a> Shelf<'a> {
    pub fn new(names: &'static [&'static str], data: &'a [u8]) -> Self {
        let pieces = data.split(|&byte| byte == 0xff).collect();
        Shelf { names, pieces }
    }
}

struct Piece(Vec<u8>);

impl File for Piece {
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

impl Files for Shelf<'_> {
    fn disks(&self) -> u32 {
        1
    }

    fn partitions(&self, _: u32) -> Result<Vec<PartitionEntry>, Error> {
        Ok(Vec::new())
    }

    fn file_system(&self, _: DeviceName) -> Result<&'static str, Error> {
        Ok("ext4")
    }

    fn volume(&self, _: DeviceName) -> Result<Volume, Error> {
        Ok(Volume {
            label: Some("boot".into()),
            uuid: Some("0a5e-77".into()),
        })
    }

    fn open(&self, spec: &FileSpec, _: DeviceName) -> Result<Box<dyn File>, Error> {
        let FileTarget::Path(path) = &spec.target else {
            return Err(Error::new(ErrorKind::BadFileName, spec.to_string()));
        };
        let at = self.names.iter().position(|name| name == path);
        match at.and_then(|at| self.pieces.get(at)) {
            Some(piece) => Ok(Box::new(Piece(piece.to_vec()))),
            None => Err(Error::new(ErrorKind::FileNotFound, spec.to_string())),
        }
    }

    fn read_dir(&self, _: DeviceName, path: &str) -> Result<Vec<DirEntry>, Error> {
        let inside = |name: &&str| {
            name.strip_prefix(path)?
                .strip_prefix('/')
                .map(str::to_string)
        };
        let names = self.names.iter().take(self.pieces.len()).filter_map(inside);
        let entry = |name| DirEntry {
            name,
            kind: FileKind::File,
        };
        Ok(names.map(entry).collect())
    }
}

/// Every menu's lines can be shown, are not too long, and not too many.
pub fn check(menu: &Menu) {
    assert!(menu.entries.len() <= 512, "{} entries", menu.entries.len());
    let commands = menu.entries.iter().flat_map(|entry| &entry.commands);
    let texts = menu.global.iter().chain(commands).map(|line| &line.text);
    for text in texts.chain(menu.entries.iter().map(|entry| &entry.title)) {
        assert!(text.len() <= 4 * 16 * 1024, "{} bytes", text.len());
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}
