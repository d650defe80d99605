//! Which menu it is: from the command line, the ramdisk, or the disks.
//!
//! [`Options`] takes xl's `extra`, which becomes our command line, apart.
//!
//! A ramdisk that holds a menu with entries wins over all this (the original
//! let a menu on the disk override it); it is a menu.lst, a grub.cfg or an
//! extlinux.conf by what is in it. If the command line names a menu, only
//! that one is tried. Otherwise a guest with a network card asks for one by
//! DHCP (option 150), for a few seconds or until a key is pressed; then all
//! partitions, and disks without partitions, are searched in order, each for a
//! menu in any of the [formats](super::formats), in `/boot` and where it is on
//! a separate /boot. Without any menu the command line says what was tried. A
//! menu.lst may be compressed.

use super::formats::{self, Format};
use super::options::{Options, Wish};
use super::{Content, Session, Source, Start};
use crate::command::{Error, ErrorKind};
use crate::disk::{DeviceName, FileSpec, FileTarget};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The largest menu that is read, in bytes.
const MAX_MENU: u64 = 4 << 20;

/// Finds the menu to start with; prints what was tried if there is none.
pub fn find_menu(session: &mut Session<'_, '_>, start: &Start<'_>) -> Option<Source> {
    let Options {
        wish,
        settings,
        appended,
        outputs,
        notices,
    } = Options::parse(start.command_line);
    if outputs.is_some_and(|outputs| !session.context.console.select(outputs)) {
        say(
            session,
            "There is no frame buffer; the menu is on the console.",
        );
    }
    for notice in &notices {
        say(session, notice);
    }
    session.context.appended = appended;
    session.settings = settings;
    if let Some(source) = start.ramdisk.and_then(|bytes| from_ramdisk(session, bytes)) {
        return Some(source);
    }
    match wish {
        Wish::File(spec) => {
            super::netboot::prepare(session, &spec);
            open_menu(session, &spec)
        }
        Wish::Device(device) => search(session, &[device]),
        Wish::Any => {
            if let Some(source) = super::netboot::find_menu(session) {
                return Some(source);
            }
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
    session.context.console.flush();
    match read_menu(session, spec) {
        Ok(source) => Some(source),
        Err(error) => {
            say(session, &format!("No menu: {error}"));
            None
        }
    }
}

pub(super) fn say(session: &mut Session<'_, '_>, text: &str) {
    log::debug!("{text}");
    session.context.console.line(text);
}

/// The text of a menu that may be compressed.
fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, Error> {
    let limit = usize::try_from(MAX_MENU).unwrap_or(usize::MAX);
    crate::image::unpacked(bytes, limit).map_err(|error| {
        Error::because(
            ErrorKind::BadCompressedData,
            format!("compressed menu: {error}"),
        )
    })
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
    let content = match menu.entries.is_empty() {
        false => Some(Content::Text(bytes)),
        true => formats::of_text(session, &bytes).map(Content::Menu),
    };
    if content.is_none() {
        say(
            session,
            "The ramdisk holds no menu entries; looking for a menu on the disks.",
        );
    }
    Some(Source {
        name: "ramdisk".into(),
        spec: None,
        content: content?,
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
        for path in formats::paths() {
            let spec = FileSpec {
                device: Some(device),
                target: FileTarget::Path(path.into()),
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
            &format!("No menu found. Looked for {}:", formats::LOOKED_FOR),
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
    if Format::of(&spec) != Format::MenuLst {
        let menu = formats::read(session, device, &spec)?;
        return Ok(Source {
            name: spec.to_string().into(),
            spec: Some(spec),
            content: Content::Menu(menu),
        });
    }
    let bytes = context.open(&spec)?.whole(MAX_MENU, "a menu")?;
    let bytes = unpacked(bytes).map_err(|error| error.about(&spec.to_string()))?;
    Ok(Source {
        name: spec.to_string().into(),
        spec: Some(spec),
        content: Content::Text(bytes),
    })
}
