//! `kernel`: loads a kernel.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED};
use crate::menu::lexer::argument;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub static COMMAND: Command = Command {
    name: "kernel",
    flags: ENTRY | LISTED,
    synopsis: "kernel [--no-mem-option] [--type=TYPE] FILE [ARG...]",
    help: "\
Loads an ELF or bzImage kernel for Xen PV guests, packed or not, and forgets
the kernel and the initrd that were loaded before.
  FILE               the kernel
  ARG                its command line: the text behind FILE as it stands,
                     and then what stands behind ` -- ' in the `extra' of
                     the guest's configuration
  --type=TYPE        netbsd, freebsd, openbsd, linux, biglinux, multiboot:
                     understood, and means nothing
  --no-mem-option    the same
Example:
  kernel /boot/vmlinuz root=/dev/xvda1 ro console=hvc0
",
    run: kernel,
};

/// The types that the option may name; the file itself tells which it is.
const TYPES: &[&str] = &[
    "netbsd",
    "freebsd",
    "openbsd",
    "linux",
    "biglinux",
    "multiboot",
];

fn kernel(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let (name, command_line) = options(arguments)?;
    context.state.kernel = false;
    let spec = context.file(name)?;
    let mut file = context.open(&spec)?;
    let name = file.name.clone();
    context.console.flush();
    let command_line = appended(command_line, &context.appended);
    let loaded = context
        .machine
        .load_kernel(&name, file.file(), &command_line);
    let info = loaded.map_err(|error| error.about(&name))?;
    context.state.kernel = true;
    context.console.line(&format!("   [{info}]"));
    Ok(Flow::Next)
}

/// The menu's command line and what the guest's configuration adds to it.
fn appended(command_line: &str, more: &str) -> String {
    let both = [command_line, more];
    let parts: Vec<&str> = both.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

/// Takes the options off: what is left is the file and its arguments.
fn options(arguments: &str) -> Result<(&str, &str), Error> {
    let mut rest = arguments;
    loop {
        let (word, behind) = argument(rest);
        match word.strip_prefix("--") {
            Some("no-mem-option") => {}
            Some(option) if option.starts_with("type=") => {
                let kind = option.strip_prefix("type=").unwrap_or_default();
                if !TYPES.contains(&kind) {
                    let reason = "not a type of kernel that is known";
                    return Err(Error::because(ErrorKind::BadArgument, reason).about(kind));
                }
            }
            Some(_) => {
                let reason = "no such option of kernel";
                return Err(Error::because(ErrorKind::BadArgument, reason).about(word));
            }
            None => return Ok((word, behind)),
        }
        rest = behind;
    }
}
