//! `cmp`: whether two files are the same.

use super::watch::Opened;
use super::{Command, Context, ENTRY, Error, ErrorKind, Flow};
use crate::menu::lexer::argument;
use alloc::format;
use alloc::vec;

pub static COMMAND: Command = Command {
    name: "cmp",
    flags: ENTRY,
    synopsis: "cmp FILE1 FILE2",
    help: "\
Compares two files and prints where they differ: their sizes, or each byte
that is not the same, with its offset. Prints nothing if they are the same.
  FILE1, FILE2    the files, which may be on different devices
Example:
  cmp (hd0,0)/boot/vmlinuz (hd1,0)/boot/vmlinuz
",
    run: cmp,
};

/// Bytes compared at a time.
const PIECE: usize = 64 * 1024;
/// Differences that are shown.
const SHOWN: u64 = 100;

fn cmp(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let (first, rest) = argument(arguments);
    let second = argument(rest).0;
    if second.is_empty() {
        return Err(Error::because(
            ErrorKind::BadArgument,
            "the names of two files are needed",
        ));
    }
    let first = context.file(first)?;
    let second = context.file(second)?;
    let (mut first, mut second) = (context.open(&first)?, context.open(&second)?);
    if first.length() != second.length() {
        let text = format!(
            " Sizes differ: {:#x} [{}], {:#x} [{}]",
            first.length(),
            first.name,
            second.length(),
            second.name
        );
        context.console.line(&text);
        return Ok(Flow::Next);
    }
    let differences = compare(context, &mut first, &mut second)?;
    if let Some(more) = differences.checked_sub(SHOWN).filter(|&more| more > 0) {
        context.console.line(&format!(" and {more} bytes more"));
    }
    Ok(Flow::Next)
}

/// Prints how the files differ; gives in how many bytes.
fn compare(
    context: &mut Context<'_, '_>,
    first: &mut Opened,
    second: &mut Opened,
) -> Result<u64, Error> {
    let (mut left, mut right) = (vec![0; PIECE], vec![0; PIECE]);
    let (mut offset, mut differences) = (0u64, 0u64);
    while offset < first.length() && !context.console.enough() {
        let read = first.read_at(offset, &mut left)?;
        let other = second.read_at(offset, &mut right)?;
        if read != other || read == 0 {
            let reason = format!(
                "ends at byte {offset}, short of its {} bytes",
                first.length()
            );
            let name = if read < other {
                &first.name
            } else {
                &second.name
            };
            return Err(Error::because(ErrorKind::ReadError, reason).about(name));
        }
        for (at, (a, b)) in (offset..).zip(left.iter().zip(&right).take(read)) {
            if a == b {
                continue;
            }
            differences = differences.saturating_add(1);
            if differences <= SHOWN {
                let (first, second) = (&first.name, &second.name);
                let text = format!(" Offset {at} differs: {a:#x} [{first}], {b:#x} [{second}]");
                context.console.line(&text);
            }
        }
        offset = offset.saturating_add(read as u64);
    }
    Ok(differences)
}
