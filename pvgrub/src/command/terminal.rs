//! `terminal`: which terminal is used, and how.

use super::numbers::number;
use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::screen::console::ROWS;
use crate::screen::paint::{HEIGHT, WIDTH};
use crate::screen::{Manner, Outputs};
use alloc::format;

pub static COMMAND: Command = Command {
    name: "terminal",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "terminal [--dumb] [--no-echo] [--no-edit] [--timeout=SECS] [--lines=N] [--silent] [console] [serial] [graphics] [hercules]",
    help: "\
Says which terminals the menu and the commands are on, and how those behave.
Without arguments, prints that.
  console, serial    the guest's PV console, which is always there
  graphics           its frame buffer, if it has one
  hercules           understood; no guest has one
  --dumb             a terminal that knows no escapes: the menu comes line
                     by line
  --no-echo          what is typed is not shown
  --no-edit          only the end of a typed line can be changed
  --lines=N          long output pauses after N lines
  --timeout=SECS     where several terminals are named, ask once a second
                     for a key on any of them, for so long; without this,
                     nobody is waited for
  --silent           wait for the key without asking
Example:
  terminal console graphics
",
    run: terminal,
};

/// One second, in nanoseconds.
const SECOND: u64 = 1_000_000_000;

/// Terminals that can be named, as bits.
const CONSOLE: u8 = 1;
const SERIAL: u8 = 2;
const GRAPHICS: u8 = 4;

/// What the arguments say.
#[derive(Default)]
struct Wish<'a> {
    /// The terminals named, as bits.
    named: u8,
    /// The first of them that is not there.
    missing: Option<&'a str>,
    /// One of them is there.
    here: bool,
    manner: Manner,
    lines: Option<usize>,
    timeout: Option<u32>,
    silent: bool,
}

impl<'a> Wish<'a> {
    /// Checks all of it before anything counts.
    fn parse(arguments: &'a str, graphics: bool) -> Result<Self, Error> {
        let bad = |word: &str, reason: &str| {
            Err(Error::because(ErrorKind::BadArgument, reason).about(word))
        };
        let mut wish = Wish::default();
        for word in arguments.split_ascii_whitespace() {
            match word.split_once('=') {
                Some(("--lines", value)) => match usize::try_from(number(value)?) {
                    Ok(count @ 2..=1000) => wish.lines = Some(count),
                    _ => return bad(word, "between 2 and 1000 lines"),
                },
                Some(("--timeout", value)) => wish.timeout = Some(number(value)?),
                _ => match word {
                    "--dumb" => wish.manner.dumb = true,
                    "--no-echo" => wish.manner.no_echo = true,
                    "--no-edit" => wish.manner.no_edit = true,
                    "--silent" => wish.silent = true,
                    "console" => wish.name(CONSOLE, true, word),
                    "serial" => wish.name(SERIAL, true, word),
                    "graphics" => wish.name(GRAPHICS, graphics, word),
                    "hercules" => wish.name(8, false, word),
                    _ => return bad(word, "no such terminal, and no option of terminal"),
                },
            }
        }
        // Those that are there: somebody who names several leaves the choice.
        if let Some(word) = wish.missing.filter(|_| !wish.here) {
            let reason = "is not there; the menu stays where it is";
            return Err(Error::because(ErrorKind::NotInitialised, reason).about(word));
        }
        Ok(wish)
    }

    fn name(&mut self, bit: u8, here: bool, word: &'a str) {
        self.named |= bit;
        self.here |= here;
        if !here {
            self.missing = self.missing.or(Some(word));
        }
    }
}

fn terminal(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let graphics = context.console.has_graphics();
    let wish = Wish::parse(arguments, graphics)?;
    if let Some(seconds) = wish.timeout.filter(|_| wish.named.count_ones() > 1) {
        wait_for_key(context, seconds, wish.silent);
    }
    if let Some(lines) = wish.lines {
        context.console.set_lines(lines);
    }
    // Who names a terminal says all about it.
    if wish.named != 0 || wish.manner != Manner::default() {
        context.console.set_manner(wish.manner);
    }
    if wish.named != 0 {
        context.console.select(Outputs {
            console: wish.named & (CONSOLE | SERIAL) != 0,
            graphics: graphics && wish.named & GRAPHICS != 0,
        });
    }
    if arguments.is_empty() {
        tell(context);
    }
    Ok(Flow::Next)
}

fn tell(context: &mut Context<'_, '_>) {
    let lines = context.console.lines().unwrap_or(ROWS);
    let manner = context.console.manner();
    let kind = if manner.dumb {
        "a dumb terminal"
    } else {
        "a vt100"
    };
    let echo = if manner.no_echo { ", without echo" } else { "" };
    let edit = if manner.no_edit {
        ", without editing"
    } else {
        ""
    };
    let text = format!(" console: the PV console, {kind} of {lines} lines{echo}{edit}");
    context.console.line(&text);
    if context.console.has_graphics() {
        let text = format!(" graphics: a frame buffer of {WIDTH}x{HEIGHT}");
        context.console.line(&text);
    }
}

/// Asks for any key until one comes or the time is over.
fn wait_for_key(context: &mut Context<'_, '_>, seconds: u32, silent: bool) {
    for _ in 0..seconds {
        if !silent {
            context.console.carriage_return();
            context.console.print("Press any key to go on here.");
        }
        let deadline = context.console.now().saturating_add(SECOND);
        if context.console.key(Some(deadline)).is_some() || context.console.ended() {
            break;
        }
    }
    context.console.fresh_line();
}
