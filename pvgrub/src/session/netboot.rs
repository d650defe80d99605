//! The menu that the network names, for a guest that was told of none.

use super::start::{open_menu, say};
use super::{Session, Source};
use crate::command::print_addresses;
use crate::disk::{DeviceName, FileSpec};
use alloc::format;

/// A menu that comes from the network needs an address first, and whoever
/// waits for it is told which. What goes wrong the menu tells.
pub(super) fn prepare(session: &mut Session<'_, '_>, spec: &FileSpec) {
    if !matches!(
        spec.device,
        Some(DeviceName::Network | DeviceName::Server(..))
    ) {
        return;
    }
    session.context.console.flush();
    let network = session.context.files.network();
    if let Some(Ok(addresses)) = network.map(|network| network.dhcp(false)) {
        print_addresses(&mut session.context, &addresses);
    }
}

/// Asks by DHCP; option 150 is the menu. Any key ends the wait.
pub(super) fn find_menu(session: &mut Session<'_, '_>) -> Option<Source> {
    let network = session.context.files.network()?;
    say(session, "Asking the network for a menu; a key skips this.");
    session.context.console.flush();
    let menu = match network.dhcp(true) {
        Ok(addresses) => {
            print_addresses(&mut session.context, &addresses);
            network.menu()?
        }
        Err(error) => {
            say(session, &format!("No menu from the network: {error}"));
            return None;
        }
    };
    say(session, &format!("The DHCP server names the menu {menu}"));
    session.context.console.flush();
    match FileSpec::parse(&menu) {
        Ok(spec) => open_menu(session, &spec),
        Err(error) => {
            say(session, &format!("No menu: {error}"));
            None
        }
    }
}
