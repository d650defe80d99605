//! `terminfo`: how the terminal is spoken to.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::menu::lexer::argument;

pub static COMMAND: Command = Command {
    name: "terminfo",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "terminfo [--name=NAME --cursor-address=SEQ --clear-screen=SEQ --enter-standout-mode=SEQ --exit-standout-mode=SEQ]",
    help: "\
Prints how the terminal is spoken to. It is a vt100, as the original's was
from the start and as every program that shows a Xen console is; another one
cannot be set.
  --name=NAME                     what it is called: vt100
  --cursor-address=SEQ            understood, and mean nothing
  --clear-screen=SEQ
  --enter-standout-mode=SEQ
  --exit-standout-mode=SEQ
",
    run: terminfo,
};

const OPTIONS: &[&str] = &[
    "--name=",
    "--cursor-address=",
    "--clear-screen=",
    "--enter-standout-mode=",
    "--exit-standout-mode=",
];

fn terminfo(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let mut rest = arguments;
    let mut other = false;
    loop {
        let (option, behind) = argument(rest);
        if option.is_empty() {
            break;
        }
        if !OPTIONS.iter().any(|known| option.starts_with(known)) {
            let reason = "no such option of terminfo";
            return Err(Error::because(ErrorKind::BadArgument, reason).about(option));
        }
        other |= option.starts_with("--name=") && option != "--name=vt100";
        rest = behind;
    }
    if other {
        context
            .console
            .line(" Another terminal than a vt100 cannot be set.");
    } else if arguments.is_empty() {
        for line in [
            "name: vt100",
            "cursor-address: \\e[%i%p1%d;%p2%dH",
            "clear-screen: \\e[H\\e[J",
            "enter-standout-mode: \\e[7m",
            "exit-standout-mode: \\e[m",
        ] {
            context.console.line(&alloc::format!(" {line}"));
        }
    }
    Ok(Flow::Next)
}
