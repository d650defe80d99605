//! `rootnoverify`: like `root`, without a look at the device.

use super::{Command, ENTRY, Flow, LISTED, root};

pub static COMMAND: Command = Command {
    name: "rootnoverify",
    flags: ENTRY | LISTED,
    synopsis: "rootnoverify [DEVICE [HDBIAS]]",
    help: "\
Like `root', but does not look at what is there.
  DEVICE    the device
  HDBIAS    understood, and means nothing
",
    run: |context, arguments| {
        root::set(context, arguments)?;
        Ok(Flow::Next)
    },
};
