//! `password`: locks the menu, or what follows in an entry.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, SILENT};
use crate::menu::lexer::argument;
use crate::screen::edit::{Entered, Memory, Request, read_line};
use alloc::string::{String, ToString};

pub static COMMAND: Command = Command {
    name: "password",
    flags: ENTRY | GLOBAL | SILENT,
    synopsis: "password [--md5] PASSWORD [FILE]",
    help: "At the top of a menu: keeps everybody from editing and from `lock'ed entries who \
           does not know PASSWORD; FILE is loaded as the menu when it was given. In an entry: \
           asks for it, and fails without it. With --md5 no password is right in this version.",
    run: password,
};

/// What unlocks a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password {
    /// The word; `None` if it is given in a form that cannot be checked, so
    /// that nothing unlocks it.
    word: Option<String>,
    /// The menu to load once unlocked.
    pub file: Option<String>,
}

impl Password {
    /// Whether `entered` is the password.
    pub fn is(&self, entered: &str) -> bool {
        self.word.as_deref() == Some(entered)
    }

    fn parse(arguments: &str) -> Result<Self, Error> {
        let (first, rest) = argument(arguments);
        let (hashed, word, rest) = match first.starts_with("--") {
            true => {
                let (word, rest) = argument(rest);
                (true, word, rest)
            }
            false => (false, first, rest),
        };
        if word.is_empty() {
            return Err(Error::because(
                ErrorKind::BadArgument,
                "a password is missing",
            ));
        }
        let file = argument(rest).0;
        Ok(Password {
            word: (!hashed).then(|| word.to_string()),
            file: (!file.is_empty()).then(|| file.to_string()),
        })
    }
}

fn password(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let password = Password::parse(arguments);
    if context.state.in_global {
        // A lock that makes no sense stays a lock.
        context.state.settings.password = Some(password.clone().unwrap_or(Password {
            word: None,
            file: None,
        }));
        return password.map(|_| Flow::Next);
    }
    let password = password?;
    match ask(context, "Password: ") {
        Some(entered) if password.is(&entered) => Ok(match &password.file {
            Some(file) => Flow::Menu(context.file(file)?),
            None => Flow::Next,
        }),
        Some(_) => Err(Error::because(
            ErrorKind::Locked,
            "that was not the password",
        )),
        None => Err(Error::because(ErrorKind::Locked, "")),
    }
}

/// Asks for a password, shown as stars; `None` if none was given.
pub fn ask(context: &mut Context<'_, '_>, prompt: &str) -> Option<String> {
    let request = Request {
        prompt,
        text: "",
        mask: Some('*'),
        escape: true,
    };
    // Nothing of a password is kept for ^Y or ^P.
    let mut memory = Memory::default();
    match read_line(context.console, &request, &mut memory, &mut |_| {
        Default::default()
    }) {
        Entered::Text(text) => Some(text),
        Entered::Escape | Entered::Ended => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parsed() {
        let plain = Password::parse("secret (hd0,0)/other.lst").unwrap();
        assert!(plain.is("secret") && !plain.is("Secret") && !plain.is(""));
        assert_eq!(plain.file.as_deref(), Some("(hd0,0)/other.lst"));
        let hashed = Password::parse("--md5 $1$abc$def").unwrap();
        assert!(!hashed.is("$1$abc$def") && !hashed.is(""));
        assert_eq!(Password::parse("").unwrap_err().kind.number(), 30);
        assert_eq!(Password::parse("--md5").unwrap_err().kind.number(), 30);
    }
}
