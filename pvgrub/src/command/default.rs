//! `default`: which entry is highlighted first and boots unattended.

use super::numbers::number;
use super::{Command, Context, Default, Error, Flow, GLOBAL};
use crate::disk::{FileSpec, FileTarget};
use crate::menu::lexer::argument;
use alloc::format;
use alloc::string::String;

pub static COMMAND: Command = Command {
    name: "default",
    flags: GLOBAL,
    synopsis: "default NUM | saved",
    help: "Makes entry NUM, counted from 0, the one to boot unattended; `saved' is the \
           one whose number stands in the file `default' beside the menu.",
    run: default,
};

/// How much of the file `default` counts, in bytes (as GRUB 0.97).
const SAVED_BYTES: usize = 10;

fn default(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let entry = match argument(arguments).0 {
        "saved" => saved(context)?,
        text => number(text)?,
    };
    let entry = usize::try_from(entry).unwrap_or(usize::MAX);
    context.state.settings.default = Default::Number(entry);
    Ok(Flow::Next)
}

/// The number in the file `default` in the menu's folder: 0 without such a
/// file, as long as nothing was ever saved.
fn saved(context: &Context<'_, '_>) -> Result<u32, Error> {
    let Some(FileSpec {
        device,
        target: FileTarget::Path(path),
    }) = &context.state.menu
    else {
        return Ok(0);
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let spec = FileSpec {
        device: *device,
        target: FileTarget::Path(format!("{folder}/default")),
    };
    let Ok(mut file) = context.files.open(&spec, context.state.root) else {
        return Ok(0);
    };
    let mut buffer = [0; SAVED_BYTES];
    let length = file.read_at(0, &mut buffer)?;
    let text = buffer.get(..length).unwrap_or(&[]).iter();
    let digits: String = text
        .map(|&byte| char::from(byte))
        .skip_while(char::is_ascii_whitespace)
        .take_while(char::is_ascii_digit)
        .collect();
    number(&digits)
}
