//! The stub domain's life, from the store's first answer to the guest's end.
//!
//! The order is the toolstack's: it waits for `running`, then asks for `cont`,
//! then lets the guest go. Everything slow (disks, consoles, screen) connects
//! beside that; `cont` is answered when the guest can find its disks.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::fmt;

use minios::guest::Guest;
use minios::hypercall;
use minios::signal::Gate;
use minios::xenstore::Store;
use minios::{executor, vchan};

use super::media::Media;
use super::monitor::Monitor;
use super::{
    Refusal, Server, Video, Wire, XenClock, XenMemory, XenPins, XenPower, XenRanges, disks, plan,
    screen,
};
use crate::arguments::SerialLine;
use crate::contract::{self, Attempt, Contract, ContractError};
use crate::ide::socket::Connected;
use crate::machine::{self, Backends, Drive, Machine};
use crate::qmp;
use crate::rompack::RomPack;
use crate::surroundings::{Power, Surroundings, VideoMemory};

/// Why there is no device model.
#[derive(Debug)]
pub enum StubError {
    /// The store does not say whose.
    Contract(ContractError),
    /// Xen does not let us serve this guest.
    Refused(u16, Refusal),
    /// No monitor.
    Monitor(String),
}

impl fmt::Display for StubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StubError::Contract(error) => error.fmt(f),
            StubError::Refused(guest, (attempt, error)) => {
                f.write_str(&contract::explain(*attempt, *guest, *error))
            }
            StubError::Monitor(error) => write!(f, "no monitor: {error}"),
        }
    }
}

impl core::error::Error for StubError {}

impl From<ContractError> for StubError {
    fn from(error: ContractError) -> Self {
        StubError::Contract(error)
    }
}

/// What the domain was started with.
pub struct Start<'a> {
    /// The store.
    pub store: Store,
    /// The kernel's command line.
    pub command_line: &'a str,
    /// The ROM pack.
    pub ramdisk: Option<&'a [u8]>,
}

/// Serves a guest until one of the two ends.
///
/// # Errors
/// Why it can't.
pub async fn run(start: Start<'_>) -> Result<Infallible, StubError> {
    let store = &start.store;
    let contract = Contract::read(store, start.command_line).await?;
    for warning in &contract.config.warnings {
        log::warn!("{warning}");
    }
    let refused = |refusal| StubError::Refused(contract.guest, refusal);
    let guest =
        Guest::open(contract.guest).map_err(|error| refused((Attempt::DeviceModel, error)))?;
    guest.depends_on_us();
    let (drives, connected) = disks::connect(store, &contract);
    let built = build(guest, &contract, &start, drives).map_err(refused)?;
    let mut monitor = Monitor {
        ready: when_settled(&connected),
        media: media(store, &contract, &built.machine, connected),
        machine: built.machine,
        power: built.power,
        running: false,
        processors: built.processors,
    };
    let path = qmp::serve::path(contract.ours, contract.guest);
    let vchan = vchan::Server::open(store, &path, 0)
        .await
        .map_err(|error| StubError::Monitor(format!("{error}")))?;
    if let Err(error) = contract.close_unserved(store).await {
        log::warn!("the guest may wait for a keyboard that nobody serves: {error}");
    }
    let said = contract.running(store).await;
    said.map_err(ContractError::from)?;
    log::info!(
        "device model of {guest}, {} processors",
        monitor.processors.0
    );
    executor::spawn(async move { qmp::serve::serve(vchan, &mut monitor).await });
    Ok(core::future::pending().await)
}

/// A gate that opens when it is clear which disks there are.
fn when_settled(connected: &Rc<Connected>) -> Rc<Gate> {
    let ready = Rc::new(Gate::new());
    let (opened, connected) = (ready.clone(), connected.clone());
    executor::spawn(async move {
        disks::settled(&connected).await;
        opened.open();
    });
    ready
}

/// CDs, and the task that follows them.
fn media(
    store: &Store,
    contract: &Contract,
    machine: &Machine,
    connected: Rc<Connected>,
) -> Option<Rc<Media>> {
    let ide = machine.handles().ide.clone()?;
    let drives = disks::cd_drives(contract);
    let media = Rc::new(Media::new(store.clone(), drives, ide, connected));
    let followed = media.clone();
    executor::spawn(async move {
        let Err(error) = followed.follow().await;
        log::warn!("CDs can no longer be changed: {error}");
    });
    Some(media)
}

/// A machine that is connected to its guest.
struct Built {
    machine: Rc<Machine>,
    power: Rc<dyn Power>,
    /// Plugged in, and most that there can be.
    processors: (u32, u32),
}

fn build(
    guest: Guest,
    contract: &Contract,
    start: &Start<'_>,
    drives: [Option<Drive>; 4],
) -> Result<Built, Refusal> {
    let server = Server::new(guest)?;
    let memory = XenMemory::new(guest).map_err(|error| (Attempt::GuestMemory, error))?;
    let memory = Rc::new(memory);
    let power: Rc<dyn Power> = Rc::new(XenPower::new(guest));
    let surroundings = Surroundings {
        memory: memory.clone(),
        pins: Rc::new(XenPins::new(guest)),
        ranges: Rc::new(XenRanges::new(guest, server.id())),
        clock: Rc::new(XenClock),
        power: power.clone(),
    };
    // Before Xen 4.15 only the command line knows.
    let most = hypercall::nr_vcpus(guest).unwrap_or(contract.config.most_processors);
    let config = machine::Config {
        unplug: contract.may_unplug(),
        ..plan::machine(&contract.config, most)
    };
    let wires: Vec<_> = contract.config.serials.iter().map(wire).collect();
    let backends = Backends {
        drives,
        serials: wires.iter().map(|(wire, _)| wire.clone() as _).collect(),
        video: video(guest, contract),
        vga_rom: rom(start, "vgabios-stdvga.bin"),
    };
    let machine = Rc::new(Machine::new(&config, surroundings, backends));
    for ((wire, console), uart) in wires.into_iter().zip(&machine.handles().serials) {
        if let Some(number) = console {
            executor::spawn(wire.serve(start.store.clone(), number, uart.clone()));
        }
    }
    // The display stays with its tasks until another viewer wants to join.
    let _ = screen::connect(&start.store, machine.handles());
    server.start(most, machine.clone(), memory)?;
    Ok(Built {
        machine,
        power,
        processors: (config.processors, most),
    })
}

/// The far end of a serial port, and the console that it is.
fn wire(line: &SerialLine) -> (Rc<Wire>, Option<u32>) {
    match line {
        SerialLine::Console(number) => (Rc::default(), Some(*number)),
        SerialLine::Nowhere => (Rc::new(Wire::nowhere()), None),
    }
}

/// Memory for the display adapter. Without, the guest has none.
fn video(guest: Guest, contract: &Contract) -> Option<Rc<dyn VideoMemory>> {
    let pages = plan::vga_pages(&contract.config)?;
    let ram = contract.config.memory.unwrap_or(0) << (20 - 12);
    match Video::new(guest, ram, pages) {
        Ok(video) => Some(Rc::new(video)),
        Err(error) => {
            log::error!("{error}");
            None
        }
    }
}

/// A file of the ROM pack.
fn rom(start: &Start<'_>, name: &str) -> Option<Rc<[u8]>> {
    let found = match RomPack::new(start.ramdisk.unwrap_or_default()) {
        Ok(pack) => pack.get(name).map(Rc::from),
        Err(error) => {
            log::warn!("the ramdisk is no ROM pack: {error}");
            return None;
        }
    };
    if found.is_none() {
        log::warn!("the ROM pack has no {name}");
    }
    found
}
