//! `boot`: starts the loaded kernel.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED};

pub static COMMAND: Command = Command {
    name: "boot",
    flags: ENTRY | LISTED,
    synopsis: "boot",
    help: "Starts the kernel that was loaded. An entry does so at its end by itself.",
    run: |context, _| boot(context),
};

fn boot(context: &mut Context<'_, '_>) -> Result<Flow, Error> {
    if !context.state.kernel {
        return Err(Error::because(ErrorKind::NoKernel, ""));
    }
    // Whatever comes of it, what was loaded is used up.
    context.state.kernel = false;
    context.console.fresh_line();
    context.console.flush();
    context.machine.boot()?;
    Ok(Flow::Booted)
}
