//! `print`: prints a message.

use super::{Command, ENTRY, Flow, GLOBAL, LISTED, SILENT};

pub static COMMAND: Command = Command {
    name: "print",
    flags: ENTRY | GLOBAL | LISTED | SILENT,
    synopsis: "print [MESSAGE]",
    help: "\
Prints a message.
  MESSAGE    the rest of the line
",
    run: |context, message| {
        context.console.line(message);
        Ok(Flow::Next)
    },
};
