//! `search` and `probe`: file systems by UUID, label or a file on them.

use super::device;
use super::eval::{Eval, Stop};
use crate::disk::DeviceName;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The options of a command, and its other words.
pub struct Options {
    options: Vec<(String, String)>,
    pub names: Vec<String>,
}

impl Options {
    /// Takes `arguments` apart. Options in `with_value` have the next word as
    /// theirs if no `=` gives it.
    pub fn read(arguments: &[String], with_value: &[&str]) -> Self {
        let (mut options, mut names) = (Vec::new(), Vec::new());
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let long = word.strip_prefix("--");
            let Some(option) = long
                .or(word.strip_prefix('-'))
                .filter(|name| !name.is_empty())
            else {
                names.push(word.clone());
                continue;
            };
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, value.to_string()),
                None if with_value.contains(&option) => {
                    (option, words.next().cloned().unwrap_or_default())
                }
                None => (option, String::new()),
            };
            options.push((name.to_string(), value));
        }
        Options { options, names }
    }

    /// The value of the last of these options.
    pub fn value(&self, names: &[&str]) -> Option<&str> {
        let mut found = self.options.iter().rev();
        let found = found.find(|(name, _)| names.contains(&name.as_str()));
        found.map(|(_, value)| value.as_str())
    }
}

/// What is searched by.
#[derive(Clone, Copy)]
enum By {
    Uuid,
    Label,
    File,
}

/// `search [--fs-uuid|--label|--file] [--set[=VAR]] [--hint…] NAME`, and the
/// short forms `search.fs_uuid NAME [VAR [HINT…]]`.
pub fn run(eval: &mut Eval<'_>, command: &str, arguments: &[String]) -> Result<bool, Stop> {
    let options = Options::read(arguments, &["hint", "h", "s"]);
    let by = |short: &str, names: &[&str]| command == short || options.value(names).is_some();
    let by = if by("search.fs_uuid", &["fs-uuid", "u"]) {
        By::Uuid
    } else if by("search.fs_label", &["label", "fs-label", "l"]) {
        By::Label
    } else {
        By::File
    };
    let mut names = options.names.iter();
    let Some(wanted) = names.next() else {
        return Ok(false);
    };
    let behind = names.next().filter(|_| command != "search");
    let variable = match options.value(&["set", "s"]) {
        Some("") => Some("root"),
        Some(name) => Some(name),
        None => behind.map(String::as_str),
    };
    let hints = options.options.iter();
    let hints = hints.filter(|(name, _)| name.starts_with("hint"));
    let hints = hints.map(|(_, value)| value).chain(names);
    // `hd0,` is a hint to all partitions of that disk: no need for it.
    let hints: Vec<DeviceName> = hints.filter_map(|hint| device::parse(hint)).collect();
    let Some(found) = find(eval, by, wanted, &hints) else {
        return Ok(false);
    };
    if let Some(variable) = variable {
        let name = device::name(eval.reader, found);
        eval.set(variable, &name)?;
    }
    Ok(true)
}

fn find(eval: &Eval<'_>, by: By, wanted: &str, hints: &[DeviceName]) -> Option<DeviceName> {
    let path = format!("/{}", wanted.trim_start_matches('/'));
    let has = |device| eval.reader.is_file(device, &path).is_some();
    match by {
        By::Uuid => eval.reader.find(|_, volume| {
            let uuid = volume.uuid.as_deref();
            uuid.is_some_and(|uuid| uuid.eq_ignore_ascii_case(wanted))
        }),
        By::Label => eval
            .reader
            .find(|_, volume| volume.label.as_deref() == Some(wanted)),
        By::File => {
            let hinted = hints.iter().copied().find(|&device| has(device));
            hinted.or_else(|| eval.reader.find(|device, _| has(device)))
        }
    }
}

/// `probe [--set=VAR] --fs-uuid|--label DEVICE`
pub fn probe(eval: &mut Eval<'_>, arguments: &[String]) -> Result<bool, Stop> {
    let options = Options::read(arguments, &["set", "s"]);
    let Some(device) = options.names.first().and_then(|name| device::parse(name)) else {
        return Ok(false);
    };
    let volume = eval.reader.volume(device);
    let value = match options.value(&["fs-uuid", "u"]).is_some() {
        true => volume.uuid,
        false => options.value(&["label", "l"]).and(volume.label),
    };
    match (value, options.value(&["set", "s"])) {
        (Some(value), Some(name)) => {
            eval.set(name, &value)?;
            Ok(true)
        }
        (value, _) => Ok(value.is_some()),
    }
}
