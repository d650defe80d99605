//! `default`: which entry is highlighted first and boots unattended.

use super::numbers::number;
use super::savedefault::saved;
use super::{Command, Context, Default, Error, Flow, GLOBAL};
use crate::menu::lexer::argument;

pub static COMMAND: Command = Command {
    name: "default",
    flags: GLOBAL,
    synopsis: "default NUM | saved",
    help: "Makes entry NUM, counted from 0, the one to boot unattended; `saved' is the \
           one whose number stands in the file `default' beside the menu, where `savedefault' \
           puts it.",
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
