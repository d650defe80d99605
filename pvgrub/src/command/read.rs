//! `read`: a word of physical memory, of which a PV guest has none to show.

use super::{Command, ENTRY, Error, ErrorKind};

pub static COMMAND: Command = Command {
    name: "read",
    flags: ENTRY,
    synopsis: "read ADDRESS",
    help: "\
Means nothing in a PV guest, and fails: its memory has no physical addresses
that would hold anything known, such as BIOS tables.
  ADDRESS    what the original would read
",
    run: |_, _| {
        let reason = "a PV guest has no physical memory to look into";
        Err(Error::because(ErrorKind::BadArgument, reason))
    },
};
