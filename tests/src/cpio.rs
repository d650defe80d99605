//! Writes cpio archives in the "newc" format, the one Linux unpacks at boot.
//!
//! Source: Documentation/driver-api/early-userspace/buffer-format.rst. Linux
//! takes several archives one after another, so a test appends its own files
//! to a dom0 that was packed once.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;
const CHARDEV: u32 = 0o020_000;

/// An archive being written. Parent folders are added as they are needed.
pub struct Cpio<W: Write> {
    out: W,
    inode: u32,
    written: u64,
    seen: BTreeSet<String>,
}

impl<W: Write> Cpio<W> {
    /// Starts an archive on `out`.
    pub fn new(out: W) -> Self {
        Cpio {
            out,
            inode: 1,
            written: 0,
            seen: BTreeSet::new(),
        }
    }

    /// Adds a folder and its parents; one that is there already is left alone.
    pub fn dir(&mut self, path: &str) -> io::Result<()> {
        let path = path.trim_matches('/');
        if path.is_empty() || self.seen.contains(path) {
            return Ok(());
        }
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.dir(parent)?;
        }
        self.seen.insert(path.to_owned());
        self.header(path, DIRECTORY | 0o755, 0, (0, 0))
    }

    /// Adds a file with the given permission bits.
    pub fn bytes(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        self.stream(path, mode, content.len() as u64, &mut &*content)
    }

    /// Adds a file of the host with its own permission bits.
    pub fn file(&mut self, path: &str, host: &Path) -> io::Result<()> {
        let context = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", host.display()));
        let meta = fs::metadata(host).map_err(context)?;
        let file = File::open(host).map_err(context)?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        self.stream(
            path,
            meta.permissions().mode() & 0o7777,
            meta.len(),
            &mut reader,
        )
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, path: &str, to: &str) -> io::Result<()> {
        let path = self.entry(path)?;
        self.header(&path, SYMLINK | 0o777, to.len() as u64, (0, 0))?;
        self.raw(to.as_bytes())?;
        self.pad()
    }

    /// Adds a character device node.
    pub fn chardev(&mut self, path: &str, mode: u32, major: u32, minor: u32) -> io::Result<()> {
        let path = self.entry(path)?;
        self.header(&path, CHARDEV | mode, 0, (major, minor))
    }

    /// Ends the archive, padded so that another may follow.
    pub fn finish(mut self) -> io::Result<W> {
        self.inode = 0;
        self.header("TRAILER!!!", 0, 0, (0, 0))?;
        while !self.written.is_multiple_of(512) {
            self.raw(&[0])?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn stream(&mut self, path: &str, mode: u32, len: u64, from: &mut dyn Read) -> io::Result<()> {
        if len > u64::from(u32::MAX) {
            return Err(io::Error::other(format!(
                "{path}: too large for a cpio archive"
            )));
        }
        let path = self.entry(path)?;
        self.header(&path, REGULAR | mode, len, (0, 0))?;
        let copied = io::copy(&mut from.take(len), &mut self.out)?;
        if copied != len {
            return Err(io::Error::other(format!(
                "{path}: shrank while it was packed"
            )));
        }
        self.written += len;
        self.pad()
    }

    fn entry(&mut self, path: &str) -> io::Result<String> {
        let path = path.trim_start_matches('/').to_owned();
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.dir(parent)?;
        }
        Ok(path)
    }

    fn header(&mut self, path: &str, mode: u32, len: u64, dev: (u32, u32)) -> io::Result<()> {
        let inode = self.inode;
        self.inode += 1;
        let name = path.len() + 1;
        let (major, minor) = dev;
        // magic ino mode uid gid nlink mtime filesize devmajor devminor
        // rdevmajor rdevminor namesize check
        let header = format!(
            "070701{inode:08X}{mode:08X}{:08X}{:08X}{:08X}{:08X}{len:08X}{:08X}{:08X}\
             {major:08X}{minor:08X}{name:08X}{:08X}",
            0, 0, 1, 0, 0, 0, 0
        );
        self.raw(header.as_bytes())?;
        self.raw(path.as_bytes())?;
        self.raw(&[0])?;
        self.pad()
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    fn pad(&mut self) -> io::Result<()> {
        while !self.written.is_multiple_of(4) {
            self.raw(&[0])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_follows_the_specification() {
        let mut cpio = Cpio::new(Vec::new());
        cpio.bytes("a/b", 0o644, b"hello").unwrap();
        let out = cpio.finish().unwrap();
        assert_eq!(out.len() % 512, 0);
        // 110 bytes of header, "a\0", to a multiple of 4.
        let file = &out[112..];
        assert_eq!(&file[..6], b"070701");
        assert_eq!(&file[14..22], b"000081A4", "regular file, rw-r--r--");
        assert_eq!(&file[54..62], b"00000005", "five bytes");
        assert_eq!(&file[94..102], b"00000004", "name with its NUL");
        assert_eq!(&file[110..114], b"a/b\0");
        assert_eq!(&file[116..121], b"hello");
        let trailer = &file[124..];
        assert_eq!(&trailer[110..121], b"TRAILER!!!\0");
    }
}
