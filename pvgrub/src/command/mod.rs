//! The menu commands, one file each, and their table.
//!
//! A command is a file with a `COMMAND` in it and a line in [`TABLE`]. It acts
//! on a [`Context`]: the console, the disks, the loader and what earlier
//! commands left behind. Names, flags and meaning are those of GRUB 0.97 as
//! PV-GRUB had them; the words are ours.

mod blocklist;
mod boot;
mod cat;
mod chainloader;
mod clear;
mod cmp;
mod color;
pub mod complete;
mod configfile;
pub mod crypt;
mod debug;
mod default;
mod dhcp;
mod error;
mod fallback;
mod find;
mod fstest;
mod geometry;
mod graphics;
mod halt;
mod help;
mod hiddenmenu;
mod hide;
mod ifconfig;
mod initrd;
mod kernel;
mod lock;
mod machine;
mod makeactive;
mod map;
mod module;
mod numbers;
mod pager;
mod partnew;
mod parttype;
mod password;
mod pause;
mod print;
mod read;
mod reboot;
mod root;
mod rootnoverify;
mod save_env;
mod savedefault;
mod splashimage;
mod state;
mod table;
mod terminal;
mod terminfo;
mod timeout;
mod watch;

pub(crate) use dhcp::print as print_addresses;
pub use error::{Error, ErrorKind, Place};
pub use find::devices;
pub use machine::{Files, Machine, Volume};
pub(crate) use numbers::number;
pub use password::{Password, ask};
pub use state::{Default, Settings, State};
pub use watch::{Opened, Watch};

use crate::disk::FileSpec;
use crate::screen::Console;
use alloc::string::{String, ToString};

/// Works in an entry and on the command line.
pub const ENTRY: u8 = 1;
/// Works in the global section of a menu.
pub const GLOBAL: u8 = 2;
/// Is listed by `help`.
pub const LISTED: u8 = 4;
/// Is not shown when an entry runs.
pub const SILENT: u8 = 8;

/// A command.
pub struct Command {
    /// Its name, the first word of a line.
    pub name: &'static str,
    /// Where it works: [`ENTRY`], [`GLOBAL`], [`LISTED`], [`SILENT`].
    pub flags: u8,
    /// Name and arguments.
    pub synopsis: &'static str,
    /// What it does, then its arguments and an example; see `help`.
    pub help: &'static str,
    /// Does it, given the text behind the name.
    pub run: fn(&mut Context<'_, '_>, &str) -> Result<Flow, Error>,
}

impl Command {
    /// Whether `flag` is set.
    pub fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

/// All commands, by name.
pub static TABLE: &[&Command] = &[
    &graphics::BACKGROUND,
    &blocklist::COMMAND,
    &boot::COMMAND,
    &dhcp::BOOTP,
    &graphics::BORDER,
    &cat::COMMAND,
    &chainloader::COMMAND,
    &clear::COMMAND,
    &cmp::COMMAND,
    &color::COMMAND,
    &configfile::COMMAND,
    &debug::COMMAND,
    &default::COMMAND,
    &dhcp::COMMAND,
    &fallback::COMMAND,
    &find::COMMAND,
    &graphics::FOREGROUND,
    &fstest::COMMAND,
    &geometry::COMMAND,
    &halt::COMMAND,
    &help::COMMAND,
    &hiddenmenu::COMMAND,
    &hide::COMMAND,
    &ifconfig::COMMAND,
    &initrd::COMMAND,
    &kernel::COMMAND,
    &lock::COMMAND,
    &makeactive::COMMAND,
    &map::COMMAND,
    &module::COMMAND,
    &module::NOUNZIP,
    &pager::COMMAND,
    &partnew::COMMAND,
    &parttype::COMMAND,
    &password::COMMAND,
    &pause::COMMAND,
    &print::COMMAND,
    &dhcp::RARP,
    &read::COMMAND,
    &reboot::COMMAND,
    &root::COMMAND,
    &rootnoverify::COMMAND,
    &save_env::COMMAND,
    &savedefault::COMMAND,
    &graphics::SHADE,
    &splashimage::COMMAND,
    &terminal::COMMAND,
    &terminfo::COMMAND,
    &ifconfig::TFTPSERVER,
    &timeout::COMMAND,
    &hide::UNHIDE,
    &graphics::VIEWPORT,
];

/// What a word is.
#[derive(Clone, Copy)]
pub enum Word {
    /// A command.
    Command(&'static Command),
    /// Nothing known.
    Unknown,
}

/// Looks a word up.
pub fn look_up(word: &str) -> Word {
    match TABLE.iter().find(|command| command.name == word) {
        Some(command) => Word::Command(command),
        None => Word::Unknown,
    }
}

/// Whether the original knows `word` as a command: what makes an entry more
/// than a title.
pub fn is_command(word: &str) -> bool {
    !matches!(look_up(word), Word::Unknown)
}

/// What is to happen after a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flow {
    /// The next one.
    Next,
    /// The entry ends here, without an error.
    Stop,
    /// The kernel was started (by a test double).
    Booted,
    /// The guest is to power off.
    Halt,
    /// The guest is to reboot.
    Reboot,
    /// This menu is to be loaded.
    Menu(FileSpec),
}

/// What commands act on.
pub struct Context<'a, 't> {
    /// Where they print and ask.
    pub console: &'a mut Console<'t>,
    /// Where they read.
    pub files: &'a dyn Files,
    /// What they load and start.
    pub machine: &'a mut dyn Machine,
    /// What they leave behind for each other.
    pub state: State,
    /// What is told of what they read.
    pub watch: Watch,
    /// What is appended to every kernel's command line: what stood behind
    /// ` -- ` on our own.
    pub appended: String,
}

impl Context<'_, '_> {
    /// The file called `text`, with the current root filled in if it names no
    /// device.
    ///
    /// # Errors
    /// A name that is none, or no name at all.
    pub fn file(&self, text: &str) -> Result<FileSpec, Error> {
        if text.is_empty() {
            return Err(Error::because(
                ErrorKind::BadArgument,
                "a file name is missing",
            ));
        }
        let mut spec = FileSpec::parse(text)?;
        spec.device = spec.device.or(Some(self.state.root));
        Ok(spec)
    }

    /// Opens the file called `spec`, on the root if that names no device.
    ///
    /// # Errors
    /// Why it cannot be had, naming it.
    pub fn open(&self, spec: &FileSpec) -> Result<Opened, Error> {
        let file = self.files.open(spec, self.state.root)?;
        let device = spec.device.or(Some(self.state.root));
        let full = FileSpec {
            device,
            ..spec.clone()
        };
        Ok(self.watch.open(full.to_string(), file))
    }

    /// Runs `command`, and tells what it read if that is wanted.
    ///
    /// # Errors
    /// The command's.
    pub fn run(&mut self, command: &Command, arguments: &str) -> Result<Flow, Error> {
        let result = (command.run)(self, arguments);
        for line in self.watch.report() {
            self.console.line(&line);
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_whole() {
        assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
        for command in TABLE {
            assert!(
                command.synopsis.starts_with(command.name),
                "{}",
                command.name
            );
            assert!(command.is(ENTRY) || command.is(GLOBAL), "{}", command.name);
            assert!(!command.help.is_empty(), "{}", command.name);
        }
    }
}
