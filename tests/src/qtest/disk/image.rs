//! Where a disk's content is: a file, nowhere, or a file and memory over it.

use super::qcow2::Qcow2;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;

const SECTOR: u64 = 512;

enum Content {
    Raw(File),
    Qcow2(Qcow2),
    /// Zeroes; writes are lost.
    Null,
}

/// A disk's content.
pub struct Image {
    content: Content,
    bytes: u64,
    read_only: bool,
    /// Sectors written that must not reach the content.
    overlay: Option<BTreeMap<u64, Vec<u8>>>,
}

impl Image {
    /// The file at `path`, byte for byte.
    ///
    /// # Errors
    /// If it can't be opened.
    pub fn raw(path: &Path, read_only: bool) -> Result<Self> {
        let open = OpenOptions::new().read(true).write(!read_only).open(path);
        let file = open.with_context(|| format!("opening {}", path.display()))?;
        let bytes = file.metadata()?.len();
        Ok(Image::of(Content::Raw(file), bytes, read_only))
    }

    /// The file at `path` in the format qcow2; it can only be read.
    ///
    /// # Errors
    /// If it can't be opened or has a feature that is not understood.
    pub fn qcow2(path: &Path) -> Result<Self> {
        let image = Qcow2::open(path).with_context(|| format!("opening {}", path.display()))?;
        let bytes = image.bytes();
        Ok(Image::of(Content::Qcow2(image), bytes, true))
    }

    /// A disk of `bytes` that reads as zero.
    pub fn null(bytes: u64) -> Self {
        Image::of(Content::Null, bytes, false)
    }

    fn of(content: Content, bytes: u64, read_only: bool) -> Self {
        Image {
            content,
            bytes,
            read_only,
            overlay: None,
        }
    }

    /// Keeps writes in memory: the file stays as it is.
    #[must_use]
    pub fn snapshot(mut self) -> Self {
        self.read_only = false;
        self.overlay = Some(BTreeMap::new());
        self
    }

    /// Its size in sectors.
    pub fn sectors(&self) -> u64 {
        // A file need not end with its last sector.
        self.bytes.div_ceil(SECTOR)
    }

    /// Whether it can't be written.
    pub fn read_only(&self) -> bool {
        self.read_only
    }

    /// Fills `data` from byte `at` on.
    ///
    /// # Errors
    /// What the host's file says.
    pub fn read(&self, at: u64, data: &mut [u8]) -> Result<()> {
        match &self.content {
            Content::Raw(file) => read_padded(file, at, data)?,
            Content::Qcow2(image) => image.read(at, data)?,
            Content::Null => data.fill(0),
        }
        if let Some(overlay) = &self.overlay {
            for (sector, part) in (at / SECTOR..).zip(data.chunks_mut(SECTOR as usize)) {
                if let Some(written) = overlay.get(&sector) {
                    part.copy_from_slice(&written[..part.len()]);
                }
            }
        }
        Ok(())
    }

    /// Writes whole sectors.
    ///
    /// # Errors
    /// What the host's file says.
    pub fn write(&mut self, at: u64, data: &[u8]) -> Result<()> {
        if let Some(overlay) = &mut self.overlay {
            for (sector, part) in (at / SECTOR..).zip(data.chunks_exact(SECTOR as usize)) {
                overlay.insert(sector, part.to_vec());
            }
            return Ok(());
        }
        match &self.content {
            Content::Raw(file) => file.write_all_at(data, at)?,
            Content::Null => {}
            Content::Qcow2(_) => bail!("can't write qcow2"),
        }
        Ok(())
    }

    /// Brings it to stable storage.
    ///
    /// # Errors
    /// What the host's file says.
    pub fn flush(&self) -> Result<()> {
        if let (Content::Raw(file), None, false) = (&self.content, &self.overlay, self.read_only) {
            file.sync_data()?;
        }
        Ok(())
    }

    /// These bytes are not needed any more: they read as zero.
    ///
    /// # Errors
    /// What the host's file says.
    pub fn discard(&mut self, at: u64, length: u64) -> Result<()> {
        let zeroes = [0; SECTOR as usize];
        for offset in (0..length).step_by(SECTOR as usize) {
            self.write(at + offset, &zeroes)?;
        }
        Ok(())
    }
}

/// Reads; what lies behind the end is zero.
fn read_padded(file: &File, mut at: u64, mut data: &mut [u8]) -> Result<(), Error> {
    while !data.is_empty() {
        match file.read_at(data, at) {
            Ok(0) => {
                data.fill(0);
                return Ok(());
            }
            Ok(n) => {
                data = &mut data[n..];
                at += n as u64;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
