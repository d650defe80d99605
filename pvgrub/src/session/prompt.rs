//! The command line.

use super::{Exit, Session, Then};
use crate::command::complete::complete;
use crate::disk::DeviceName;
use crate::menu::lexer::word;
use crate::screen::edit::{Entered, Request, read_line};
use crate::screen::list::heading;
use alloc::format;

/// Stands before the first prompt, in a box of a kind.
const BANNER: &str = "       [ Lines are edited as in a shell.  For the first word,
         TAB completes or lists the commands; after it, the
         devices and files.";
/// Ends it where Escape leads back to a menu.
const BANNER_ESCAPE: &str = "  ESC leads back to the
         menu.";

impl Session<'_, '_> {
    /// Reads commands and runs them, until one leads elsewhere or, if it was
    /// opened `from_menu`, Escape back to it.
    pub(super) fn command_line(&mut self, root: DeviceName, from_menu: bool) -> Then {
        self.context.state.root = root;
        self.context.state.kernel = false;
        if from_menu {
            let memory = self.context.machine.memory_kib();
            heading(self.context.console, memory);
        }
        self.banner(from_menu);
        loop {
            match self.prompt("grubdom> ", "", from_menu) {
                Entered::Ended => return Then::exit(Exit::InputEnded),
                Entered::Escape => return Then::Back,
                Entered::Text(text) => {
                    self.memory.remember(&text);
                    if let Some(then) = self.run_typed(&text) {
                        return then;
                    }
                }
            }
        }
    }

    /// Prints what can be done here.
    pub(super) fn banner(&mut self, from_menu: bool) {
        let escape = if from_menu { BANNER_ESCAPE } else { "" };
        self.context
            .console
            .print(&format!("{BANNER}{escape} ]\n\n"));
    }

    /// Reads a line, with completion.
    pub(super) fn prompt(&mut self, prompt: &str, text: &str, escape: bool) -> Entered {
        let request = Request {
            prompt,
            text,
            mask: None,
            escape,
        };
        let files = self.context.files;
        let root = self.context.state.root;
        read_line(
            self.context.console,
            &request,
            &mut self.memory,
            &mut |before| complete(before, files, root),
        )
    }

    /// Runs a typed line; output pauses after each screenful.
    fn run_typed(&mut self, text: &str) -> Option<Then> {
        let (name, arguments) = word(text);
        if name.is_empty() || name.starts_with('#') {
            return None;
        }
        let pauses = self.context.console.pauses();
        self.context.console.set_pager(pauses);
        self.context.console.flush();
        let result = self.run_command(name, arguments);
        self.context.console.set_pager(false);
        self.context.console.fresh_line();
        match result {
            Ok(flow) => match self.after(flow) {
                // `pause' was answered with Escape: nothing to end here.
                Some(Then::Back) => None,
                then => then,
            },
            Err(error) => {
                self.context.console.print(&format!("\n{error}\n\n"));
                None
            }
        }
    }
}
