//! A session at the loader: find the menu, show it, run what is chosen, come
//! back when that fails.
//!
//! The one thing the unikernel calls. [`options`] reads our command line,
//! [`start`] decides which menu it is and [`formats`] reads it,
//! [`choose`] is the person at the menu, [`entry`] runs commands, and
//! [`prompt`] is the command line; this file ties them.
#![forbid(unsafe_code)]

mod choose;
mod edit_entry;
mod entry;
mod formats;
mod netboot;
mod options;
mod prompt;
mod start;
#[cfg(test)]
mod tests;

use crate::command::{Context, Files, Flow, Machine, State, Watch};
use crate::disk::{DeviceName, FileSpec};
use crate::menu::{Menu, Warning};
use crate::screen::edit::Memory;
use crate::screen::{Console, Terminal};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What the guest was started with.
#[derive(Debug, Default, Clone, Copy)]
pub struct Start<'a> {
    /// The command line, whole; see [`start`] for what in it counts.
    pub command_line: &'a str,
    /// The module beside the kernel: a menu.
    pub ramdisk: Option<&'a [u8]>,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// A kernel was started: only a test double comes back from that.
    Booted,
    /// `halt`: power off.
    Halt,
    /// `reboot`.
    Reboot,
    /// There is no keyboard any more; no real console does this.
    InputEnded,
}

/// Runs a session until it ends.
pub fn run(
    terminal: &mut dyn Terminal,
    files: &dyn Files,
    machine: &mut dyn Machine,
    start: &Start<'_>,
) -> Exit {
    let mut console = Console::new(terminal);
    let mut session = Session {
        context: Context {
            console: &mut console,
            files,
            machine,
            state: fresh_state(None),
            watch: Watch::default(),
            appended: String::new(),
        },
        memory: Memory::default(),
        unattended: 0,
        settings: Vec::new(),
        stays: false,
    };
    let mut source = start::find_menu(&mut session, start);
    loop {
        let (spec, chosen) = match session.one_menu(source.as_ref()) {
            Next::Exit(exit) => return exit,
            Next::Menu(spec) => (spec, true),
            Next::Instead(spec) => (spec, false),
        };
        match start::open_menu(&mut session, &spec) {
            Some(other) => {
                source = Some(other);
                session.stays = false;
            }
            // Nobody chose that menu: the present one is the next best.
            None if !chosen => session.stays = true,
            // The present menu again, waiting: what it does unattended is this.
            None => {
                session.unattended = MAX_UNATTENDED;
                session.press_any_key();
                session.context.console.take_touched();
            }
        }
    }
}

/// How many menus may follow each other without a key.
const MAX_UNATTENDED: u32 = 16;

/// A menu's text and where it is from.
struct Source {
    /// As shown in errors: `(hd0,0)/boot/grub/menu.lst`.
    name: Rc<str>,
    /// The file, if it is one.
    spec: Option<FileSpec>,
    content: Content,
}

/// What a menu was read as.
enum Content {
    /// The bytes of a menu.lst.
    Text(Vec<u8>),
    /// Another format's menu, whose lines mean the same.
    Menu(Menu),
}

/// A menu ready to be shown.
struct Loaded {
    name: Rc<str>,
    menu: Menu,
    /// The root that entries and the command line begin with.
    root: DeviceName,
    /// The menu that is to take its place: its global section said so.
    instead: Option<FileSpec>,
}

/// What follows a menu.
enum Next {
    Exit(Exit),
    /// A menu that was chosen.
    Menu(FileSpec),
    /// One that the global section puts in its own place.
    Instead(FileSpec),
}

/// What follows a command, an entry, the command line.
enum Then {
    /// Back to the menu.
    Back,
    /// Out of the menu.
    Leave(Next),
}

impl Then {
    fn exit(exit: Exit) -> Self {
        Then::Leave(Next::Exit(exit))
    }
}

/// A session in progress.
struct Session<'a, 't> {
    context: Context<'a, 't>,
    memory: Memory,
    /// How many menus were loaded since a key was last pressed.
    unattended: u32,
    /// What the guest's configuration has to say to the first menu, as lines
    /// of its global section.
    settings: Vec<String>,
    /// The present menu was to give way to one that cannot be had.
    stays: bool,
}

/// The state that a menu begins with. Names without a device are on the
/// menu's own one, or on the first partition if the menu comes from outside.
fn fresh_state(menu: Option<FileSpec>) -> State {
    let device = menu.as_ref().and_then(|spec| spec.device);
    State {
        root: device.unwrap_or(DeviceName::Partition(0, 0)),
        entry: None,
        kernel: false,
        settings: Default::default(),
        in_global: false,
        unlocked: false,
        menu,
    }
}

