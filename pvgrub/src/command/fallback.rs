//! `fallback`: which entries are tried when the default one fails.

use super::numbers::number;
use super::{Command, Context, Error, Flow, GLOBAL};
use alloc::vec::Vec;

pub static COMMAND: Command = Command {
    name: "fallback",
    flags: GLOBAL,
    synopsis: "fallback NUM...",
    help: "\
Says what to boot when the unattended boot of the default entry fails. After
a key was pressed nothing is done unasked.
  NUM    an entry, the first being 0; several are tried in this order
Example:
  default 0
  fallback 1 2
",
    run: fallback,
};

fn fallback(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let mut entries = Vec::new();
    for text in arguments.split_ascii_whitespace() {
        let entry = usize::try_from(number(text)?).unwrap_or(usize::MAX);
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
    if entries.is_empty() {
        number("")?;
    }
    context.state.settings.fallback = entries;
    Ok(Flow::Next)
}
