//! `clear`: clears the screen.

use super::{Command, ENTRY, Flow, LISTED};

pub static COMMAND: Command = Command {
    name: "clear",
    flags: ENTRY | LISTED,
    synopsis: "clear",
    help: "\
Clears the screen.
",
    run: |context, _| {
        context.console.clear();
        Ok(Flow::Next)
    },
};
