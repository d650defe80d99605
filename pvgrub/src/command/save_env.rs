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

pub static COMMAND: Command = Command {
    name: "save_env",
    flags: ENTRY | GLOBAL,
    synopsis: "save_env FILE NAME[=VALUE]",
    help: "\
Changes a variable of an environment block, GRUB 2's grubenv, which is
overwritten where it is: nothing else on the disk is touched, and where that
cannot be promised nothing is written. The entries of a grub.cfg have this
command where the script has one of this name. In an entry, which is to boot
all the same, a failure is told and passed over.
  FILE     the block, which must exist with room enough
  NAME     the variable
  VALUE    what it is to be; without one it is taken out
Example:
  save_env (hd0,0)/boot/grub/grubenv saved_entry=2
",
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
    let block = file.whole(grubenv::MAX_BLOCK as u64, "an environment block")?;
    match grubenv::set(&block, name, value) {
        Ok(changed) if changed == block => Ok(()),
        Ok(changed) => context
            .files
            .overwrite(spec, context.state.root, 0, &changed),
        Err(reason) => wrong(reason),
    }
}
