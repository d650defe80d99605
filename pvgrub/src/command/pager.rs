//! `pager`: whether long output pauses.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::menu::lexer::argument;

pub static COMMAND: Command = Command {
    name: "pager",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "pager [on | off]",
    help: "\
Makes long output on the command line pause after each screenful, as it does
from the start, or not. In entries nothing pauses, since nobody may be there.
  on, off    which; without either, the other than it is
",
    run: pager,
};

fn pager(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let on = match argument(arguments).0 {
        "on" => true,
        "off" => false,
        "" => !context.console.pauses(),
        word => {
            let reason = "neither on nor off";
            return Err(Error::because(ErrorKind::BadArgument, reason).about(word));
        }
    };
    context.console.set_pauses(on);
    let state = if on { "on" } else { "off" };
    context
        .console
        .line(&alloc::format!(" The pager is {state}."));
    Ok(Flow::Next)
}
