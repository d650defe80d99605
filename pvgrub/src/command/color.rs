//! `color`: the colours of the menu.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::menu::lexer::argument;
use crate::screen::colour::Pair;

pub static COMMAND: Command = Command {
    name: "color",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "color NORMAL [HIGHLIGHT]",
    help: "Sets the colours of text, and of the highlighted entry, as INK/PAPER: black, blue, \
           green, cyan, red, magenta, brown, light-gray, and for INK also dark-gray, light-blue, \
           light-green, light-cyan, light-red, light-magenta, yellow, white; blink- before INK \
           makes it blink where a terminal can do that. A number is what a PC's text mode has \
           for it. Without HIGHLIGHT, INK and PAPER are exchanged for it. Over a splashimage \
           its own colours are used.",
    run: color,
};

fn color(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let (normal, rest) = argument(arguments);
    if normal.is_empty() {
        let reason = "the colours are missing";
        return Err(Error::because(ErrorKind::BadArgument, reason));
    }
    let normal = Pair::parse(normal)?;
    let highlight = match argument(rest).0 {
        "" => normal.exchanged(),
        text => Pair::parse(text)?,
    };
    context.console.set_colours(normal, highlight);
    Ok(Flow::Next)
}
