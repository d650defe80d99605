//! Devices in the store: where a frontend's and its backend's nodes are.
//!
//! A device of ours is the directory `device/<class>/<number>`; its node
//! `backend` names the backend's directory, `backend-id` the domain that runs
//! it. Each end writes only its own directory. The order in which they do that
//! is [`xen_proto::xenbus`]; who carries it out is [`crate::frontend`].

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::xenstore::{Error, Store, Watch};

pub use xen_proto::xenbus::XenbusState;

/// Some nodes of one directory, by name; those that are not there are left out.
#[derive(Clone, Debug, Default)]
pub struct Nodes(BTreeMap<&'static str, String>);

impl Nodes {
    /// A node's text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A node's number; `None` if it is not there or no number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.trim().parse().ok()
    }
}

/// One device of this domain.
#[derive(Clone)]
pub struct Device {
    store: Store,
    path: String,
    backend: String,
    backend_domain: u16,
}

/// Numbers of all devices of `class` (`vbd`, `vif`, …), in order of number.
///
/// # Errors
/// What the store says; that there is no device at all is none.
pub async fn list(store: &Store, class: &str) -> Result<Vec<u32>, Error> {
    let names = match store.directory(&format!("device/{class}")).await {
        Err(error) if error.is_not_found() => Vec::new(),
        other => other?,
    };
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

impl Device {
    /// Device `number` of `class`.
    ///
    /// # Errors
    /// What the store says; [`Error::Answer`] if `backend-id` is no domain.
    pub async fn open(store: &Store, class: &str, number: u32) -> Result<Device, Error> {
        let path = format!("device/{class}/{number}");
        let backend = store.read(&format!("{path}/backend")).await?;
        let id = store.read(&format!("{path}/backend-id")).await?;
        let backend_domain = id
            .trim()
            .parse()
            .map_err(|_| Error::Answer("backend-id is no number"))?;
        Ok(Device {
            store: store.clone(),
            path,
            backend,
            backend_domain,
        })
    }

    /// The domain that runs the backend.
    pub fn backend_domain(&self) -> u16 {
        self.backend_domain
    }

    /// The directory of our nodes.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The directory of the backend's nodes.
    pub fn backend_path(&self) -> &str {
        &self.backend
    }

    /// The state in our own node.
    ///
    /// # Errors
    /// What the store says.
    pub async fn state(&self) -> Result<XenbusState, Error> {
        state(&self.store, &self.path).await
    }

    /// The state of the backend; [`XenbusState::Unknown`] if its node is gone.
    ///
    /// # Errors
    /// What the store says.
    pub async fn backend_state(&self) -> Result<XenbusState, Error> {
        state(&self.store, &self.backend).await
    }

    /// Write our own state.
    ///
    /// # Errors
    /// What the store says.
    pub async fn set_state(&self, state: XenbusState) -> Result<(), Error> {
        self.store
            .write(&format!("{}/state", self.path), &state.number().to_string())
            .await
    }

    /// Tells of changes of the backend's state.
    ///
    /// # Errors
    /// What the store says.
    pub async fn watch_backend(&self) -> Result<Watch, Error> {
        self.store.watch(&format!("{}/state", self.backend)).await
    }

    /// Read some of the backend's nodes.
    ///
    /// # Errors
    /// What the store says; that a node is not there is none.
    pub async fn read_backend(&self, names: &[&'static str]) -> Result<Nodes, Error> {
        let mut nodes = BTreeMap::new();
        for &name in names {
            if let Some(text) = self
                .store
                .read_if_there(&format!("{}/{name}", self.backend))
                .await?
            {
                nodes.insert(name, text);
            }
        }
        Ok(Nodes(nodes))
    }

    /// Write nodes of ours, all or none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn publish(&self, nodes: &[(String, String)]) -> Result<(), Error> {
        self.store
            .transaction(async |inside| {
                for (name, value) in nodes {
                    inside
                        .write(&format!("{}/{name}", self.path), value)
                        .await?;
                }
                Ok(())
            })
            .await
    }

    /// Remove nodes of ours.
    ///
    /// # Errors
    /// What the store says; that a node is not there is none.
    pub async fn withdraw(&self, names: impl Iterator<Item = &str>) -> Result<(), Error> {
        for name in names {
            self.store.rm(&format!("{}/{name}", self.path)).await?;
        }
        Ok(())
    }

    /// Tell the administrator why this device does not work, where the toolstack looks for it.
    pub async fn report(&self, why: &str) {
        log::error!("{}: {why}", self.path);
        let path = format!("error/{}/error", self.path);
        if let Err(error) = self.store.write(&path, why).await {
            log::debug!("{path}: {error}");
        }
    }
}

async fn state(store: &Store, directory: &str) -> Result<XenbusState, Error> {
    let text = store.read_if_there(&format!("{directory}/state")).await?;
    Ok(text.map_or(XenbusState::Unknown, |text| XenbusState::parse(&text)))
}
