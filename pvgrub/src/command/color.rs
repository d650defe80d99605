//! `color`: the colours of the menu.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::menu::lexer::argument;
use crate::screen::colour::Pair;

pub static COMMAND: Command = Command {
    name: "color",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "color NORMAL [HIGHLIGHT]",
    help: "\
Sets the colours of text and of the highlighted entry, each as INK/PAPER.
Over a splashimage its own colours are used.
  NORMAL       of text
  HIGHLIGHT    of the highlighted entry; if not given, INK and PAPER of
               NORMAL are exchanged for it
  INK          black, blue, green, cyan, red, magenta, brown, light-gray,
               dark-gray, light-blue, light-green, light-cyan, light-red,
               light-magenta, yellow, white; with blink- before it, it
               blinks where a terminal can do that
  PAPER        one of the first eight
A number in place of INK/PAPER is what a PC's text mode has for it.
Example:
  color light-gray/blue black/light-gray
",
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
