//! `cat`: prints a file.

use super::{Command, Context, ENTRY, Error, Flow, LISTED};
use crate::menu::lexer::argument;
use alloc::string::String;
use alloc::vec;

pub static COMMAND: Command = Command {
    name: "cat",
    flags: ENTRY | LISTED,
    synopsis: "cat FILE",
    help: "\
Prints a file. What is not printable shows as `?'. Long output pauses after
each screenful.
  FILE    the file; a menu.lst, an /etc/fstab, even (http,host)/path
Example:
  cat /etc/fstab
",
    run: cat,
};

/// Bytes read at a time.
const PIECE: usize = 4096;

fn cat(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let spec = context.file(argument(arguments).0)?;
    let mut file = context.open(&spec)?;
    let mut buffer = vec![0; PIECE];
    let mut offset = 0u64;
    // Bytes of a character whose rest is still to be read.
    let mut begun = 0;
    loop {
        let free = buffer.get_mut(begun..).unwrap_or(&mut []);
        let read = file.read_at(offset, free)?.min(free.len());
        let filled = begun.saturating_add(read);
        let bytes = buffer.get(..filled).unwrap_or(&[]);
        let kept = if read == 0 { 0 } else { unfinished(bytes) };
        let whole = bytes.get(..filled.saturating_sub(kept)).unwrap_or(&[]);
        context.console.print(&String::from_utf8_lossy(whole));
        if read == 0 || context.console.enough() {
            break;
        }
        buffer.copy_within(filled.saturating_sub(kept)..filled, 0);
        begun = kept;
        offset = offset.saturating_add(read as u64);
    }
    context.console.fresh_line();
    Ok(Flow::Next)
}

/// How many bytes at the end of `bytes` begin a character without ending it.
fn unfinished(bytes: &[u8]) -> usize {
    match core::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => {
            bytes.len().saturating_sub(error.valid_up_to())
        }
        // An error before the end: only the last few bytes can be unfinished.
        Err(_) => (1..4)
            .find(|&tail| {
                let tail = bytes.get(bytes.len().saturating_sub(tail)..).unwrap_or(&[]);
                matches!(core::str::from_utf8(tail), Err(e) if e.error_len().is_none())
            })
            .unwrap_or(0),
        Ok(_) => 0,
    }
}
