//! `password`: locks the menu, or what follows in an entry.

use super::crypt::Hash;
use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, SILENT};
use crate::menu::lexer::argument;
use crate::screen::edit::{Entered, Memory, Request, read_line};
use alloc::string::{String, ToString};

pub static COMMAND: Command = Command {
    name: "password",
    flags: ENTRY | GLOBAL | SILENT,
    synopsis: "password [--md5 | --encrypted] PASSWORD [FILE]",
    help: "\
Before the first title: who does not know the password can only boot entries
that are not `lock'ed; the key p asks for it. In an entry: asks for it, and
ends the entry with an error without it.
  PASSWORD               the password, or what crypt(3) makes of it with
                         MD5 ($1$), SHA-256 ($5$) or SHA-512 ($6$)
  --md5, --encrypted     it is the latter; known by its looks without
  FILE                   the menu that the password leads to
Example, with a hash from `openssl passwd -6':
  password --encrypted $6$salt$hash
",
    run: password,
};

/// What unlocks a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password {
    secret: Secret,
    /// The menu it leads to.
    pub file: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Secret {
    /// The password itself.
    Plain(String),
    /// What is left of it.
    Hash(Hash),
    /// The line made no sense: a lock without a key.
    Lost,
}

impl Password {
    /// Whether `entered` is the password.
    pub fn is(&self, entered: &str) -> bool {
        match &self.secret {
            Secret::Plain(word) => word == entered,
            Secret::Hash(hash) => hash.is(entered),
            Secret::Lost => false,
        }
    }

    fn parse(arguments: &str) -> Result<Self, Error> {
        let bad = |reason| Err(Error::because(ErrorKind::BadArgument, reason));
        let (first, rest) = argument(arguments);
        let (hashed, word, rest) = match first {
            "--md5" | "--encrypted" => {
                let (word, rest) = argument(rest);
                (true, word, rest)
            }
            option if option.starts_with("--") => {
                let reason = "no such option of password (--md5, --encrypted)";
                return Err(Error::because(ErrorKind::BadArgument, reason).about(option));
            }
            word => (Hash::is_one(word), word, rest),
        };
        if word.is_empty() {
            return bad("a password is missing");
        }
        let file = argument(rest).0;
        Ok(Password {
            secret: match hashed {
                true => Secret::Hash(Hash::parse(word)?),
                false => Secret::Plain(word.to_string()),
            },
            file: (!file.is_empty()).then(|| file.to_string()),
        })
    }
}

fn password(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let password = Password::parse(arguments);
    if context.state.in_global {
        // A lock that makes no sense stays a lock.
        context.state.settings.password = Some(password.clone().unwrap_or(Password {
            secret: Secret::Lost,
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
        for line in [
            "--md5 $1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1 /menu",
            "--encrypted $1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1 /menu",
            "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1 /menu",
        ] {
            let hashed = Password::parse(line).unwrap();
            assert!(hashed.is("secret") && !hashed.is("$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1"));
            assert!(!hashed.is("") && !hashed.is("Secret"));
            assert_eq!(hashed.file.as_deref(), Some("/menu"));
        }
        for line in [
            "",
            "--md5",
            "--md5 secret",
            "$1$abc$def",
            "--encrypted $9$x",
            "--md4 x",
        ] {
            assert_eq!(
                Password::parse(line).unwrap_err().kind.number(),
                30,
                "{line}"
            );
        }
    }
}
