//! `halt`: powers the guest off.

use super::{Command, ENTRY, Flow, LISTED};

pub static COMMAND: Command = Command {
    name: "halt",
    flags: ENTRY | LISTED,
    synopsis: "halt [--no-apm]",
    help: "\
Powers this guest off.
  --no-apm    understood, and means nothing
",
    run: |_, _| Ok(Flow::Halt),
};
