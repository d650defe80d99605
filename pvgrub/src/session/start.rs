//! Which menu it is: from the command line, the ramdisk, or the disks.
//!
//! xl's `extra` becomes our command line. Its words, of which quotes may hold
//! blanks together:
//! - `(hd0,0)/boot/grub/menu.lst` or `/boot/grub/menu.lst` (on `(hd0,0)`): the
//!   menu. The first of its kind counts.
//! - `(hd0,1)`: the device to search for a menu.
//! - `root=…`, which xl puts in when the config has `root`, and
//!   `--vtpm-label=…`: passed over with a notice.
//! - other `name=value` words belong to the runtime.
//!
//! A ramdisk that holds a menu with entries wins over all this (the original
//! let a menu on the disk override it). If the command line names a menu, only
//! that one is tried. Otherwise all partitions, and disks without partitions,
//! are searched in order, for `menu.lst` and `grub.conf` in `/boot/grub` and
//! in `/grub` (where it is on a separate /boot). Without any menu the command
//! line says what was tried. A menu may be compressed.

use super::{Session, Source, Start};
use crate::command::{Error, ErrorKind};
use crate::disk::{DeviceName, FileSpec, FileTarget};
use crate::image::{Codec, decompress, unpacked_len};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

/// The largest menu that is read, in bytes.
const MAX_MENU: u64 = 4 << 20;

/// Where a menu is searched for on each device.
const PATHS: &[&str] = &[
    "/boot/grub/menu.lst",
    "/grub/menu.lst",
    "/boot/grub/grub.conf",
    "/grub/grub.conf",
];

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    /// This menu.
    File(FileSpec),
    /// A menu on this device.
    Device(DeviceName),
    /// Any menu.
    Any,
}

/// Finds the menu to start with; prints what was tried if there is none.
pub fn find_menu(session: &mut Session<'_, '_>, start: &Start<'_>) -> Option<Source> {
    let (wish, notices) = read_command_line(start.command_line);
    for notice in &notices {
        say(session, notice);
    }
    if let Some(source) = start.ramdisk.and_then(|bytes| from_ramdisk(session, bytes)) {
        return Some(source);
    }
    match wish {
        Wish::File(spec) => open_menu(session, &spec),
        Wish::Device(device) => search(session, &[device]),
        Wish::Any => {
            let devices = crate::command::devices(session.context.files);
            if devices.is_empty() {
                say(session, "This guest has no disk.");
            }
            search(session, &devices)
        }
    }
}

/// Reads the menu called `spec`; prints why if that fails.
pub fn open_menu(session: &mut Session<'_, '_>, spec: &FileSpec) -> Option<Source> {
    match read_menu(session, spec) {
        Ok(source) => Some(source),
        Err(error) => {
            say(session, &format!("No menu: {error}"));
            None
        }
    }
}

fn say(session: &mut Session<'_, '_>, text: &str) {
    log::debug!("{text}");
    session.context.console.line(text);
}

/// The text of a menu that may be compressed.
fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let Some(codec) = Codec::sniff(&bytes).filter(|&codec| codec != Codec::Stored) else {
        return Ok(bytes);
    };
    let limit = usize::try_from(MAX_MENU).unwrap_or(usize::MAX);
    let guess = unpacked_len(codec, &bytes).and_then(|length| usize::try_from(length).ok());
    let mut text = vec![0; guess.unwrap_or(limit).min(limit)];
    let length = decompress(codec, &bytes, &mut text).map_err(|error| {
        Error::because(
            ErrorKind::BadCompressedData,
            format!("compressed menu: {error}"),
        )
    })?;
    text.truncate(length);
    Ok(text)
}

/// The menu in the ramdisk. One without entries is not one: perhaps a real
/// ramdisk was meant for the kernel.
fn from_ramdisk(session: &mut Session<'_, '_>, bytes: &[u8]) -> Option<Source> {
    if bytes.len() as u64 > MAX_MENU {
        say(
            session,
            "The ramdisk is too large for a menu; looking for one on the disks.",
        );
        return None;
    }
    let bytes = match unpacked(bytes.to_vec()) {
        Ok(bytes) => bytes,
        Err(error) => {
            say(session, &format!("The ramdisk is no menu: {error}"));
            return None;
        }
    };
    let menu = crate::menu::parse(&bytes, &crate::command::is_command);
    if menu.entries.is_empty() {
        say(
            session,
            "The ramdisk holds no menu entries; looking for a menu on the disks.",
        );
        return None;
    }
    Some(Source {
        name: "ramdisk".into(),
        spec: None,
        bytes,
    })
}

