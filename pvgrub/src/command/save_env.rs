//! `save_env`: a variable of GRUB 2's environment block, kept for the next
//! boot.
//!
//! No command of GRUB Legacy: the lines that a grub.cfg comes to hold it where
//! the script saves a variable, for example the entry that was chosen.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL};
use crate::disk::FileSpec;
use crate::menu::grubenv;
use crate::menu::lexer::argument;
use alloc::format;
use alloc::string::ToString;
use alloc::vec;

pub static COMMAND: Command = Command {
    name: "save_env",
    flags: ENTRY | GLOBAL,
    synopsis: "save_env FILE NAME[=VALUE]",
    help: "Gives the variable NAME of the environment block FILE, GRUB 2's grubenv, this \
           VALUE; without one, takes it out. The file must exist with room enough: it is \
           overwritten where it is, and nothing else on the disk is touched. Where that cannot \
           be promised nothing is written. The entries of a grub.cfg have this command where \
           the script has one of this name. In an entry, which is to boot all the same, a \
           failure is told and passed over.",
    run: save_env,
};

/// Without these another entry boots than was meant: their loss is told. What
/// else distributions keep there is about looks, and only logged.
const TOLD: &[&str] = &["next_entry", "saved_entry", "prev_saved_entry"];

fn save_env(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let (file, rest) = argument(arguments);
    let (name, value) = match rest.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (rest.trim_end(), None),
    };
    let spec = context.file(file)?;
    let proper = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(proper) {
        let reason = "a file and the name of a variable are needed";
        return Err(Error::because(ErrorKind::BadArgument, reason));
    }
    let Err(mut error) = save(context, &spec, name, value) else {
        return Ok(Flow::Next);
    };
    error.reason = format!("{name} stays as it was: {}", error.reason);
    let told = TOLD.contains(&name);
    if context.state.entry.is_some() {
        log::warn!("{error}");
        if told {
            let text = format!("{error}; going on");
            context.console.line(&text);
        }
        return Ok(Flow::Next);
    }
    if context.state.in_global && !told {
        log::info!("{error}");
        return Ok(Flow::Next);
    }
    Err(error)
}

fn save(
    context: &Context<'_, '_>,
    spec: &FileSpec,
    name: &str,
    value: Option<&str>,
) -> Result<(), Error> {
    let wrong =
        |reason: &str| Err(Error::because(ErrorKind::BadArgument, reason).about(&spec.to_string()));
    let mut file = context.open(spec)?;
    let length = usize::try_from(file.length()).unwrap_or(usize::MAX);
    if length > grubenv::MAX_BLOCK {
        return wrong("is too large for an environment block");
    }
    let mut block = vec![0; length];
    let read = file.read_at(0, &mut block)?;
    block.truncate(read);
    match grubenv::set(&block, name, value) {
        Ok(changed) if changed == block => Ok(()),
        Ok(changed) => context
            .files
            .overwrite(spec, context.state.root, 0, &changed),
        Err(reason) => wrong(reason),
    }
}
