//! `ifconfig`, `tftpserver`: the network by hand.

use super::dhcp::{network, print};
use super::{Command, Context, ENTRY, Error, ErrorKind, Flow, GLOBAL, LISTED};
use crate::menu::lexer::argument;
use crate::net::{Change, NetError};
use alloc::format;
use core::net::Ipv4Addr;

pub static COMMAND: Command = Command {
    name: "ifconfig",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "ifconfig [--address=IP] [--gateway=IP] [--mask=MASK] [--server=IP] [--dns=IP]",
    help: "\
Sets addresses by hand, those that are given, and prints all in use.
  --address=IP     the guest's own
  --mask=MASK      of its network, such as 255.255.255.0
  --gateway=IP     the router to other networks
  --server=IP      the TFTP server, which is (nd)
  --dns=IP         the name server
Example:
  ifconfig --address=10.0.0.2 --mask=255.0.0.0 --server=10.0.0.1
",
    run: ifconfig,
};

pub static TFTPSERVER: Command = Command {
    name: "tftpserver",
    flags: ENTRY | GLOBAL | LISTED,
    synopsis: "tftpserver IPADDR",
    help: "\
Makes another server (nd), whatever the DHCP server says.
  IPADDR    its address
Example:
  tftpserver 10.0.0.1
",
    run: tftpserver,
};

fn address(text: &str) -> Result<Ipv4Addr, Error> {
    let reason = "an address is four numbers with dots between them";
    text.parse()
        .map_err(|_| Error::because(ErrorKind::BadArgument, reason).about(text))
}

fn ifconfig(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let network = network(context)?;
    let change = change(arguments)?;
    let addresses = if change == Change::default() {
        network.addresses()
    } else {
        match network.configure(&change) {
            // The server is set; the address may come later.
            Err(NetError::AddressFirst) if change.address.is_none() && change.server.is_some() => {
                None
            }
            result => Some(result?),
        }
    };
    match addresses {
        Some(addresses) => print(context, &addresses),
        None => context.console.line("No address yet; `dhcp' asks for one."),
    }
    Ok(Flow::Next)
}

fn change(arguments: &str) -> Result<Change, Error> {
    let mut change = Change::default();
    let mut rest = arguments;
    loop {
        let (word, behind) = argument(rest);
        rest = behind;
        if word.is_empty() {
            return Ok(change);
        }
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let field = match name {
            "--address" => &mut change.address,
            "--gateway" => &mut change.gateway,
            "--mask" => &mut change.mask,
            "--server" => &mut change.server,
            "--dns" => &mut change.dns,
            _ => {
                let reason = "no such option of ifconfig";
                return Err(Error::because(ErrorKind::BadArgument, reason).about(word));
            }
        };
        *field = Some(address(value)?);
    }
}

fn tftpserver(context: &mut Context<'_, '_>, arguments: &str) -> Result<Flow, Error> {
    let network = network(context)?;
    let server = address(argument(arguments).0)?;
    let change = Change {
        server: Some(server),
        ..Change::default()
    };
    match network.configure(&change) {
        Ok(_) | Err(NetError::AddressFirst) => {}
        Err(error) => return Err(error.into()),
    }
    context.console.line(&format!("Server: {server}"));
    Ok(Flow::Next)
}
