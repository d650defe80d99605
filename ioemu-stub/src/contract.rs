//! What the toolstack and a device model have agreed on in the store.
//!
//! ```text
//!   target                                     the guest's number            read
//!   /local/domain/<guest>/vm                   /vm/<uuid>                    read
//!   /vm/<uuid>/image/dm-argv/001, 002, …       our command line              read
//!   /vm/<uuid>/image/dmargs                    the same, the old way         read
//!   device/vbd/<number>                        the guest's disks             read
//!   /local/domain/<ours>/device-model/<guest>/state   "running"              written
//!   …/qmp-vchan/                               where the monitor is          written
//! ```
//!
//! `xl create` waits 30 s for `running`, and then for an answer of the monitor.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use minios::executor;
use minios::hypercall::Errno;
use minios::xenbus::XenbusState;
use minios::xenstore::{Error, Store};
use xen_sys::errno;

use crate::arguments::{ArgumentError, Config, Drive, Media};

/// Why this domain cannot be anybody's device model. In one line for the log.
#[derive(Debug, PartialEq, Eq)]
pub enum ContractError {
    /// There is no guest to serve.
    NoTarget,
    /// A node that must be there is not, or makes no sense.
    Node {
        /// Its path.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The command line.
    Arguments(ArgumentError),
    /// The connection to the store.
    Store(Error),
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContractError::NoTarget => f.write_str(
                "this domain has no `target`: it is a device model, to be started by xl for an \
                 HVM guest with device_model_stubdomain_override = 1",
            ),
            ContractError::Node { path, why } => write!(f, "{path}: {why}"),
            ContractError::Arguments(error) => error.fmt(f),
            ContractError::Store(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ContractError {}

impl From<Error> for ContractError {
    fn from(error: Error) -> Self {
        ContractError::Store(error)
    }
}

impl From<ArgumentError> for ContractError {
    fn from(error: ArgumentError) -> Self {
        ContractError::Arguments(error)
    }
}

/// A disk of this domain: the guest's, under the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualDisk {
    /// Its number: 768 is hda.
    pub devid: u32,
    /// Disk or CD.
    pub media: Media,
    /// The backend takes no writes.
    pub read_only: bool,
    /// The backend is QEMU in dom0, which runs for this domain only: the
    /// guest's own PV driver would find nobody.
    pub only_ours: bool,
}

/// All that stands in the store when a device model starts.
#[derive(Clone, Debug)]
pub struct Contract {
    /// This domain.
    pub ours: u16,
    /// The guest.
    pub guest: u16,
    /// What the machine is to be.
    pub config: Config,
    /// Every disk there is, named in the configuration or not.
    pub disks: Vec<VirtualDisk>,
}

impl Contract {
    /// Read it. `command_line` is the kernel's own.
    ///
    /// # Errors
    /// [`ContractError`].
    pub async fn read(store: &Store, command_line: &str) -> Result<Contract, ContractError> {
        let ours = number(store, "domid").await?;
        let guest = match store.read_if_there("target").await? {
            Some(text) => domain("target", &text)?,
            None => return Err(ContractError::NoTarget),
        };
        let (mut config, drives_named) = configuration(store, guest, command_line).await?;
        let disks = disks(store).await?;
        if !drives_named {
            config.drives = disks.iter().filter_map(traditional).collect();
        }
        config.add_command_line(command_line);
        if let Some(other) = config.guest.filter(|other| *other != guest) {
            let line = format!("the command line is domain {other}'s, the target is {guest}");
            config.warnings.push(line);
        }
        Ok(Contract {
            ours,
            guest,
            config,
            disks,
        })
    }

    /// Where we and the toolstack write to each other.
    #[must_use]
    pub fn directory(&self) -> String {
        format!("/local/domain/{}/device-model/{}", self.ours, self.guest)
    }

    /// The virtual disk behind a drive.
    #[must_use]
    pub fn disk(&self, drive: &Drive) -> Option<&VirtualDisk> {
        let present: Vec<u32> = self.disks.iter().map(|disk| disk.devid).collect();
        let devid = drive.devid(&present)?;
        self.disks.iter().find(|disk| disk.devid == devid)
    }

    /// Whether the guest may have its emulated disks unplugged: only if its own
    /// drivers would find all of them elsewhere. CD drives are not unplugged.
    #[must_use]
    pub fn may_unplug(&self) -> bool {
        let stays = |disk: &&VirtualDisk| disk.only_ours && disk.media == Media::Disk;
        let stays = self.disks.iter().find(stays);
        if let Some(disk) = stays {
            log::warn!(
                "disk {} is served by QEMU, and for this domain only: the guest has to stay on \
                 its emulated disks",
                disk.devid
            );
        }
        stays.is_none()
    }

    /// Close what the guest's own drivers would wait for in vain.
    ///
    /// libxl gives every HVM guest a PV keyboard, to be served by the QEMU that
    /// is its device model. Here there is none, and Linux would wait 30 s for
    /// it. A device that is closed when it is first seen is about to go away, so
    /// drivers pass it over.
    ///
    /// # Errors
    /// What the store says.
    pub async fn close_unserved(&self, store: &Store) -> Result<(), Error> {
        let class = format!("/local/domain/{}/device/vkbd", self.guest);
        let devices = match store.directory(&class).await {
            Err(error) if error.is_not_found() => return Ok(()),
            other => other?,
        };
        for device in devices {
            let front = format!("{class}/{device}");
            let backend = store.read_if_there(&format!("{front}/backend")).await?;
            // Those of the `linux` kind have a driver in dom0: `/backend/vinput/`.
            if backend.is_some_and(|backend| backend.contains("/backend/vkbd/")) {
                let closed = (XenbusState::Closed as u32).to_string();
                store.write(&format!("{front}/state"), &closed).await?;
            }
        }
        Ok(())
    }

    /// Tell the toolstack that the guest can be started.
    ///
    /// # Errors
    /// What the store says.
    pub async fn running(&self, store: &Store) -> Result<(), Error> {
        let path = format!("{}/state", self.directory());
        store.write(&path, "running").await
    }
}

fn traditional(disk: &VirtualDisk) -> Option<Drive> {
    Drive::from_devid(disk.devid, disk.media, disk.read_only)
}

async fn number(store: &Store, path: &str) -> Result<u16, ContractError> {
    let text = read(store, path).await?;
    domain(path, &text)
}

fn domain(path: &str, text: &str) -> Result<u16, ContractError> {
    text.trim().parse().map_err(|_| ContractError::Node {
        path: path.to_string(),
        why: format!("{text:?} is no domain"),
    })
}

async fn read(store: &Store, path: &str) -> Result<String, ContractError> {
    match store.read(path).await {
        Ok(text) => Ok(text),
        Err(error @ Error::Lost(_)) => Err(error.into()),
        Err(error) => Err(ContractError::Node {
            path: path.to_string(),
            why: error.to_string(),
        }),
    }
}

/// The command line, and whether it names the drives.
async fn configuration(
    store: &Store,
    guest: u16,
    command_line: &str,
) -> Result<(Config, bool), ContractError> {
    let vm = read(store, &format!("/local/domain/{guest}/vm")).await?;
    let argv = format!("{vm}/image/dm-argv");
    let words = words(store, &argv).await?;
    if !words.is_empty() {
        return Ok((Config::from_argv(&words)?, true));
    }
    let dmargs = store.read_if_there(&format!("{vm}/image/dmargs")).await?;
    match dmargs {
        Some(text) => Ok((Config::from_text(&text)?, false)),
        // As stubdom-dm starts us: the words are the kernel's own.
        None => Ok((Config::from_text(command_line)?, false)),
    }
}

/// The words below `path`, in the order of their numbers.
async fn words(store: &Store, path: &str) -> Result<Vec<String>, ContractError> {
    let names = match store.directory(path).await {
        Err(error) if error.is_not_found() => Vec::new(),
        other => other?,
    };
    let mut numbered: Vec<(u32, String)> = names
        .into_iter()
        .filter_map(|name| Some((name.parse().ok()?, name)))
        .collect();
    numbered.sort_unstable();
    // All asked for at once: xenstored is one process on a busy dom0.
    let ask = |(_, name): (u32, String)| {
        let (store, path) = (store.clone(), format!("{path}/{name}"));
        executor::spawn(async move { read(&store, &path).await })
    };
    let asked: Vec<_> = numbered.into_iter().map(ask).collect();
    let mut words = Vec::new();
    for word in asked {
        words.push(word.await?);
    }
    Ok(words)
}

async fn disks(store: &Store) -> Result<Vec<VirtualDisk>, ContractError> {
    let numbers = minios::xenbus::list(store, "vbd").await?;
    let ask = |devid: u32| {
        let store = store.clone();
        executor::spawn(async move { disk(&store, devid).await })
    };
    let asked: Vec<_> = numbers.into_iter().map(ask).collect();
    let mut disks = Vec::new();
    for disk in asked {
        disks.push(disk.await?);
    }
    Ok(disks)
}

async fn disk(store: &Store, devid: u32) -> Result<VirtualDisk, ContractError> {
    let front = format!("device/vbd/{devid}");
    let backend = store.read_if_there(&format!("{front}/backend")).await?;
    let kind = store.read_if_there(&format!("{front}/device-type")).await?;
    let backend = backend.unwrap_or_default();
    let mode = store.read_if_there(&format!("{backend}/mode")).await;
    let read_only = mode.ok().flatten().is_some_and(|mode| mode.trim() == "r");
    Ok(VirtualDisk {
        devid,
        media: match kind.as_deref() {
            Some("cdrom") => Media::Cd,
            _ => Media::Disk,
        },
        read_only,
        only_ours: backend.contains("/backend/qdisk/"),
    })
}

/// What was attempted when Xen said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// A device model operation: registering for the guest's accesses.
    DeviceModel,
    /// Getting at the page that requests come in.
    RequestPage,
    /// An event channel to a processor of the guest.
    EventChannel,
    /// Mapping memory of the guest, or giving it memory for its screen.
    GuestMemory,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Attempt::DeviceModel => "device model operation",
            Attempt::RequestPage => "page of requests",
            Attempt::EventChannel => "event channel to the guest",
            Attempt::GuestMemory => "memory of the guest",
        })
    }
}

