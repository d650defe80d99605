//! Running the commands of an entry, and what happens when one fails.

use super::{Exit, Loaded, Session, Then};
use crate::command::{ENTRY, Error, ErrorKind, Flow, Place, SILENT, Word, look_up};
use crate::disk::DeviceName;
use crate::menu::lexer::word;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A command to run, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub text: String,
    /// `None` once it was edited.
    pub place: Option<Place>,
}

/// The commands of entry `index`.
pub(super) fn steps(loaded: &Loaded, index: usize) -> Vec<Step> {
    let Some(entry) = loaded.menu.entries.get(index) else {
        return Vec::new();
    };
    let file = entry.file.as_ref().unwrap_or(&loaded.name);
    let lines = entry.commands.iter();
    lines
        .map(|line| Step {
            text: line.text.clone(),
            place: Some(Place {
                file: file.clone(),
                line: line.number,
            }),
        })
        .collect()
}

impl Session<'_, '_> {
    /// Boots entry `index`; when that fails, the `fallbacks` one after the
    /// other.
    pub(super) fn boot_entry(
        &mut self,
        loaded: &Loaded,
        index: usize,
        mut fallbacks: VecDeque<usize>,
    ) -> Then {
        let mut index = index;
        self.context.console.clear();
        loop {
            let title = loaded
                .menu
                .entries
                .get(index)
                .map_or("", |entry| &entry.title);
            self.context
                .console
                .print(&format!("  Booting '{title}'\n\n"));
            let last = fallbacks.is_empty();
            self.context.state.entry = Some(index);
            let result = self.run_steps(&steps(loaded, index), loaded.root);
            self.context.state.entry = None;
            match result {
                Ok(then) => return then,
                Err(error) => self.tell_failure(&error, last),
            }
            match fallbacks.pop_front() {
                Some(next) => index = next,
                None => return Then::Back,
            }
        }
    }

    /// Boots commands that were edited.
    pub(super) fn boot_edited(&mut self, steps: &[Step], root: DeviceName) -> Then {
        self.context.console.clear();
        self.context.console.print("  Booting command-list\n\n");
        match self.run_steps(steps, root) {
            Ok(then) => then,
            Err(error) => {
                self.tell_failure(&error, true);
                Then::Back
            }
        }
    }

    fn tell_failure(&mut self, error: &Error, wait: bool) {
        log::debug!("{error}");
        self.context.console.fresh_line();
        self.context.console.print(&format!("\n{error}\n"));
        if wait {
            self.press_any_key();
        } else {
            self.context.console.print("\n");
        }
    }

    /// Runs commands one after the other, each shown first, and at the end
    /// `boot`. An entry that loads no kernel and does nothing else fails too:
    /// whoever chose it shall not just see the menu again.
    fn run_steps(&mut self, steps: &[Step], root: DeviceName) -> Result<Then, Error> {
        self.context.state.root = root;
        self.context.state.kernel = false;
        for step in steps {
            let name = word(&step.text).0;
            if name.is_empty() {
                continue;
            }
            let found = look_up(name);
            let shown = !matches!(found, Word::Command(command) if command.is(SILENT));
            if shown {
                self.context.console.line(&step.text);
            }
            // What it waits for, a server perhaps, is known before it waits.
            self.context.console.flush();
            let result = self.run_step(step, found);
            let flow = result.map_err(|error| error.at(step.place.clone()))?;
            if self.context.console.ended() {
                return Ok(Then::exit(Exit::InputEnded));
            }
            if let Some(then) = self.after(flow) {
                return Ok(then);
            }
        }
        if !self.context.state.kernel {
            let reason = "nothing to boot: these commands load no kernel";
            let place = steps.last().and_then(|step| step.place.clone());
            return Err(Error::because(ErrorKind::NoKernel, reason).at(place));
        }
        let flow = self.run_command("boot", "");
        let place = steps.last().and_then(|step| step.place.clone());
        let flow = flow.map_err(|error| error.at(place))?;
        Ok(self.after(flow).unwrap_or(Then::Back))
    }

    /// Runs a command of an entry. The original passes over words it does not
    /// know; so does this, but says so.
    fn run_step(&mut self, step: &Step, found: Word) -> Result<Flow, Error> {
        let (name, arguments) = word(&step.text);
        let place = step.place.clone();
        let passed_over = match found {
            Word::Command(command) if command.is(ENTRY) => {
                return self.context.run(command, arguments);
            }
            Word::Command(_) => "only works before the first title; passed over",
            // What was typed by hand is taken at its word.
            Word::Unknown if place.is_none() => return self.run_command(name, arguments),
            Word::Unknown => "no such command; passed over",
        };
        let notice = Error::because(ErrorKind::UnknownCommand, passed_over);
        let notice = notice.about(&super::short(name)).at(place);
        log::debug!("{notice}");
        self.context.console.line(&notice.to_string());
        Ok(Flow::Next)
    }

    /// Runs a command as typed: everything but a command that works here is an
    /// error.
    pub(super) fn run_command(&mut self, name: &str, arguments: &str) -> Result<Flow, Error> {
        let reason = match look_up(name) {
            Word::Command(command) if command.is(ENTRY) => {
                return self.context.run(command, arguments);
            }
            Word::Command(_) => "only works in a menu, before the first title",
            Word::Unknown => "no such command",
        };
        Err(Error::because(ErrorKind::UnknownCommand, reason).about(&super::short(name)))
    }
}
