//! `initrd`: loads the ramdisk of the kernel.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, LISTED};
use alloc::format;
use alloc::vec::Vec;

pub static COMMAND: Command = Command {
    name: "initrd",
    flags: ENTRY | LISTED,
    synopsis: "initrd FILE [FILE...]",
    help: "\
Loads the ramdisk of the kernel that was loaded before. Several files, and
those of several `initrd' lines, are put one behind the other, each at a
multiple of 4 bytes, as Linux takes them.
  FILE    a file, passed on as it is
Example:
  initrd /boot/ucode.img /boot/initrd.img
",
    run: initrd,
};

fn initrd(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    if !context.state.kernel {
        return Err(Error::because(ErrorKind::NoKernelForInitrd, ""));
    }
    let names: Vec<&str> = arguments.split_ascii_whitespace().collect();
    if names.is_empty() {
        return Err(Error::because(
            ErrorKind::BadArgument,
            "a file name is missing",
        ));
    }
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        let spec = context.file(name)?;
        files.push(context.open(&spec)?.into_file());
    }
    context.console.flush();
    let loaded = context.machine.load_initrd(&mut files);
    let info = loaded.map_err(|error| error.about(arguments.trim()))?;
    context.console.line(&format!("   [{info}]"));
    Ok(Flow::Next)
}
