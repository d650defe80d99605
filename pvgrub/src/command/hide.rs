//! `hide`, `unhide`: a partition's type says that it is hidden, or not.

use super::{Command, Context, ENTRY, Error, Flow, GLOBAL, LISTED, table};
use crate::menu::lexer::argument;

pub static COMMAND: Command = Command {
    name: "hide",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "hide PARTITION",
    help: "\
Sets the bit of a partition's type in the MBR (0x10) that hides it from DOS
and Windows; Linux takes no notice of it. The disk must be writable.
  PARTITION    the partition
Example:
  hide (hd0,1)
",
    run: |context, arguments| set(context, arguments, true),
};

pub static UNHIDE: Command = Command {
    name: "unhide",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "unhide PARTITION",
    help: "\
Takes back what `hide' does.
  PARTITION    the partition
Example:
  unhide (hd0,1)
",
    run: |context, arguments| set(context, arguments, false),
};

/// The bit of a type that hides.
const HIDDEN: u8 = 0x10;

fn set(context: &mut Context<'_, '_>, arguments: &str, hidden: bool) -> Result<Flow, Error> {
    let (disk, partition) = table::partition(context, argument(arguments).0)?;
    table::edit(context, disk, table::place(&partition)?, |entry| {
        let [_, _, _, _, kind, ..] = entry;
        *kind = if hidden {
            *kind | HIDDEN
        } else {
            *kind & !HIDDEN
        };
    })?;
    Ok(Flow::Next)
}
