//! `map`: BIOS drive numbers, which nobody asks for here.

use super::{Command, ENTRY, Flow, LISTED};

pub static COMMAND: Command = Command {
    name: "map",
    flags: ENTRY | LISTED,
    synopsis: "map TO_DRIVE FROM_DRIVE",
    help: "\
Means nothing in a PV guest, and is passed over: there is no BIOS whose
drives could be swapped. Which disk is which is set in the guest's
configuration.
  TO_DRIVE, FROM_DRIVE    what the original would swap
",
    run: |context, _| {
        let text = " There is no BIOS whose drives could be swapped; passed over.";
        context.console.line(text);
        Ok(Flow::Next)
    },
};
