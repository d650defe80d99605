//! `root`: the device that file names without one are on.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED};
use crate::disk::DeviceName;
use crate::menu::lexer::argument;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub static COMMAND: Command = Command {
    name: "root",
    flags: ENTRY | LISTED,
    synopsis: "root [DEVICE [HDBIAS]]",
    help: "\
Says on which device the files are whose names have none, and tells what
file system is there; without DEVICE, tells which it is.
  DEVICE    (hd0,1), (hd0), (nd), (http,host)
  HDBIAS    understood, and means nothing
Example:
  root (hd0,1)
  kernel /vmlinuz
",
    run: |context, arguments| {
        let before = context.state.root;
        set(context, arguments)?;
        tell(context).inspect_err(|_| context.state.root = before)
    },
};

/// Makes the device named first in `arguments`, if any, the root. It must
/// exist.
pub fn set(context: &mut Context<'_, '_>, arguments: &str) -> Result<(), Error> {
    let name = argument(arguments).0;
    if name.is_empty() {
        return Ok(());
    }
    let device = DeviceName::parse(name)?;
    if device
        .disk()
        .is_some_and(|disk| disk < context.files.disks())
    {
        context.state.root = device;
        return Ok(());
    }
    // The file system's way of saying that there is no such disk is exact.
    match context.files.file_system(device) {
        Err(error) => Err(error),
        Ok(_) => Err(Error::new(ErrorKind::NoSuchDisk, name)),
    }
}

/// Prints the root and what is on it. No file system is no error: what is
/// wanted may be a list of blocks, or another name's device.
fn tell(context: &mut Context<'_, '_>) -> Result<Flow, Error> {
    let device = context.state.root;
    let what = match context.files.file_system(device) {
        Ok(kind) => format!("{device}: {kind}, {}", kind_of(context, device)),
        Err(error) if error.kind == ErrorKind::CannotMount => {
            format!(
                "{device}: no known file system, {}",
                kind_of(context, device)
            )
        }
        Err(error) => return Err(error),
    };
    context.console.line(&format!(" {what}"));
    Ok(Flow::Next)
}

/// Which partition `device` is, as its table has it.
fn kind_of(context: &Context<'_, '_>, device: DeviceName) -> String {
    let entry = match device {
        DeviceName::Partition(disk, number) => context
            .files
            .partitions(disk)
            .ok()
            .and_then(|entries| entries.into_iter().find(|entry| entry.number == number)),
        _ => None,
    };
    match entry {
        Some(entry) => format!("partition type {}", entry.kind),
        None => format!("whole disk{}", hint(context, device)),
    }
}

/// Names the partitions of a disk that was taken as a whole: with `(hd0)` in
/// place of `(hd0,0)` files are looked for in the wrong place.
fn hint(context: &Context<'_, '_>, device: DeviceName) -> String {
    let DeviceName::Disk(disk) = device else {
        return String::new();
    };
    let entries = context.files.partitions(disk).unwrap_or_default();
    let names = entries
        .iter()
        .map(|entry| DeviceName::Partition(disk, entry.number));
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(" with partitions {}", names.join(" ")),
    }
}
