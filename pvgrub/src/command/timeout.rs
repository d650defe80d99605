//! `timeout`: when the default entry boots unattended.

use super::numbers::number;
use super::{Command, Flow, GLOBAL};
use crate::menu::lexer::argument;

pub static COMMAND: Command = Command {
    name: "timeout",
    flags: GLOBAL,
    synopsis: "timeout SEC",
    help: "Boots the default entry after SEC seconds without a key, at once if 0. Without \
           this command the menu waits forever.",
    run: |context, arguments| {
        context.state.settings.timeout = Some(number(argument(arguments).0)?);
        Ok(Flow::Next)
    },
};
