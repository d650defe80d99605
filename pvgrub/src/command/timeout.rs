//! `timeout`: when the default entry boots unattended.

use super::numbers::number;
use super::{Command, Flow, GLOBAL};
use crate::menu::lexer::argument;

pub static COMMAND: Command = Command {
    name: "timeout",
    flags: GLOBAL,
    synopsis: "timeout SEC",
    help: "\
Boots the default entry when so many seconds have gone by without a key.
Without this command the menu waits forever.
  SEC    the seconds; 0 boots at once, unless Escape was pressed before
Example:
  timeout 5
",
    run: |context, arguments| {
        context.state.settings.timeout = Some(number(argument(arguments).0)?);
        Ok(Flow::Next)
    },
};
