//! What the toolstack may ask of the machine, and what becomes of it here.

use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec::Vec;

use minios::signal::Gate;

use super::media::{Media, MediaError};
use crate::machine::Machine;
use crate::qmp::verbs::{self, FdSet};
use crate::qmp::{Answer, Failure};
use crate::surroundings::{Power, PowerState};

/// The machine, as the monitor sees it.
pub struct Monitor {
    /// It.
    pub machine: Rc<Machine>,
    /// Its power.
    pub power: Rc<dyn Power>,
    /// Opened when the guest can find its disks.
    pub ready: Rc<Gate>,
    /// CDs; `None` without IDE.
    pub media: Option<Rc<Media>>,
    /// Whether the guest may run.
    pub running: bool,
    /// Processors plugged in, and most that there can be.
    pub processors: (u32, u32),
}

fn failure(id: &str, error: &MediaError) -> Failure {
    match error {
        MediaError::NoDrive => Failure::DeviceNotFound(id.to_string()),
        other => Failure::Generic(other.to_string()),
    }
}

impl Monitor {
    fn media(&self, id: &str) -> Answer<&Media> {
        let found = self.media.as_deref();
        found.ok_or_else(|| Failure::DeviceNotFound(id.to_string()))
    }
}

impl verbs::Machine for Monitor {
    async fn cont(&mut self) -> Answer<()> {
        self.ready.passed().await;
        self.running = true;
        Ok(())
    }

    async fn stop(&mut self) -> Answer<()> {
        self.running = false;
        Ok(())
    }

    fn running(&self) -> bool {
        self.running
    }

    fn processors(&self) -> u32 {
        self.processors.0
    }

    fn most_processors(&self) -> u32 {
        self.processors.1
    }

    fn plug_processor(&mut self, socket: u32) -> Answer<()> {
        let processor = u8::try_from(socket).ok();
        let processor = processor.filter(|_| socket < self.processors.1);
        let processor = processor.ok_or_else(|| Failure::generic("no such socket"))?;
        self.machine.plug_processor(processor, true);
        self.processors.0 = self.processors.0.max(socket + 1);
        Ok(())
    }

    fn power_button(&mut self) -> Answer<()> {
        self.machine.press_power_button();
        Ok(())
    }

    fn reset(&mut self) -> Answer<()> {
        self.power.set(PowerState::Reset);
        Ok(())
    }

    fn wakeup(&mut self) -> Answer<()> {
        self.power.set(PowerState::On);
        Ok(())
    }

    fn eject(&mut self, id: &str, force: bool) -> Answer<()> {
        let ejected = self.media(id)?.eject(id, force);
        ejected.map_err(|error| failure(id, &error))
    }

    fn fdsets(&self) -> Vec<FdSet> {
        self.media
            .as_ref()
            .map(|media| media.sets())
            .unwrap_or_default()
    }

    fn remove_fd(&mut self, set: i64, _: Option<i64>) -> Answer<()> {
        let removed = self.media("ide")?.remove(set);
        removed.map_err(|error| failure("ide", &error))
    }

    async fn change_medium(&mut self, id: &str, set: i64) -> Answer<()> {
        let inserted = self.media(id)?.insert(id, set).await;
        inserted.map_err(|error| failure(id, &error))
    }
}
