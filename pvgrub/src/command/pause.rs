//! `pause`: waits for a key.

use super::{Command, Context, ENTRY, Error, Flow, LISTED, SILENT};
use crate::screen::Key;

pub static COMMAND: Command = Command {
    name: "pause",
    flags: ENTRY | LISTED | SILENT,
    synopsis: "pause [MESSAGE]",
    help: "\
Prints a message and waits for a key. Escape ends the entry.
  MESSAGE    the rest of the line
Example:
  pause Put the right disk in place.
",
    run: pause,
};

fn pause(context: &mut Context<'_, '_>, message: &str) -> Result<Flow, Error> {
    context.console.line(message);
    match context.console.key(None) {
        Some(Key::Escape) | None => Ok(Flow::Stop),
        Some(_) => Ok(Flow::Next),
    }
}
