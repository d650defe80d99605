//! `fstest`: tells which sectors are read.

use super::{Command, ENTRY, Flow};

pub static COMMAND: Command = Command {
    name: "fstest",
    flags: ENTRY,
    synopsis: "fstest",
    help: "\
Makes each command tell where on the device lies what it reads of files, as
[SECTOR,OFFSET,BYTES] in sectors of 512 bytes from the start of the
partition; once more ends that.
",
    run: |context, _| {
        context.watch.trace = !context.watch.trace;
        let state = if context.watch.trace { "on" } else { "off" };
        context
            .console
            .line(&alloc::format!(" Tracing of file systems is {state}."));
        Ok(Flow::Next)
    },
};
