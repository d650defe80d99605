//! `geometry`: what a disk is like.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED};
use crate::disk::{DeviceName, PartitionKind};
use crate::menu::lexer::argument;
use alloc::format;

pub static COMMAND: Command = Command {
    name: "geometry",
    flags: ENTRY | LISTED,
    synopsis: "geometry DRIVE [CYLINDER HEAD SECTOR [TOTAL]]",
    help: "\
Prints the size of a disk, and its partitions with what is in them. Virtual
disks have no cylinders: they are addressed by sector (LBA).
  DRIVE                          the disk
  CYLINDER HEAD SECTOR TOTAL     understood, and mean nothing
Example:
  geometry (hd0)
",
    run: geometry,
};

fn geometry(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let (name, rest) = argument(arguments);
    let Some(disk) = DeviceName::parse(name)?.disk() else {
        return Err(Error::because(ErrorKind::BadDevice, "is no disk").about(name));
    };
    let device = DeviceName::Disk(disk);
    let (length, sector) = context.files.size(device)?;
    let sectors = length / u64::from(sector).max(1);
    let drive = disk.saturating_add(0x80);
    let text = format!(
        " drive {drive:#x} {device}: C/H/S = 65535/255/63, {sectors} sectors of {sector} bytes, LBA"
    );
    context.console.line(&text);
    if !rest.is_empty() {
        context
            .console
            .line(" (A geometry cannot be set here: it means nothing.)");
    }
    let partitions = context.files.partitions(disk)?;
    if partitions.is_empty() {
        let what = what(context, device);
        context.console.line(&format!("   no partitions, {what}"));
    }
    for partition in partitions {
        let device = DeviceName::Partition(disk, partition.number);
        let what = what(context, device);
        let table = match partition.kind {
            PartitionKind::Mbr(_) => "",
            PartitionKind::Gpt(_) => "GPT ",
        };
        let text = format!(
            "   {table}partition {}: {what}, type {}, {} sectors from {} on{}",
            partition.number,
            partition.kind,
            partition.length / u64::from(sector).max(1),
            partition.start / u64::from(sector).max(1),
            if partition.active { ", active" } else { "" },
        );
        context.console.line(&text);
    }
    Ok(Flow::Next)
}

/// The file system on `device`, in words.
fn what(context: &Context<'_, '_>, device: DeviceName) -> &'static str {
    context
        .files
        .file_system(device)
        .unwrap_or("no known file system")
}
