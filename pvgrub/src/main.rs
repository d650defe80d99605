//! The unikernel: finds the disks, runs a session at the menu, starts what
//! was chosen. Only wiring; the rooms are in the library.
#![no_std]
#![no_main]
#![deny(unsafe_code)]
extern crate alloc;

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::convert::Infallible;

use minios::Shutdown;
use minios::boot::{Environment, start_info};
use pvgrub::disk;
use pvgrub::fs::Storage;
use pvgrub::leave::{Devices, starter};
use pvgrub::loader::{Domain, Loader};
use pvgrub::net::Network;
use pvgrub::session::{self, Exit, Start};
use pvgrub::terminal::{PvConsole, TransferLine};
use pvgrub::typeahead::Typeahead;
use pvgrub::vbd::Disks;
use pvgrub::vif;

minios::main!(run);

async fn run(environment: Environment) -> Result<Shutdown, Infallible> {
    let disks = Rc::new(Disks::open(&environment.store).await);
    let typed = Typeahead::default();
    let network = vif::find(
        &environment.store,
        Box::new(TransferLine::new(typed.clone())),
    )
    .await;
    let files = network.clone().map(|network| network as Rc<dyn Network>);
    let storage = Storage::new(disk::Disks::new(disks.devices())).with_network(files);
    let starter = starter(environment.store.clone(), Devices { disks, network });
    let info = start_info();
    let domain = Domain {
        pages: info.nr_pages,
        flags: info.flags,
    };
    let mut loader = Loader::new(domain, starter);
    let start = Start {
        command_line: &environment.command_line,
        ramdisk: environment.ramdisk.as_deref(),
    };
    let exit = session::run(&mut PvConsole::new(typed), &storage, &mut loader, &start);
    Ok(match exit {
        Exit::Reboot => Shutdown::Reboot,
        Exit::Booted | Exit::Halt | Exit::InputEnded => Shutdown::PowerOff,
    })
}
