//! `terminal`: which terminal is used, and how.

use super::numbers::number;
use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::screen::console::ROWS;
use alloc::format;

pub static COMMAND: Command = Command {
    name: "terminal",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "terminal [--dumb] [--no-echo] [--no-edit] [--timeout=SECS] [--lines=N] [--silent] [console] [serial] [graphics] [hercules]",
    help: "Without arguments, tells which terminal is used. `console' and `serial' are both the \
           guest's PV console, and always there. --lines=N makes long output pause after N \
           lines. --timeout, --silent, --dumb, --no-echo and --no-edit are understood and mean \
           nothing here: nobody has to be asked which terminal it is, and it is a vt100.",
    run: terminal,
};

fn terminal(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let bad =
        |word: &str, reason: &str| Err(Error::because(ErrorKind::BadArgument, reason).about(word));
    // Checked whole before anything of it counts.
    let mut lines = None;
    let (mut here, mut missing) = (false, None);
    for word in arguments.split_ascii_whitespace() {
        match word.split_once('=') {
            Some(("--lines", value)) => match usize::try_from(number(value)?) {
                Ok(count @ 2..=1000) => lines = Some(count),
                _ => return bad(word, "between 2 and 1000 lines"),
            },
            Some(("--timeout", value)) => drop(number(value)?),
            _ => match word {
                "--dumb" | "--no-echo" | "--no-edit" | "--silent" => {}
                "console" | "serial" => here = true,
                "graphics" | "hercules" => missing = missing.or(Some(word)),
                _ => return bad(word, "no such terminal, and no option of terminal"),
            },
        }
    }
    // The first that is there: somebody who names several leaves the choice.
    if let Some(word) = missing.filter(|_| !here) {
        let reason = "is not there; the menu stays on the PV console";
        return Err(Error::because(ErrorKind::NotInitialised, reason).about(word));
    }
    if let Some(lines) = lines {
        context.console.set_lines(lines);
    }
    if arguments.is_empty() {
        let lines = context.console.lines().unwrap_or(ROWS);
        let text = format!(" console: the PV console, a vt100 of {lines} lines");
        context.console.line(&text);
    }
    Ok(Flow::Next)
}
