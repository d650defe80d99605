//! `default`: which entry is highlighted first and boots unattended.

use super::numbers::number;
use super::savedefault::saved;
use super::{Command, Context, Default, Error, Flow, GLOBAL};
use crate::menu::lexer::argument;

pub static COMMAND: Command = Command {
    name: "default",
    flags: GLOBAL,
    synopsis: "default NUM | saved",
    help: "\
Says which entry is highlighted first and boots unattended. Without this
command it is the first. An entry that does not exist gives way to the first
`fallback' that does.
  NUM      its number; the first entry is 0
  saved    the number in the file `default' beside the menu, where
           `savedefault' puts it
Example:
  default 2
",
    run: default,
};

fn default(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let entry = match argument(arguments).0 {
        "saved" => saved(context)?,
        text => number(text)?,
    };
    let entry = usize::try_from(entry).unwrap_or(usize::MAX);
    context.state.settings.default = Default::Number(entry);
    Ok(Flow::Next)
}
