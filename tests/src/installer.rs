//! Debian's installer, in a size that an emulated processor unpacks in a minute:
//! without the drivers, voices and fonts that a guest of the lab has no use for.

use crate::packages;
use anyhow::{Context, Result, ensure};
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// What is left out, by the beginning of its path.
const LEFT_OUT: &[&str] = &[
    "etc/brltty/",
    "usr/lib/x86_64-linux-gnu/espeak-ng-data/",
    "usr/share/fonts/truetype/droid/",
    "usr/share/fonts/truetype/tibetan-machine/",
];

/// Kernel modules are left out unless their paths contain one of these.
const MODULES: &[&str] = &["/drivers/input/", "/drivers/hid/", "/drivers/video/"];

fn wanted(path: &str) -> bool {
    let module = path.starts_with("lib/modules/") && path.ends_with(".ko");
    if module {
        return MODULES.iter().any(|part| path.contains(part));
    }
    !LEFT_OUT.iter().any(|start| path.starts_with(start))
}

/// The kernel, and the initrd without what is left out; with the graphical screen.
pub fn installer() -> Result<(PathBuf, Vec<u8>)> {
    let (kernel, initrd) = packages::installer()?;
    Ok((kernel, smaller(&initrd)?))
}

/// The same for a terminal.
pub fn text_installer() -> Result<(PathBuf, Vec<u8>)> {
    let (kernel, initrd) = packages::text_installer()?;
    Ok((kernel, smaller(&initrd)?))
}

fn smaller(initrd: &Path) -> Result<Vec<u8>> {
    let mut archive = Vec::new();
    MultiGzDecoder::new(File::open(initrd)?)
        .read_to_end(&mut archive)
        .with_context(|| format!("{}", initrd.display()))?;
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    let mut rest = archive.as_slice();
    while let Some(entry) = Entry::read(rest)? {
        if entry.name == "TRAILER!!!" || wanted(entry.name) {
            out.write_all(entry.bytes)?;
        }
        rest = entry.rest;
    }
    Ok(out.finish()?)
}

/// One entry of a cpio archive in the "newc" format (see [`crate::cpio`]).
struct Entry<'a> {
    name: &'a str,
    bytes: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The first entry of what is left of an archive; `None` at its end.
    fn read(archive: &'a [u8]) -> Result<Option<Entry<'a>>> {
        // Between archives and behind the last there are zeros.
        let padding = archive.iter().take_while(|&&b| b == 0).count();
        let archive = archive.get(padding..).unwrap_or_default();
        if archive.is_empty() {
            return Ok(None);
        }
        let cut = "a cpio archive that ends too soon";
        ensure!(archive.starts_with(b"070701"), "not a cpio archive");
        let field = |at: usize| -> Result<usize> {
            let digits = archive.get(at..at + 8).context(cut)?;
            Ok(usize::from_str_radix(std::str::from_utf8(digits)?, 16)?)
        };
        // Header of 110 bytes with c_filesize at 54 and c_namesize at 94.
        let (size, name) = (field(54)?, field(94)?);
        let data = (110 + name).next_multiple_of(4);
        let end = (data + size).next_multiple_of(4);
        let name = archive.get(110..109 + name).context(cut)?;
        let (bytes, rest) = archive.split_at_checked(end).context(cut)?;
        let name = std::str::from_utf8(name)?;
        Ok(Some(Entry { name, bytes, rest }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpio::Cpio;

    #[test]
    fn entries_are_those_that_were_written() -> Result<()> {
        let mut cpio = Cpio::new(Vec::new());
        cpio.bytes("a/file", 0o644, b"hello")?;
        cpio.bytes("b", 0o644, b"")?;
        let archive = cpio.finish()?;
        let mut rest = archive.as_slice();
        let mut names = Vec::new();
        while let Some(entry) = Entry::read(rest)? {
            names.push(entry.name);
            rest = entry.rest;
        }
        assert_eq!(names, ["a", "a/file", "b", "TRAILER!!!"]);
        assert!(Entry::read(b"07070100").is_err());
        Ok(())
    }

    #[test]
    fn drivers_of_a_screen_and_its_keys_stay() {
        assert!(wanted("lib/modules/6.1/kernel/drivers/input/evdev.ko"));
        assert!(!wanted("lib/modules/6.1/kernel/drivers/net/x.ko"));
        assert!(wanted("usr/bin/Xorg"));
    }
}
