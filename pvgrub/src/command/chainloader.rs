//! `chainloader`: a boot sector, for which a PV guest has no BIOS.

use super::{Command, ENTRY, Error, ErrorKind, LISTED};

pub static COMMAND: Command = Command {
    name: "chainloader",
    flags: ENTRY | LISTED,
    synopsis: "chainloader [--force] FILE",
    help: "\
Means nothing in a PV guest, and fails: boot sectors need a BIOS. Other boot
loaders that run as PV guests, such as GRUB 2's grub-x86_64-xen.bin, are
started like kernels: with `kernel'.
  --force   understood, and means nothing
  FILE      what the original would load, such as +1
",
    run: |_, _| {
        let reason = "a PV guest has no BIOS that a boot sector could run on";
        Err(Error::because(ErrorKind::BadExecutable, reason))
    },
};
