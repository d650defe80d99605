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
use pvgrub::terminal::{Everywhere, Screens, TransferLine};
use pvgrub::typeahead::Typeahead;
use pvgrub::vbd::Disks;
use pvgrub::vfb::Vfb;
use pvgrub::vif;

minios::main!(run);

async fn run(environment: Environment) -> Result<Shutdown, Infallible> {
    let vfb = Vfb::find(&environment.store).await;
    let screens = Screens::new(vfb.clone());
    let disks = Rc::new(Disks::open(&environment.store).await);
    let typed = Typeahead::default();
    let line = TransferLine::new(screens.clone(), typed.clone());
    let network = vif::find(&environment.store, Box::new(line)).await;
    let files = network.clone().map(|network| network as Rc<dyn Network>);
    let storage = Storage::new(disk::Disks::new(disks.devices())).with_network(files);
    let devices = Devices {
        disks,
        network,
        vfb,
    };
    let starter = starter(environment.store.clone(), devices);
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
    let mut terminal = Everywhere::new(screens, typed);
    let exit = session::run(&mut terminal, &storage, &mut loader, &start);
    Ok(match exit {
        Exit::Reboot => Shutdown::Reboot,
        Exit::Booted | Exit::Halt | Exit::InputEnded => Shutdown::PowerOff,
    })
}
