//! `makeactive`: the partition that is marked as the one to boot.

use super::table::{self, ENTRY as SIZE, FIRST};
use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED};
use crate::disk::DeviceName;

pub static COMMAND: Command = Command {
    name: "makeactive",
    flags: ENTRY | LISTED,
    synopsis: "makeactive",
    help: "\
Marks the root partition as the active one in the MBR, and no other. It must
be a primary partition, on a disk that is writable. This loader takes no
notice of the mark.
Example:
  root (hd0,1)
  makeactive
",
    run: |context, _| makeactive(context),
};

fn makeactive(context: &mut Context<'_, '_>) -> Result<Flow, Error> {
    let name = alloc::format!("{}", context.state.root);
    let (disk, partition) = table::partition(context, &name)?;
    let DeviceName::Partition(_, number @ 0..4) = context.state.root else {
        let reason = "only a primary partition can be active";
        return Err(Error::because(ErrorKind::BadArgument, reason).about(&name));
    };
    // Its own place first: if that cannot be written, nothing else is.
    let own = table::place(&partition)?;
    table::edit(context, disk, own, |entry| mark(entry, true))?;
    for slot in (0..4u32).filter(|&slot| slot != number) {
        let at = FIRST.saturating_add(u64::from(slot).saturating_mul(SIZE as u64));
        table::edit(context, disk, at, |entry| mark(entry, false))?;
    }
    Ok(Flow::Next)
}

fn mark(entry: &mut [u8; SIZE], active: bool) {
    let [status, ..] = entry;
    *status = if active { 0x80 } else { 0 };
}
