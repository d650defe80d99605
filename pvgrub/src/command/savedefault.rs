//! `savedefault`, and the file `default` beside the menu.
//!
//! `default saved` reads a number from the beginning of that file;
//! `savedefault` writes one there, in place: the file must exist and hold ten
//! bytes at least (`grub-set-default` of GRUB 0.97 makes one). `P:O` means
//! that O is to be booted once, and P from then on (`grub-reboot`).

use super::numbers::number;
use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED};
use crate::disk::{FileSpec, FileTarget};
use alloc::format;
use alloc::string::{String, ToString};

pub static COMMAND: Command = Command {
    name: "savedefault",
    flags: ENTRY | LISTED,
    synopsis: "savedefault [--default=NUM] [--once] [NUM | fallback]",
    help: "\
Says which entry `default saved' means from now on. Its number is written
over the beginning of the file `default' in the menu's folder, which must
exist with ten bytes or more: nothing else on the disk is touched, and where
that cannot be promised nothing is written. In an entry, which is to boot
all the same, a failure is told and passed over.
  NUM              this entry; without it, the one that has the command
  --default=NUM    the same
  fallback         the `fallback' entry that follows this one
  --once           only for the next boot
Example:
  savedefault --once 2
",
    run: savedefault,
};

/// How much of the file counts, in bytes.
const SAVED_BYTES: usize = 10;

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    /// The default.
    pub entry: u32,
    /// What to boot before that, once.
    pub once: Option<u32>,
}

impl Saved {
    /// Reads the beginning of the file.
    ///
    /// # Errors
    /// 23 or 35 if it is no number.
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        let text = text.trim_start();
        let line = text
            .split(['\n', '\r', ' ', '\0'])
            .next()
            .unwrap_or_default();
        let whole = |text: &str| {
            // What follows the digits is whatever was in the file.
            let end = text.find(|c: char| !c.is_ascii_digit());
            number(text.get(..end.unwrap_or(text.len())).unwrap_or_default())
        };
        let (entry, once) = match line.split_once(':') {
            Some((entry, once)) => (entry, Some(whole(once)?)),
            None => (line, None),
        };
        Ok(Saved {
            entry: whole(entry)?,
            once,
        })
    }

    /// The bytes to write.
    fn bytes(self) -> Result<[u8; SAVED_BYTES], Error> {
        let text = match self.once {
            Some(once) => format!("{}:{once}", self.entry),
            None => self.entry.to_string(),
        };
        let mut bytes = [b'\n'; SAVED_BYTES];
        match bytes.get_mut(..text.len()) {
            Some(place) if text.len() < SAVED_BYTES => place.copy_from_slice(text.as_bytes()),
            _ => return Err(Error::new(ErrorKind::NumberTooLarge, text)),
        }
        Ok(bytes)
    }
}

