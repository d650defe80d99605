//! `dhcp`, `bootp`: an address from a server; `rarp`, which has no server any
//! more.

use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::disk::FileSpec;
use crate::menu::lexer::argument;
use crate::net::{Addresses, Network};
use alloc::format;
use core::net::Ipv4Addr;

pub static COMMAND: Command = Command {
    name: "dhcp",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "dhcp [--with-configfile]",
    help: "\
Asks a DHCP server for an address, and prints what it says.
  --with-configfile    then follow to the menu that the server names in
                       option 150, if it names one: at once, also from
                       the top of another menu, which only shows if that
                       one cannot be had
Files on the network need no `dhcp' before them: the first one asks by
itself. ^C ends the wait.
Example:
  dhcp
  kernel (nd)/linux
",
    run: dhcp,
};

pub static BOOTP: Command = Command {
    name: "bootp",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "bootp [--with-configfile]",
    help: "\
The same as `dhcp', which took BOOTP's place.
  --with-configfile    as there
",
    run: dhcp,
};

pub static RARP: Command = Command {
    name: "rarp",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "rarp",
    help: "\
Fails: RARP tells an address but no server, and nobody serves it any more.
Use `dhcp', or `ifconfig' for addresses by hand.
",
    run: |_, _| {
        let reason = "RARP tells no server and is not supported; use dhcp or ifconfig";
        Err(Error::because(ErrorKind::NotInitialised, reason))
    },
};

/// The network.
///
/// # Errors
/// There is none.
pub(super) fn network<'a>(context: &Context<'a, '_>) -> Result<&'a dyn Network, Error> {
    let missing = || Error::from(crate::net::NetError::NoCard);
    context.files.network().ok_or_else(missing)
}

fn dhcp(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let with_menu = match argument(arguments).0 {
        "" => false,
        "--with-configfile" => true,
        other => {
            let reason = "the only option is --with-configfile";
            return Err(Error::because(ErrorKind::BadArgument, reason).about(other));
        }
    };
    let network = network(context)?;
    context.console.flush();
    let addresses = network.dhcp(false)?;
    print(context, &addresses);
    match network.menu().filter(|_| with_menu) {
        Some(menu) => Ok(Flow::Menu(FileSpec::parse(&menu)?)),
        None => Ok(Flow::Next),
    }
}

/// Prints addresses as the original does.
pub(crate) fn print(context: &mut Context<'_, '_>, addresses: &Addresses) {
    let text = |address: Option<Ipv4Addr>| address.unwrap_or(Ipv4Addr::UNSPECIFIED);
    for (what, address) in [
        ("Address", addresses.address),
        ("Netmask", addresses.mask),
        ("Server", text(addresses.server)),
        ("Gateway", text(addresses.gateway)),
    ] {
        context.console.line(&format!("{what}: {address}"));
    }
}
