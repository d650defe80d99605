//! `boot`: starts the loaded kernel.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED};

pub static COMMAND: Command = Command {
    name: "boot",
    flags: ENTRY | LISTED,
    synopsis: "boot",
    help: "\
Starts the kernel that `kernel' loaded, with the initrd or the modules that
came after it. An entry does so at its end by itself; on the command line it
is the last thing to type. Comes back only if the kernel cannot be started.
Example:
  kernel /boot/vmlinuz root=/dev/xvda1 ro
  initrd /boot/initrd.img
  boot
",
    run: |context, _| boot(context),
};

fn boot(context: &mut Context<'_, '_>) -> Result<Flow, Error> {
    if !context.state.kernel {
        return Err(Error::because(ErrorKind::NoKernel, ""));
    }
    // Whatever comes of it, what was loaded is used up.
    context.state.kernel = false;
    context.console.fresh_line();
    context.console.set_plain(true);
    context.console.flush();
    let booted = context.machine.boot();
    context.console.set_plain(false);
    booted.map(|()| Flow::Booted)
}
