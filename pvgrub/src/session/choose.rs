//! The person at the menu: countdown, keys, and what they ask for.

use super::{Exit, Loaded, Next, Session, Then};
use crate::command::ask;
use crate::menu::Entry;
use crate::screen::Key;
use crate::screen::list::{Help, Items, List};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};

const SECOND: u64 = 1_000_000_000;

impl Items for [Entry] {
    fn count(&self) -> usize {
        self.len()
    }

    fn text(&self, index: usize) -> &str {
        self.get(index).map_or("", |entry| &entry.title)
    }
}

/// What was chosen.
enum Choice {
    /// Boot the highlighted entry; nobody is there if unattended.
    Boot { unattended: bool },
    /// Edit it.
    Edit,
    /// Open the command line.
    CommandLine,
    /// Enter the password.
    Password,
    /// There is no keyboard any more.
    Ended,
}

/// What a countdown came to.
enum Counted {
    /// It ran out.
    Expired,
    /// A key ended it.
    Key(Key),
}

impl Session<'_, '_> {
    /// Shows the menu until it is left.
    pub(super) fn menu(&mut self, loaded: &Loaded) -> Next {
        let entries = loaded.menu.entries.as_slice();
        let settings = self.context.state.settings.clone();
        let mut list = List::new(settings.default_entry(entries.len()), entries.len());
        let mut timeout = settings.timeout;
        // Without a timeout nothing ever boots from behind a hidden menu.
        if settings.hidden && timeout.is_some_and(|seconds| seconds > 0) {
            let seconds = timeout.take().unwrap_or(0);
            if let Counted::Expired = self.hidden_countdown(seconds) {
                timeout = Some(0);
            }
        }
        loop {
            let choice = match timeout.take() {
                Some(0) if !self.escape_waits() => Choice::Boot { unattended: true },
                Some(0) => self.choose(loaded, &mut list, None),
                timeout => self.choose(loaded, &mut list, timeout),
            };
            let then = match choice {
                Choice::Boot { unattended } => {
                    let mut fallbacks = VecDeque::new();
                    if unattended {
                        fallbacks.extend(settings.fallbacks(entries.len()));
                    }
                    self.boot_entry(loaded, list.selected(), fallbacks)
                }
                Choice::Edit => match entries.get(list.selected()) {
                    Some(entry) => self.edit_entry(loaded, entry),
                    None => Then::Back,
                },
                Choice::CommandLine => self.command_line(loaded.root, true),
                Choice::Password => self.unlock(loaded.root),
                Choice::Ended => Then::exit(Exit::InputEnded),
            };
            if let Then::Leave(next) = then {
                return next;
            }
            if self.context.console.ended() {
                return Next::Exit(Exit::InputEnded);
            }
        }
    }

    /// Whether Escape was pressed before the menu came: the way in where the
    /// timeout is 0.
    fn escape_waits(&mut self) -> bool {
        while let Some(key) = self.context.console.waiting_key() {
            if key == Key::Escape {
                return true;
            }
        }
        false
    }

    /// Draws the menu and obeys keys until one asks for more than moving the
    /// highlight.
    fn choose(&mut self, loaded: &Loaded, list: &mut List, timeout: Option<u32>) -> Choice {
        let entries = loaded.menu.entries.as_slice();
        let locked = self.context.state.locked();
        let help = if locked { Help::Locked } else { Help::Menu };
        let memory = self.context.machine.memory_kib();
        let note = note(loaded);
        list.draw(self.context.console, entries, help, memory, note.as_deref());
        let mut key = match timeout {
            Some(seconds) => match self.count_down(seconds, |s, n| list.countdown(s, Some(n))) {
                Counted::Expired => return Choice::Boot { unattended: true },
                Counted::Key(key) => {
                    list.countdown(self.context.console, None);
                    Some(key)
                }
            },
            None => self.context.console.key(None),
        };
        loop {
            match key {
                None => return Choice::Ended,
                Some(Key::Enter | Key::Right | Key::Ctrl('F')) => {
                    return Choice::Boot { unattended: false };
                }
                Some(Key::Char('p')) if locked => return Choice::Password,
                Some(Key::Char('e')) if !locked => return Choice::Edit,
                Some(Key::Char('c')) if !locked => return Choice::CommandLine,
                Some(key) => move_highlight(list, self.context.console, entries, key),
            }
            key = self.context.console.key(None);
        }
    }

    /// Counts `seconds` down, showing each by `show`; sleeps from one to the
    /// next.
    fn count_down(
        &mut self,
        seconds: u32,
        mut show: impl FnMut(&mut crate::screen::Console<'_>, u64),
    ) -> Counted {
        let length = u64::from(seconds).saturating_mul(SECOND);
        let end = self.context.console.now().saturating_add(length);
        loop {
            let left = end
                .saturating_sub(self.context.console.now())
                .div_ceil(SECOND);
            let Some(next) = left.checked_sub(1) else {
                return Counted::Expired;
            };
            show(self.context.console, left);
            let deadline = end.saturating_sub(next.saturating_mul(SECOND));
            if let Some(key) = self.context.console.key(Some(deadline)) {
                return Counted::Key(key);
            }
        }
    }

    /// The countdown of a menu that is hidden: any key shows it.
    fn hidden_countdown(&mut self, seconds: u32) -> Counted {
        self.context.console.clear();
        self.count_down(seconds, |console, left| {
            console.carriage_return();
            console.print(&format!(
                "`ESC' shows the menu before it boots... {left}   "
            ));
        })
    }

    /// Asks for the menu's password.
    fn unlock(&mut self, root: crate::disk::DeviceName) -> Then {
        let Some(password) = self.context.state.settings.password.clone() else {
            return Then::Back;
        };
        self.context.console.goto(21, 1);
        self.context.console.erase_to_end();
        let Some(entered) = ask(&mut self.context, " Password: ") else {
            return Then::Back;
        };
        if !password.is(&entered) {
            self.context
                .console
                .print("Wrong.\n      Press any key to continue...");
            self.context.console.key(None);
            return Then::Back;
        }
        let Some(file) = password.file else {
            self.context.state.unlocked = true;
            return Then::Back;
        };
        self.context.state.root = root;
        match self.context.file(&file) {
            Ok(spec) => Then::Leave(Next::Menu(spec)),
            Err(error) => {
                self.context.console.line(&error.to_string());
                self.press_any_key();
                Then::Back
            }
        }
    }
}

/// Moves the highlight if `key` does that.
pub(super) fn move_highlight(
    list: &mut List,
    console: &mut crate::screen::Console<'_>,
    items: &(impl Items + ?Sized),
    key: Key,
) {
    let selected = list.selected();
    match key {
        Key::Up | Key::Ctrl('P') | Key::Char('^') => {
            list.select(console, items, selected.saturating_sub(1));
        }
        Key::Down | Key::Ctrl('N') | Key::Char('v') => {
            list.select(console, items, selected.saturating_add(1));
        }
        Key::PageUp | Key::Ctrl('G') => list.page_up(console, items),
        Key::PageDown | Key::Ctrl('C') => list.page_down(console, items),
        Key::Home => list.select(console, items, 0),
        Key::End => list.select(console, items, usize::MAX),
        _ => {}
    }
}

/// What is said below the menu about lines of it that were passed over.
fn note(loaded: &Loaded) -> Option<String> {
    let warnings = &loaded.menu.warnings;
    let first = warnings.first()?;
    Some(match warnings.len() {
        1 => format!("Note: {first}"),
        count => format!("Note ({count} in all): {first}"),
    })
}
