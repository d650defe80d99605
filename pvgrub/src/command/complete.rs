//! TAB: completing commands, devices and files.

use super::{ENTRY, Files, GLOBAL, TABLE, find};
use crate::disk::DeviceName;
use crate::fs::FileKind;
use crate::menu::lexer::word;
use crate::screen::edit::Completion;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How many names are listed at most.
const LISTED: usize = 400;

/// Completes `before`, the text before the cursor: its last word is a command
/// if it is the first, else a device or a file.
pub fn complete(before: &str, files: &dyn Files, root: DeviceName) -> Completion {
    let before = before.trim_start();
    let (first, _) = word(before);
    if first.len() == before.len() {
        return commands(before);
    }
    if first == "help" {
        let begun = before.rsplit([' ', '\t']).next().unwrap_or_default();
        return commands(begun);
    }
    let start = before.rfind([' ', '\t', '=']);
    let last = start
        .and_then(|at| before.get(at.saturating_add(1)..))
        .unwrap_or(before);
    if last.starts_with('/') {
        return names(last, root, files);
    }
    match last.split_once(')') {
        Some((device, path)) if device.starts_with('(') && path.starts_with('/') => {
            match DeviceName::parse(&format!("{device})")) {
                Ok(name) => names(path, name, files),
                Err(_) => Completion::default(),
            }
        }
        Some((_, "")) if last.starts_with('(') => insert("/"),
        None if last.is_empty() || last.starts_with('(') => devices(last, files),
        _ => Completion::default(),
    }
}

fn insert(text: &str) -> Completion {
    Completion {
        insert: text.into(),
        list: String::new(),
    }
}

fn commands(begun: &str) -> Completion {
    let names = TABLE
        .iter()
        .filter(|command| command.is(ENTRY) || command.is(GLOBAL))
        .map(|command| command.name.to_string());
    choose(begun, names.collect(), " ", " Commands:")
}

/// Devices, in full: `(hd0)`, or its partitions one by one.
fn devices(begun: &str, files: &dyn Files) -> Completion {
    let mut devices = find::devices(files);
    devices.extend(files.network().map(|_| DeviceName::Network));
    let names = devices.iter().map(DeviceName::to_string).collect();
    choose(begun, names, "", " Devices:")
}

/// The names in the folder that `path` is in.
fn names(path: &str, device: DeviceName, files: &dyn Files) -> Completion {
    let (folder, begun) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = format!("{folder}/");
    let Ok(entries) = files.read_dir(device, &folder) else {
        return Completion::default();
    };
    let mut names = Vec::new();
    for entry in entries
        .into_iter()
        .filter(|entry| entry.name.starts_with(begun))
    {
        // A link counts as a folder if it leads to one.
        let inside = format!("{folder}{}", entry.name);
        let directory = match entry.kind {
            FileKind::Directory => true,
            FileKind::Symlink | FileKind::Unknown => files.read_dir(device, &inside).is_ok(),
            FileKind::File | FileKind::Other => false,
        };
        names.push(if directory {
            format!("{}/", entry.name)
        } else {
            entry.name
        });
    }
    names.sort();
    choose(begun, names, " ", " Files:")
}

/// What all `names` that begin with `begun` go on with; `end` follows a name
/// that is the only one, unless it ends in `/`.
fn choose(begun: &str, mut names: Vec<String>, end: &str, heading: &str) -> Completion {
    names.retain(|name| name.starts_with(begun));
    let Some(first) = names.first() else {
        return Completion::default();
    };
    let mut common = first.clone();
    for name in &names {
        let same = common.chars().zip(name.chars()).take_while(|(a, b)| a == b);
        let length = same.map(|(c, _)| c.len_utf8()).sum();
        common.truncate(length);
    }
    let mut insert: String = common.get(begun.len()..).unwrap_or_default().into();
    if names.len() == 1 {
        if !common.ends_with('/') {
            insert.push_str(end);
        }
        return self::insert(&insert);
    }
    let mut list = String::from(heading);
    for name in names.iter().take(LISTED) {
        list.push(' ');
        list.push_str(name);
    }
    if names.len() > LISTED {
        list.push_str(" ...");
    }
    Completion { insert, list }
}
