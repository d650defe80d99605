//! `hiddenmenu`: shows the menu only on request.

use super::{Command, Flow, GLOBAL};

pub static COMMAND: Command = Command {
    name: "hiddenmenu",
    flags: GLOBAL,
    synopsis: "hiddenmenu",
    help: "\
Counts down without showing the menu, until a key asks for it. Has a meaning
only together with `timeout'.
",
    run: |context, _| {
        context.state.settings.hidden = true;
        Ok(Flow::Next)
    },
};
