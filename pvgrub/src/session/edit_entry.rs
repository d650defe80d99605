//! Editing the commands of an entry before booting them.

use super::choose::move_highlight;
use super::entry::{Step, steps};
use super::{Exit, Loaded, Session, Then};
use crate::menu::Entry;
use crate::screen::Key;
use crate::screen::edit::Entered;
use crate::screen::list::{Help, Items, List, heading};
use alloc::string::String;

impl Items for [Step] {
    fn count(&self) -> usize {
        self.len()
    }

    fn text(&self, index: usize) -> &str {
        self.get(index).map_or("", |step| &step.text)
    }
}

impl Session<'_, '_> {
    /// Shows the commands of `entry` for editing; changes last until Escape.
    pub(super) fn edit_entry(&mut self, loaded: &Loaded, entry: &Entry) -> Then {
        let entries = &loaded.menu.entries;
        let index = entries.iter().position(|other| core::ptr::eq(other, entry));
        let mut steps = steps(loaded, index.unwrap_or(usize::MAX));
        let mut list = List::new(0, steps.len());
        let mut draw = true;
        loop {
            if draw {
                let memory = self.context.machine.memory_kib();
                list.draw(
                    self.context.console,
                    steps.as_slice(),
                    Help::Edit,
                    memory,
                    None,
                );
            }
            draw = true;
            let at = list.selected();
            let then = match self.context.console.key(None) {
                None => return Then::exit(Exit::InputEnded),
                Some(Key::Escape) => return Then::Back,
                Some(Key::Char('b')) => self.boot_edited(&steps, loaded.root),
                Some(Key::Char('c')) => self.command_line(loaded.root, true),
                Some(Key::Char('e')) => self.edit_step(loaded, &mut steps, at),
                Some(key) => {
                    draw = false;
                    match key {
                        Key::Char('o') => {
                            self.open_line(&mut steps, &mut list, at.saturating_add(1))
                        }
                        Key::Char('O') => self.open_line(&mut steps, &mut list, at),
                        Key::Char('d') if at < steps.len() => {
                            steps.remove(at);
                            let at = at.min(steps.len().saturating_sub(1));
                            list.reset(self.context.console, steps.as_slice(), at);
                        }
                        key => {
                            move_highlight(&mut list, self.context.console, steps.as_slice(), key)
                        }
                    }
                    Then::Back
                }
            };
            if let Then::Leave(_) = then {
                return then;
            }
            if self.context.console.ended() {
                return Then::exit(Exit::InputEnded);
            }
        }
    }

    /// Puts an empty line in before line `at` and highlights it.
    fn open_line(&mut self, steps: &mut alloc::vec::Vec<Step>, list: &mut List, at: usize) {
        let at = at.min(steps.len());
        let empty = Step {
            text: String::new(),
            place: None,
        };
        steps.insert(at, empty);
        list.reset(self.context.console, steps.as_slice(), at);
    }

    /// Edits line `at`.
    fn edit_step(&mut self, loaded: &Loaded, steps: &mut [Step], at: usize) -> Then {
        let Some(step) = steps.get_mut(at) else {
            return Then::Back;
        };
        self.context.state.root = loaded.root;
        let memory = self.context.machine.memory_kib();
        heading(self.context.console, memory);
        self.banner(true);
        match self.prompt("grubdom edit> ", &step.text, true) {
            Entered::Ended => Then::exit(Exit::InputEnded),
            Entered::Escape => Then::Back,
            Entered::Text(text) => {
                if text != step.text {
                    *step = Step { text, place: None };
                }
                Then::Back
            }
        }
    }
}
