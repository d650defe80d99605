//! `debug`: tells what is read, and how fast.

use super::{Command, ENTRY, Flow};

pub static COMMAND: Command = Command {
    name: "debug",
    flags: ENTRY,
    synopsis: "debug",
    help: "\
Makes each command tell which files it reads, how much of them, in how many
reads, how long that took and how fast it was; once more ends that.
",
    run: |context, _| {
        context.watch.debug = !context.watch.debug;
        let state = if context.watch.debug { "on" } else { "off" };
        context
            .console
            .line(&alloc::format!(" Debugging is {state}."));
        Ok(Flow::Next)
    },
};
