//! `parttype`: what the table says is in a partition.

use super::numbers::number;
use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED, table};
use crate::menu::lexer::argument;

pub static COMMAND: Command = Command {
    name: "parttype",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "parttype PARTITION TYPE",
    help: "\
Changes the type of a partition in the MBR. The disk must be writable.
  PARTITION    the partition
  TYPE         0 to 0xff, 0x83 for Linux
Example:
  parttype (hd0,2) 0x82
",
    run: parttype,
};

fn parttype(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let (name, rest) = argument(arguments);
    let kind = byte(argument(rest).0)?;
    let (disk, partition) = table::partition(context, name)?;
    table::edit(context, disk, table::place(&partition)?, |entry| {
        let [_, _, _, _, place, ..] = entry;
        *place = kind;
    })?;
    Ok(Flow::Next)
}

/// A type that may be written.
pub fn byte(text: &str) -> Result<u8, Error> {
    match u8::try_from(number(text)?) {
        Ok(0xee) => {
            let reason = "0xee stands for a GPT, which is not there";
            Err(Error::because(ErrorKind::BadArgument, reason))
        }
        Ok(kind) => Ok(kind),
        Err(_) => {
            let reason = "a type is at most 0xff";
            Err(Error::because(ErrorKind::BadArgument, reason).about(text))
        }
    }
}
