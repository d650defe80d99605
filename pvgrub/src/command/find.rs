//! `find`: which devices hold a file.

use super::{Command, Context, ENTRY, Error, ErrorKind, Files, Flow, LISTED};
use crate::disk::{DeviceName, FileSpec, FileTarget};
use crate::menu::lexer::argument;
use alloc::format;
use alloc::vec::Vec;

pub static COMMAND: Command = Command {
    name: "find",
    flags: ENTRY | LISTED,
    synopsis: "find FILENAME",
    help: "\
Prints every partition, and every disk that is one file system, that has
such a file.
  FILENAME    a path without a device
Example:
  find /boot/grub/menu.lst
",
    run: find,
};

fn find(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let name = argument(arguments).0;
    let spec = FileSpec::parse(name)?;
    if spec.device.is_some() || !matches!(spec.target, FileTarget::Path(_)) {
        let reason = "give a path without a device";
        return Err(Error::because(ErrorKind::BadFileName, reason).about(name));
    }
    let mut found = false;
    for device in everywhere(context.files) {
        if context.files.open(&spec, device).is_ok() {
            context.console.line(&format!(" {device}"));
            found = true;
        }
    }
    if found {
        Ok(Flow::Next)
    } else {
        Err(Error::because(ErrorKind::FileNotFound, "on no device").about(name))
    }
}

/// The same, and the whole of disks with partitions: the image of a CD often
/// is both.
fn everywhere(files: &dyn Files) -> Vec<DeviceName> {
    let mut devices = devices(files);
    let whole =
        |disk| (!devices.contains(&DeviceName::Disk(disk))).then_some(DeviceName::Disk(disk));
    let more: Vec<DeviceName> = (0..files.disks()).filter_map(whole).collect();
    devices.extend(more);
    devices.sort_by_key(|device| {
        (
            device.disk(),
            matches!(device, DeviceName::Disk(_)),
            *device,
        )
    });
    devices
}

/// Everything that may carry a file system: the partitions of all disks, and
/// the disks that have none.
pub fn devices(files: &dyn Files) -> Vec<DeviceName> {
    let mut devices = Vec::new();
    for disk in 0..files.disks() {
        match files.partitions(disk) {
            Ok(partitions) if !partitions.is_empty() => {
                let names = partitions
                    .iter()
                    .map(|p| DeviceName::Partition(disk, p.number));
                devices.extend(names);
            }
            _ => devices.push(DeviceName::Disk(disk)),
        }
    }
    devices
}
