//! `help`: the commands, or what some of them do.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED, TABLE};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static COMMAND: Command = Command {
    name: "help",
    flags: ENTRY | LISTED,
    synopsis: "help [--all] [WORD...]",
    help: "Lists the commands, with --all also those for the top of a menu and in entries \
           only; or tells what the commands do whose names begin with WORD.",
    run: help,
};

/// Width of a column of the list.
const COLUMN: usize = 38;
/// Width of running text.
const TEXT: usize = 72;

fn help(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let mut words = Vec::new();
    let mut all = false;
    for word in arguments.split_ascii_whitespace() {
        match word {
            "--all" => all = true,
            word => words.push(word),
        }
    }
    if words.is_empty() {
        list(context, all);
        return Ok(Flow::Next);
    }
    for word in words {
        let mut found = false;
        for command in TABLE.iter().filter(|c| c.name.starts_with(word)) {
            explain(context, command);
            found = true;
        }
        if !found {
            return Err(Error::new(ErrorKind::UnknownCommand, word));
        }
    }
    Ok(Flow::Next)
}

/// The synopses in two columns, read row by row.
fn list(context: &mut Context<'_, '_>, all: bool) {
    let listed: Vec<&str> = TABLE
        .iter()
        .filter(|command| all || command.is(LISTED))
        .map(|command| command.synopsis)
        .collect();
    for pair in listed.chunks(2) {
        let mut row = String::new();
        for synopsis in pair {
            let cut: String = synopsis.chars().take(COLUMN).collect();
            row.push_str(&format!("{cut:COLUMN$} "));
        }
        context.console.line(row.trim_end());
    }
}

fn explain(context: &mut Context<'_, '_>, command: &Command) {
    context.console.line(command.synopsis);
    let mut row = String::new();
    for word in command.help.split_ascii_whitespace() {
        if row.len().saturating_add(word.len()) >= TEXT {
            context.console.line(&format!("    {row}"));
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(word);
    }
    context.console.line(&format!("    {row}"));
}
