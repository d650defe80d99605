//! The commands that generators emit, other than those of an entry's body.

use super::eval::{Eval, Pending, Stop};
use super::search::{self, Options};
use super::{device, entry};
use crate::disk::DeviceName;
use crate::menu::{bls, grubenv};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};

/// Commands that make no difference here: modules, looks, sound, firmware.
const ACCEPTED: &[&str] = &[
    "background_color",
    "background_image",
    "cat",
    "clear",
    "cpuid",
    "cryptomount",
    "echo",
    "export",
    "gettext",
    "increment",
    "insmod",
    "keymap",
    "loadfont",
    "ls",
    "play",
    "rmmod",
    "serial",
    "sleep",
    "terminal",
    "terminal_input",
    "terminal_output",
    "terminfo",
    "true",
    "videoinfo",
    "videomode",
];

/// Commands that answer no.
const DENIED: &[&str] = &[
    "false",
    "fwsetup",
    "hwmatch",
    "keystatus",
    "lsefi",
    "smbios",
    "tpm",
];

/// Runs a command; whether it succeeded.
pub fn run(eval: &mut Eval<'_>, line: u32, name: &str, arguments: &[String]) -> Result<bool, Stop> {
    match name {
        "set" => set(eval, arguments),
        "unset" => {
            for name in arguments {
                eval.variables.remove(name.as_str());
            }
            Ok(true)
        }
        "return" => Err(Stop::Return),
        "break" => Err(Stop::Break),
        "continue" => Err(Stop::Continue),
        "shift" => {
            let some = !eval.arguments.is_empty();
            if some {
                eval.arguments.remove(0);
            }
            Ok(some)
        }
        "setparams" => {
            eval.arguments = arguments.to_vec();
            Ok(true)
        }
        "search" | "search.fs_uuid" | "search.fs_label" | "search.file" => {
            search::run(eval, name, arguments)
        }
        "probe" => search::probe(eval, arguments),
        "load_env" => load_env(eval, arguments),
        "save_env" => save_env(eval, line, arguments),
        "source" | "." => source(eval, line, arguments),
        "configfile" | "normal" | "extract_entries_configfile" if eval.entry.is_none() => {
            let before = core::mem::take(&mut eval.pending);
            match source(eval, line, arguments) {
                Ok(false) => {
                    eval.pending = before;
                    Ok(false)
                }
                Ok(true) => Err(Stop::Replaced),
                result => result,
            }
        }
        "blscfg" => blscfg(eval, line),
        "password" | "password_pbkdf2" => {
            eval.warn(line, "passwords of GRUB 2 are not asked for");
            Ok(true)
        }
        "menuentry" | "submenu" => {
            eval.warn(line, &format!("`{name}' without a body"));
            Ok(false)
        }
        name if ACCEPTED.contains(&name) => Ok(true),
        name if DENIED.contains(&name) => Ok(false),
        name => match entry::run(eval, line, name, arguments) {
            Some(done) => Ok(done),
            None => {
                eval.warn_unknown(line, name);
                Ok(false)
            }
        },
    }
}