/// The first menu on `devices`.
fn search(session: &mut Session<'_, '_>, devices: &[DeviceName]) -> Option<Source> {
    let mut tried = Vec::new();
    for &device in devices {
        match session.context.files.file_system(device) {
            Ok(kind) => tried.push(format!("    {device}: {kind}, has none of them")),
            Err(error) => {
                tried.push(format!("    {}", reason(&error)));
                continue;
            }
        }
        for path in PATHS {
            let spec = FileSpec {
                device: Some(device),
                target: FileTarget::Path((*path).into()),
            };
            match read_menu(session, &spec) {
                Ok(source) => return Some(source),
                Err(error) if error.kind == ErrorKind::FileNotFound => {}
                Err(error) => tried.push(format!("    {}", reason(&error))),
            }
        }
    }
    if !tried.is_empty() {
        say(
            session,
            "No menu found. Looked for menu.lst and grub.conf in /boot/grub and /grub:",
        );
        for line in &tried {
            say(session, line);
        }
    }
    None
}

/// What is wrong with what, without number and place.
fn reason(error: &Error) -> String {
    let text = error.to_string();
    match text.split_once(": ") {
        Some((_, reason)) => reason.into(),
        None => text,
    }
}

/// Reads a menu of a sane size.
fn read_menu(session: &Session<'_, '_>, spec: &FileSpec) -> Result<Source, Error> {
    let context = &session.context;
    let device = spec.device.unwrap_or(context.state.root);
    let spec = FileSpec {
        device: Some(device),
        ..spec.clone()
    };
    let mut file = context.files.open(&spec, device)?;
    let length = file.len();
    if length > MAX_MENU {
        let reason = format!("{length} bytes is too large for a menu (at most {MAX_MENU})");
        return Err(Error::because(ErrorKind::OutOfMemory, reason).about(&spec.to_string()));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    let read = file.read_at(0, &mut bytes)?;
    bytes.truncate(read);
    let bytes = unpacked(bytes).map_err(|error| error.about(&spec.to_string()))?;
    Ok(Source {
        name: spec.to_string().into(),
        spec: Some(spec),
        bytes,
    })
}

/// What the command line asks for, and what in it was passed over.
fn read_command_line(text: &str) -> (Wish, Vec<String>) {
    let mut wish = Wish::Any;
    let mut notices = Vec::new();
    for word in words(text) {
        let passed_over = word.starts_with("root=") || word.starts_with("--vtpm-label=");
        if passed_over {
            notices.push(format!("Passed over on the command line: {word}"));
        } else if word.starts_with(['(', '/']) {
            match parse_wish(&word) {
                Ok(wanted) if wish == Wish::Any => wish = wanted,
                Ok(_) => notices.push(format!("Only one menu can be given; passed over: {word}")),
                Err(error) => notices.push(format!("On the command line: {error}")),
            }
        } else if !word.contains('=') {
            notices.push(format!("Not understood on the command line: {word}"));
        }
    }
    (wish, notices)
}

fn parse_wish(word: &str) -> Result<Wish, Error> {
    if let Ok(device) = DeviceName::parse(word) {
        return Ok(Wish::Device(device));
    }
    Ok(Wish::File(FileSpec::parse(word)?))
}

/// The words of a command line: separated by blanks, but not within quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars().filter(|&c| c != '\0') {
        match quote {
            Some(end) if c == end => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_ascii_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(text: &str) -> (String, Vec<String>) {
        let (wish, notices) = read_command_line(text);
        let wish = match wish {
            Wish::File(spec) => spec.to_string(),
            Wish::Device(device) => format!("on {device}"),
            Wish::Any => "any".into(),
        };
        (wish, notices)
    }

    #[test]
    fn command_lines() {
        for (text, expected) in [
            ("", "any"),
            ("(hd0,0)/boot/grub/menu.lst", "(hd0,0)/boot/grub/menu.lst"),
            ("  (hd1)/menu.lst  ", "(hd1)/menu.lst"),
            ("'(hd0,0)/my menu.lst'", "(hd0,0)/my menu.lst"),
            ("\"(hd0,0)/it's\"", "(hd0,0)/it's"),
            ("(hd0,0)\"/a b\"/c", "(hd0,0)/a b/c"),
            ("/menu.lst", "/menu.lst"),
            ("(hd0,1)", "on (hd0,1)"),
            ("loglevel=debug", "any"),
            ("loglevel=debug (hd0)/m", "(hd0)/m"),
        ] {
            assert_eq!(wish(text), (expected.to_string(), vec![]), "{text:?}");
        }
    }

    #[test]
    fn notices() {
        for (text, expected, notice) in [
            ("root=/dev/xvda1 (hd0)/m", "(hd0)/m", "root=/dev/xvda1"),
            ("(hd0)/m root=/dev/xvda1", "(hd0)/m", "root=/dev/xvda1"),
            ("--vtpm-label=x (hd0)/m", "(hd0)/m", "--vtpm-label=x"),
            ("(hd0)/m (hd0)/n", "(hd0)/m", "(hd0)/n"),
            ("(hdx)/m", "any", "(hdx)"),
            ("ro (hd0)/m", "(hd0)/m", "ro"),
        ] {
            let (wish, notices) = wish(text);
            assert_eq!(wish, expected, "{text:?}");
            assert!(
                notices.len() == 1 && notices[0].contains(notice),
                "{notices:?}"
            );
        }
    }
}
