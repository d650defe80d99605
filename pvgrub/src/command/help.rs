//! `help`: the commands, or what some of them do.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED, TABLE};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static COMMAND: Command = Command {
    name: "help",
    flags: ENTRY | LISTED,
    synopsis: "help [--all] [WORD...]",
    help: "\
Lists the commands, or tells what some of them do.
  --all    lists also those that only work in menus
  WORD     how the names of the wanted commands begin
Example:
  help root kern
",
    run: help,
};

/// Width of a column of the list.
const COLUMN: usize = 38;
/// Width of running text.
const TEXT: usize = 72;
/// Stands before it.
const INDENT: &str = "    ";

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

/// The synopsis, the text and where the command works. Lines of the text that
/// begin with a blank stand as they are; the others are paragraphs.
fn explain(context: &mut Context<'_, '_>, command: &Command) {
    fill(context, "", command.synopsis);
    let mut paragraph = String::new();
    for line in command.help.lines() {
        match line.starts_with(' ') {
            true => {
                fill(context, INDENT, &core::mem::take(&mut paragraph));
                context.console.line(&format!("{INDENT}{line}"));
            }
            false => {
                paragraph.push_str(line);
                paragraph.push(' ');
            }
        }
    }
    fill(context, INDENT, &paragraph);
    let place = match (command.is(ENTRY), command.is(GLOBAL)) {
        (true, true) => "Works in entries, on the command line and before the first title.",
        (true, false) => "Works in entries and on the command line.",
        (false, _) => "Works before the first title.",
    };
    fill(context, INDENT, place);
}

/// Prints `text` in lines of [`TEXT`] columns, each behind `indent`.
fn fill(context: &mut Context<'_, '_>, indent: &str, text: &str) {
    let mut row = String::new();
    for word in text.split_ascii_whitespace() {
        if !row.is_empty() && row.len().saturating_add(word.len()) >= TEXT {
            context.console.line(&format!("{indent}{row}"));
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(word);
    }
    if !row.is_empty() {
        context.console.line(&format!("{indent}{row}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every word of a synopsis that stands for something is explained, and
    /// what is not wrapped fits the screen.
    #[test]
    fn texts_are_whole() {
        for command in TABLE {
            let arguments = command.synopsis.get(command.name.len()..).unwrap_or("");
            let separates = |c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c));
            for word in arguments.split(separates).filter(|word| !word.is_empty()) {
                let explained = command.help.contains(word);
                assert!(explained, "{}: {word}", command.name);
            }
            for line in command.help.lines() {
                let fits = line.len() <= 76 || !line.starts_with(' ');
                assert!(fits, "{}: {line}", command.name);
                assert!(line.trim_end() == line, "{}: {line:?}", command.name);
            }
            let example = command.help.split("Example").nth(1);
            let command_in_it = example.is_none_or(|text| text.contains(command.name));
            assert!(command_in_it, "{}", command.name);
        }
    }
}