/// `set name=value`
fn set(eval: &mut Eval<'_>, arguments: &[String]) -> Result<bool, Stop> {
    for argument in arguments {
        match argument.split_once('=') {
            Some((name, value)) => eval.set(name, value)?,
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// `load_env [--skip-sig] [--file FILE] [NAME…]`
fn load_env(eval: &mut Eval<'_>, arguments: &[String]) -> Result<bool, Stop> {
    let options = Options::read(arguments, &["file", "f"]);
    let Some((device, path)) = block(eval, &options) else {
        return Ok(false);
    };
    let bytes = eval.reader.read(device, &path);
    let Some(variables) = bytes.ok().and_then(|bytes| grubenv::parse(&bytes)) else {
        return Ok(false);
    };
    let wanted = |name: &String| options.names.is_empty() || options.names.contains(name);
    for (name, value) in variables.iter().filter(|(name, _)| wanted(name)) {
        eval.set(name, value)?;
    }
    Ok(true)
}

/// The environment block that `options` name, or the one beside the script.
fn block(eval: &Eval<'_>, options: &Options) -> Option<(DeviceName, String)> {
    let file = options.value(&["file", "f"]).map(ToString::to_string);
    let file = file.unwrap_or_else(|| format!("{}/grubenv", eval.variable("prefix")));
    eval.file_name(&file)
}

/// `save_env [--file FILE] NAME…`: becomes a line of the entry, or of the
/// global section, so that nothing is written before the menu is there.
fn save_env(eval: &mut Eval<'_>, line: u32, arguments: &[String]) -> Result<bool, Stop> {
    let options = Options::read(arguments, &["file", "f"]);
    let Some((device, path)) = block(eval, &options) else {
        return Ok(false);
    };
    for name in &options.names {
        let value = eval.variables.get(name.as_str());
        let text = match value {
            Some(value) => format!("save_env {device}{path} {name}={value}"),
            None => format!("save_env {device}{path} {name}"),
        };
        if path.contains(char::is_whitespace) || text.contains(char::is_control) {
            eval.warn(
                line,
                &format!("`{name}' cannot be saved: its name or value"),
            );
            continue;
        }
        eval.spend(text.len())?;
        eval.save(line, &text);
    }
    Ok(true)
}

/// `source FILE`, and what is left of `configfile FILE`.
fn source(eval: &mut Eval<'_>, line: u32, arguments: &[String]) -> Result<bool, Stop> {
    let name = arguments.first().map(String::as_str).unwrap_or_default();
    let Some((device, path)) = eval.file_name(name) else {
        eval.warn(line, &format!("`{name}' is on no device of this guest"));
        return Ok(false);
    };
    let bytes = match eval.reader.read(device, &path) {
        Ok(bytes) => bytes,
        Err(reason) => {
            eval.warn(line, &reason);
            return Ok(false);
        }
    };
    let file = Rc::from(format!("{device}{path}"));
    let before = eval.file.replace(file);
    let result = eval.text_nested(&bytes);
    eval.file = before;
    match result {
        Ok(()) | Err(Stop::Return) => Ok(true),
        Err(stop) => Err(stop),
    }
}

/// Fedora's command: Boot Loader Specification entries. They are on the
/// device that the variable `boot` names, or else on the root.
fn blscfg(eval: &mut Eval<'_>, line: u32) -> Result<bool, Stop> {
    let devices = ["boot", "root"].map(|name| device::parse(eval.variable(name)));
    let set = eval.variable("blsdir").trim_end_matches('/').to_string();
    let set = (!set.is_empty()).then_some(set.as_str());
    let folders = set.into_iter().chain(bls::FOLDERS.iter().rev().copied());
    let mut places =
        folders.flat_map(|folder| devices.iter().flatten().map(move |at| (*at, folder)));
    let found = places.find(|(device, folder)| eval.reader.folder(*device, folder).is_some());
    let Some((device, folder)) = found else {
        eval.warn(line, "no folder of Boot Loader Specification entries");
        return Ok(false);
    };
    let folder = folder.to_string();
    entries(eval, line, device, &folder)
}

fn entries(eval: &mut Eval<'_>, line: u32, device: DeviceName, folder: &str) -> Result<bool, Stop> {
    let variables = &eval.variables;
    let found = bls::read(eval.reader, &[device], folder, &|name| {
        variables.get(name).map(|value| value.to_string())
    });
    // As much as their lines are long.
    let size = |line: &crate::menu::Line| line.text.len();
    let lines = found.entries.iter().flat_map(|(_, entry)| &entry.commands);
    let cost = lines.map(size).sum();
    eval.spend(cost)?;
    for text in &found.left_out {
        eval.warn(line, text);
    }
    for (id, entry) in found.entries {
        eval.pending.push(Pending::Ready(id, entry));
    }
    Ok(true)
}
