//! `partnew`: a new primary partition.

use super::numbers::number;
use super::parttype::byte;
use super::table::{self, ENTRY as SIZE, FIRST};
use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::disk::{DeviceName, PartitionKind};
use crate::menu::lexer::argument;
use alloc::format;

pub static COMMAND: Command = Command {
    name: "partnew",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "partnew PARTITION TYPE START LENGTH",
    help: "\
Writes a new primary partition into the MBR, inside of the disk and apart
from its other partitions. The disk must be writable.
  PARTITION    (hdN,0) to (hdN,3), one not in use
  TYPE         what it is for: 0 to 0xff, 0x83 for Linux
  START        its first sector
  LENGTH       its sectors
Example:
  partnew (hd0,2) 0x83 2048 409600
",
    run: partnew,
};

fn partnew(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let (name, rest) = argument(arguments);
    let (kind, rest) = argument(rest);
    let (start, rest) = argument(rest);
    let kind = byte(kind)?;
    let (start, length) = (number(start)?, number(argument(rest).0)?);
    let bad = |reason| Err(Error::because(ErrorKind::BadArgument, reason).about(name));
    let DeviceName::Partition(disk, slot @ 0..4) = DeviceName::parse(name)? else {
        return bad("is no primary partition");
    };
    if kind == 0 {
        return bad("type 0 means that there is no partition");
    }
    check(context, disk, slot, start, length).map_err(|error| error.about(name))?;
    let at = FIRST.saturating_add(u64::from(slot).saturating_mul(SIZE as u64));
    table::edit(context, disk, at, |entry| {
        *entry = bytes(kind, start, length)
    })?;
    Ok(Flow::Next)
}

/// Whether there is room for `length` sectors from `start` on in `slot`.
fn check(
    context: &Context<'_, '_>,
    disk: u32,
    slot: u32,
    start: u32,
    length: u32,
) -> Result<(), Error> {
    let bad = |reason| Err(Error::because(ErrorKind::BadArgument, reason));
    let (size, sector) = context.files.size(DeviceName::Disk(disk))?;
    let sector = u64::from(sector).max(1);
    let range = |start: u64, length: u64| start..start.saturating_add(length);
    let wanted = range(
        u64::from(start).saturating_mul(sector),
        u64::from(length).saturating_mul(sector),
    );
    if start == 0 || length == 0 || wanted.end > size || start.checked_add(length).is_none() {
        return bad("would not lie inside the disk");
    }
    let partitions = context.files.partitions(disk)?;
    if partitions.is_empty() && context.files.file_system(DeviceName::Disk(disk)).is_ok() {
        return bad("the whole disk is a file system, which a table would damage");
    }
    for other in partitions {
        let taken = range(other.start, other.length);
        if let PartitionKind::Gpt(_) = other.kind {
            return bad("the disk has a GPT, which is not changed here");
        }
        if other.number == slot {
            return bad("is in use; `parttype' with type 0 gives it up");
        }
        if taken.start < wanted.end && wanted.start < taken.end {
            let reason = format!("would overlap partition {}", other.number);
            return Err(Error::because(ErrorKind::BadArgument, reason));
        }
    }
    Ok(())
}

/// An entry of the table: not active, with the old-style addresses of a disk
/// of 255 heads and 63 sectors.
fn bytes(kind: u8, start: u32, length: u32) -> [u8; SIZE] {
    let last = start.saturating_add(length.saturating_sub(1));
    let [s0, s1, s2] = cylinders(start);
    let [e0, e1, e2] = cylinders(last);
    let [a, b, c, d] = start.to_le_bytes();
    let [e, f, g, h] = length.to_le_bytes();
    [0, s0, s1, s2, kind, e0, e1, e2, a, b, c, d, e, f, g, h]
}

/// Head, sector and cylinder of a sector; the last there is, if it lies beyond.
fn cylinders(sector: u32) -> [u8; 3] {
    let (cylinder, head, sector) = match sector / (255 * 63) {
        cylinder @ 0..=1023 => (cylinder, sector / 63 % 255, sector % 63 + 1),
        _ => (1023, 254, 63),
    };
    // The two upper bits of the cylinder stand above the sector.
    let low = |value: u32| value.to_le_bytes().first().copied().unwrap_or(0);
    [
        low(head),
        low(sector | (cylinder >> 2 & 0xc0)),
        low(cylinder),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What sfdisk writes for such partitions.
    #[test]
    fn entries() {
        for (start, length, chs) in [
            (2048, 2048, [0x20, 0x21, 0x00, 0x41, 0x01, 0x00]),
            (1 << 30, 4096, [0xfe, 0xff, 0xff, 0xfe, 0xff, 0xff]),
        ] {
            let entry = bytes(0x83, start, length);
            assert_eq!(entry[1..4], chs[..3], "{start}");
            assert_eq!(entry[5..8], chs[3..], "{start}");
            assert_eq!((entry[0], entry[4]), (0, 0x83));
            assert_eq!(entry[8..12], start.to_le_bytes());
            assert_eq!(entry[12..], length.to_le_bytes());
        }
    }
}
