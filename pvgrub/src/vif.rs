//! The guest's network: its first vif, connected when it is first needed.

#![forbid(unsafe_code)]

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::ToString;

use minios::xenstore::Store;
use netfront::{Nic, Options};

use crate::net::{Live, Meter};

/// The network of a guest with a vif.
pub type Vif = Live<Nic>;

/// The network, if the guest has a vif; which is not touched yet. What is
/// seen of transfers goes to `meter`.
pub async fn find(store: &Store, meter: Box<dyn Meter>) -> Option<Rc<Vif>> {
    let number = match netfront::list(store).await {
        Ok(numbers) => *numbers.first()?,
        Err(error) => {
            log::warn!("no network: {error}");
            return None;
        }
    };
    let store = store.clone();
    let open = move || -> crate::net::Opening<Nic> {
        let store = store.clone();
        Box::pin(async move {
            let opened = Nic::open(&store, number, Options::default()).await;
            opened.map_err(|error| error.to_string())
        })
    };
    Some(Rc::new(Live::new(Box::new(open), meter)))
}

/// Closes the card such that the next kernel can connect; one that was never
/// touched is as it was.
pub async fn close(vif: &Vif) {
    if let Some(nic) = vif.shut() {
        nic.close().await;
    }
}
