//! `reboot`: reboots the guest.

use super::{Command, ENTRY, Flow, LISTED};

pub static COMMAND: Command = Command {
    name: "reboot",
    flags: ENTRY | LISTED,
    synopsis: "reboot",
    help: "\
Reboots this guest.
",
    run: |_, _| Ok(Flow::Reboot),
};