/// One clear line for a refusal of Xen's.
#[must_use]
pub fn explain(attempt: Attempt, guest: u16, error: Errno) -> String {
    let why = match (error.0, attempt) {
        (errno::XEN_EPERM | errno::XEN_EACCES, Attempt::EventChannel) => {
            "Xen lets domains talk to dom0 only (xsm=silo): device models in stub domains \
             need xsm=dummy or flask"
        }
        (errno::XEN_EPERM | errno::XEN_EACCES, _) => {
            "this domain has no power over the guest: only what the toolstack names its device \
             model has (xl with device_model_stubdomain_override = 1), and under flask only with \
             the label of one"
        }
        (errno::XEN_ENOSYS | errno::XEN_EOPNOTSUPP, Attempt::DeviceModel) => {
            "this Xen is too old: device models need 4.9"
        }
        (errno::XEN_ENOSYS | errno::XEN_EOPNOTSUPP, _) => "this Xen is too old for it",
        (errno::XEN_ESRCH, _) => "the guest is gone",
        (errno::XEN_ENOMEM, Attempt::GuestMemory) => {
            "no memory is left for it: the guest's videoram is too small"
        }
        (errno::XEN_ENOMEM, _) => "Xen has no memory left",
        _ => return format!("domain {guest}: {attempt}: {error}"),
    };
    format!("domain {guest}: {attempt}: {error}: {why}")
}

#[cfg(test)]
mod tests;
