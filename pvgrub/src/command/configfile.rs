//! `configfile`: loads another menu.

use super::{Command, Context, ENTRY, Error, Flow, LISTED};
use crate::menu::lexer::argument;

pub static COMMAND: Command = Command {
    name: "configfile",
    flags: ENTRY | LISTED,
    synopsis: "configfile FILE",
    help: "\
Loads another menu in place of the present one. By its name it is a
menu.lst, a grub.cfg, an extlinux.conf, or a folder of Boot Loader
Specification entries.
  FILE    the menu
Example:
  configfile (hd0,1)/boot/grub/grub.cfg
",
    run: configfile,
};

fn configfile(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let spec = context.file(argument(arguments).0)?;
    // Fails here, where it can be told, rather than with the old menu gone.
    context.files.open(&spec, context.state.root)?;
    Ok(Flow::Menu(spec))
}