impl Session<'_, '_> {
    /// Shows a menu until it is left; without one, or with one that has no
    /// entries, the command line.
    fn one_menu(&mut self, source: Option<&Source>) -> Next {
        let mut loaded = source.map(|source| self.load(source));
        if let Some(spec) = loaded.as_mut().and_then(|loaded| loaded.instead.take()) {
            return Next::Instead(spec);
        }
        let then = match &loaded {
            Some(loaded) if !loaded.menu.entries.is_empty() => return self.menu(loaded),
            Some(loaded) => {
                let message = format!("{}: this menu has no entries.", loaded.name);
                self.context.console.line(&message);
                self.tell_warnings(&loaded.menu.warnings);
                self.command_line(loaded.root, false)
            }
            None => self.command_line(self.context.state.root, false),
        };
        match then {
            Then::Leave(next) => next,
            // Does not happen: such a command line cannot be left by Escape.
            Then::Back => Next::Exit(Exit::InputEnded),
        }
    }

    /// Parses a menu and runs its global section. Nothing in there can keep
    /// the menu from showing: what fails is a warning.
    fn load(&mut self, source: &Source) -> Loaded {
        let mut menu = match &source.content {
            Content::Text(bytes) => crate::menu::parse(bytes, &crate::command::is_command),
            Content::Menu(menu) => menu.clone(),
        };
        self.context.state = fresh_state(source.spec.clone());
        let root = self.context.state.root;
        self.count_unattended();
        self.context.state.in_global = true;
        let lines = core::mem::take(&mut menu.global);
        let mut instead = None;
        for line in &lines {
            match self.run_global(&line.text) {
                Ok(Flow::Menu(spec)) if self.may_follow(&spec) => instead = Some(spec),
                Ok(_) => {}
                Err(text) => menu.warn(line.number, text),
            }
            if instead.is_some() {
                break;
            }
        }
        menu.global = lines;
        // They are for the first menu that shows.
        if instead.is_none() {
            self.run_settings();
        }
        self.context.state.in_global = false;
        self.break_circle(&mut menu);
        for warning in &menu.warnings {
            log::info!("{} {warning}", source.name);
        }
        Loaded {
            name: source.name.clone(),
            menu,
            root,
            instead,
        }
    }

    /// Runs what the guest's configuration has to say.
    fn run_settings(&mut self) {
        for line in core::mem::take(&mut self.settings) {
            if let Err(text) = self.run_global(&line) {
                let text = format!("On the command line: {line}: {text}");
                self.context.console.line(&text);
            }
        }
    }

    /// Whether the menu `spec` may take the place of this one unasked: not if
    /// it is this one, nor if they have done that all the time.
    fn may_follow(&self, spec: &FileSpec) -> bool {
        let often = self.stays || self.unattended > MAX_UNATTENDED;
        !often && self.context.state.menu.as_ref() != Some(spec)
    }

    /// One more menu, perhaps without anybody there.
    fn count_unattended(&mut self) {
        if self.context.console.take_touched() {
            self.unattended = 0;
        }
        self.unattended = self.unattended.saturating_add(1);
    }

    /// Menus that load each other unattended would do so forever: after some
    /// rounds the menu waits for a key.
    fn break_circle(&mut self, menu: &mut Menu) {
        if self.unattended > MAX_UNATTENDED && self.context.state.settings.timeout.take().is_some()
        {
            menu.warnings.clear();
            menu.warn(1, "waits for you: unattended it leads nowhere");
        }
    }

    /// Runs a line of the global section; an error in words.
    fn run_global(&mut self, line: &str) -> Result<Flow, String> {
        use crate::command::{GLOBAL, Word, look_up};
        let (name, arguments) = crate::menu::lexer::word(line);
        match look_up(name) {
            Word::Command(command) if command.is(GLOBAL) => {
                let result = self.context.run(command, arguments);
                result.map_err(|error| error.about(name).to_string())
            }
            Word::Command(_) => Err(format!("`{name}' does nothing before the first title")),
            Word::Unknown => Err(format!("`{}' is not a command", short(name))),
        }
    }

    fn tell_warnings(&mut self, warnings: &[Warning]) {
        for warning in warnings.iter().take(8) {
            self.context.console.line(&format!("    {warning}"));
        }
        if let Some(more) = warnings.len().checked_sub(8).filter(|&more| more > 0) {
            self.context.console.line(&format!("    and {more} more"));
        }
    }

    /// What `flow` leads to, other than on to the next command.
    fn after(&mut self, flow: Flow) -> Option<Then> {
        Some(match flow {
            Flow::Next => return None,
            Flow::Stop => Then::Back,
            Flow::Booted => Then::exit(Exit::Booted),
            Flow::Halt => Then::exit(Exit::Halt),
            Flow::Reboot => Then::exit(Exit::Reboot),
            Flow::Menu(spec) => Then::Leave(Next::Menu(spec)),
        })
    }

    /// Asks for a key, so that what stands on the screen can be read.
    fn press_any_key(&mut self) {
        self.context.console.print("\nPress any key to continue...");
        self.context.console.key(None);
    }
}

/// The beginning of a text of unknown length.
fn short(text: &str) -> String {
    text.chars().take(32).collect()
}
