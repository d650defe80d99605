//! `lock`: an entry that needs the password.

use super::{Command, ENTRY, Error, ErrorKind, Flow};

pub static COMMAND: Command = Command {
    name: "lock",
    flags: ENTRY,
    synopsis: "lock",
    help: "\
Ends the entry with an error unless the menu's password was given. Stands at
the beginning of an entry that is not for everybody; `password' sets the
password.
Example:
  title For administrators
  lock
  kernel /boot/vmlinuz single
",
    run: |context, _| {
        if context.state.locked() {
            Err(Error::because(ErrorKind::Locked, ""))
        } else {
            Ok(Flow::Next)
        }
    },
};
