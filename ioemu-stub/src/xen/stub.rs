//! The stub domain's life, from the store's first answer to the guest's end.
//!
//! The order is the toolstack's: it waits for `running`, then asks for `cont`,
//! then lets the guest go. Everything slow (disks, consoles, screen) connects
//! beside that; `cont` is answered when the guest can find its disks.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::Cell;
use core::convert::Infallible;
use core::fmt;

use minios::guest::Guest;
use minios::hypercall::{self, Errno};
use minios::signal::Gate;
use minios::xenstore::{self, Store};
use minios::{executor, vchan};

use super::{Server, ServerError, XenClock, XenMemory, XenPins, XenPower, XenRanges};
use crate::machine::{Backends, Config, Machine};
use crate::qmp::{self, Answer};
use crate::surroundings::Surroundings;

/// Why there is no device model.
#[derive(Debug)]
pub enum StubError {
    /// The store does not say what it should.
    Store(&'static str, xenstore::Error),
    /// A number in the store is none.
    Number(&'static str, String),
    /// Xen does not let us.
    Guest(u16, Errno),
    /// No memory for the map of the guest's.
    Memory(Errno),
    /// No requests from Xen.
    Server(ServerError),
    /// No monitor.
    Monitor(String),
}

impl fmt::Display for StubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StubError::Store(node, error) => write!(f, "{node}: {error}"),
            StubError::Number(node, value) => write!(f, "{node}: not a number: {value:?}"),
            StubError::Guest(guest, error) => {
                write!(f, "not the device model of domain {guest}: {error}")
            }
            StubError::Memory(error) => write!(f, "no room for the guest's memory map: {error}"),
            StubError::Server(error) => error.fmt(f),
            StubError::Monitor(error) => write!(f, "no monitor: {error}"),
        }
    }
}

impl core::error::Error for StubError {}

/// Serves a guest until one of the two ends.
///
/// # Errors
/// Why it can't.
pub async fn run(store: Store) -> Result<Infallible, StubError> {
    let ours = number(&store, "domid").await?;
    let target = number(&store, "target").await?;
    let guest = Guest::open(target).map_err(|error| StubError::Guest(target, error))?;
    guest.depends_on_us();
    let server = Server::new(guest).map_err(StubError::Server)?;
    let memory = Rc::new(XenMemory::new(guest).map_err(StubError::Memory)?);
    let surroundings = Surroundings {
        memory: memory.clone(),
        pins: Rc::new(XenPins::new(guest)),
        ranges: Rc::new(XenRanges::new(guest, server.id())),
        clock: Rc::new(XenClock),
        power: Rc::new(XenPower::new(guest)),
    };
    let processors = hypercall::nr_vcpus(guest).unwrap_or(1);
    let config = Config {
        processors,
        ..Config::default()
    };
    let machine = Rc::new(Machine::new(&config, surroundings, Backends::default()));
    server
        .start(processors, machine.clone(), memory)
        .map_err(StubError::Server)?;
    let ready = Rc::new(Gate::new());
    ready.open();
    let mut monitor = Monitor {
        machine,
        ready,
        running: Cell::new(false),
        processors,
    };
    let vchan = vchan::Server::open(&store, &qmp::serve::path(ours, target), 0)
        .await
        .map_err(|error| StubError::Monitor(format!("{error}")))?;
    let state = format!("/local/domain/{ours}/device-model/{target}/state");
    store
        .write(&state, "running")
        .await
        .map_err(|error| StubError::Store("state", error))?;
    log::info!("device model of {guest}: {processors} processors");
    executor::spawn(async move { qmp::serve::serve(vchan, &mut monitor).await });
    Ok(core::future::pending().await)
}

/// A node of our own that holds a domain number.
async fn number(store: &Store, node: &'static str) -> Result<u16, StubError> {
    let value = store
        .read(node)
        .await
        .map_err(|error| StubError::Store(node, error))?;
    value.parse().map_err(|_| StubError::Number(node, value))
}

/// What the toolstack may ask of the machine.
struct Monitor {
    machine: Rc<Machine>,
    ready: Rc<Gate>,
    running: Cell<bool>,
    processors: u32,
}

impl qmp::verbs::Machine for Monitor {
    async fn cont(&mut self) -> Answer<()> {
        self.ready.passed().await;
        self.running.set(true);
        Ok(())
    }

    async fn stop(&mut self) -> Answer<()> {
        self.running.set(false);
        Ok(())
    }

    fn running(&self) -> bool {
        self.running.get()
    }

    fn processors(&self) -> u32 {
        self.processors
    }

    fn power_button(&mut self) -> Answer<()> {
        self.machine.press_power_button();
        Ok(())
    }
}
