//! `module`, `modulenounzip`: what a kernel gets beside its command line.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED};
use crate::menu::lexer::argument;
use alloc::format;

pub static COMMAND: Command = Command {
    name: "module",
    flags: ENTRY | LISTED,
    synopsis: "module FILE [ARG...]",
    help: "\
Loads a module for the kernel that was loaded before; one that is gzipped is
unpacked. The kernel gets all modules in a list (SIF_MULTIBOOT_MOD). Modules
and an initrd exclude each other: what is loaded later counts.
  FILE    the module
  ARG     the module's command line is FILE and all that follows it
Example:
  kernel /boot/mirage.xen
  module /boot/data.img ro
",
    run: |context, arguments| module(context, arguments, true),
};

pub static NOUNZIP: Command = Command {
    name: "modulenounzip",
    flags: ENTRY | LISTED,
    synopsis: "modulenounzip FILE [ARG...]",
    help: "\
Like `module', but leaves a gzipped file as it is.
  FILE    the module
  ARG     the module's command line is FILE and all that follows it
",
    run: |context, arguments| module(context, arguments, false),
};

fn module(context: &mut Context<'_, '_>, arguments: &str, unzip: bool) -> Result<Flow, Error> {
    if !context.state.kernel {
        return Err(Error::because(ErrorKind::NoKernelForModule, ""));
    }
    let spec = context.file(argument(arguments).0)?;
    let mut file = context.open(&spec)?;
    context.console.flush();
    let name = file.name.clone();
    let loaded = context
        .machine
        .load_module(&name, file.file(), arguments, unzip);
    let info = loaded.map_err(|error| error.about(&name))?;
    context.console.line(&format!("   [{info}]"));
    Ok(Flow::Next)
}
