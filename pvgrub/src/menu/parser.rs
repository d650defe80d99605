//! From lines to a menu: the global section, then entries.

use super::lexer::{Line, Lines, word};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How many lines a menu may have (comments not counted); what follows is
/// left out, with a warning. Keeps a menu from filling a small guest's memory.
pub const MAX_LINES: usize = 8192;

/// How many warnings are kept.
const MAX_WARNINGS: usize = 64;

/// A parsed menu.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Menu {
    /// The lines before the first title.
    pub global: Vec<Line>,
    /// The entries, in order; each has a command at least.
    pub entries: Vec<Entry>,
    /// What was left out or cut.
    pub warnings: Vec<Warning>,
}

/// An entry of the menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What follows `title`.
    pub title: String,
    /// The file it stands in, if that is not the menu's own.
    pub file: Option<Rc<str>>,
    /// Where the title stands, counted from 1.
    pub line: u32,
    /// Its commands, unknown words included.
    pub commands: Vec<Line>,
}

/// Something in a menu that was not taken as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The line it is about; 0 if it is about none.
    pub line: u32,
    /// What about it.
    pub text: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.text),
            line => write!(f, "line {line}: {}", self.text),
        }
    }
}

impl Menu {
    /// Adds a warning, up to a limit.
    pub fn warn(&mut self, line: u32, text: impl Into<String>) {
        if self.warnings.len() < MAX_WARNINGS {
            let text = text.into();
            self.warnings.push(Warning { line, text });
        }
    }

    /// Closes the entry being read. One without a command is dropped, as in
    /// GRUB: `default` counts on it.
    fn close(&mut self, entry: Option<Entry>, known: bool) {
        match entry {
            Some(entry) if known => self.entries.push(entry),
            Some(entry) => {
                let title: String = entry.title.chars().take(40).collect();
                self.warn(
                    entry.line,
                    format!("`{title}' has no commands and is left out"),
                );
            }
            None => {}
        }
    }
}

/// Parses the bytes of a menu. `is_command` tells commands from unknown words:
/// an entry of nothing but the latter counts as empty.
pub fn parse(bytes: &[u8], is_command: &dyn Fn(&str) -> bool) -> Menu {
    let mut menu = Menu::default();
    let mut entry: Option<Entry> = None;
    let mut known = false;
    for (count, line) in Lines::new(bytes).enumerate() {
        if count >= MAX_LINES {
            menu.warn(
                line.number,
                format!("more than {MAX_LINES} lines; the rest is left out"),
            );
            break;
        }
        if line.cut > 0 {
            menu.warn(
                line.number,
                format!("too long, the last {} bytes are cut off", line.cut),
            );
        }
        let (name, rest) = word(&line.text);
        if name == "title" {
            let next = Entry {
                title: rest.into(),
                file: None,
                line: line.number,
                commands: Vec::new(),
            };
            menu.close(entry.replace(next), known);
            known = false;
        } else if let Some(entry) = &mut entry {
            known |= is_command(name);
            entry.commands.push(line);
        } else {
            menu.global.push(line);
        }
    }
    menu.close(entry, known);
    menu
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Menu {
        parse(text.as_bytes(), &|word| {
            matches!(word, "root" | "kernel" | "initrd" | "boot")
        })
    }

    /// A menu in one line: `global | title@line: command@line, … | …`.
    fn shape(menu: &Menu) -> String {
        let join = |lines: &[Line]| {
            let lines: Vec<_> = lines
                .iter()
                .map(|l| format!("{}@{}", l.text, l.number))
                .collect();
            lines.join(", ")
        };
        let mut out = join(&menu.global);
        for entry in &menu.entries {
            out += &format!(
                " | {}@{}: {}",
                entry.title,
                entry.line,
                join(&entry.commands)
            );
        }
        out
    }

    #[test]
    fn shapes() {
        for (text, expected) in [
            ("", ""),
            ("default 0\ntimeout=5", "default 0@1, timeout=5@2"),
            ("title A\nboot", " | A@1: boot@2"),
            (
                "title=A b\n  boot\n\n#x\ntitle B\nroot (hd0)\nboot",
                " | A b@1: boot@2 | B@5: root (hd0)@6, boot@7",
            ),
            ("nonsense\ntitle\nboot", "nonsense@1 | @2: boot@3"),
            // Titles without commands are not entries.
            ("title A\ntitle B\nboot\ntitle C", " | B@2: boot@3"),
            (
                "title A\nquiet\ntitle B\nquiet\nboot",
                " | B@3: quiet@4, boot@5",
            ),
            (
                "title A\r\n\tkernel /x \\\r\n  ro\r\n",
                " | A@1: kernel /x    ro@2",
            ),
            ("titles x\ntitle y\nboot", "titles x@1 | y@2: boot@3"),
        ] {
            assert_eq!(shape(&parsed(text)), expected, "{text:?}");
        }
    }

    #[test]
    fn says_what_it_leaves_out() {
        let warnings = |text: &str| {
            let menu = parsed(text);
            menu.warnings
                .iter()
                .map(Warning::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(warnings("title A\nboot"), [""; 0]);
        assert_eq!(
            warnings("title A\n\ntitle B\nboot"),
            ["line 1: `A' has no commands and is left out"]
        );
        let long = format!("default 0\ntitle A\nkernel {}", "x".repeat(16 * 1024));
        assert_eq!(
            warnings(&long),
            ["line 3: too long, the last 7 bytes are cut off"]
        );
        let many = "title A\nboot\n".repeat(8000);
        assert_eq!(
            warnings(&many),
            ["line 8193: more than 8192 lines; the rest is left out"]
        );
    }
}