/// The file `default` in the menu's folder; `None` where the menu is no file.
fn file(context: &Context<'_, '_>) -> Option<FileSpec> {
    let FileSpec {
        device,
        target: FileTarget::Path(path),
    } = context.state.menu.as_ref()?
    else {
        return None;
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(FileSpec {
        device: device.or(Some(context.state.root)),
        target: FileTarget::Path(format!("{folder}/default")),
    })
}

fn read(context: &mut Context<'_, '_>, spec: &FileSpec) -> Result<Saved, Error> {
    let mut file = context.open(spec)?;
    let mut buffer = [0; SAVED_BYTES];
    let length = file.read_at(0, &mut buffer)?;
    let saved = Saved::parse(buffer.get(..length).unwrap_or(&[]));
    saved.map_err(|mut error| {
        error.subject = file.name;
        error.reason = "does not begin with the number of an entry".into();
        error
    })
}

fn write(context: &Context<'_, '_>, spec: &FileSpec, saved: Saved) -> Result<(), Error> {
    let bytes = saved.bytes()?;
    context.files.overwrite(spec, context.state.root, 0, &bytes)
}

/// The entry that was saved: 0 without the file, as long as nothing was ever
/// saved. One that was meant for once is taken back before it is used.
///
/// # Errors
/// A file that cannot be read or holds no number.
pub fn saved(context: &mut Context<'_, '_>) -> Result<u32, Error> {
    let Some(spec) = file(context) else {
        return Ok(0);
    };
    let saved = match read(context, &spec) {
        Err(error) if error.kind == ErrorKind::FileNotFound => return Ok(0),
        saved => saved?,
    };
    let Some(once) = saved.once else {
        return Ok(saved.entry);
    };
    let lasting = Saved {
        once: None,
        ..saved
    };
    match write(context, &spec, lasting) {
        Ok(()) => Ok(once),
        Err(error) => {
            // Otherwise it would be for ever.
            let text = format!(" Entry {once} was meant for once, which cannot be noted: {error}");
            context.console.line(&text);
            Ok(saved.entry)
        }
    }
}

fn savedefault(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    match save(context, arguments) {
        Err(error) if context.state.entry.is_some() => {
            let text = format!("{}; going on", error.about("savedefault"));
            log::warn!("{text}");
            context.console.line(&text);
            Ok(Flow::Next)
        }
        result => result.map(|()| Flow::Next),
    }
}

fn save(context: &mut Context<'_, '_>, arguments: &str) -> Result<(), Error> {
    let (mut once, mut wanted) = (false, None);
    for word in arguments.split_ascii_whitespace() {
        match word.strip_prefix("--default=") {
            Some(value) => wanted = Some(number(value)?),
            None if word == "--once" => once = true,
            None if word == "fallback" => wanted = Some(fallback(context)?),
            None => wanted = Some(number(word)?),
        }
    }
    let present = context
        .state
        .entry
        .and_then(|entry| u32::try_from(entry).ok());
    let Some(entry) = wanted.or(present) else {
        let reason = "outside of an entry the number is needed";
        return Err(Error::because(ErrorKind::BadArgument, reason));
    };
    let Some(spec) = file(context) else {
        let reason = "this menu is no file, so nothing lies beside it";
        return Err(Error::because(ErrorKind::BadArgument, reason));
    };
    let before = read(context, &spec)?;
    let saved = match once {
        true => Saved {
            entry: before.entry,
            once: Some(entry),
        },
        false => Saved { entry, once: None },
    };
    write(context, &spec, saved)
}

/// The fallback that follows the present entry, or the first.
fn fallback(context: &Context<'_, '_>) -> Result<u32, Error> {
    let fallbacks = &context.state.settings.fallback;
    let present = context.state.entry;
    let next = match fallbacks.iter().position(|&entry| Some(entry) == present) {
        Some(at) => fallbacks.get(at.saturating_add(1)),
        None => fallbacks.first(),
    };
    match next.and_then(|&entry| u32::try_from(entry).ok()) {
        Some(entry) => Ok(entry),
        None => {
            let reason = "no fallback entry follows this one";
            Err(Error::because(ErrorKind::BadArgument, reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files() {
        let saved = |entry, once| Ok(Saved { entry, once });
        for (bytes, expected) in [
            (&b"0\n#\n#\n#\n#\n"[..], saved(0, None)),
            (b"12", saved(12, None)),
            (b" 3\r\n", saved(3, None)),
            (b"1:2\n#", saved(1, Some(2))),
            (b"7\n\n\n\n\n\n\n\n\n", saved(7, None)),
            (b"7#", saved(7, None)),
            (b"", Err(30)),
            (b"x", Err(30)),
            (b"1:", Err(30)),
            (b"99999999999", Err(35)),
        ] {
            let read = Saved::parse(bytes).map_err(|error| error.kind.number());
            assert_eq!(read, expected, "{bytes:?}");
        }
        for (entry, once, expected) in [
            (0, None, Ok(*b"0\n\n\n\n\n\n\n\n\n")),
            (12, Some(3), Ok(*b"12:3\n\n\n\n\n\n")),
            (999_999_999, None, Ok(*b"999999999\n")),
            (1_000_000_000, None, Err(35)),
            (99_999, Some(9999), Err(35)),
        ] {
            let bytes = Saved { entry, once }.bytes();
            assert_eq!(bytes.map_err(|error| error.kind.number()), expected);
        }
    }
}
