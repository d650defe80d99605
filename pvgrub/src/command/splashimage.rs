//! `splashimage`: a picture behind the menu.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::image::unpacked;
use crate::menu::lexer::argument;
use crate::screen::picture::{Picture, PictureError};
use alloc::string::ToString;

pub static COMMAND: Command = Command {
    name: "splashimage",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "splashimage FILE",
    help: "\
Shows a picture behind the menu on the frame buffer. Without a frame buffer
it does nothing.
  FILE    an XPM or a BMP of at most 640x480 pixels, compressed or not
Example:
  splashimage (hd0,0)/boot/grub/splash.xpm.gz
",
    run: splashimage,
};

/// The largest file, in bytes, compressed or not.
const LARGEST: usize = 4 << 20;

fn splashimage(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let spec = context.file(argument(arguments).0)?;
    // Nobody would see it.
    if !context.console.has_graphics() {
        return Ok(Flow::Next);
    }
    let mut file = context.open(&spec)?;
    let bytes = file.whole(LARGEST as u64, "a picture")?;
    let bytes = unpacked(bytes, LARGEST).map_err(|error| {
        Error::because(ErrorKind::BadCompressedData, error.to_string()).about(&file.name)
    })?;
    let picture = Picture::parse(&bytes).map_err(|error| {
        let kind = match error {
            PictureError::Memory => ErrorKind::OutOfMemory,
            _ => ErrorKind::BadArgument,
        };
        Error::because(kind, error.to_string()).about(&file.name)
    })?;
    let mut picture = Some(picture);
    context
        .console
        .dress(&mut |look| look.picture = picture.take());
    Ok(Flow::Next)
}
