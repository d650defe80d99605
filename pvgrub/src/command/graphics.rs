//! How the menu looks on a frame buffer: `foreground`, `background`, `border`,
//! `shade`, `viewport`. Without one they have nothing to do.

use super::numbers::number;
use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::menu::lexer::argument;
use crate::screen::colour::{Rgb, hex};
use crate::screen::console;
use crate::screen::paint::{COLUMNS, Look, ROWS};
use alloc::format;

pub static FOREGROUND: Command = Command {
    name: "foreground",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "foreground RRGGBB",
    help: "\
Sets the colour of text on the frame buffer.
  RRGGBB    red, green and blue, two hexadecimal digits each
Example:
  foreground ffff80
",
    run: |context, arguments| coloured(context, arguments, |look, colour| look.ink = Some(colour)),
};

pub static BACKGROUND: Command = Command {
    name: "background",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "background RRGGBB",
    help: "\
Sets the colour behind text on the frame buffer, or of its shadow if there is
a picture behind it.
  RRGGBB    red, green and blue, two hexadecimal digits each
Example:
  background 000040
",
    run: |context, arguments| coloured(context, arguments, |look, colour| look.paper = colour),
};

pub static BORDER: Command = Command {
    name: "border",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "border RRGGBB",
    help: "\
Sets the colour around a picture that is smaller than the frame buffer.
  RRGGBB    red, green and blue, two hexadecimal digits each
Example:
  border 202020
",
    run: |context, arguments| coloured(context, arguments, |look, colour| look.border = colour),
};

pub static SHADE: Command = Command {
    name: "shade",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "shade N",
    help: "\
Gives text a shadow where there is a picture behind it, as it has from the
start.
  N    0 for none
Example:
  shade 0
",
    run: |context, arguments| {
        let on = number(argument(arguments).0)? != 0;
        context.console.dress(&mut |look| look.shade = on);
        Ok(Flow::Next)
    },
};

pub static VIEWPORT: Command = Command {
    name: "viewport",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "viewport X0 Y0 X1 Y1",
    help: "\
Moves the text down on the frame buffer.
  Y0, Y1    it stands between these rows of 30, as far as its own 24 allow
  X0, X1    columns: understood, and mean nothing, for the text is as wide
            as the frame buffer
Example:
  viewport 0 3 80 30
",
    run: viewport,
};

fn coloured(
    context: &mut Context<'_, '_>,
    arguments: &str,
    set: fn(&mut Look, Rgb),
) -> Result<Flow, Error> {
    let colour = hex(argument(arguments).0)?;
    context.console.dress(&mut |look| set(look, colour));
    Ok(Flow::Next)
}

/// The smallest viewport that the original takes.
const LEAST: (usize, usize) = (66, 16);

fn viewport(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let mut rest = arguments;
    let mut next = || {
        let (word, behind) = argument(rest);
        rest = behind;
        number(word).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    };
    let (x0, y0, x1, y1) = (next()?, next()?, next()?, next()?);
    let wide = x1.checked_sub(x0).is_some_and(|width| width >= LEAST.0);
    let high = y1.checked_sub(y0).is_some_and(|height| height >= LEAST.1);
    if !wide || !high || x1 > COLUMNS || y1 > ROWS {
        let reason = format!("at least {} by {} of {COLUMNS} by {ROWS}", LEAST.0, LEAST.1);
        return Err(Error::because(ErrorKind::BadArgument, reason).about(arguments));
    }
    context.console.dress(&mut |look| {
        look.above = y0.min(ROWS.saturating_sub(console::ROWS));
        let rows = y1.saturating_sub(look.above).max(console::ROWS);
        look.rows = rows.min(ROWS.saturating_sub(look.above));
    });
    Ok(Flow::Next)
}
