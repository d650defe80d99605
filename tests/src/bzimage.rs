//! The kernel inside a bzImage, unpacked and packed anew with Debian's own
//! tools. Fields are those of Documentation/x86/boot.rst.

use crate::packages;
use anyhow::{Context, Result, bail, ensure};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::ops::Range;
use tempfile::NamedTempFile;

/// `payload_length`.
const LENGTH: usize = 0x24c;

fn field(file: &[u8], at: usize) -> Result<usize> {
    let bytes = file.get(at..at + 4).context("short bzImage")?;
    Ok(u32::from_le_bytes(bytes.try_into()?) as usize)
}

/// Where the packed kernel is, with the four bytes behind it that say how long
/// it is unpacked.
fn payload(file: &[u8]) -> Result<Range<usize>> {
    // setup_sects, payload_offset.
    let setup = (usize::from(*file.get(0x1f1).context("short bzImage")?) + 1) * 512;
    let start = setup + field(file, 0x248)?;
    let end = start + field(file, LENGTH)?;
    ensure!(end <= file.len() && end - start > 4, "short bzImage");
    Ok(start..end)
}

/// Runs one of Debian's packers on `input`.
fn filter(program: &str, option: &str, input: &[u8]) -> Result<Vec<u8>> {
    let stream = NamedTempFile::new()?;
    fs::write(stream.path(), input)?;
    let mut command = packages::root()?.command(program);
    let out = command.arg(option).stdin(stream.reopen()?).output()?;
    ensure!(
        !out.stdout.is_empty(),
        "{program}: {} {}",
        out.status,
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(out.stdout)
}

/// The ELF file in it.
pub fn unpacked(file: &[u8]) -> Result<Vec<u8>> {
    let packed = file.get(payload(file)?).context("short bzImage")?;
    let program = match packed {
        [0xfd, b'7', ..] => "usr/bin/xz",
        [0x02, 0x21, 0x4c, 0x18, ..] => "usr/bin/lz4",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "usr/bin/zstd",
        _ => bail!("an unknown payload"),
    };
    // The length behind it is not part of the stream.
    let stream = packed.get(..packed.len() - 4).context("short payload")?;
    let elf = filter(program, "-dc", stream)?;
    ensure!(elf.starts_with(b"\x7fELF"), "{program}: no ELF file");
    Ok(elf)
}

/// The same bzImage with its kernel packed by gzip, whose last four bytes are
/// the length unpacked.
pub fn gzipped(file: &[u8]) -> Result<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&unpacked(file)?)?;
    let packed = packed.finish()?;
    let mut out = file
        .get(..payload(file)?.start)
        .context("short bzImage")?
        .to_vec();
    let length = u32::try_from(packed.len())?.to_le_bytes();
    out.get_mut(LENGTH..LENGTH + 4)
        .context("short bzImage")?
        .copy_from_slice(&length);
    out.extend_from_slice(&packed);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file whose kernel, as its head says, is at `offset` behind one sector
    /// of set-up and as long as `length`.
    fn image(offset: u32, length: u32) -> Vec<u8> {
        let mut file = vec![0; 2048];
        file[0x248..0x24c].copy_from_slice(&offset.to_le_bytes());
        file[LENGTH..LENGTH + 4].copy_from_slice(&length.to_le_bytes());
        file
    }

    #[test]
    fn the_kernel_is_where_the_head_says() -> Result<()> {
        assert_eq!(payload(&image(256, 1000))?, 768..1768);
        assert_eq!(payload(&image(0, 1536))?, 512..2048);
        for bad in [
            image(0, 1537),
            image(0, 4),
            image(u32::MAX, 8),
            vec![0; 600],
        ] {
            assert!(payload(&bad).is_err());
        }
        Ok(())
    }
}
